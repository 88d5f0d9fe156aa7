"""Every page in both languages and widths: screenshots, accessibility, exports, no complaint of the browser."""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re

import pytest
from conftest import LANGUAGES, WIDTHS, look, write_rule

# (name, who, path); {campaign} is one that ended, {segment} the one it was for.
PAGES = [
    ("home-planner", "planner", "/"), ("home-agent", "agent", "/"), ("home-admin", "admin", "/"),
    ("segments", "planner", "/segments"), ("segment-new", "planner", "/segments/new"),
    ("segment-profile", "planner", "/segments/{segment}/profile"),
    ("catalogue", "planner", "/catalogue"), ("catalogue-number", "planner", "/catalogue/arpu_avg_3m"), ("catalogue-enum", "planner", "/catalogue/brand"),
    ("segment-edit", "planner", "/segments/{segment}/edit"), ("segment", "planner", "/segments/{segment}"),
    ("segment-algebra", "planner", "/segments/new?kind=algebra"), ("segment-sql", "planner", "/segments/new?kind=sql"),
    ("segment-outcome", "planner", "/segments/new?kind=outcome"), ("segments-overlap-empty", "planner", "/segments/overlap"),
    ("segments-import", "planner", "/segments/import"), ("segments-exports", "planner", "/segments/exports"),
    ("requests", "approver", "/requests"), ("request-new", "approver", "/requests/new"),
    ("campaigns", "planner", "/campaigns"), ("campaigns-empty", "planner", "/campaigns?phase=rejected"),
    ("campaign-scenes", "planner", "/campaigns/new"), ("campaign-new", "planner", "/campaigns/new?scene=retention"),
    ("campaign-overview", "planner", "/campaigns/{campaign}"),
    ("campaign-dry-run", "planner", "/campaigns/{campaign}?tab=dry-run"),
    ("campaign-run", "planner", "/campaigns/{campaign}?tab=run"),
    ("campaign-evaluation", "planner", "/campaigns/{campaign}?tab=evaluation"),
    ("campaign-rules", "planner", "/campaigns/{campaign}?tab=rules"),
    ("campaign-records", "planner", "/campaigns/{campaign}?tab=records"),
    ("pool", "planner", "/pool"), ("desk", "agent", "/desk"), ("desk-hotline", "agent", "/desk?at=hotline"),
    ("approvals", "approver", "/approvals"), ("lists", "agent", "/lists"), ("explain", "agent", "/explain"),
    ("customers-empty", "agent", "/customers"), ("channels", "planner", "/customers/channels"),
    ("policy", "agent", "/policy"), ("policy-history", "planner", "/policy/history"),
    ("policy-first", "planner", "/policy/revisions/1"), ("staff", "admin", "/staff"), ("staff-new", "admin", "/staff/new"),
    ("audit", "admin", "/staff?tab=audit"), ("erasure", "admin", "/erasure"), ("password", "agent", "/me/password"), ("forbidden", "agent", "/campaigns"), ("missing", "agent", "/nowhere"),
]
EXPORTS = {
    "planner": ["/segments.csv", "/campaigns.csv", "/policy/caps.csv", "/policy/dnd.csv", "/policy/rules.csv", "/lists.csv",
                "/policy/history.csv", "/policy/category-rules.csv", "/policy/linkage.csv?type=care", "/policy/revisions/1/changes.csv",
                "/campaigns/scenes.csv", "/requests.csv", "/pool.csv", "/segments/attributes.csv",
                "/customers/channels.csv", "/customers/channels/preference.csv", "/customers/channels/diversion.csv"],
    "approver": ["/approvals.csv"], "admin": ["/staff.csv", "/audit.csv"],
}


def numbers(page):
    """A campaign that ran, and the segment it was for: one that is used."""
    page.goto("/campaigns?phase=ended")
    campaign = page.locator("tbody a").first.get_attribute("href")
    page.goto(campaign)
    segment = page.locator("dd a[href^='/segments/']").first.get_attribute("href")
    return {"campaign": campaign.split("/")[-1], "segment": segment.split("/")[-1]}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_usable_and_fits(reader, language, width):
    readers = {login: reader(login, language, width).page for login in ["planner", "approver", "agent", "admin"]}
    places = numbers(readers["planner"])
    for name, login, path in PAGES:
        page = readers[login]
        page.goto(path.format(**places))
        assert page.locator("html").get_attribute("lang") == language
        if language == "en":
            assert not re.search("[一-鿿]", page.locator("h1, #menu, .crumbs, .pagehead .actions, thead, .tabs").first.inner_text())
        look(page, name, language, width)
        hidden = page.locator("main .field > :is(input, textarea, select)").evaluate_all(
            "all => all.filter(each => !each.checkVisibility() && !each.closest('details:not([open]), [hidden]')).map(each => each.id)")
        assert hidden == [], f"{name} hides {hidden} at {width}"
    door = reader(None, language, width).page
    door.goto("/sign-in")
    look(door, "sign-in", language, width)


@pytest.mark.parametrize("login", EXPORTS)
def test_every_table_exports_csv_that_spreadsheets_read(reader, login):
    page = reader(login).page
    for path in EXPORTS[login]:
        answer = page.request.get(path)
        assert answer.status == 200, path
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.body().startswith(b"\xef\xbb\xbf"), path


def test_the_sample_of_a_rule_is_downloaded_and_the_editor_stays_usable(reader):
    page = reader("planner").page
    page.goto("/segments/new")
    write_rule(page, "arpu_avg_3m >= 30")
    with page.expect_download() as download:
        page.locator("#result button[form=sample]").click()
    text = pathlib.Path(download.value.path()).read_text("utf-8-sig")
    assert re.search(r"^1\d\d\*{4}\d{4},", text, re.MULTILINE), text
    page.fill("#name", "CSV")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()


def test_the_reader_changes_a_password_and_stays_signed_in(reader, server):
    here, there = reader("agent"), reader("agent")
    page = here.page
    page.locator(".top .user").click()
    page.fill("#old", server.passwords["agent"])
    for name in ("#new", "#again"):
        page.fill(name, "a much longer one")
    page.get_by_role("button", name="修改密码").click()
    assert "密码已修改" in page.get_by_role("status").inner_text()
    server.passwords["agent"] = "a much longer one"
    there.page.goto("/lists")
    assert "/sign-in" in there.page.url
    page.goto("/lists")
    assert page.locator("h1").inner_text() == "免打扰名单"


def test_sort_search_and_page_are_in_the_address(reader):
    page = reader("admin").page
    page.goto("/staff?tab=audit&size=10")
    page.get_by_role("link", name="操作人").click()
    assert "sort=who" in page.url and "tab=audit" in page.url and "size=10" in page.url
    assert page.locator("th[aria-sort=ascending]").count() == 1
    page.locator("input[type=search]").fill("planner")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=planner**")
    assert "sort=who" in page.url and "tab=audit" in page.url
    page.reload()
    assert page.locator("input[type=search]").input_value() == "planner"


def test_the_menu_and_the_language_switch_work_by_keyboard(reader):
    page = reader("planner", "zh-CN", 390).page
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="菜单").wait_for()
    page.goto("/segments?q=x")
    page.get_by_role("link", name="English").click()
    assert page.url.endswith("/segments?q=x")
    assert page.locator("h1").inner_text() == "Segments"
