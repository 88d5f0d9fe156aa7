"""Who came and who left between two audiences of a segment, chosen on its page, and a segment made of them."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done, write_rule
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {"name": "进出客户群", "save": "保存", "freeze": "生成快照", "show": "查看进出", "title": "快照间进出",
              "came": "新进入的存为客户群", "left": "已离开的存为客户群", "taken": "名称已被使用", "nobody": "没有离开的用户"},
    "en": {"name": "Movement", "save": "Save", "freeze": "Freeze members", "show": "Show who came and left",
           "title": "Who came and left", "came": "Make a segment of who came", "left": "Make a segment of who left",
           "taken": "taken", "nobody": "Nobody left"},
}


def freeze(page, words, rule, name=None):
    """Gives the segment a rule and freezes its members; says how many they are."""
    page.goto(page.url.split("?")[0] + "/edit" if name is None else "/segments/new")
    if name:
        page.fill("#name", name)
    write_rule(page, rule)
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    page.get_by_role("button", name=words["freeze"]).click()
    wait_for_done(page, "computed")


def figures(page):
    return [int(re.match(r"[\d,]+", text)[0].replace(",", "")) for text in page.locator(".figures dd").all_inner_texts()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_came_and_left_between_any_two_audiences(reader, language):
    words = WORDS[language]
    page = reader("planner", language).page
    freeze(page, words, "age >= 30", words["name"])
    expect(page.get_by_role("button", name=words["show"])).to_have_count(0)
    freeze(page, words, "age < 50")
    freeze(page, words, "age < 50 AND age >= 20")
    look_at_all_widths(page, "segment-audiences", language)
    page.set_viewport_size({"width": 1440, "height": 900})

    # The last two, then the first and the last.
    page.get_by_role("button", name=words["show"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words["title"])
    came, left, stayed = figures(page)
    assert came == 0 and left > 0 and stayed > 0
    look_at_all_widths(page, "segment-movement-one-side", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#from").select_option(index=2)
    page.get_by_role("button", name=words["show"]).click()
    expect(page).to_have_url(re.compile("from="))
    came, left, stayed = figures(page)
    assert came > 0 and left > 0 and stayed > 0
    text = page.locator("main").inner_text()
    assert re.search(r"1\d{2}\*{4}\d{4}", text) and not re.search(r"(?<!\d)1\d{10}(?!\d)", text)
    expect(page.locator("main tbody tr")).to_have_count(20)
    look_at_all_widths(page, "segment-movement", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    for side in ("came", "left"):
        with page.expect_download() as download:
            page.locator(f"a[href*='{side}.csv']").click()
        lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == 11 and not re.search(r"(?<!\d)1\d{10}(?!\d)", "".join(lines))

    # Each side becomes a segment of as many, once.
    movement = page.url
    page.get_by_role("button", name=words["came"]).click()
    wait_for_done(page, "saved")
    expect(page.get_by_role("heading", level=1)).to_contain_text(words["name"])
    expect(page.locator("main")).to_contain_text(f"{came:,}")
    look_at_all_widths(page, "segment-of-who-came", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(movement)
    page.get_by_role("button", name=words["came"]).click()
    expect(page.get_by_role("alert")).to_contain_text(words["taken"])
    page.goto(movement)
    page.get_by_role("button", name=words["left"]).click()
    wait_for_done(page, "saved")
    expect(page.locator("main")).to_contain_text(f"{left:,}")
