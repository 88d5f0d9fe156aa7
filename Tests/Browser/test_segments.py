"""Segments from conditions put together by mouse and by keyboard, to exclusions, audience, parts and exports."""
# SPDX-License-Identifier: Apache-2.0

import ctypes
import glob
import os
import re

import pytest
from conftest import LANGUAGES, REPOSITORY, look_at_all_widths, wait_for_done, write_rule
from playwright.sync_api import expect

RULE = ("brand = '全球通' AND (arpu_avg_3m >= 60 OR (vip_level IN ('金卡', '钻卡') AND NOT is_5g_plan))")
SQL = "brand = '全球通' AND (arpu_avg_3m >= 60 OR (vip_level IN ('金卡', '钻卡') AND NOT is_5g_plan))"
WORDS = {
    "zh-CN": {"condition": "+ 添加条件", "group": "+ 添加条件组", "not": "非", "save": "保存", "freeze": "生成快照",
              "publish": "发布", "confirm": "确定", "exclusion": "添加剔除条件", "try": "试算", "parts": "保存为客户群",
              "gold": "金卡", "diamond": "钻卡", "brand": "全球通", "up": "上移", "remove": "移除", "any": "满足任一条件"},
    "en": {"condition": "+ Add condition", "group": "+ Add group", "not": "Not", "save": "Save", "freeze": "Freeze members",
           "publish": "Publish", "confirm": "Confirm", "exclusion": "Add exclusion", "try": "Try",
           "parts": "Save as segments", "gold": "Gold card", "diamond": "Diamond card", "brand": "GoTone", "up": "Move up",
           "remove": "Remove", "any": "Any of these holds"},
}
# What the builder has fields for, and what it shows as text; names in Chinese, quotes, brackets that say nothing.
RULES = [
    "arpu_avg_3m >= 30", "品牌 = '全球通'", "arpu_avg_3m NOT BETWEEN 10.50 AND 20 OR age IN (20, 30, 40)",
    "NOT (brand = '全球通' OR NOT is_5g_plan)", "NOT NOT (is_5g_plan AND (dual_sim AND family_plan))",
    "join_day BETWEEN today - INTERVAL 12 MONTH AND today AND contract_end BETWEEN today AND today + INTERVAL 30 DAY",
    "join_day < today - INTERVAL 365 DAY OR join_day >= DATE '2025-01-31' AND plan_since IS NOT NULL",
    "terminal_model LIKE '%Pro%' OR terminal_model LIKE 'A%' OR terminal_model LIKE '_1%' OR terminal_model = 'it''s'",
    "terminal_model LIKE '%50!%%' ESCAPE '!' OR terminal_model NOT LIKE 'x\\%' ESCAPE '\\'",
    "arpu_avg_3m * 12 > 600 AND -5 < points AND points > -5", "days_between(join_day, today) >= 365",
    "NOT on_list('black') AND NOT on_list('grey')", "vip_level BETWEEN '银卡' AND '钻卡' OR vip_level > '普通'",
    "NOT did(complaint, within 12 months) AND did(complaint)", "count(contact, kind = 'marketing' AND channel = 'sms', within 90 days) >= 2",
    "count(contact, BETWEEN DATE '2026-01-01' AND DATE '2026-06-30') = 0", "last(contact, outcome) = 'accepted'",
    "did(complaint, NOT resolved AND escalated, within 90 days)", "sum(visit, seconds, seconds > 5 AND step IS NOT NULL) > 60",
    "did(contact, (kind = 'marketing' OR channel = 'sms') AND seconds IS NULL)", "did(contact, NOT kind = 'care')",
    "did(contact, channel IN ('sms', 'ivr') AND day BETWEEN today - INTERVAL 30 DAY AND today)",
    "count(contact) + 1 > 2 OR is_5g_plan = TRUE", "NOT is_5g_plan AND NOT brand IN ('全球通') AND brand NOT IN ('神州行', '动感地带')",
]


def count(page):
    """What the result says, once it is up to date."""
    page.wait_for_timeout(400)
    expect(page.locator("#result")).not_to_have_class(re.compile("busy"))
    return int(re.match(r"[\d,]+", page.locator("#result dd").first.inner_text())[0].replace(",", ""))


def sql_count(server, where):
    """The same question to DuckDB over the files of the last load, past all of the program."""
    found = os.environ.get("GYRE_DUCKDB") or next(iter(glob.glob(str(REPOSITORY / ".deps/lib/libduckdb*.so"))))
    duckdb = ctypes.CDLL(found)
    duckdb.duckdb_value_int64.restype = ctypes.c_int64
    duckdb.duckdb_value_int64.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
    database, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.create_string_buffer(256)
    assert duckdb.duckdb_open(None, ctypes.byref(database)) == 0
    assert duckdb.duckdb_connect(database, ctypes.byref(connection)) == 0
    files = f"{server.folder}/warehouse/subscriber/*/part-*.parquet"
    sql = f"SELECT COUNT(*) FROM read_parquet('{files}') WHERE {where}"
    assert duckdb.duckdb_query(connection, sql.encode(), result) == 0, sql
    value = duckdb.duckdb_value_int64(result, 0, 0)
    duckdb.duckdb_destroy_result(result)
    duckdb.duckdb_disconnect(ctypes.byref(connection))
    duckdb.duckdb_close(ctypes.byref(database))
    return value


def tree(page, rule):
    answer = page.request.post("/segments/tree", form={"rule": rule}, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 200, answer.text()
    return answer.json()


def bare(node):
    """A tree without texts and without groups of one, which brackets make."""
    if "parts" in node:
        parts = [bare(part) for part in node["parts"]]
        if len(parts) == 1 and not (node["negated"] and parts[0][0]):
            return (node["negated"] or parts[0][0], *parts[0][1:])
        return (node["negated"], node["group"], parts)
    return (node["negated"], node["tree"])


def new_segment(page, name):
    page.goto("/segments/new")
    page.locator("form[data-ready]").wait_for()
    page.locator("#tab-conditions").click()
    expect(page.locator("#builder")).to_be_visible()
    page.fill("#name", name)


def pick(page, code):
    page.get_by_role("option").filter(has=page.get_by_text(code, exact=True)).first.click()


def press_until(page, role, key="Tab"):
    """Goes on by keyboard to the next control of a kind."""
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate("() => document.activeElement.dataset.key ?? ''").split(":")[-1] == role:
            return
    raise AssertionError(f"the keyboard does not reach '{role}'")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_of_three_levels_is_put_together_by_mouse(reader, server, language):
    words, page = WORDS[language], reader("planner", language).page
    new_segment(page, f"Mouse {language}")
    builder = page.locator("#builder")
    add = lambda within: within.get_by_role("button", name=words["condition"], exact=True).first.click()
    add(builder)
    pick(page, "brand")
    builder.locator(".condition select").last.select_option(label=words["brand"])
    builder.get_by_role("button", name=words["group"]).first.click()
    inner = builder.locator(".group .group").first
    add(inner)
    pick(page, "arpu_avg_3m")
    row = builder.locator(".condition").last
    row.locator("select").select_option(">=")
    row.locator("input[type=number]").fill("60")
    inner.get_by_role("button", name=words["group"]).click()
    deepest = builder.locator(".group .group .group").first
    add(deepest)
    pick(page, "vip_level")
    builder.locator(".condition").last.locator("select").first.select_option("in")
    for label in (words["gold"], words["diamond"]):
        builder.locator(".condition").last.get_by_label(label).check()
    add(deepest)
    pick(page, "is_5g_plan")
    row = builder.locator(".condition").last
    row.get_by_role("button", name=words["not"], exact=True).click()
    assert page.locator("#rule").input_value() == RULE
    assert count(page) == sql_count(server, SQL) > 0
    look_at_all_widths(page, "segment-builder", language)
    page.set_viewport_size({"width": 1440, "height": 900})

    # The last condition is dragged out of its group to the top, and goes back in by the keyboard.
    row.locator(".handle").drag_to(builder.locator(".condition").first, target_position={"x": 60, "y": 3})
    assert page.locator("#rule").input_value().startswith("NOT is_5g_plan AND brand = '全球通' AND (")
    assert count(page) == sql_count(server, "NOT is_5g_plan AND brand = '全球通' AND (arpu_avg_3m >= 60 OR vip_level IN ('金卡', '钻卡'))")
    builder.get_by_role("button", name=words["remove"]).first.click()
    assert count(page) == sql_count(server, "brand = '全球通' AND (arpu_avg_3m >= 60 OR vip_level IN ('金卡', '钻卡'))")

    # A condition that is not complete is not left out in silence.
    add(builder)
    pick(page, "age")
    page.get_by_role("button", name=words["save"], exact=True).click()
    assert page.url.endswith("/segments/new")
    page.keyboard.press("Escape")
    builder.locator(".condition").last.locator("input[type=number]").fill("18")
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_of_three_levels_is_put_together_by_keyboard(reader, server, language):
    page = reader("planner", language).page
    keyboard = page.keyboard
    new_segment(page, f"Keys {language}")
    press_until(page, "condition")

    def condition(code):
        keyboard.press("Enter")
        keyboard.type(code)
        keyboard.press("Enter")
        expect(page.locator(":focus")).to_have_attribute("data-key", re.compile("operator$"))

    condition("brand")
    press_until(page, "value")
    keyboard.press("ArrowDown")
    press_until(page, "group", "Shift+Tab")
    keyboard.press("Enter")
    expect(page.locator(":focus")).to_have_attribute("data-key", re.compile("condition$"))
    condition("arpu_avg_3m")
    for _ in range(5):
        keyboard.press("ArrowDown")
    press_until(page, "value")
    keyboard.type("60")
    press_until(page, "group", "Shift+Tab")
    keyboard.press("Enter")
    condition("vip_level")
    for _ in range(2):
        keyboard.press("ArrowDown")
    press_until(page, "value-2")
    keyboard.press("Space")
    press_until(page, "value-3")
    keyboard.press("Space")
    press_until(page, "condition", "Shift+Tab")
    condition("is_5g_plan")
    press_until(page, "not", "Shift+Tab")
    keyboard.press("Space")
    expect(page.locator("#rule")).to_have_value(RULE)
    assert count(page) == sql_count(server, SQL)

    # Alt with an arrow moves what has the focus, out of its group too, and the focus goes with it.
    keyboard.press("Alt+ArrowDown")
    expect(page.locator("#rule")).to_have_value(
        "brand = '全球通' AND (arpu_avg_3m >= 60 OR (vip_level IN ('金卡', '钻卡')) OR NOT is_5g_plan)")
    keyboard.press("Alt+ArrowUp")
    expect(page.locator("#rule")).to_have_value(RULE)
    assert page.evaluate("() => document.activeElement.dataset.key").endswith(":not")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_subscribers_did_is_asked_for_with_fields_for_its_rows(reader, language):
    words, page = WORDS[language], reader("planner", language).page
    new_segment(page, f"Did {language}")
    builder = page.locator("#builder")
    builder.get_by_role("button", name=words["condition"], exact=True).first.click()
    pick(page, "contact")
    row = builder.locator(".condition").last
    where = row.locator("[data-key$=':where']")
    where.click()
    rows = row.locator(".rows-where")
    rows.nth(0).locator("select").first.select_option("kind")
    expect(row.locator("[data-missing]")).to_be_visible()
    value = rows.nth(0).locator("input")
    known = page.locator(f"#{value.get_attribute('list')} option")
    assert "marketing" in known.evaluate_all("options => options.map(each => each.value)")
    value.fill("marketing")
    expect(row.locator("[data-missing]")).to_have_count(0)
    where.click()
    rows.nth(1).locator("select").first.select_option("channel")
    rows.nth(1).locator("select").nth(1).select_option("in")
    rows.nth(1).locator("input").fill("sms, outbound")
    where.click()
    assert page.locator("#rule").input_value() == "", "the third is not complete"
    rows.nth(2).get_by_role("button", name=words["remove"]).click()
    row.locator("[data-key$=':window']").select_option("within")
    said = "did(contact, kind = 'marketing' AND channel IN ('sms', 'outbound'), within 90 days)"
    expect(page.locator("#rule")).to_have_value(said)
    found = count(page)
    look_at_all_widths(page, "segment-behaviour", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    rows.nth(0).locator("select").first.select_option("")
    assert row.locator("[data-key$=':rows']").input_value() == "kind = 'marketing' AND channel IN ('sms', 'outbound')"
    expect(page.locator("#rule")).to_have_value(said)
    write_rule(page, said)
    assert count(page) == found


def test_text_and_conditions_turn_into_each_other_without_loss(reader):
    page = reader("planner").page
    page.goto("/segments/new")
    page.locator("form[data-ready]").wait_for()
    for rule in RULES:
        write_rule(page, rule)
        page.locator("#tab-conditions").click()
        expect(page.locator("#builder .group").first).to_be_visible()
        assert page.locator("#rule").input_value() == rule, "looking at it changes nothing"
        for _ in range(2):
            page.locator("#builder .head button[aria-pressed]").first.click()
        after = page.locator("#rule").input_value()
        assert bare(tree(page, after)) == bare(tree(page, rule)), after
        assert page.locator("#builder [data-missing]").count() == 0, rule
    # A text that cannot be read stays a text, with its error.
    write_rule(page, "arpu_avg_3m >= ")
    page.locator("#tab-conditions").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator("#rule")).to_be_visible()


def test_fields_of_every_kind_write_rules_that_hold(reader):
    """Each condition's fields are written anew by choosing its operator again."""
    page = reader("planner").page
    page.goto("/segments/new")
    page.locator("form[data-ready]").wait_for()
    for rule in RULES:
        write_rule(page, rule)
        page.locator("#tab-conditions").click()
        page.locator("#builder .group").first.wait_for()
        for name in ("operator", "function"):
            for at in range(page.locator(f"#builder [data-key$=':{name}']").count()):
                page.locator(f"#builder [data-key$=':{name}']").nth(at).evaluate(
                    "(select, name) => { if (name === 'operator') select.dispatchEvent(new Event('change')); }", name)
        after = page.locator("#rule").input_value()
        expected = rule.replace("品牌", "brand").replace("\\%' ESCAPE '\\'", "\\%' ESCAPE '\\'")
        assert bare(tree(page, after)) == bare(tree(page, expected)), after


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_is_excluded_and_the_members_are_frozen_split_and_exported(reader, language):
    words, page = WORDS[language], reader("planner", language).page
    name = f"Excluded {language}"
    agent = reader("agent", language).page
    numbers = agent.request.get("/api/v1/lists/black/export").text().split()[1:]
    agent.goto("/lists")
    agent.set_input_files("#file", {"name": "x.csv", "mimeType": "text/csv", "buffer": "\n".join(numbers[:40]).encode()})
    agent.select_option("#import-list", "dnd_06")
    agent.select_option("#mode", "replace")
    agent.fill("#import-reason", "E2E")
    agent.click("#import button[type=submit]")
    agent.click("dialog button.primary")
    agent.wait_for_url("**/lists?import=*")
    listed = len(numbers[:40])

    new_segment(page, name)
    write_rule(page, "arpu_avg_3m >= 0")
    everybody = count(page)
    look_at_all_widths(page, "segment-text", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    add = page.get_by_role("button", name=words["exclusion"])
    add.click()
    rows = page.locator(".rows > li")
    rows.nth(0).locator("select").select_option("list:dnd_06")
    assert rows.nth(0).locator("input").is_hidden()
    without = count(page)
    assert everybody - listed <= without < everybody
    add.click()
    rows.nth(1).locator("select").select_option("rule")
    rows.nth(1).locator("input").fill("brand = '神州行'")
    left = count(page)
    assert left < without
    # The order counts for each step, not for the sum: the second goes up by keyboard, and down by dragging.
    rows.nth(1).locator("select").focus()
    page.keyboard.press("Alt+ArrowUp")
    assert rows.nth(0).locator("input").input_value() == "brand = '神州行'"
    assert count(page) == left
    rows.nth(0).locator(".handle").drag_to(rows.nth(1).locator(".acts"), target_position={"x": 5, "y": 26})
    assert rows.nth(1).locator("input").input_value() == "brand = '神州行'"
    assert count(page) == left
    look_at_all_widths(page, "segment-exclusions", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    segment = page.url.split("/segments/")[1].split("?")[0]
    page.get_by_role("button", name=words["freeze"]).click()
    wait_for_done(page, "computed")
    page.get_by_role("button", name=words["publish"], exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    wait_for_done(page, "published")
    assert f"{left:,}" in page.locator("main").inner_text()
    page.select_option("#by", "random")
    page.fill("#detail", "1 1")
    page.get_by_role("button", name=words["try"], exact=True).click()
    sizes = [int(text.replace(",", "")) for text in page.locator("#split tbody td:last-child").all_inner_texts()]
    assert sum(sizes) == left and len(sizes) == 2
    look_at_all_widths(page, "segment-detail", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name=words["parts"]).click()
    wait_for_done(page, "split")
    look_at_all_widths(page, "segments-list", language)
    for path in ("/segments.csv", f"/segments/{segment}/audiences.csv", f"/segments/{segment}/revisions.csv"):
        answer = page.request.get(path)
        assert answer.status == 200 and answer.body().startswith(b"\xef\xbb\xbf"), path
        if "revisions" not in path:
            assert f"{left:,}" in answer.text() or str(left) in answer.text(), path
    page.goto(f"/segments/overlap?s={segment}&s={int(segment) + 1}")
    # The part is in the whole: two combinations, each a bar with dots for both segments, and the same in the table.
    columns = page.locator(".upset .scroll g")
    assert sorted(columns.locator("text").all_text_contents()) == sorted(f"{size:,}" for size in sizes)
    assert columns.locator("circle.in").count() == 3 and columns.locator("circle").count() == 4
    assert page.locator(".upset li").count() == 2
    page.locator(".chart summary").click()
    assert page.locator(".chart tbody tr").count() == 2
    look_at_all_widths(page, "segments-overlap", language)
    assert f"{sizes[0]:,}" in page.locator("main").inner_text()


def test_segments_are_combined_in_rows(reader, server):
    page = reader("planner").page
    for name, rule in (("一", "arpu_avg_3m >= 50"), ("二", "is_5g_plan")):
        new_segment(page, f"集合{name}")
        write_rule(page, rule)
        page.get_by_role("button", name="保存", exact=True).click()
        wait_for_done(page, "saved")
    page.goto("/segments/new?kind=algebra")
    rows = page.locator(".rows").first.locator("li")
    add = page.get_by_role("button", name="添加客户群")
    add.click()
    for place, name in enumerate(("集合一", "集合二")):
        select = rows.nth(place).locator("[name=segment]")
        select.select_option(label=select.locator("option", has_text=name).first.inner_text())
    rows.nth(1).locator("[name=sign]").select_option("difference")
    assert rows.nth(0).locator("[name=sign]").is_hidden()
    assert count(page) == sql_count(server, "arpu_avg_3m >= 50 AND is_5g_plan IS NOT TRUE")
    rows.nth(1).get_by_role("button", name="上移").click()
    rows.nth(1).locator("[name=sign]").select_option("difference")
    assert count(page) == sql_count(server, "is_5g_plan AND (arpu_avg_3m >= 50) IS NOT TRUE")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_segment_takes_over_the_ticked_parts_of_a_model(reader, language):
    page = reader("planner", language).page
    page.goto("/segments")

    def model(name, definition):
        made = page.request.post("/api/v1/segments", data={"name": name, "isTemplate": True, "definition": definition},
                                 headers={"Sec-Fetch-Site": "same-origin"})
        assert made.status == 201, made.text()
        return made.json()["id"]

    whole = model(f"Model {language}", {
        "from": {"rule": "arpu_avg_3m >= 20 AND age >= 30 AND is_5g_plan"},
        "exclude": [{"list": "black"}, {"list": "grey"}], "pick": {"sample": {"count": 9, "draw": 1}}})
    page.goto(f"/segments/new?template={whole}")
    look_at_all_widths(page, "segment-model", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("[name=condition][value='1']").uncheck()
    page.locator("[name=exclusion][value='0']").uncheck()
    page.locator("[name=pick]").uncheck()
    page.locator("form[action='/segments/new'] button").click()
    page.locator("form[data-ready]").wait_for()
    assert page.locator("#rule").input_value() == "arpu_avg_3m >= 20 AND is_5g_plan"
    rows = page.locator(".rows > li")
    assert [rows.nth(at).locator("select").input_value() for at in range(rows.count())] == ["list:grey"]
    assert page.locator("[name=pick]").input_value() == ""
    # A model that is no rule is taken over too.
    algebra = model(f"Sum {language}", {"from": {"algebra": {"segment": whole}}, "exclude": [{"list": "grey"}]})
    page.goto(f"/segments/new?template={algebra}")
    page.locator("form[action='/segments/new'] button").click()
    assert page.locator("[name=segment]").first.input_value() == str(whole)


@pytest.mark.parametrize("language", LANGUAGES)
def test_members_leave_with_full_numbers_after_somebody_else_agreed(reader, language):
    words, page = WORDS[language], reader("planner", language).page
    name = f"To be exported {language}"
    new_segment(page, name)
    write_rule(page, "arpu_avg_3m >= 120")
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    page.get_by_role("button", name=words["freeze"]).click()
    wait_for_done(page, "computed")
    members = int(re.sub(r"\D", "", page.locator("#last dd").first.inner_text().split("\n")[0]))
    form = page.locator("form[action$='/export']")
    form.locator("[name=reason]").fill(f"E2E {language}")
    form.locator("summary").nth(1).click()
    form.locator("[value=brand]").check()
    form.locator("[value=balance]").check()
    look_at_all_widths(page, "segment-export-ask", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    form.locator("button[type=submit]").click()
    wait_for_done(page, "asked")
    approver = reader("approver", language).page
    approver.goto(f"/segments/exports?q=E2E+{language}")
    approver.locator("form[action$='/approve'] button").first.click()
    approver.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    wait_for_done(approver, "passed")
    page.goto(f"/segments/exports?q=E2E+{language}")
    with page.expect_download() as download:
        page.locator("a[href$='/members.csv']").first.click()
    rows = open(download.value.path(), encoding="utf-8-sig").read().splitlines()
    assert len(rows) == members + 1
    fields = [row.split(",") for row in rows[1:]]
    assert all(re.fullmatch(r"1\d{10}", number) and brand and mark for number, brand, _, mark in fields)
    assert any(float(balance or 0) > 0 for _, _, balance, _ in fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_audience_goes_to_another_system_until_somebody_ends_that(reader, server, language):
    words, page = WORDS[language], reader("planner", language).page
    new_segment(page, f"To be delivered {language}")
    write_rule(page, "arpu_avg_3m >= 130")
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    page.get_by_role("button", name=words["freeze"]).click()
    wait_for_done(page, "computed")
    form = page.locator("form[action$='/export']")
    form.locator("[name=reason]").fill(f"Delivery {language}")
    form.locator("summary").nth(0).click()
    form.locator("[name=system]").fill("crm")
    form.locator("[name=until]").fill("2099-12-31")
    look_at_all_widths(page, "segment-delivery-ask", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    form.locator("button[type=submit]").click()
    wait_for_done(page, "asked")
    approver = reader("approver", language).page
    approver.goto(f"/segments/exports?q=Delivery+{language}")
    approver.locator("form[action$='/approve'] button").first.click()
    dialog = approver.get_by_role("dialog")
    assert "crm" in dialog.inner_text() and "2099-12-31" in dialog.inner_text()
    dialog.get_by_role("button", name=words["confirm"]).click()
    wait_for_done(approver, "passed")
    page.goto(f"/segments/exports?q=Delivery+{language}")
    look_at_all_widths(page, "segments-exports-delivery", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.locator("a[href$='/members.csv']").count() == 0
    page.locator("td a[href^='/segments/exports/']").first.click()
    file = page.locator("td code", has_text="segment-")
    for _ in range(180):
        if file.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert file.count() == 1
    look_at_all_widths(page, "segment-delivery", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("form[action$='/end'] button").click()
    page.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    wait_for_done(page, "deliveryEnded")
    assert page.locator("form[action$='/end']").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_standard_order_and_a_strategy_filter_are_put_among_the_exclusions(reader, language):
    words, page = WORDS[language], reader("planner", language).page
    new_segment(page, f"Standard {language}")
    write_rule(page, "arpu_avg_3m >= 0")
    everybody = count(page)
    page.get_by_role("button", name={"zh-CN": "标准顺序", "en": "Standard order"}[language]).click()
    rows = page.locator(".rows > li")
    chosen = [rows.nth(place).locator("select").input_value() for place in range(4)]
    assert chosen == ["list:black", "list:grey", "contacted:", "rule"]
    assert rows.nth(2).locator("input").input_value() == "90"
    rows.nth(3).locator("input").fill("status <> '正常'")
    page.get_by_role("button", name=words["exclusion"]).click()
    rows.nth(4).locator("select").select_option("filter:subscribed")
    rows.nth(4).locator("input").fill("视频会员")
    left = count(page)
    assert left < everybody
    page.get_by_role("button", name=words["exclusion"]).click()
    rows.nth(5).locator("select").select_option("list:dnd_01@sms")
    assert count(page) <= left
    look_at_all_widths(page, "segment-standard-order", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    assert "视频会员" in page.locator("main").inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_campaign_begins_with_what_its_segment_is_matched_with(reader, language):
    words, page = WORDS[language], reader("planner", language).page
    new_segment(page, f"Matched {language}")
    write_rule(page, "is_5g_terminal AND NOT is_5g_plan")
    page.get_by_role("button", name=words["save"], exact=True).click()
    wait_for_done(page, "saved")
    page.fill("#subject", f"5G {language}")
    page.select_option("#match-channel", "outbound")
    page.select_option("#match-priority", "2")
    page.fill("#condition", "agee > 3")
    page.locator("form[action$='/matches'] button").click()
    expect(page.get_by_role("alert")).to_contain_text("agee")
    page.fill("#subject", f"5G {language}")
    page.select_option("#match-channel", "outbound")
    page.select_option("#match-priority", "2")
    page.fill("#condition", "did(contact, kind = 'enquiry', within 7 days)")
    page.locator("form[action$='/matches'] button").click()
    wait_for_done(page, "saved")
    look_at_all_widths(page, "segment-match", language)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#match td a").first.click()
    page.locator(".scenes a").first.click()
    expect(page.locator("[name=channel]")).to_have_value("outbound")
    expect(page.locator("[name=priority]")).to_have_value("2")
    expect(page.locator("[name=goal]")).to_have_value(f"5G {language}")
