"""Segments over the network: life, parts, comparison, lists of numbers, and numbers that leave with a second person."""
# SPDX-License-Identifier: Apache-2.0

import csv
import datetime
import io
import itertools
import urllib.parse

import pytest

numbered = itertools.count(1)


@pytest.fixture
def planner(clients):
    return clients["planner"]


def segment(client, rule, name=None, **more):
    return client.post("/segments", {"name": name or f"life {next(numbered)}", "rule": rule, **more})


def move(client, made, step):
    """Moves a segment on, and gives it as it is afterwards."""
    client.post(f"/segments/{made['id']}/{step}", {"version": made["version"]})
    return client.get(f"/segments/{made['id']}")


def frozen(client, rule, name=None):
    return move(client, segment(client, rule, name), "compute")


def count(client, rule):
    return client.post("/segments/count", {"rule": rule})["count"]


def rows(text):
    header, *found = csv.reader(io.StringIO(text, newline=""))
    return header, found


def exported(clients, made, attributes=()):
    """The file of a segment's members, after the approver agreed."""
    asked = clients["planner"].post(f"/segments/{made['id']}/exports",
                                    {"reason": "letters", "attributes": list(attributes)})
    clients["approver"].post(f"/segment-exports/{asked['id']}/decision", {"isApproved": True})
    return asked, clients["planner"].text(f"/segment-exports/{asked['id']}/members")


# Life


def test_a_segment_is_created_computed_published_ended_and_opened_again(planner):
    made = segment(planner, "age >= 40", purpose="who is forty")
    assert (made["state"], made["count"], made.get("audience")) == ("saved", count(planner, "age >= 40"), None)
    assert planner.refused("POST", f"/segments/{made['id']}/publish", {"version": made["version"]})[:2] == (
        409, "plan.wrong_state")
    computed = move(planner, made, "compute")
    assert computed["state"] == "computed" and computed["audience"] and "published" not in computed
    published = move(planner, computed, "publish")
    assert published["state"] == "published" and published["published"] == computed["audience"]
    audience, = planner.get(f"/segments/{made['id']}/audiences")
    assert audience["count"] == made["count"] and len(audience["sha256"]) == 64
    ended = move(planner, published, "expire")
    assert ended["state"] == "expired"
    assert planner.refused("POST", f"/segments/{made['id']}/compute", {"version": ended["version"]})[0] == 409
    assert move(planner, ended, "reopen")["state"] == "saved"


def test_a_segment_is_handed_in_returned_and_released_by_another(clients):
    planner, approver = clients["planner"], clients["approver"]
    made = frozen(planner, "age >= 41")
    path = f"/segments/{made['id']}"
    refused = planner.refused("POST", f"{path}/decision", {"version": made["version"], "result": "pass"})
    assert refused[:2] == (403, "edge.forbidden")
    waiting = move(planner, made, "submit")
    assert waiting["review"]["submittedBy"] == "planner" and "result" not in waiting["review"]
    assert [each["id"] for each in approver.get("/segments?waiting=true")["items"]] == [made["id"]]
    assert made["id"] not in [each["id"] for each in approver.get("/segments?waiting=false&limit=200")["items"]]
    assert planner.refused("POST", f"{path}/publish", {"version": waiting["version"]})[:2] == (403, "plan.not_allowed")
    assert planner.refused("POST", f"{path}/submit", {"version": waiting["version"]})[:2] == (409, "plan.wrong_state")

    def decide(segment, result, reason=None):
        return approver.post(f"{path}/decision", {"version": segment["version"], "result": result, "reason": reason})

    assert approver.refused("POST", f"{path}/decision", {"version": waiting["version"], "result": "maybe"})[0] == 400
    assert approver.refused("POST", f"{path}/decision", {"version": waiting["version"], "result": "adjust"})[:2] == (
        422, "approval.reason_missing")
    assert approver.refused("POST", f"{path}/decision", {"version": made["version"], "result": "pass"})[:2] == (
        409, "control.stale")
    returned = decide(waiting, "adjust", "only from 42 on")
    assert (returned["state"], returned["review"]["reason"]) == ("computed", "only from 42 on")
    assert approver.refused("POST", f"{path}/decision", {"version": returned["version"], "result": "pass"})[:2] == (
        409, "approval.already_decided")
    planner.request("PUT", path, {"rule": "age >= 42", "version": returned["version"]}).close()
    again = move(planner, move(planner, planner.get(path), "compute"), "submit")
    released = decide(again, "pass")
    assert (released["state"], released["published"]) == ("published", again["audience"])
    assert released["review"]["decidedBy"] == "approver"


def test_a_change_needs_the_version_that_was_read_and_makes_a_revision(planner):
    made = segment(planner, "age >= 30")
    path = f"/segments/{made['id']}"
    with planner.request("PUT", path, {"rule": "age >= 31", "version": made["version"]}):
        pass
    assert planner.refused("PUT", path, {"rule": "age >= 32", "version": made["version"]})[0] == 409
    assert planner.refused("PUT", path, {"rule": "age >= 32"})[:2] == (400, "edge.bad_request")
    assert planner.get(path)["rule"] == "age >= 31"
    assert sorted(each["number"] for each in planner.get(path + "/revisions")) == [1, 2]


def test_a_segment_in_use_is_not_deleted_and_says_by_whom(planner):
    made = segment(planner, "age >= 20")
    user = planner.post("/segments", {"name": f"life {next(numbered)}", "definition": {
        "from": {"rule": "TRUE"}, "exclude": [{"segment": made["id"]}]}})
    today = datetime.date.today()
    campaign = planner.post("/campaigns", {
        "scene": "care", "name": f"uses {made['name']}", "segment": made["id"], "controlPPM": 0,
        "planned": f"{today}T10:00", "validTo": str(today + datetime.timedelta(days=30))})
    use = planner.get(f"/segments/{made['id']}/use")
    assert [each["id"] for each in use["campaigns"]] == [campaign["id"]]
    assert [each["id"] for each in use["segments"]] == [user["id"]]
    status, code, _ = planner.refused("DELETE", f"/segments/{made['id']}?version={made['version']}")
    assert (status, code) == (409, "control.in_use")
    assert planner.get(f"/segments/{made['id']}")["name"] == made["name"]
    with planner.request("DELETE", f"/segments/{user['id']}?version={user['version']}") as answer:
        assert answer.status == 204
    assert planner.refused("GET", f"/segments/{user['id']}")[0] == 404


@pytest.mark.parametrize("definition, part", [
    ({"from": {"outcome": {"campaign": 999_999, "results": ["accepted"]}}}, "from.outcome.campaign"),
    ({"from": {"rule": "TRUE"}, "exclude": [{"list": "black"}, {"campaigns": [999_999]}]}, "exclude.1.campaigns.0"),
    ({"from": {"rule": "TRUE"}, "exclude": [{"campaigns": []}]}, "exclude.0.campaigns"),
    ({"from": {"rule": "TRUE"}, "exclude": [{"list": "blak"}]}, "exclude.0"),
])
def test_what_a_definition_names_and_there_is_not_is_refused_with_its_place(planner, definition, part):
    for path, body in (("/segments/find", {"definition": definition}),
                       ("/segments", {"name": f"life {next(numbered)}", "definition": definition})):
        status, code, problem = planner.refused("POST", path, body)
        assert (status, code) == (422, "plan.bad_definition"), problem
        assert [each["field"] for each in problem["errors"]] == [part]


def test_roles_that_only_look_change_nothing(clients, planner):
    made = segment(planner, "age >= 50")
    for login in ("approver", "agent"):
        for path, body in ((f"/segments/{made['id']}/compute", {"version": made["version"]}),
                           (f"/segments/{made['id']}/exports", {"reason": "x"}),
                           ("/segments", {"name": "x", "rule": "TRUE"})):
            assert clients[login].refused("POST", path, body)[:2] == (403, "edge.forbidden")
    assert clients["approver"].get(f"/segments/{made['id']}")["state"] == "saved"


# Parts, comparison, movement


@pytest.mark.parametrize("by", [
    {"random": {"weights": [1, 1, 2]}}, {"attribute": "brand"}, {"bands": {"attribute": "age", "edges": ["30", "50"]}},
    {"conditions": ["age < 30", "brand = '全球通'"]}, {"tail_digits": ["135", "246"]},
], ids=lambda by: next(iter(by)))
def test_parts_add_up_and_become_segments_when_asked(planner, by):
    made = segment(planner, "age >= 25")
    parts = planner.post(f"/segments/{made['id']}/split", {"by": by})["parts"]
    assert len(parts) > 1 and sum(each["count"] for each in parts) == made["count"]
    assert all("segment" not in each for each in parts)
    saved = planner.post(f"/segments/{made['id']}/split", {"by": by, "save": True})["parts"]
    assert [each["count"] for each in saved] == [each["count"] for each in parts]
    for each in saved:
        assert planner.get(f"/segments/{each['segment']}")["count"] == each["count"]


@pytest.mark.parametrize("by", [
    {"random": {"weights": [1]}}, {"attribute": "nothing"}, {"bands": {"attribute": "age", "edges": ["50", "30"]}},
    {"conditions": ["age <"]}, {"tail_digits": ["12", "23"]}, {"weight": 1}, {},
])
def test_parts_that_cannot_be_are_refused(planner, by):
    made = segment(planner, "age >= 25")
    assert planner.refused("POST", f"/segments/{made['id']}/split", {"by": by})[0] in (400, 422)


def test_segments_overlap_as_counting_says(planner):
    # None of them is ever unknown, so that NOT is the rest.
    rules = ["(age >= 30 AND age IS NOT NULL)",
             "(brand = '全球通' AND brand IS NOT NULL)", "(is_5g_plan AND is_5g_plan IS NOT NULL)"]
    made = [segment(planner, rule)["id"] for rule in rules]
    overlap = planner.post("/segments/overlap", {"segments": made})
    for a, b in itertools.product(range(3), repeat=2):
        assert overlap["both"][a][b] == count(planner, f"({rules[a]}) AND ({rules[b]})")
    found = {tuple(each["segments"]): each["count"] for each in overlap["exactly"]}
    for chosen in itertools.product((True, False), repeat=3):
        members = tuple(each for each, is_in in zip(made, chosen) if is_in)
        rule = " AND ".join(rule if is_in else f"NOT ({rule})" for rule, is_in in zip(rules, chosen))
        if members:
            assert found.get(members, 0) == count(planner, rule), rule
    for wrong, status in ((made[:1], 422), (made * 3, 400), ([made[0], 999_999], 404)):
        assert planner.refused("POST", "/segments/overlap", {"segments": wrong})[0] == status


def test_who_came_and_who_left_between_two_audiences(planner):
    made = frozen(planner, "age >= 30")
    with planner.request("PUT", f"/segments/{made['id']}", {"rule": "age < 50", "version": made["version"]}):
        pass
    later = move(planner, planner.get(f"/segments/{made['id']}"), "compute")
    newest, oldest = planner.get(f"/segments/{made['id']}/audiences")
    assert newest["id"] == later["audience"]
    path = f"/segments/{made['id']}/movement"
    moved = planner.get(f"{path}?from={oldest['id']}&to={newest['id']}")
    sample = moved.pop("sample")
    assert moved == {
        "stayed": count(planner, "age >= 30 AND age < 50"), "came": count(planner, "age < 30"),
        "left": count(planner, "age >= 50")}
    assert [len(sample[side]) for side in ("came", "left")] == [10, 10]
    assert all("****" in each["msisdn"] for side in sample.values() for each in side)
    saved = planner.post(path, {"from": oldest["id"], "to": newest["id"], "side": "left"})
    assert saved["count"] == moved["left"]
    other = frozen(planner, "age >= 60")
    for query in ("", f"?from={oldest['id']}", f"?from={oldest['id']}&to={other['audience']}", "?from=a&to=b"):
        assert planner.refused("GET", path + query)[:2] == (400, "edge.bad_request")


# Numbers come in, and leave


def test_a_list_of_numbers_becomes_a_segment_and_says_what_it_left_out(clients, planner):
    _, members = rows(exported(clients, frozen(planner, "age >= 60"))[1])
    numbers = [row[0] for row in members[:5]]
    content = "\n".join(["手机号码", *numbers, "86" + numbers[0], "12345", "13000000000x"]).encode()
    name = urllib.parse.quote(f"名单 {next(numbered)}")
    done = planner.post(f"/segments/import?name={name}&file=vip.csv", content=content)
    assert done["segment"]["count"] == 5 and done["report"]["rows"] == 8
    assert sum(done["report"]["left"].values()) == 3 and done["report"]["left"]["duplicate"] == 1
    assert not [each for each in done["report"]["rejects"] if numbers[0] in each["text"]], "numbers are masked"
    assert planner.refused("POST", f"/segments/import?name={name}", content=content)[:2] == (409, "control.name_taken")
    for query, status in (("", 400), ("?name=x&kind=imsi", 400), ("?name=x&origin=own", 400)):
        assert planner.refused("POST", "/segments/import" + query, content=content)[0] == status
    for wrong in (b"", b"\n\n", b"12345\n", b"PK\x03\x04"):
        assert planner.refused("POST", "/segments/import?name=nobody", content=wrong)[0] == 422
    assert clients["agent"].refused("POST", f"/segments/import?name=x", content=content)[0] == 403


def test_numbers_leave_only_after_a_second_person_agreed_and_every_row_is_marked(clients, planner):
    made = frozen(planner, "age >= 55")
    path = f"/segments/{made['id']}/exports"
    assert planner.refused("POST", path, {"reason": " "})[0] == 422
    assert planner.refused("POST", path, {"reason": "x", "attributes": ["nothing"]})[0] == 422
    asked = planner.post(path, {"reason": "letters", "attributes": ["brand"]})
    decision, members = f"/segment-exports/{asked['id']}/decision", f"/segment-exports/{asked['id']}/members"
    assert asked["state"] == "waiting" and asked["count"] == made["count"]
    assert planner.refused("GET", members)[0] in (403, 409, 422), "not before it is agreed to"
    assert planner.refused("POST", decision, {"isApproved": True})[:2] == (403, "edge.forbidden"), "nobody agrees alone"
    agreed = clients["approver"].post(decision, {"isApproved": True})
    assert (agreed["state"], agreed["decidedBy"]) == ("approved", "approver")
    assert clients["approver"].refused("POST", decision, {"isApproved": False})[0] in (409, 422), "decided once"
    assert clients["approver"].refused("GET", members)[0] == 403, "who agrees does not fetch"
    header, found = rows(planner.text(members))
    assert len(found) == made["count"] and len(header) == 3 and len({row[0] for row in found}) == len(found)
    assert {row[-1] for row in found} == {f"E{asked['id']}/planner"}
    assert all(row[0].isdigit() and len(row[0]) == 11 and row[1] for row in found)
    log = clients["admin"].get("/audit?search=export.fetch")
    assert f"/{asked['id']}" in str(log) or f"{asked['id']}" in str(log)
    refused = planner.post(path, {"reason": "again"})
    clients["approver"].post(f"/segment-exports/{refused['id']}/decision", {"isApproved": False})
    assert planner.refused("GET", f"/segment-exports/{refused['id']}/members")[0] in (403, 409, 422)


def test_an_audience_is_delivered_to_a_system_once_agreed_to_until_somebody_ends_it(clients, planner):
    made = frozen(planner, "age >= 52")
    path = f"/segments/{made['id']}/exports"
    for wrong, status in (({"system": "../x"}, 422), ({"system": "crm", "until": "soon"}, 400),
                          ({"system": "crm", "until": "2020-01-01"}, 422), ({}, 400)):
        assert planner.refused("POST", path, {"reason": "x", "delivery": wrong})[0] == status
    asked = planner.post(path, {"reason": "for the shops", "delivery": {"system": "crm", "until": "2099-12-31"}})
    assert asked["delivery"] == {"system": "crm", "until": "2099-12-31"}
    own = f"/segment-exports/{asked['id']}"
    assert planner.get(own + "/files") == {"files": []}
    assert planner.refused("POST", own + "/end")[0] == 403, "nobody agreed to it yet"
    clients["approver"].post(own + "/decision", {"isApproved": True})
    assert planner.refused("GET", own + "/members")[0] == 403, "it is delivered, not fetched"
    assert clients["agent"].refused("POST", own + "/end")[0] == 403
    ended = planner.post(own + "/end")
    assert ended["endedBy"] == "planner" and ended["endedAt"]
    assert planner.refused("POST", own + "/end")[0] == 403, "once"
    assert planner.refused("GET", "/segment-exports/9999/files")[0] == 404


def test_other_systems_read_attributes_of_many_numbers_at_once(clients, planner):
    made = frozen(planner, "age >= 70")
    _, (header, found) = None, rows(exported(clients, made, ["brand", "age"])[1])
    numbers = [row[0] for row in found][:5]
    asked = {"numbers": ["+86 " + numbers[0], *numbers[1:], "12", "19999999999"], "attributes": ["brand", "age"]}
    answers = clients["agent"].post("/customers/attributes", asked)["answers"]
    assert [answer["number"] for answer in answers] == asked["numbers"]
    assert [(each["values"]["brand"], each["values"]["age"]) for each in answers[:5]] == [tuple(row[1:3]) for row in found][:5]
    assert [each.get("problem") for each in answers[5:]] == ["list.bad_number", "list.unknown_number"]
    assert not any("values" in each for each in answers[5:])
    for wrong in ({"numbers": []}, {"attributes": []}, {"attributes": ["msisdn"]}, {"attributes": ["nothing"]},
                  {"numbers": numbers[:1] * 1001}):
        assert planner.refused("POST", "/customers/attributes", {**asked, **wrong})[0] == 422, wrong
    log = str(clients["admin"].get("/audit?search=subscriber.attributes"))
    assert "brand, age" in log and numbers[1] not in log


def test_own_sql_finds_whom_the_rule_finds_and_reaches_nothing_else(clients, planner):
    definition = {"from": {"sql": "SELECT idx FROM subscriber WHERE age >= 44"}}
    assert planner.post("/segments/find", {"definition": definition})["count"] == count(planner, "age >= 44")
    for text, code in (("SELECT idx FROM line", "sql.unknown_table"), ("DROP VIEW subscriber", "sql.not_one_select"),
                       ("SELECT idx FROM read_csv('/etc/passwd')", "sql.function")):
        assert planner.refused("POST", "/segments/find", {"definition": {"from": {"sql": text}}})[1] == code
    assert clients["approver"].refused("POST", "/segments/find", {"definition": definition})[1] == "edge.forbidden"
