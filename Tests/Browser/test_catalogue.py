"""The attribute catalogue: a derived attribute is tried, added, used, cannot go, goes; memory and warehouse; history."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest
from conftest import LANGUAGES, look_at_all_widths
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {"add": "新增派生属性", "preview": "预览分布", "save": "保存", "edit": "编辑派生属性", "gives": "得到", "wrong": "没有属性",
              "suggest": "改为", "remove": "移除", "confirm": "确定", "hot": "放入内存", "cold": "只留仓库", "used": "正被使用",
              "history": "目录历史", "file": "恢复为目录文件", "hot-tag": "热（内存）", "cold-tag": "冷（仓库）"},
    "en": {"add": "Add derived attribute", "preview": "Preview distribution", "save": "Save", "edit": "Edit derived attribute",
           "gives": "Gives", "wrong": "there is no attribute", "suggest": "Write", "remove": "Remove", "confirm": "Confirm",
           "hot": "Hold in memory", "cold": "Warehouse only", "used": "It is used", "history": "History",
           "file": "Go back to the file", "hot-tag": "Hot (memory)", "cold-tag": "Cold (warehouse)"},
}


def change(page, words, button, reason):
    """A change with its reason, after the question."""
    form = page.locator("form.rowform", has=page.get_by_role("button", name=words[button], exact=True))
    form.locator("[name=reason]").fill(reason)
    form.get_by_role("button", name=words[button], exact=True).click()
    with page.expect_navigation():
        page.locator("dialog[open]").get_by_role("button", name=words["confirm"]).click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_changes_by_revisions(reader, language):
    words = WORDS[language]
    page = reader("planner", language).page
    tag = language[:2]
    code, other = f"fee_year_{tag}", f"fee_more_{tag}"

    # Tried while it is typed, and its values before it is saved.
    page.goto("/catalogue")
    page.get_by_role("link", name=words["add"]).click()
    expression = page.locator("#expression")
    expression.fill("arpu_avg_3n * 12")
    expect(page.locator(".ruleresult .wrong")).to_contain_text(words["wrong"])
    page.locator(".ruleresult").get_by_role("button", name=re.compile(words["suggest"])).click()
    expect(page.locator(".ruleresult")).to_contain_text(words["gives"])
    assert expression.input_value() == "arpu_avg_3m * 12"
    page.fill("#code", "brand")
    page.fill("#zh", f"年消费{tag}")
    page.fill("#en", f"Fees of a year {tag}")
    page.select_option("#group", "fees")
    page.fill("#unit", "CNY")
    page.fill("#reason", "年度分层 <b>")
    page.get_by_role("button", name=words["save"], exact=True).click()
    expect(page.locator("#code-error")).to_be_visible()
    page.fill("#code", code)
    page.get_by_role("button", name=words["preview"]).click()
    expect(page.locator("[data-chart]")).to_be_visible()
    look_at_all_widths(page, "catalogue-derived", language)
    page.get_by_role("button", name=words["save"], exact=True).click()
    page.wait_for_url(f"**/catalogue/{code}*")
    look_at_all_widths(page, "catalogue-derived-attribute", language)

    # Another one is made of it: it cannot go now.
    page.goto("/derived-attributes")
    for field, text in [("code", other), ("zh", f"更多{tag}"), ("en", f"More {tag}"), ("reason", "x"), ("expression", f"{code} + 1")]:
        page.fill("#" + field, text)
    page.get_by_role("button", name=words["save"], exact=True).click()
    page.wait_for_url(f"**/catalogue/{other}*")
    page.goto(f"/catalogue/{code}")
    change(page, words, "remove", "不再需要")
    expect(page.get_by_role("alert").first).to_contain_text(words["used"])
    expect(page.get_by_role("alert").first).to_contain_text(other)

    # The builder and the picker of a segment have it.
    page.goto("/segments/new")
    page.locator("form[data-ready]").wait_for()
    assert page.locator(f"[data-insert^='{code}']").count() == 1

    # Into memory and out of it.
    page.goto("/catalogue/balance")
    expect(page.locator("dl.facts").first).to_contain_text(words["cold-tag"])
    look_at_all_widths(page, "catalogue-storage", language)
    change(page, words, "hot", "评分要用")
    expect(page.locator("dl.facts").first).to_contain_text(words["hot-tag"])
    change(page, words, "cold", "用完了")
    expect(page.locator("dl.facts").first).to_contain_text(words["cold-tag"])

    # Who changed what and why; and back to the operator's file.
    page.goto("/catalogue-revisions")
    expect(page.locator("table")).to_contain_text("年度分层 <b>")
    look_at_all_widths(page, "catalogue-history", language)
    page.locator("tbody a", has_text=re.compile(r"\d")).first.click()
    expect(page.locator("table")).to_contain_text("balance")
    look_at_all_widths(page, "catalogue-revision", language)
    page.goto("/catalogue-revisions")
    change(page, words, "file", "重新开始")
    page.goto("/catalogue")
    assert page.locator(f"a[href='/catalogue/{code}']").count() == 0
