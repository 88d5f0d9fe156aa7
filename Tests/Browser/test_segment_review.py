"""A segment goes from its planner to an approver in the console: handed in, returned with a reason, released."""
# SPDX-License-Identifier: Apache-2.0

import uuid

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done

HEADERS = {"Sec-Fetch-Site": "same-origin"}


def frozen(page, name, rule):
    """The path of a new segment with an audience."""
    made = page.request.post("/api/v1/segments", data={"name": name, "rule": rule, "sharing": "everyone"},
                             headers={"Idempotency-Key": str(uuid.uuid4()), **HEADERS}).json()
    page.goto(f"/segments/{made['id']}")
    freeze(page)
    return f"/segments/{made['id']}"


def freeze(page):
    page.locator("form[action$='/compute'] button").click()
    wait_for_done(page, "computed")


def hand_in(page):
    page.locator("form[action$='/submit'] button").click()
    page.get_by_role("dialog").locator("button.primary").click()
    wait_for_done(page, "submitted")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_approver_returns_a_segment_with_a_reason_and_releases_the_next(reader, language):
    planner, approver = reader("planner", language).page, reader("approver", language).page
    name = f"审批 {language}"
    path = frozen(planner, name, "age >= 20")
    hand_in(planner)
    assert planner.locator("form[action$='/publish']").count() == 0, "another decides"
    look_at_all_widths(planner, "segment-handed-in", language)
    planner.set_viewport_size({"width": 1440, "height": 900})

    approver.goto("/")
    assert name in approver.locator("main").inner_text()
    look_at_all_widths(approver, "home-segment-to-approve", language)
    approver.set_viewport_size({"width": 1440, "height": 900})
    approver.goto("/approvals")
    approver.locator("main a[href='/segments?tab=waiting']").click()
    look_at_all_widths(approver, "segments-waiting", language)
    approver.set_viewport_size({"width": 1440, "height": 900})
    approver.get_by_role("link", name=name).click()
    look_at_all_widths(approver, "segment-to-approve", language)
    approver.set_viewport_size({"width": 1440, "height": 900})
    approver.locator("#review button[value=adjust]").click()
    assert approver.evaluate("document.querySelector('#reason').validity.customError"), "a return says why"
    approver.fill("#reason", "请去掉 25 岁以下的用户")
    approver.locator("#review button[value=adjust]").click()
    wait_for_done(approver, "returned")
    assert approver.locator("#review form").count() == 0

    planner.goto("/segments?q=" + name)
    assert planner.locator("tbody tr").first.locator(".tag").count() == 2, "the list shows what was returned"
    planner.goto(path)
    assert "请去掉 25 岁以下的用户" in planner.locator("#review").inner_text()
    assert planner.locator("form[action$='/publish']").count() == 0, "what was returned is handed in anew"
    look_at_all_widths(planner, "segment-returned", language)
    planner.set_viewport_size({"width": 1440, "height": 900})
    version = planner.request.get(f"/api/v1{path}").json()["version"]
    planner.request.put(f"/api/v1{path}", data={"rule": "age >= 25", "version": version}, headers=HEADERS)
    planner.goto(path)
    freeze(planner)
    hand_in(planner)

    approver.goto(path)
    approver.locator("#review button[value=pass]").click()
    approver.get_by_role("dialog").locator("button.primary").click()
    wait_for_done(approver, "passed")
    state = planner.request.get(f"/api/v1{path}").json()
    assert (state["state"], state["published"]) == ("published", state["audience"])


def test_a_segment_that_fails_ends_after_a_question_and_whoever_handed_it_in_cannot_decide(reader):
    planner, approver = reader("planner").page, reader("approver").page
    path = frozen(planner, "不通过的客户群", "age >= 90")
    hand_in(planner)
    assert planner.locator("#review form").count() == 0
    approver.goto(path)
    approver.fill("#reason", "人数太少")
    approver.locator("#review button[value=fail]").click()
    approver.get_by_role("dialog").locator("button:not(.danger)").first.click()
    assert approver.locator("#review form").count() == 1
    approver.locator("#review button[value=fail]").click()
    with approver.expect_navigation():
        approver.get_by_role("dialog").locator("button.danger").click()
    assert planner.request.get(f"/api/v1{path}").json()["state"] == "expired"
