"""The unified customer view: finding, the tabs, what is masked, contacts by channel; both languages and widths."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {"usage": "消费与订购", "contacts": "接触视图", "why": "营销原因", "show": "显示完整信息", "open": "打开",
              "shown": "已显示完整信息", "nobody": "没有符合条件的用户", "region": "须选择省份或地市", "table": "查看数据表"},
    "en": {"usage": "Usage and subscriptions", "contacts": "Contacts", "why": "Why and why not", "show": "Show in full",
           "open": "Open", "shown": "Shown in full", "nobody": "Nobody in your part", "region": "needs a province",
           "table": "Show the table"},
}


def a_number(reader):
    answer = reader("planner").page.request.get("/api/v1/lists/dnd_02/export")
    found = re.findall(r"1[3-9]\d{9}", answer.text())
    assert found, answer.text()[:200]
    return found[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_customer_is_found_and_seen_on_one_page(reader, language):
    words, number = WORDS[language], a_number(reader)
    agent = reader("agent", language).page
    agent.goto("/customers")
    look_at_all_widths(agent, "customers", language)
    agent.select_option("#by", "customer")
    agent.fill("#text", "999999999999999999")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("alert")).to_contain_text(words["nobody"])
    agent.select_option("#by", "fragment")
    agent.fill("#text", number[-4:])
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("alert")).to_contain_text(words["region"])
    for province in agent.locator("#province option").evaluate_all("all => all.map(each => each.value).filter(Boolean)"):
        agent.select_option("#by", "fragment")
        agent.fill("#text", number[:3] + "****" + number[-4:])
        agent.select_option("#province", province)
        agent.locator("form.stack button[type=submit]").click()
        if agent.get_by_role("button", name=words["open"]).count():
            break
    look_at_all_widths(agent, "customers-found", language)
    assert number not in agent.content()
    agent.get_by_role("button", name=words["open"]).first.click()
    expect(agent.locator("dl.facts").first).to_be_visible()
    assert number not in agent.content() and number not in agent.url
    look_at_all_widths(agent, "customer-profile", language)
    agent.set_viewport_size({"width": 1440, "height": 900})
    choice = {"zh-CN": "likes_travel", "en": "likes_media"}[language]
    agent.select_option("#preference", choice)
    agent.fill("#note", f"E2E {language}")
    agent.locator("form[action$='/preferences'] button").click()
    wait_for_done(agent, "added")
    expect(agent.locator("#preferences tbody")).to_contain_text(f"E2E {language}")
    look_at_all_widths(agent, "customer-preferences", language)
    agent.set_viewport_size({"width": 1440, "height": 900})
    agent.locator("form[action$='/preferences/remove'] button").first.click()
    agent.locator("dialog button.primary").click()
    wait_for_done(agent, "removed")

    agent.locator(".tabs").get_by_role("link", name=words["usage"]).click()
    agent.locator("body[data-charts=ready]").wait_for()
    assert agent.locator("[data-chart]").count() >= 2
    look_at_all_widths(agent, "customer-usage", language)
    agent.locator("figure.chart summary").first.click()
    expect(agent.locator("figure.chart table").first).to_be_visible()

    agent.locator(".tabs").get_by_role("link", name=words["contacts"], exact=True).click()
    agent.select_option("#days", "all")
    agent.locator("main form.fields button").click()
    look_at_all_widths(agent, "customer-contacts", language)
    agent.locator(".tabs").get_by_role("link", name=words["why"]).click()
    look_at_all_widths(agent, "customer-why", language)

    # In full for a reason, for this page only.
    agent.locator("details.drop summary").click()
    agent.fill("#reason", "客户本人核实")
    agent.locator("details.drop form button").click()
    expect(agent.get_by_role("status")).to_contain_text(words["shown"])
    expect(agent.get_by_role("heading", level=1)).to_contain_text(number)
    agent.locator(".tabs a").first.click()
    expect(agent.get_by_role("heading", level=1)).not_to_contain_text(number)


@pytest.mark.parametrize("language", LANGUAGES)
def test_contacts_by_channel_are_charts_with_tables_and_exports(reader, language):
    planner = reader("planner", language).page
    planner.goto("/customers/channels?months=24")
    planner.locator("body[data-charts=ready]").wait_for()
    assert planner.locator("[data-chart]").count() == 3
    look_at_all_widths(planner, "customer-channels", language)
    planner.fill("#rule", "arpu_avg_3m >= 80 AND")
    planner.keyboard.press("Enter")
    expect(planner.locator("#rule-error")).to_be_visible()
    for part in (".csv", "/preference.csv", "/diversion.csv"):
        answer = planner.request.get("/customers/channels" + part + "?months=24")
        assert answer.status == 200 and answer.body().startswith(b"\xef\xbb\xbf"), part
