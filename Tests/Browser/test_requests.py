"""Data requests in the console: from who needs data to who has them, and back."""
# SPDX-License-Identifier: Apache-2.0

import datetime

import pytest
from conftest import LANGUAGES, look_at_all_widths


def act(page, name, text=None, segment=None):
    """Takes a step by its button or form; one that asks first is confirmed by the caller."""
    form = page.locator(f"main form[action$='/{name}']")
    if text is not None:
        form.locator("textarea").fill(text)
    if segment is not None:
        form.locator("select").select_option(segment)
    if form.get_attribute("data-ask"):
        return form.locator("button[type=submit]").click()
    with page.expect_navigation():
        form.locator("button[type=submit]").click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_is_raised_asked_about_answered_by_a_segment_and_accepted(reader, language):
    asker, worker = reader("approver", language).page, reader("planner", language).page
    title = f"五月流失用户 {language}"
    worker_api = worker.request
    name = f"取数 {language}"
    segment = worker_api.post("/api/v1/segments", data={"name": name, "rule": "status = '正常'", "sharing": "everyone"},
                              headers={"Idempotency-Key": f"requests-{language}", "Sec-Fetch-Site": "same-origin"}).json()
    worker.goto(f"/segments/{segment['id']}")
    with worker.expect_navigation():
        worker.locator("form[action$='/compute'] button").click()

    asker.goto("/requests/new")
    asker.fill("#title", title)
    asker.fill("#wantedBy", (datetime.date.today() + datetime.timedelta(days=400)).isoformat())
    asker.fill("#need", "近三个月流失用户的号码、套餐和 ARPU\n按地市分开")
    asker.fill("#reason", "外呼挽留，由客服中心使用")
    look_at_all_widths(asker, "request-filled", language)
    asker.set_viewport_size({"width": 1440, "height": 900})
    with asker.expect_navigation():
        asker.click("form[action='/requests/new'] button[type=submit]")
    path = asker.url.split("?")[0]
    # Beside it somebody who waits for his turn sees it on his workbench.
    worker.goto("/")
    assert title in worker.locator("main").inner_text()
    look_at_all_widths(worker, "home-requests", language)
    worker.set_viewport_size({"width": 1440, "height": 900})
    worker.goto("/requests?tab=waiting")
    worker.get_by_role("link", name=title).click()
    act(worker, "take")
    act(worker, "ask", "要不要含已停机的用户？")

    asker.goto(path)
    act(asker, "reply", "不含")
    worker.goto(path)
    look_at_all_widths(worker, "request-in-work", language)
    worker.set_viewport_size({"width": 1440, "height": 900})
    act(worker, "answer", "成员已固化，见客户群", str(segment["id"]))
    assert worker.locator("#answer-given form[action$='/export']").count() == 1
    look_at_all_widths(worker, "request-answer", language)

    asker.goto(path)
    assert name in asker.locator("#answer-given").inner_text()
    look_at_all_widths(asker, "request-answered", language)
    asker.set_viewport_size({"width": 1440, "height": 900})
    act(asker, "accept")
    asker.locator("dialog").get_by_role("button").last.wait_for()
    look_at_all_widths(asker, "request-accepting", language)
    with asker.expect_navigation():
        asker.click("dialog button.primary")
    assert asker.locator(".timeline li").count() == 6
    assert asker.locator("main form[method=post]").count() == 0, "nothing follows the end"
    asker.goto("/requests?tab=closed")
    assert title in asker.locator("tbody").inner_text()
    look_at_all_widths(asker, "requests-closed", language)


def test_a_request_is_cancelled_only_after_a_question(reader):
    page = reader("approver").page
    answer = page.request.post(
        "/api/v1/data-requests", headers={"Idempotency-Key": "cancel", "Sec-Fetch-Site": "same-origin"},
        data={"title": "不要了", "need": "号码", "reason": "试", "wantedBy": "2999-01-01"})
    page.goto(f"/requests/{answer.json()['id']}")
    act(page, "cancel")
    page.click("dialog button:not(.danger)")
    assert page.locator("main form[action$='/cancel']").count() == 1
    act(page, "cancel")
    with page.expect_navigation():
        page.click("dialog button.danger")
    assert "已取消" in page.locator(".facts").inner_text()
