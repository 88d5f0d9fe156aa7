"""A cap is changed in a draft, its effect is seen, it is made live, and stands in the history; in both languages."""
# SPDX-License-Identifier: Apache-2.0

import re

import pytest
from conftest import LANGUAGES, look_at_all_widths
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {
        "new": "新建草案", "save": "保存并检查", "saved": "已保存", "effect": "影响与变更", "live": "生效", "confirm": "确定",
        "done": "已生效", "history": "历史版本", "change": "短信上限", "rebase": "更新到", "discard": "放弃草案",
        "suggest": "改为", "problems": "有 1 处问题", "matches": "名用户符合", "contents": "内容", "gone": "草案已放弃",
        "nothing": "新增不可触达", "shadow": "并行试运行", "stop": "停止试运行", "none": "没有正在试运行的草案",
    },
    "en": {
        "new": "New draft", "save": "Save and check", "saved": "Saved", "effect": "Effect and changes",
        "live": "Make live", "confirm": "Confirm", "done": "Live;", "history": "History", "change": "SMS cap",
        "rebase": "Rebase on", "discard": "Discard", "suggest": "Write", "problems": "made live: 1",
        "matches": "True for", "contents": "Contents", "gone": "The draft was discarded", "nothing": "Newly blocked",
        "shadow": "Run beside", "stop": "Stop the run", "none": "No draft is running",
    },
}


def revision(page):
    page.goto("/policy")
    return int(re.search(r"\d+", page.locator(".pagehead .hint").inner_text())[0])


def begin(page, words):
    page.goto("/policy")
    page.get_by_role("button", name=words["new"]).click()
    page.wait_for_url("**/policy/drafts/*")
    return page.url.split("?")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cap_is_changed_in_a_draft_and_made_live(reader, language):
    words = WORDS[language]
    admin = reader("admin", language).page
    before = revision(admin)
    look_at_all_widths(admin, "policy-live", language)
    other = begin(admin, words)
    address = begin(admin, words)
    # Another tier for each language, so that both change something; 0 contacts do whatever month it is.
    tier, brand = (3, "神州行") if language == "zh-CN" else (2, "M-Zone")
    note = f"收紧 {language}" if language == "zh-CN" else f"Tighter {language}"

    # A mistake in a rule is told while it is typed, and its suggestion is put in by a button.
    rule = admin.locator(f"[id='tiers.{tier}.rule']")
    written = rule.input_value()
    rule.fill(written.replace("brand", "brend"))
    wrong = admin.locator(".ruleresult:has(.wrong)")
    expect(wrong).to_contain_text("brand")
    wrong.get_by_role("button", name=words["suggest"]).click()
    assert rule.input_value() == written
    expect(admin.locator(".rulecell", has=rule)).to_contain_text(words["matches"])

    # What cannot be is saved in the draft and told at its field; nothing can be made live.
    admin.fill("#note", note)
    admin.locator(f"[id='tiers.{tier}.sms']").fill("999")
    admin.get_by_role("button", name=words["save"]).click()
    expect(admin.get_by_role("alert").first).to_contain_text(words["problems"])
    expect(admin.locator("td", has=admin.locator(f"[id='tiers.{tier}.sms']"))).to_contain_text("200")
    expect(admin.get_by_role("button", name=words["live"], exact=True)).to_have_count(0)
    look_at_all_widths(admin, "policy-wrong", language)

    # Saved by keyboard; the effect by brand and channel; the question names those affected.
    cap = admin.locator(f"[id='tiers.{tier}.sms']")
    cap.fill("0")
    cap.press("Enter")
    expect(admin.get_by_role("status")).to_contain_text(words["saved"])
    look_at_all_widths(admin, "policy-draft", language)
    admin.get_by_role("link", name=words["effect"]).click()
    affected = admin.locator(".figures dd").first.inner_text().split("\n")[0]
    assert int(affected.replace(",", "")) > 0
    expect(admin.locator("table").first).to_contain_text(words["change"])
    lost = admin.locator("tr", has=admin.locator(".loss"))
    expect(lost.filter(has_text=brand)).to_have_count(1)
    look_at_all_widths(admin, "policy-effect", language)
    # It may run beside the live policy first, without effect.
    effect = admin.url
    admin.get_by_role("button", name=words["shadow"]).click()
    admin.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(admin).to_have_url(re.compile("/policy/shadow"))
    expect(admin.get_by_role("status")).to_be_visible()
    look_at_all_widths(admin, "policy-shadow", language)
    admin.get_by_role("button", name=words["stop"]).click()
    admin.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(admin.locator(".empty, .card").first).to_contain_text(words["none"])
    admin.goto(effect)
    affected = admin.locator(".figures dd").first.inner_text().split("\n")[0]

    admin.get_by_role("button", name=words["live"], exact=True).click()
    expect(admin.get_by_role("dialog")).to_contain_text(affected)
    look_at_all_widths(admin, "policy-question", language)
    admin.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(admin.get_by_role("status")).to_contain_text(words["done"])
    assert admin.url.endswith(f"/policy/revisions/{before + 1}")
    expect(admin.locator("table").first).to_contain_text(words["change"])
    look_at_all_widths(admin, "policy-revision", language)
    assert revision(admin) == before + 1

    # Everybody who sees the policy finds the revision in the history.
    agent = reader("approver", language).page
    agent.goto("/policy")
    agent.get_by_role("link", name=words["history"]).click()
    expect(agent.locator("tbody tr").first).to_contain_text(note)
    look_at_all_widths(agent, "policy-history", language)

    # The draft that was begun before must be rebased; then it is given up.
    agent.goto(other)
    expect(agent.get_by_role("alert")).to_contain_text(str(before + 1))
    look_at_all_widths(agent, "policy-stale", language)
    agent.get_by_role("button", name=words["rebase"]).click()
    expect(agent.get_by_role("status")).to_contain_text(str(before + 1))
    agent.get_by_role("button", name=words["discard"]).click()
    agent.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(agent.get_by_role("status")).to_contain_text(words["gone"])


def test_planners_read_the_policy_and_do_not_change_it(reader):
    page = reader("planner").page
    page.goto("/policy")
    expect(page.get_by_role("button", name="新建草案")).to_have_count(0)
    assert page.goto("/policy/history").status == 200
    answer = page.request.post("/policy/drafts/new", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 403
