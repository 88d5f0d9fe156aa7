"""Special lists in the console: a spreadsheet is imported with its report, an entry holds for some days."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import io
import pathlib
import re
import zipfile

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done
from playwright.sync_api import expect


def workbook(rows):
    """An XLSX file whose first sheet has these rows of texts and numbers."""
    def cell(value):
        if isinstance(value, int):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheet = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", f'<workbook xmlns:r="{relations}"><sheets><sheet name="1" r:id="r1"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", '<Relationships><Relationship Id="r1" Target="worksheets/s.xml" '
                         f'Type="{relations}/worksheet"/></Relationships>')
        archive.writestr("xl/worksheets/s.xml", f"<worksheet><sheetData>{sheet}</sheetData></worksheet>")
    return file.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_spreadsheet_is_imported_with_a_report_of_every_row(reader, language):
    page = reader("agent", language).page
    numbers = page.request.get("/api/v1/lists/black/export").text().split()[1:]
    rows = [["姓名", "联系方式"]] + [["王", int(number)] for number in numbers[:5]]
    rows += [["李", int(numbers[0])], ["张", "1.39877E+10"], ["赵", 19900000001], ["钱", "x"], ["孙"]]
    page.goto("/lists")
    file = {"name": "名单.xlsx", "mimeType": "application/octet-stream", "buffer": workbook(rows)}
    page.set_input_files("#file", file)
    page.fill("#column", "B")
    page.select_option("#import-list", "dnd_05")
    page.select_option("#mode", "replace")
    page.fill("#import-reason", "集团名单")
    page.click("#import button[type=submit]")
    page.click("dialog button.primary")
    page.wait_for_url("**/lists?import=*")
    report = page.locator("#report").inner_text()
    assert "5" in report and "****" in report and not any(number in report for number in numbers[:5])
    assert page.locator("#report tbody tr").count() == 5
    look_at_all_widths(page, "lists-imported", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_column_of_the_numbers_is_chosen_among_the_first_rows(reader, language):
    page = reader("planner", language).page
    page.goto("/segments/import")
    rows = ["编号,联系电话,备用电话"] + [f"{number},1398765{number},1390000{number}" for number in range(1000, 1200)]
    page.set_input_files("#file", {"name": "x.csv", "mimeType": "text/csv", "buffer": "\n".join(rows).encode("gbk")})
    table = page.locator("#preview table")
    expect(table.locator("thead th")).to_have_text(["编号", "联系电话", "备用电话"])
    expect(table.locator("tbody tr")).to_have_count(5)
    expect(table.locator("tbody tr").first).to_contain_text("13****00")
    expect(table.locator("tfoot td").nth(1)).to_contain_text("5")
    look_at_all_widths(page, "segments-import-preview", language)
    page.get_by_role("radio", name="联系电话").check()
    expect(page.locator("#column")).to_have_value("2")
    expect(table.get_by_role("radio", name="联系电话")).to_be_checked()
    expect(table.locator("tbody td.chosen")).to_have_count(5)
    # By keyboard as well, and what cannot be previewed says why.
    table.get_by_role("radio", name="联系电话").press("ArrowRight")
    expect(page.locator("#column")).to_have_value("3")
    page.set_input_files("#file", {"name": "x.xls", "mimeType": "text/csv", "buffer": b"\xd0\xcf\x11\xe0abc"})
    expect(page.locator("#preview .wrong")).to_be_visible()
    # A first row taken for headings may hold a number all the same.
    page.fill("#column", "1")
    bare = {"name": "y.csv", "mimeType": "text/csv", "buffer": "张三,13812345678\n李四,13812345679\n".encode()}
    page.set_input_files("#file", bare)
    expect(table.locator("thead th")).to_have_text(["张三", "13****78"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_entry_holds_for_some_days_and_its_history_says_so(reader, language):
    page = reader("agent", language).page
    number = page.request.get("/api/v1/lists/black/export").text().split()[10]
    page.goto("/lists")
    page.fill("#number", number)
    page.click("form[action='/lists/find'] button")
    page.wait_for_url("**/lists?subscriber=*")
    until = page.locator("#to").get_attribute("min")
    last = (datetime.date.fromisoformat(until) + datetime.timedelta(days=9)).isoformat()
    page.select_option("#list", "dnd_01")
    page.fill("#reason", "出国")
    page.fill("#to", last)
    page.click("form[action='/lists/add'] button")
    wait_for_done(page, "added")
    assert last in page.locator("#found").inner_text()
    look_at_all_widths(page, "lists-found", language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_is_kept_up_by_those_named_and_the_folder_says_what_became_of_each_file(reader, server, language):
    admin, agent = reader("admin", language).page, reader("agent", language).page
    code = {"zh-CN": "dnd_09", "en": "dnd_10"}[language]
    admin.goto("/lists")
    admin.locator("tr", has_text=code).get_by_role("link").first.click()
    admin.locator("input[name=program][value=inbox]").check()
    admin.fill("#everyDays", "7")
    admin.fill("#reason", "集团每周下发")
    look_at_all_widths(admin, "list-settings", language)
    admin.set_viewport_size({"width": 1440, "height": 900})
    with admin.expect_navigation():
        admin.locator("main form button[type=submit]").click()

    number = agent.request.get("/api/v1/lists/black/export").text().split()[11]
    inbox = pathlib.Path(server.folder) / "inbox" / "lists"
    (inbox / "part.tmp").write_text(f"手机号\n{number}\n19900000001\nx\n")
    (inbox / "part.tmp").rename(inbox / f"{code}.weekly.csv")
    (inbox / f"purple.{code}.csv").write_text(f"{number}\n")
    for _ in range(90):
        agent.goto(f"/lists/inbox?q={code}")
        if agent.locator("tbody .tag.good").count() and agent.locator("tbody .tag.bad").count():
            break
        agent.wait_for_timeout(1_000)
    assert agent.locator("tbody tr").count() == 2
    look_at_all_widths(agent, "lists-inbox", language)
    agent.set_viewport_size({"width": 1440, "height": 900})
    agent.get_by_role("link", name=f"{code}.weekly.csv").click()
    assert agent.locator("tbody tr").count() == 2 and "****" in agent.locator("tbody").inner_text()
    look_at_all_widths(agent, "lists-inbox-report", language)

    agent.set_viewport_size({"width": 1440, "height": 900})
    refused = agent.request.post(f"/api/v1/lists/{code}/add", data={"number": number, "reason": "x"},
                                 headers={"Idempotency-Key": f"upkeep-{code}", "Sec-Fetch-Site": "same-origin"})
    assert refused.status == 403 and refused.json()["code"] == "list.not_allowed"
    agent.goto(f"/lists?q={code}")
    row = agent.locator("tr", has_text=code).inner_text()
    assert re.search(r"\d{4}-\d\d-\d\d", row)
    agent.goto("/lists")
    look_at_all_widths(agent, "lists-upkeep", language)
