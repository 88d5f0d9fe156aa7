"""A campaign at touchpoints: planned in the form, started, found in the pool, offered and answered at the desk."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import pathlib
import re

import pytest
from conftest import LANGUAGES, look_at_all_widths, write_rule
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {
        "use": "使用此场景", "save": "保存草稿", "dry_run": "开始试算", "submit": "提交审批", "confirm": "确定", "pass": "通过",
        "start": "启动执行", "pool": "在营销活动池中", "offered": "推荐中", "yes": "推荐", "next": "接待下一位",
        "accept": "接受办理", "consider": "考虑中", "later": "改日再谈", "record": "登记", "refuse": "拒绝",
        "accepted": "已接受", "refused": "已拒绝", "again": "后再谈", "done": "已登记",
        "rules": "规则与客群", "website": "网站", "counter": "营业厅", "gone": "本次接待已结束", "stopped": "已终止", "begin": "重新开始",
    },
    "en": {
        "use": "Use this scene", "save": "Save draft", "dry_run": "Run a dry run", "submit": "Submit for approval",
        "confirm": "Confirm", "pass": "Approve", "start": "Start", "pool": "In the offer pool",
        "offered": "On offer", "yes": "Yes", "next": "Next customer", "accept": "Accepts", "consider": "Considers it",
        "later": "Another day", "record": "Record", "refuse": "Refuses", "accepted": "Accepted", "refused": "Refused",
        "again": "Again from", "done": "Recorded",
        "rules": "Rules and populations", "website": "website", "counter": "shop counter", "gone": "has ended",
        "stopped": "Stopped", "begin": "Begin again",
    },
}

CLASSES = (4, 5, 6, 10)


def plan(planner, approver, name, words, language):
    """A campaign for everybody, offered at the counter and on the website, planned and started by hand."""
    planner.goto("/segments/new")
    write_rule(planner, "arpu_avg_3m >= 0")
    planner.fill("#name", name)
    planner.locator("#name").press("Enter")
    planner.get_by_role("status").wait_for()
    planner.goto("/campaigns/new")
    planner.get_by_role("link", name=words["use"]).nth(1).click()
    planner.fill("#name", name)
    planner.select_option("#segment", label=planner.locator("#segment option", has_text=name).first.inner_text())
    planner.select_option("#channel", "inbound")
    planner.fill("#product", f"DESK-{language}")
    planner.fill("#control", "0")
    tomorrow, clock = planner.input_value("#planned").split("T")
    today = datetime.date.fromisoformat(tomorrow) - datetime.timedelta(days=1)
    planner.fill("#planned", f"{today.isoformat()}T{clock}")
    for kept in CLASSES:
        planner.uncheck(f"input[name=keep][value='{kept}']")
    planner.fill("#script", "您常用流量超出套餐，升级后每月更省。" if language == "zh-CN" else "A larger plan saves money.")
    planner.fill("#priority", "1")
    # Without a touchpoint, and with a mistake: both are told at their place, the mistake is selected.
    planner.fill("#personal", "1 + arpu_avg_3n")
    planner.get_by_role("button", name=words["save"]).click()
    expect(planner.locator("#touchpoints-error")).to_be_visible()
    for touchpoint in ("counter", "website"):
        planner.check(f"input[name=touchpoint][value={touchpoint}]")
    planner.get_by_role("button", name=words["save"]).click()
    expect(planner.locator("#personal-error")).to_contain_text("arpu_avg_3m")
    chosen = planner.locator("#personal").evaluate("box => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert chosen == "arpu_avg_3n"
    look_at_all_widths(planner, "campaign-offer-wrong", language)
    planner.fill("#personal", "arpu_avg_3m / 100")
    planner.get_by_role("button", name=words["save"]).click()
    expect(planner.get_by_role("heading", level=1)).to_have_text(name)
    look_at_all_widths(planner, "campaign-offer", language)
    number = planner.url.split("/campaigns/")[1].split("?")[0]
    planner.get_by_role("button", name=words["dry_run"]).first.click()
    planner.locator(".pagehead").get_by_role("button", name=words["submit"]).click()
    # The page before had a status too, that of the dry run.
    with planner.expect_navigation():
        planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    planner.get_by_role("status").wait_for()
    approver.goto(f"/approvals/{number}")
    approver.get_by_role("button", name=words["pass"], exact=True).click()
    approver.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    approver.get_by_role("status").wait_for()
    planner.goto(f"/campaigns/{number}?tab=run")
    planner.get_by_role("button", name=words["start"]).first.click()
    planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(planner.locator("[data-note]")).to_contain_text(words["pool"], timeout=30_000)
    return number


def customers(planner):
    """Numbers of subscribers: samples are masked, so they come from lists whose classes the campaign unticks."""
    found = []
    for kept in CLASSES:
        answer = planner.request.get(f"/api/v1/lists/dnd_{kept:02}/export")
        found += re.findall(r"1[3-9]\d{9}", answer.text()) if answer.status == 200 else []
    assert found
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_campaign_is_offered_at_the_desk_and_its_answers_stand_in_the_pool(reader, language):
    words = WORDS[language]
    planner, approver = reader("planner", language).page, reader("approver", language).page
    name = f"Desk {language}"
    number = plan(planner, approver, name, words, language)

    # The pool: found, ordered, exported; for one number, who is first and why others are not.
    planner.goto("/pool")
    row = planner.locator("tbody tr", has_text=name)
    expect(row).to_contain_text(words["offered"])
    expect(row).to_contain_text(words["counter"])
    look_at_all_widths(planner, "pool", language)
    with planner.expect_download() as download:
        planner.locator("a[download]").first.click()
    assert name in pathlib.Path(download.value.path()).read_text("utf-8-sig")
    planner.locator("input[type=search]").fill("no such campaign")
    planner.keyboard.press("Enter")
    expect(planner.locator("td.none")).to_be_visible()

    # A customer who has nothing in the way.
    agent = reader("agent", language).page
    served = []
    agent.goto("/desk")
    look_at_all_widths(agent, "desk", language)
    agent.fill("#number", "12345")
    agent.keyboard.press("Enter")
    expect(agent.get_by_role("alert")).to_be_visible()
    for customer in free(planner, words, name):
        agent.goto("/desk?at=counter")
        expect(agent.locator("#number")).to_be_focused()
        agent.fill("#number", customer)
        agent.keyboard.press("Enter")
        agent.wait_for_url("**/desk/*visit=*")
        assert customer not in agent.url
        if agent.locator(".offer", has_text=name).count():
            served.append(customer)
            answer(agent, words, name, language, len(served))
        if len(served) == 3:
            break
    assert len(served) == 3, "three customers are offered the campaign"

    # The first one took it; another visit does not offer it again. Look-ups and visits are on record.
    agent.goto("/desk?at=hotline")
    agent.fill("#number", served[0])
    agent.keyboard.press("Enter")
    agent.wait_for_url("**/desk/*visit=*")
    expect(agent.locator(".offer", has_text=name)).to_have_count(0)
    look_at_all_widths(agent, "desk-history", language)
    agent.goto(agent.url.replace("visit=", "visit=x"))
    expect(agent.locator("main")).to_contain_text(words["gone"])
    look_at_all_widths(agent, "desk-gone", language)
    agent.get_by_role("button", name=words["begin"]).click()
    agent.wait_for_url("**/desk/*visit=*")

    planner.goto("/pool")
    cells = planner.locator("tbody tr", has_text=name).locator("td.number").all_inner_texts()
    made, shown, accepted, refused = (int(cell.replace(",", "")) for cell in cells[-4:])
    assert (shown, accepted, refused) == (3, 1, 1) and made >= 3, cells
    planner.goto(f"/campaigns/{number}")
    planner.get_by_role("link", name=words["rules"]).click()
    expect(planner.locator("section.card").nth(2)).to_be_visible()
    look_at_all_widths(planner, "campaign-rules", language)
    admin = reader("admin", language).page
    admin.goto("/staff?tab=audit&q=subscriber.serve")
    expect(admin.locator("tbody tr").first).to_contain_text("agent")
    assert served[0] not in admin.content()
    # What is on offer would go on for days: it ends here.
    planner.goto(f"/campaigns/{number}?tab=run")
    look_at_all_widths(planner, "campaign-offered", language)
    planner.locator(".pagehead form[action$=stop] button").click()
    planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(planner.locator(".summary")).to_contain_text(words["stopped"])


def free(planner, words, name):
    """Customers to whom the pool would offer the campaign at the counter."""
    seen = False
    for customer in customers(planner):
        planner.goto("/pool")
        planner.fill("#number", customer)
        planner.keyboard.press("Enter")
        planner.wait_for_url("**/pool/*")
        row = planner.locator("tbody tr", has_text=name)
        is_free = row.count() and row.locator(".tag").inner_text() == words["yes"]
        if not seen and row.count():
            seen = True
            look_at_all_widths(planner, "pool-customer", "zh-CN" if words["yes"] == "推荐" else "en")
            planner.get_by_role("link", name=words["website"], exact=True).click()
            planner.wait_for_url("**at=website")
        if is_free:
            yield customer


def answer(agent, words, name, language, turn):
    """The first customer takes it after thinking, the second names another day, the third refuses."""
    offer = agent.locator(".offer", has_text=name)
    if turn == 1:
        before = offer.inner_text()
        agent.reload()
        assert offer.inner_text() == before, "the same offers after a reload"
        look_at_all_widths(agent, "desk-visit", language)
        offer.get_by_role("button", name=words["consider"]).click()
        expect(agent.get_by_role("status")).to_contain_text(words["done"])
        expect(offer.locator(".tag")).to_have_text(re.compile(words["consider"][:7]))
        offer.get_by_role("button", name=words["accept"]).click()
        expect(offer.locator(".tag")).to_have_text(words["accepted"])
        expect(offer.get_by_role("button")).to_have_count(0)
        look_at_all_widths(agent, "desk-taken", language)
    elif turn == 2:
        # By keyboard: the day is asked where it is needed, and Enter in it means another day, nothing else.
        offer.locator("details.later summary").focus()
        agent.keyboard.press("Enter")
        look_at_all_widths(agent, "desk-later", language)
        day = offer.locator("input[type=date]")
        tomorrow = datetime.date.fromisoformat(day.input_value())
        # Days of the rig fly by while another campaign sends, so tomorrow may be over before Enter is pressed.
        day.fill(str(tomorrow + datetime.timedelta(days=30)))
        day.press("Enter")
        expect(offer.locator(".tag")).to_contain_text(words["again"])
        agent.get_by_role("link", name=words["next"]).click()
        agent.wait_for_url("**/desk?at=counter")
    else:
        offer.get_by_role("button", name=words["refuse"]).click()
        expect(offer.locator(".tag")).to_have_text(words["refused"])
