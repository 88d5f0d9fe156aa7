"""The agent's look-up of a number and the registration of do-not-disturb, in both languages."""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re

import pytest
from conftest import LANGUAGES, look_at_all_widths
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {"register": "登记免打扰", "done": "已登记", "none": "没有用户使用该号码", "bad": "不是有效的手机号码",
              "list": "免打扰1", "remove": "移除", "confirm": "确定", "removed": "已移出名单", "sentence": r"^\d+月\d+日",
              "history": "全部经过", "back": "返回该用户"},
    "en": {"register": "Register do-not-disturb", "done": "Registered", "none": "No subscriber has this number",
           "bad": "This is no valid mobile number", "list": "Do not disturb 1", "remove": "Remove",
           "confirm": "Confirm", "removed": "Taken off the list", "sentence": r"^The |: ",
           "history": "Everything that happened", "back": "Back to the subscriber"},
}


def number_of_a_contact(reader):
    """A number with a history: the samples of the console are masked, so it comes from the export of the API."""
    planner = reader("planner")
    answer = planner.page.request.get("/api/v1/lists/dnd_02/export")
    found = re.findall(r"1[3-9]\d{9}", answer.text())
    assert found, answer.text()[:200]
    return found[0]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_agent_explains_a_number_and_registers_do_not_disturb(reader, language):
    words = WORDS[language]
    number = number_of_a_contact(reader)
    agent = reader("agent", language).page
    agent.goto("/explain")
    agent.fill("#number", "12345")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("alert")).to_contain_text(words["bad"])
    agent.fill("#number", "19900000000")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("alert")).to_contain_text(words["none"])

    agent.fill("#number", f"+86 {number[:3]}-{number[3:7]}-{number[7:]}")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("heading", name=re.compile(number))).to_be_visible()
    assert number not in agent.url
    sentences = agent.locator("p.sentence").all_inner_texts()
    assert sentences and all(re.search(words["sentence"], sentence) for sentence in sentences), sentences
    agent.locator("details.checks summary").first.click()
    expect(agent.locator("details.checks[open] li").first).to_be_visible()
    look_at_all_widths(agent, "explain-answer", language)

    # Everything that happened to the number, in order.
    address = agent.url
    agent.get_by_role("link", name=words["history"]).click()
    expect(agent.locator("tbody tr").first).to_be_visible()
    look_at_all_widths(agent, "explain-history", language)
    agent.get_by_role("link", name=words["back"]).click()
    assert agent.url == address

    agent.locator("details.drop summary").click()
    agent.fill("#reason", "客户来电要求")
    agent.locator("details.drop form button").click()
    expect(agent.get_by_role("status")).to_contain_text(words["done"])
    expect(agent.locator(".facts")).to_contain_text(words["list"])

    # It can be taken off again, with a reason and a confirmation.
    agent.goto("/lists")
    agent.fill("#number", number)
    agent.keyboard.press("Enter")
    expect(agent.locator("#found")).to_be_visible()
    look_at_all_widths(agent, "lists-found", language)
    row = agent.locator("#found tr", has_text=words["list"]).first
    row.locator("input[name=reason]").fill("客户同意恢复")
    row.get_by_role("button", name=words["remove"]).click()
    agent.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(agent.get_by_role("status")).to_contain_text(words["removed"])
    expect(agent.locator(".timeline")).to_contain_text("客户同意恢复")

    # The look-ups are in the audit log, without the number.
    admin = reader("admin", language).page
    admin.goto("/staff?tab=audit&q=subscriber.look_up")
    expect(admin.locator("tbody tr").first).to_contain_text("agent")
    assert number not in admin.content()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_of_numbers_is_imported_with_a_report(reader, language):
    number = number_of_a_contact(reader)
    agent = reader("agent", language).page
    agent.goto("/lists")
    agent.set_input_files("#file", {
        "name": "numbers.csv", "mimeType": "text/csv",
        "buffer": f"号码\r\n{number}\r\n{number}\r\nabc\r\n19900000000\r\n".encode("utf-8-sig")})
    agent.select_option("#import-list", "dnd_06")
    agent.fill("#import-reason", "集团名单")
    agent.locator("form[action='/lists/import'] button").click()
    agent.get_by_role("dialog").get_by_role("button", name=WORDS[language]["confirm"]).click()
    report = agent.locator("section.card", has_text="numbers.csv")
    expect(report.locator("dd")).to_have_text(
        ["4", re.compile("^[01]"), re.compile("^[01]"), "1", "1", "1"])  # rows, added, there already, twice, unknown, wrong
    expect(report.locator("tbody tr")).to_have_count(3)
    look_at_all_widths(agent, "lists-import", language)
    with agent.expect_download() as download:
        report.locator("a[download]").click()
    rejected = pathlib.Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in rejected[1:]] == [
        ["3", f"{number[:3]}****{number[7:]}"], ["4", "abc"], ["5", "199****0000"]], rejected
