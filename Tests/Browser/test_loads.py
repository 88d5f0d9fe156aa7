"""Loads: found, taken out after a question, kept in the list as taken out; what may not be taken out says why."""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {"menu": "数据装载", "file": "spare-zh.csv", "out": "撤回", "cancel": "取消", "confirm": "确定", "live": "在用",
              "gone": "已撤回", "refused": "不能撤回", "nothing": "没有符合条件的记录",
              "feeds": "数据接口", "refusedWord": "已拒绝"},
    "en": {"menu": "Data loads", "file": "spare-en.csv", "out": "Take out", "cancel": "Cancel", "confirm": "Confirm",
           "live": "Live", "gone": "Taken out", "refused": "the only load of subscribers", "nothing": "Nothing matches",
           "feeds": "Feeds", "refusedWord": "Refused"},
}


def search(page, text):
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("searchbox").press("Enter")
    expect(page).to_have_url(re.compile("q="))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_load_is_found_and_taken_out(reader, language):
    words = WORDS[language]
    page = reader("admin", language).page
    page.get_by_role("link", name=words["menu"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words["menu"])
    rows = page.locator("main tbody tr")
    look_at_all_widths(page, "loads", language)
    page.set_viewport_size({"width": 1440, "height": 900})

    search(page, words["file"])
    expect(rows).to_have_count(1)
    cells = rows.locator("td.number")
    assert cells.all_inner_texts() == ["31", "30", "1"]
    expect(rows).to_contain_text(words["live"])

    # Nothing happens until the question is answered.
    rows.get_by_role("button", name=words["out"]).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(words["file"])
    expect(dialog).to_contain_text("30")
    dialog.get_by_role("button", name=words["cancel"]).click()
    rows.get_by_role("button", name=words["out"]).click()
    look_at_all_widths(page, "load-question", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    dialog.get_by_role("button", name=words["confirm"]).click()
    wait_for_done(page, "takenOut")
    search(page, words["file"])
    expect(rows).to_contain_text(words["gone"])
    expect(rows).to_contain_text("admin")
    assert cells.all_inner_texts() == ["31", "30", "1"]
    expect(rows.get_by_role("button")).to_have_count(0)
    look_at_all_widths(page, "load-taken-out", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as download:
        page.locator("main a[href*='loads.csv']").click()
    assert words["file"] in download.value.path().read_text(encoding="utf-8-sig")
    search(page, "xyzzy")
    expect(page.get_by_text(words["nothing"])).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_only_load_of_subscribers_stays(reader, language):
    words = WORDS[language]
    page = reader("admin", language).page
    page.goto("/loads?sort=at")
    row = page.locator("main tbody tr").filter(has=page.get_by_role("cell", name=re.compile(" subscriber$")))
    row.get_by_role("button", name=words["out"]).click()
    page.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(page.get_by_role("alert")).to_contain_text(words["refused"])
    look_at_all_widths(page, "load-refused", language)
    expect(reader("planner", language).page.get_by_role("link", name=words["menu"])).to_have_count(0)


def test_what_a_feed_brought_stands_in_a_list(server, reader):
    feed = pathlib.Path(server.folder) / "inbox" / "loads" / "crm"
    feed.mkdir(parents=True)
    (feed / "mapping.yaml").write_text(
        "table: external_behaviour\ncolumns: { line_id: line, day: day, source: from, kind: kind }\n")
    pages = {language: reader("admin", language).page for language in LANGUAGES}
    for language, page in pages.items():
        page.get_by_role("link", name=WORDS[language]["menu"]).click()
        page.locator("main").get_by_role("link", name=WORDS[language]["feeds"]).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["feeds"])
        expect(page.get_by_text("crm")).to_be_visible()
        look_at_all_widths(page, "feeds-ready", language)
    (feed / "0910.part").write_text("line,day\n1,2026-09-10\n")
    (feed / "0910.part").rename(feed / "0910.csv")
    # The rig looks every five seconds, a server every minute.
    for _ in range(90):
        page.goto("/loads/feeds?q=0910")
        if page.locator("tbody .tag.bad").count():
            break
        page.wait_for_timeout(1_000)
    for language, page in pages.items():
        page.goto("/loads/feeds?q=0910")
        expect(page.locator("main tbody tr")).to_contain_text([WORDS[language]["refusedWord"]])
        expect(page.locator("main tbody tr")).to_contain_text(["load.missing_columns"])
        look_at_all_widths(page, "feeds", language)
