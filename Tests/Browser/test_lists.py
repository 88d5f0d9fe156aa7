"""Special lists in the console: a spreadsheet is imported with its report, an entry holds for some days."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import io
import zipfile

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done


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
