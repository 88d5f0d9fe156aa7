"""Hostile texts in every text field of segments, lists, exports and customers, and in every filter: nothing is executed,
nothing breaks, and a text comes back as it was or is refused in a few words."""
# SPDX-License-Identifier: Apache-2.0

import html
import itertools
import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

MIB = 1 << 20
HOSTILE = {
    "drop": "'; DROP TABLE segment; DROP VIEW subscriber; --", "or": "x' OR '1'='1", "quotes": "\"'`´\\\\' \\\" ''; --",
    "comment": "x/**/UNION/**/SELECT * FROM staff --", "script": "<script>alert(1)</script>\"'><img src=x onerror=a()>",
    "nul": "a\0b'; --", "rtl": "\u202e'; DROP TABLE segment\u202c \u200f\u2067x", "format": "{0} %s %n $(id) `id` ${x} \r\nX: y",
    "formula": "=1+1|'/c calc'!A1", "path": "../../../etc/passwd", "astral": "𠀀'́" * 30, "joined": "x'\u200d OR 1=1 --",
    "accent": "x'\u0301 OR 1=1 --", "long": "'" + "A" * MIB,
}
UNDERSTOOD = {200, 201, 204, 303, 400, 401, 403, 404, 409, 413, 414, 415, 422, 431}
# Words of what is inside.
INSIDE = ("SQLite", "sqlite", "DuckDB", "Parser Error", "syntax error", "Binder", ".swift")
numbered = itertools.count(1)


def query(**fields):
    return urllib.parse.urlencode(fields, quote_via=urllib.parse.quote)


class Attacker:
    """Sends what must be understood: done, or refused in a few words without the text itself."""

    def __init__(self, client):
        self.client, self.asked = client, 0

    def send(self, method, path, body=None, content=None):
        """The answer when it was done; None when it was refused."""
        self.asked += 1
        try:
            with self.client.request(method, path, body, content=content) as answer:
                assert answer.status in UNDERSTOOD, (path[:200], answer.status)
                return answer.read().decode("utf-8-sig")
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode()
            assert refusal.code in UNDERSTOOD, (path[:200], str(body)[:200], refusal.code, said[:500])
            assert len(said) < 6_000, (path[:200], said[:500])
            if said:
                problem = json.loads(said)
                assert problem["code"] and problem["title"] and problem["detail"], (path[:200], problem)
                # Own SQL is answered in the words of its parser; nothing else says what is behind.
                told = [] if problem["code"].startswith("sql.") else [word for word in INSIDE if word in said]
                assert not told, (path[:200], said)
            return None
        except (ConnectionError, urllib.error.URLError):
            # An address of a megabyte is more than a server reads; it says so, or closes.
            assert len(path) > 60_000, path[:200]
            return None


@pytest.fixture(scope="module")
def target(clients):
    """A segment that is frozen, and a subscriber."""
    planner = clients["planner"]
    made = planner.post("/segments", {"name": "target of attacks", "rule": "age >= 60"})
    planner.post(f"/segments/{made['id']}/compute", {"version": made["version"]})
    return planner.get(f"/segments/{made['id']}")


def everything(clients):
    """What an attack would change: tables, subscribers, lists."""
    planner, admin = clients["planner"], clients["admin"]
    sizes = [(each["code"], each.get("channel"), each["count"]) for each in planner.get("/lists") if each["count"]]
    return (planner.post("/segments/count", {"rule": "TRUE"})["count"], sizes, len(admin.get("/staff")["items"]),
            len(planner.get("/catalogue")["attributes"]))


def definitions(text):
    rule = {"rule": "TRUE"}
    yield {"from": {"rule": text}}
    yield {"from": {"rule": "city = '" + text.replace("'", "''") + "'"}}
    yield {"from": {"rule": "on_list('" + text.replace("'", "''") + "')"}}
    yield {"from": {"rule": "in_audience('" + text.replace("'", "''") + "')"}}
    yield {"from": {"sql": text}}
    yield {"from": {"sql": "SELECT idx FROM subscriber WHERE city = '" + text + "'"}}
    yield {"from": {text: text}}
    yield {"from": {"members": {"file": text, "count": 1, "origin": text, "name": text}}}
    yield {"from": {"outcome": {"campaign": 1, "results": [text]}}}
    for exclusion in ({"list": text}, {"rule": text}, {"contacted": {"category": text, "days": 30}}, {text: text}):
        yield {"from": rule, "exclude": [exclusion]}
    yield {"from": rule, "one_per_customer": {"highest": text}}
    yield {"from": rule, "pick": {"top": {"count": 5, "score": text}}}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_segments_is_executed(clients, target, text):
    planner, attack = clients["planner"], Attacker(clients["planner"])
    before = everything(clients)
    for name in (text, f"{next(numbered)} {text}"[:100]):
        said = attack.send("POST", "/segments", {"name": name, "purpose": text, "rule": "age >= 60"})
        if said:
            made = json.loads(said)
            kept = planner.get(f"/segments/{made['id']}")
            assert kept["name"] == name.strip() or kept["name"] == name, (kept["name"], name)
            assert kept["purpose"] in (text, text.strip())
            found = planner.get("/segments?" + query(search=kept["name"], limit=50))
            assert made["id"] in [each["id"] for each in found["items"]], "it is found by its own name"
            attack.send("PUT", f"/segments/{made['id']}", {"purpose": text, "version": kept["version"]})
    for definition in definitions(text):
        attack.send("POST", "/segments/find", {"definition": definition})
        attack.send("POST", "/segments", {"name": f"hostile {next(numbered)}", "definition": definition})
    for field in ("validTo", "state", "sharing", "refresh"):
        assert attack.send("POST", "/segments", {"name": f"h {next(numbered)}", "rule": "TRUE", field: text}) is None
    for by in ({"attribute": text}, {"bands": {"attribute": text, "edges": [text]}}, {"conditions": [text]},
               {"bands": {"attribute": "age", "edges": [text]}}, {"tail_digits": [text]}, {text: text}):
        attack.send("POST", f"/segments/{target['id']}/split", {"by": by, "save": True})
    for path, body in (("/segments/count", {"rule": text}), ("/rules", {"rule": text}), ("/rules", {"tree": {text: text}}),
                       ("/segments/sample", {"rule": "TRUE", "attributes": [text]})):
        assert attack.send("POST", path, body) is None
    assert everything(clients) == before and attack.asked > 30


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_exports_lists_and_customers_is_executed(clients, target, text):
    planner, agent = Attacker(clients["planner"]), Attacker(clients["agent"])
    before, quoted = everything(clients), urllib.parse.quote(text, safe="")
    said = planner.send("POST", f"/segments/{target['id']}/exports", {"reason": text, "attributes": ["brand"]})
    if said:
        asked = json.loads(said)
        assert asked["reason"] in (text, text.strip())
        clients["approver"].post(f"/segment-exports/{asked['id']}/decision", {"isApproved": True})
        assert clients["planner"].text(f"/segment-exports/{asked['id']}/members").count("\n") >= target["count"]
    assert planner.send("POST", f"/segments/{target['id']}/exports", {"reason": "x", "attributes": [text]}) is None
    for step in ("add", "remove"):
        for code, body in ((quoted, {"number": "13800138000", "reason": "x"}), ("black", {"number": text, "reason": text}),
                           ("dnd_01", {"number": "13800138000", "channel": text, "reason": text}),
                           ("vip", {"number": "13800138000", "reason": text, "from": text, "to": text})):
            assert agent.send("POST", f"/lists/{code}/{step}", body) is None
    assert agent.send("GET", f"/lists/{quoted}/export") is None
    assert agent.send("POST", "/lists/look-up", {"number": text}) is None
    content = f"手机号码,备注\n{text},{text}\n".encode()
    for fields in ({"reason": text}, {"reason": "x", "name": text}, {"reason": "x", "column": text},
                   {"reason": "x", "kind": text}, {"reason": "x", "mode": text}, {"reason": "x", "channel": text}):
        said = agent.send("POST", "/lists/black/import?" + query(**fields), content=content)
        assert said is None or json.loads(said)["added"] == 0, said
    for fields in ({"name": text}, {"name": "x", "file": text}, {"name": "x", "column": text}, {"name": "x", "kind": text}):
        assert planner.send("POST", "/segments/import?" + query(**fields), content=content) is None
    for field in ("number", "imsi", "customer", "fragment"):
        body = {field: text, **({"province": text, "city": text} if field == "fragment" else {})}
        said = agent.send("POST", "/customers/find", body)
        assert said is None or json.loads(said).get("total", 0) == 0, (field, said)
    said = agent.send("POST", "/customers/find", {"fragment": "138", "province": text, "city": text})
    assert agent.send("GET", f"/customers/{quoted}") is None
    for name in ("kind", "channel", "from", "to", "order", "direction", "cursor", "limit", "search"):
        agent.send("GET", "/customers/5/contacts?" + query(**{name: text}))
    assert agent.send("POST", "/customers/5/show", {"reason": " "}) is None
    agent.send("POST", "/customers/5/show", {"reason": text})
    assert everything(clients) == before


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_filter_is_executed(clients, text):
    admin, before = Attacker(clients["admin"]), everything(clients)
    whole = {path: clients["admin"].get(path) for path in ("/segments?limit=50", "/segment-exports?limit=50")}
    for path in ("/segments", "/segment-exports", "/audit", "/staff", "/campaigns", "/lists", "/catalogue"):
        for name in ("search", "state", "template", "order", "direction", "cursor", "limit", "format", "phase", "group"):
            said = admin.send("GET", f"{path}?" + query(**{name: text}))
            if said and name == "search" and text == HOSTILE["or"] and path == "/segment-exports":
                assert len(json.loads(said)["items"]) <= len(whole[path + "?limit=50"]["items"])
    admin.send("GET", "/" + urllib.parse.quote(text, safe=""))
    assert everything(clients) == before


@pytest.mark.parametrize("sign", ["\u200d", "\u0301", "\ufe0f", "\u20dd", "\0", ""], ids=lambda sign: ascii(sign))
def test_a_quote_that_joins_with_the_sign_after_it_ends_no_text(clients, sign):
    planner, agent = clients["planner"], clients["agent"]
    for rest in ("", " OR 1=1 --", " OR 1=1 OR '' = '"):
        text = f"x'{sign}{rest}"
        # The cold attribute asks the warehouse; nobody has such a terminal.
        quoted = text.replace("'", "''")
        for rule in (f"terminal_model = '{quoted}' AND balance >= 0", f"balance >= 0 AND terminal_model IN ('{quoted}')"):
            try:
                assert planner.post("/segments/count", {"rule": rule})["count"] == 0, rule
            except urllib.error.HTTPError as refusal:
                assert sign == "\0" and refusal.code == 422, (rule, refusal.read())
        for name in ("kind", "channel"):
            assert agent.get(f"/customers/5/contacts?{query(**{name: text})}")["items"] == [], (name, text)


PAGES = ("/segments", "/segments/exports", "/lists", "/customers", "/catalogue", "/segments/overlap", "/segments/new",
         "/audit", "/")


def page(server, token, path, language="zh-CN"):
    asked = urllib.request.Request(server.address + path, headers={
        "Cookie": f"gyre_session={token}", "Accept-Language": language, "Accept": "text/html"})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_pages_show_hostile_texts_as_texts(clients, server):
    planner = clients["planner"]
    names = []
    for name, text in HOSTILE.items():
        made = f"{next(numbered)} {text}"[:100]
        try:
            segment = planner.post("/segments", {"name": made, "purpose": text[:500], "rule": "age >= 60"})
        except urllib.error.HTTPError:
            continue
        names.append((segment["id"], segment["name"]))
    assert len(names) > 6
    for login in ("planner", "admin"):
        for path in PAGES:
            fields = ("q", "sort", "page", "size", "s", "kind", "group", "list", "tab")
            for text in ("", *HOSTILE.values()):
                asked = "?" + query(**{name: text[:2_000] for name in fields}) if text else ""
                status, shown = page(server, clients[login].token, path + asked)
                assert status in UNDERSTOOD, (path, text[:80], status)
                assert "<script>alert" not in shown and "<img src=x" not in shown, (path, text[:80])
    for number, name in names:
        status, shown = page(server, planner.token, f"/segments/{number}")
        assert status == 200 and "<script>alert" not in shown and "<img src=x" not in shown
        assert name in html.unescape(shown), name
    for line in planner.text("/segments?format=csv&limit=200").splitlines():
        assert not line.split(",")[1:2] or not line.split(",")[1].lstrip('"').startswith("="), line
