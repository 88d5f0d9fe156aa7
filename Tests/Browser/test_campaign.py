"""The planner's and the approver's part of a campaign, from segment to evaluation, in both languages."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import re

import pytest
from conftest import look_at_all_widths, write_rule
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {
        "segments": "目标客户群", "new_segment": "新建客户群", "save": "保存", "saved": "已保存", "use": "使用此场景",
        "save_draft": "保存草稿", "dry_run": "开始试算", "done": "试算完成", "submit": "提交审批", "confirm": "确定",
        "submitted": "审批中", "adjust": "退回修改", "pass": "通过", "start": "启动执行", "finished": "已完成",
        "evaluation": "评估", "lift": "净提升", "jump": "定位错误", "edit": "编辑", "draft": "草稿", "pause": "暂停",
        "resume": "继续", "paused": "已暂停", "running": "执行中", "test": "测试发送", "tested": "测试短信已发送",
        "returned": "已退回修改", "passed": "已通过审批",
    },
    "en": {
        "segments": "Segments", "new_segment": "New segment", "save": "Save", "saved": "Saved", "use": "Use this scene",
        "save_draft": "Save draft", "dry_run": "Run a dry run", "done": "The dry run is complete",
        "submit": "Submit for approval", "confirm": "Confirm", "submitted": "Submitted", "adjust": "Return for changes",
        "pass": "Approve", "start": "Start", "finished": "Finished", "evaluation": "Evaluation",
        "lift": "Lift against control", "jump": "Go to the error", "edit": "Edit", "draft": "Draft", "pause": "Pause",
        "resume": "Resume", "paused": "Paused", "running": "Running", "test": "Test send", "tested": "The test was sent",
        "returned": "Returned for changes", "passed": "Approved now",
    },
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_campaign_goes_from_a_rule_to_its_evaluation(reader, language):
    words = WORDS[language]
    planner = reader("planner", language).page
    approver = reader("approver", language).page
    name = f"E2E {language}"

    # A segment: the count follows the typing, an error is marked at its place.
    planner.goto("/segments")
    planner.get_by_role("link", name=words["new_segment"]).first.click()
    rule = planner.locator("#rule")
    write_rule(planner, "brend = '神州行'")
    expect(planner.locator("#result mark")).to_have_text("brend")
    planner.get_by_role("button", name=words["jump"]).click()
    assert rule.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)") == "brend"
    look_at_all_widths(planner, "segment-error", language)
    rule.fill("arpu_avg_3m >= 30")
    expect(planner.locator("#result dd").first).to_have_text(re.compile(r"^[\d,]+"))
    assert re.fullmatch(r"1\d\d\*{4}\d{4}", planner.locator("#result tbody td").first.inner_text())
    planner.fill("#name", name)
    planner.get_by_role("button", name=words["save"], exact=True).click()
    expect(planner.get_by_role("status")).to_contain_text(words["saved"])

    # A campaign from a scene, on one page, with the length of the message.
    planner.goto("/campaigns/new")
    planner.get_by_role("link", name=words["use"]).nth(3).click()
    planner.fill("#name", name)
    planner.select_option("#segment", label=planner.locator("#segment option", has_text=name).first.inner_text())
    planner.fill("#message", "一" * 71)
    expect(planner.locator("#message-size")).to_contain_text("71")
    expect(planner.locator("#message-size")).to_contain_text("2")
    planner.fill("#message", "尊敬的客户，感谢一路相伴，祝生活愉快！回复TD退订。")
    planner.fill("#value", "20")
    today = planner.input_value("#planned")[:10]
    planner.fill("#planned", f"{today}T10:00")
    planner.fill("#validTo", (datetime.date.fromisoformat(today) + datetime.timedelta(days=20)).isoformat())
    planner.fill("#control", "20")
    planner.get_by_role("button", name=words["save_draft"]).click()
    expect(planner.get_by_role("heading", level=1)).to_have_text(name)
    number = planner.url.split("/campaigns/")[1].split("?")[0]

    planner.fill("#numbers", "13800138000, 13900139000")
    planner.get_by_role("button", name=words["test"]).click()
    expect(planner.get_by_role("status")).to_contain_text(words["tested"])

    planner.get_by_role("button", name=words["dry_run"]).first.click()
    expect(planner.get_by_role("status")).to_contain_text(words["done"])
    expect(planner.locator("body[data-charts=ready] .canvas svg").first).to_be_visible()
    submit(planner, words)
    approver.goto("/")
    look_at_all_widths(approver, "home-approver", language)

    # The approver sends it back with a reason, the planner submits again, the approver passes it.
    approver.goto(f"/approvals/{number}")
    look_at_all_widths(approver, "approval", language)
    approver.get_by_role("button", name=words["adjust"]).click()
    assert "/approvals/" in approver.url, "nothing is sent back without a reason"
    approver.fill("#reason", "内容再短一些")
    approver.get_by_role("button", name=words["adjust"]).click()
    expect(approver.get_by_role("status")).to_contain_text(words["returned"])
    planner.goto(f"/campaigns/{number}?tab=dry-run")
    expect(planner.locator(".summary")).to_contain_text(words["draft"])
    submit(planner, words)
    approver.goto(f"/approvals/{number}")
    approver.get_by_role("button", name=words["pass"], exact=True).click()
    look_at_all_widths(approver, "approval-question", language)
    approver.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(approver.get_by_role("status")).to_contain_text(words["passed"])

    # Execution with live progress, held and let go on once, to the end and its evaluation.
    planner.goto(f"/campaigns/{number}?tab=run")
    planner.get_by_role("button", name=words["start"]).first.click()
    planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(planner.locator(".pagehead").get_by_role("button", name=words["pause"])).to_be_visible(timeout=30_000)
    planner.locator(".pagehead").get_by_role("button", name=words["pause"]).click()
    expect(planner.locator(".summary")).to_contain_text(words["paused"])
    look_at_all_widths(planner, "campaign-paused", language)
    planner.locator(".pagehead").get_by_role("button", name=words["resume"]).click()
    expect(planner.locator(".summary")).to_contain_text(words["finished"], timeout=90_000)
    planner.goto(f"/campaigns/{number}?tab=evaluation")
    expect(planner.get_by_role("heading", name=words["lift"])).to_be_visible()
    expect(planner.locator("body[data-charts=ready] .canvas svg")).to_have_count(3)
    look_at_all_widths(planner, "campaign-measured", language)
    orders = planner.locator("main > .figures dd").first.inner_text()
    assert re.match(r"^[−\d,]+", orders), orders


def submit(planner, words):
    planner.locator(".pagehead").get_by_role("button", name=words["submit"]).click()
    planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(planner.locator(".summary")).to_contain_text(words["submitted"])


def test_nobody_approves_their_own_campaign_or_reaches_a_page_without_permission(reader):
    agent = reader("agent").page
    assert agent.locator("#menu a").all_inner_texts() == [
        "工作台", "客户接待", "客户统一视图", "免打扰名单", "接触原因查询", "接触控制策略"]
    answer = agent.goto("/campaigns")
    assert answer.status == 403
    expect(agent.get_by_role("heading", level=1)).to_have_text("没有权限")
    assert agent.goto("/nowhere").status == 404
