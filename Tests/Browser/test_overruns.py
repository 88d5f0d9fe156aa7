"""Overruns: found from the policy page, searched, with their cause; none, once nobody is above a cap; in both languages."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest
from conftest import LANGUAGES, look_at_all_widths
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {
        "link": "超限用户", "new": "新建草案", "save": "保存并检查", "saved": "已保存", "live": "生效", "confirm": "确定",
        "cap": "短信上限", "lowered": "降低了上限", "nothing": "没有符合条件的记录", "hint": "只阻止新的接触", "discard": "放弃草案",
    },
    "en": {
        "link": "Above their caps", "new": "New draft", "save": "Save and check", "saved": "Saved", "live": "Make live",
        "confirm": "Confirm", "cap": "SMS cap", "lowered": "lowered the cap", "nothing": "Nothing matches",
        "hint": "it then only blocks", "discard": "Discard",
    },
}


def cap_texts(admin, words, cap):
    """Makes a policy live whose tiers all allow this many texts; returns what they allowed before."""
    admin.goto("/policy")
    admin.get_by_role("button", name=words["new"]).click()
    admin.wait_for_url("**/policy/drafts/*")
    fields = admin.locator("input[id^='tiers.'][id$='.sms']")
    before = []
    for place in range(fields.count()):
        before.append(fields.nth(place).input_value())
        fields.nth(place).fill(cap[place] if isinstance(cap, list) else cap)
    admin.fill("#note", "overruns")
    admin.get_by_role("button", name=words["save"]).click()
    expect(admin.get_by_role("status")).to_contain_text(words["saved"])
    admin.get_by_role("button", name=words["live"], exact=True).click()
    admin.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    admin.wait_for_url(lambda url: "/drafts/" not in url)
    return before


@pytest.mark.parametrize("language", LANGUAGES)
def test_overruns_are_listed_with_their_cause(reader, language):
    words = WORDS[language]
    admin = reader("admin", language).page
    before = cap_texts(admin, words, "0")
    planner = reader("planner", language).page
    planner.goto("/policy")
    planner.get_by_role("link", name=words["link"]).click()
    expect(planner).to_have_url(re.compile("/policy/overruns"))
    expect(planner.locator(".pagehead .hint")).to_contain_text(words["hint"])
    above = int(planner.locator(".figures dd").first.inner_text().split("\n")[0].replace(",", ""))
    assert above > 0
    rows = planner.get_by_role("region").last.locator("tbody tr")
    expect(rows.first).to_contain_text(words["cap"])
    expect(rows.first).to_contain_text(words["lowered"])
    expect(rows.first).to_contain_text(re.compile(r"1\d{2}\*{4}\d{4}"))
    expect(planner.get_by_role("alert")).to_have_count(0)
    look_at_all_widths(planner, "overruns", language)

    # By a cap's name; then by what nothing is called.
    planner.get_by_role("searchbox").fill(words["cap"])
    planner.get_by_role("searchbox").press("Enter")
    expect(planner).to_have_url(re.compile("q="))
    expect(rows.first).to_contain_text(words["cap"])
    planner.get_by_role("searchbox").fill("xyzzy")
    planner.get_by_role("searchbox").press("Enter")
    expect(planner.get_by_text(words["nothing"])).to_be_visible()
    look_at_all_widths(planner, "overruns-none", language)

    # The export holds the same, numbers masked.
    planner.goto("/policy/overruns")
    with planner.expect_download() as download:
        planner.locator("a[href*='subscribers.csv']").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    assert words["lowered"] in text and re.search(r"1\d{2}\*{4}\d{4}", text)
    assert not re.search(r"(?<!\d)1\d{10}(?!\d)", text)

    # With the caps as they were fewer are above them.
    cap_texts(admin, words, before)
    planner.goto("/policy/overruns")
    left = int(planner.locator(".figures dd").first.inner_text().split("\n")[0].replace(",", ""))
    assert left < above
