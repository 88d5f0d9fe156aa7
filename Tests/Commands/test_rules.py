"""Rules that are wrong, hostile or huge."""
# SPDX-License-Identifier: Apache-2.0

import shutil

import pytest

from conftest import Data, Server, with_note


def count(data, rule, **settings):
    return data.run("segment", "count", rule, "--json", **settings)


@pytest.mark.parametrize("rule, place, words", [
    ("contrct = 'One year'", "line 1, column 1", ["contrct", "write contract"]),
    ("tenure > 3 AND\n  contract = 'One yaer'", "line 2, column 14", ["One yaer", "write 'One year'"]),
    ("tenure > '3'", "line 1, column 10", ["write 3"]),
    ("(tenure > 3", "line 1, column 12", [")"]),
    ("tenure > 3 AND", "line 1, column 15", []),
    ("tenure = NULL", "line 1, column", ["IS NULL"]),
    ("contract = 'One year", "line 1, column 12", []),
    ("on_list('blak')", "line 1, column 9", ["black"]),
    ("合约类形 = 'One year'", "line 1, column 1", ["合约类型"]),
    ("tenure # 3", "line 1, column 8", ["#"]),
    ("tenure > 99999999999999999999", "line 1, column 10", []),
    ("", "line 1, column 1", []),
])
def test_a_wrong_rule_shows_the_place_and_what_to_write(loaded, rule, place, words):
    said = count(loaded, rule).fails(place, *words)
    if rule:
        shown, marks = said.split("\n")[1:3]
        assert shown == rule.split("\n")[int(place[5]) - 1]
        assert marks.strip("^~ ") == "" and "^" in marks


def test_a_wrong_rule_is_explained_in_chinese_too(loaded):
    assert "没有" in count(loaded, "contrct = 1", env={"GYRE_LANG": "zh-CN"}).fails("contract")


INJECTIONS = ["x'; DROP VIEW subscriber; --", "x' OR '1'='1", "'; COPY (SELECT 1) TO '/tmp/gyre' --", "\\'; --",
              "%' OR 1=1 --", "x\n; DROP TABLE line", "\"; DROP TABLE line; --", "$1 ? :a @b {0}", "x/**/OR/**/1=1"]


def test_sql_in_a_text_is_a_text(empty, customers, tmp_path):
    mapping = with_note(tmp_path, customers, INJECTIONS + ["x"] * (200 - len(INJECTIONS)))
    assert empty.load(customers.save(tmp_path / "c.csv"), mapping).json["loaded"] == 200
    texts = ["'" + text.replace("'", "''") + "'" for text in INJECTIONS]
    for text in texts:
        assert count(empty, f"note = {text}").json["count"] == 1, text
    one_of = ", ".join(texts)
    assert count(empty, f"note IN ({one_of}) AND tenure >= 0").json["count"] == len(texts)
    assert count(empty, "note LIKE '%''%'").json["count"] == sum("'" in text for text in INJECTIONS)
    for raw in ("note = 'x'; DROP VIEW subscriber", "note = 'x' -- ", "note = read_text('/etc/passwd')",
                "note IN (SELECT note FROM subscriber)", "1=1) OR (1=1", "note = \"x\" UNION SELECT 1"):
        count(empty, raw).fails("line 1, column")
    assert empty.count() == 200


@pytest.mark.parametrize("rule", [
    "(" * 60_000 + "tenure > 1", "(" * 20_000 + "tenure > 1" + ")" * 20_000, "NOT " * 15_000 + "tenure > 1",
    "tenure > " + "-" * 60_000 + "1", "tenure > " + "(" * 30_000 + "1" + ")" * 30_000,
    "tenure IN (" + "(" * 60_000, "tenure > abs(" * 5_000,
], ids=["open", "closed", "not", "minus", "value", "list", "function"])
def test_deep_nesting_is_an_error_with_its_place(loaded, rule):
    count(loaded, rule).fails("line 1, column", longest=1 << 20)


def test_a_hundred_thousand_brackets_are_an_error_with_their_place(loaded):
    count(loaded, "(" * 100_000 + "tenure > 1").fails("line 1, column", "65536 characters", longest=1 << 20)


def test_of_a_long_rule_only_the_part_around_the_wrong_place_is_shown(loaded):
    rule = "tenure > 1 OR " * 3_000 + "tenur > 1" + " OR tenure > 1" * 1_000
    count(loaded, rule).fails("line 1, column 42001", "write tenure", "tenur > 1")


def test_long_flat_rules_count_or_are_refused(loaded):
    for rule in (" OR ".join(["tenure > 1"] * 4_000), " + ".join(["tenure"] * 6_000) + " > 1",
                 "tenure IN (" + ", ".join(map(str, range(10_000))) + ")"):
        done = count(loaded, rule)
        if done.code:
            done.fails("line 1, column", longest=1 << 20)
        else:
            assert done.json["count"] > 100


def test_a_rule_that_is_no_text_is_an_error(loaded):
    count(loaded, b"tenure > \xff\xfe").fails("line 1, column")


@pytest.fixture(scope="module")
def server(staffed, tmp_path_factory):
    made, tokens = staffed
    folder = tmp_path_factory.mktemp("served") / "data"
    shutil.copytree(made.path, folder)
    with Server(Data(folder), tokens) as running:
        yield running


def refused(server, path, body=None, content=None):
    status, problem = server.request("planner", "POST", path, body, content=content)
    assert 400 <= status < 500, (status, problem)
    assert problem["status"] == status and problem["title"], problem
    assert len(str(problem)) < 4_000, len(str(problem))
    # It works on.
    assert server.post("planner", "/segments/count", {"rule": "tenure >= 0"})["count"] == 200
    return problem


def test_the_api_refuses_a_rule_of_ten_megabytes(server):
    for path in ("/segments/count", "/rules", "/segments"):
        refused(server, path, {"name": "huge", "rule": "tenure > 1 OR " * 700_000 + "tenure > 2"})


def test_the_api_refuses_deep_rules_and_trees(server):
    refused(server, "/segments/count", {"rule": "(" * 60_000})
    for open_, close in (('{"not":', "}"), ("[", "]"), ('{"all":[', "]}")):
        for depth in (2_000, 100_000):
            refused(server, "/rules", content=(f'{{"tree":{open_ * depth}1{close * depth}}}').encode())
            refused(server, "/rules", content=f'{{"tree":{open_ * depth}'.encode())
