"""Two campaigns compete for the same subscribers: arbitrated, adopted, run, and compared; in both languages."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import re

import pytest
from conftest import LANGUAGES, look_at_all_widths
from playwright.sync_api import expect

WORDS = {
    "zh-CN": {
        "new": "新建统筹", "solve": "开始求解", "solved": "已求解", "again": "调整限制再求解", "short": "最低量无法满足",
        "adopt": "采用", "adopted": "已采用", "confirm": "确定", "withdraw": "撤回", "withdrawn": "已撤回", "start": "启动执行",
        "capacity": "短信渠道容量",  "wrong": "请填写有效的数字",
        "not_run": "尚未执行", "lost": r"([\d,]+) 户",
    },
    "en": {
        "new": "New arbitration", "solve": "Solve", "solved": "Solved", "again": "Solve again", "short": "Minimums not met",
        "adopt": "Adopt", "adopted": "Adopted", "confirm": "Confirm", "withdraw": "Withdraw", "withdrawn": "Withdrawn",
        "start": "Start", "capacity": "SMS capacity",  "wrong": "Enter a valid number",
        "not_run": "Not run yet", "lost": r": ([\d,]+) \(",
    },
}
HERE = {"Sec-Fetch-Site": "same-origin"}


def post(page, path, data):
    answer = page.request.post(f"/api/v1/{path}", data=data, headers=HERE)
    assert answer.ok, answer.text()
    return answer.json() if answer.text() else {}


def approved_campaigns(planner, approver, language):
    """Two campaigns over everybody; the rig's clock needs some minutes to their days."""
    planner.goto("/campaigns/new?scene=data_pack")
    today = datetime.date.fromisoformat(planner.input_value("#planned")[:10])
    segment = post(planner, "segments", {"name": f"统筹 {language}", "rule": "arpu_avg_3m >= 0"})["id"]
    made = []
    for days, score, value in [(24, "propensity_5g", 9_600), (25, "propensity_data_pack", 1_500)]:
        day = today + datetime.timedelta(days=days)
        made.append(post(planner, "campaigns", {
            "scene": "care", "name": f"A{days - 23} {language}", "segment": segment, "planned": f"{day}T10:00",
            "validTo": str(day + datetime.timedelta(days=20)), "score": score, "valuePerOrderMinor": value,
            "costPerPartMinor": 5, "controlPPM": 100_000})["id"])
        post(planner, f"campaigns/{made[-1]}/dry-run", {})
        post(planner, f"campaigns/{made[-1]}/submit", {})
        post(approver, f"campaigns/{made[-1]}/decision", {"result": "pass"})
    return made


def wait_until(page, text):
    expect(page.locator("p.summary")).to_contain_text(text, timeout=60_000)


@pytest.mark.parametrize("language", LANGUAGES)
def test_campaigns_are_arbitrated_adopted_and_compared(reader, language):
    words = WORDS[language]
    planner = reader("planner", language).page
    approver = reader("approver", language).page
    campaigns = approved_campaigns(planner, approver, language)

    # Only the two are ticked; a slip of the pen is told at its field.
    planner.goto("/arbitrations")
    planner.get_by_role("link", name=words["new"]).first.click()
    for box in planner.locator("input[name=campaign]").all():
        box.set_checked(int(box.get_attribute("value")) in campaigns)
    planner.locator("[id='perSubscriber']").evaluate("field => { field.type = 'text'; field.value = 'two' }")
    planner.get_by_role("button", name=words["solve"], exact=True).click()
    expect(planner.locator(".field.wrong")).to_contain_text(words["wrong"])
    look_at_all_widths(planner, "arbitration-form", language)
    planner.locator("[id='perSubscriber']").fill("1")
    planner.locator("[id='capacity.sms']").fill("200")
    planner.get_by_role("button", name=words["solve"], exact=True).click()
    wait_until(planner, words["solved"])
    address = planner.url.split("?")[0]
    expect(planner.locator("body[data-charts=ready] .canvas svg")).to_have_count(2)
    expect(planner.locator(".figures")).to_contain_text("¥")
    limits = planner.locator("section", has_text=words["capacity"]).locator("tbody tr", has_text=words["capacity"])
    expect(limits.filter(has=planner.locator(".gain"))).not_to_have_count(0)
    look_at_all_widths(planner, "arbitration-solved", language)

    # A minimum beyond the capacity is named with what is possible.
    planner.get_by_role("link", name=words["again"]).click()
    least = planner.locator(f"[id='minimum.{campaigns[1]}']")
    least.fill("201")
    look_at_all_widths(planner, "arbitration-again", language)
    least.press("Enter")
    wait_until(planner, words["short"])
    expect(planner.get_by_role("alert")).to_contain_text("201")
    expect(planner.get_by_role("alert")).to_contain_text("200")
    look_at_all_widths(planner, "arbitration-short", language)

    # The approver adopts the first result; the question names the contacts.
    approver.goto(address)
    approver.get_by_role("button", name=words["adopt"], exact=True).click()
    expect(approver.get_by_role("dialog")).to_contain_text("400")
    look_at_all_widths(approver, "arbitration-question", language)
    approver.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(approver.get_by_role("status")).to_contain_text(words["adopted"])
    expect(approver.locator("tbody").last).to_contain_text(words["not_run"])

    # The wave goes by it: everybody planned is reserved, or counted under the reason why not.
    planner.goto(f"/campaigns/{campaigns[0]}?tab=run")
    planner.get_by_role("button", name=words["start"]).first.click()
    planner.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    row = approver.locator("tr", has=approver.locator(f"a[href='/campaigns/{campaigns[0]}']"))
    for _ in range(60):
        approver.goto(address)
        if words["not_run"] not in row.inner_text():
            break
        approver.wait_for_timeout(500)
    cells = row.locator("td").all_inner_texts()
    planned, reserved = (int(cells[at].replace(",", "")) for at in (4, 7))
    lost = [int(number.replace(",", "")) for number in re.findall(words["lost"], cells[9])]
    assert planned == 200 and planned == reserved + sum(lost), cells
    look_at_all_widths(approver, "arbitration-run", language)

    approver.get_by_role("button", name=words["withdraw"], exact=True).click()
    approver.get_by_role("dialog").get_by_role("button", name=words["confirm"]).click()
    expect(approver.get_by_role("status")).to_contain_text(words["withdrawn"])
    planner.goto("/arbitrations")
    expect(planner.locator("tbody tr").first).to_be_visible()
    look_at_all_widths(planner, "arbitrations", language)


def test_agents_do_not_see_arbitrations_and_planners_do_not_adopt(reader):
    agent = reader("agent").page
    assert agent.goto("/arbitrations").status == 403
    planner = reader("planner").page
    answer = planner.request.post("/arbitrations/1/adopt", headers=HERE)
    assert answer.status == 403
