"""gyre segment create, show, split, movement, export: what they do, and what they refuse."""
# SPDX-License-Identifier: Apache-2.0

import csv
import hashlib
import io
import json
import shutil

import pytest

from conftest import Data, Server


def create(data, name, *arguments):
    return data.run("segment", "create", name, *arguments, "--json")


def rows(data, condition):
    return sum(condition(row) for row in data.subscribers())


@pytest.fixture
def frozen(data):
    """A segment of long customers with an audience, by its number."""
    number = str(create(data, "long", "--rule", "tenure >= 12").json["id"])
    assert data.run("segment", "compute", number, "--json").json["state"] == "computed"
    return number


# Made


def test_a_rule_makes_a_segment_that_is_counted(data):
    made = create(data, "老用户", "--rule", "tenure >= 12", "--refresh", "daily", "--purpose", "retention",
                  "--template").json
    expected = rows(data, lambda row: row["tenure"] >= 12)
    assert (made["name"], made["state"], made["definition"], made["count"]) == (
        "老用户", "saved", "tenure >= 12", expected)
    segment = data.run("segment", "show", "老用户", "--json").json["segment"]
    assert (segment["refresh"], segment["purpose"], segment["isTemplate"], segment["owner"], segment["rule"]) == (
        "daily", "retention", True, "cli", "tenure >= 12")
    done = data.run("segment", "create", "plain", "--rule", "tenure >= 12")
    assert done.out == f"{made['id'] + 1}  plain  saved  {expected}\n"


def test_a_query_makes_a_segment_as_text_or_as_a_file(data, tmp_path):
    query = "SELECT idx FROM subscriber WHERE tenure >= 12"
    expected = rows(data, lambda row: row["tenure"] >= 12)
    assert create(data, "text", "--sql", query).json["count"] == expected
    (tmp_path / "query.sql").write_text(query + "\n")
    assert create(data, "file", "--sql", tmp_path / "query.sql").json["count"] == expected
    create(data, "none", "--sql", tmp_path / "other.sql").fails("other.sql", "cannot be read")
    create(data, "none", "--sql", "SELECT tenure FROM subscriber").fails("first column")
    create(data, "none", "--sql", "SELECT idx FROM staff").fails("staff cannot be read")


def test_a_definition_in_a_file_makes_a_segment_with_exclusions_and_a_pick(data, tmp_path):
    file = tmp_path / "definition.json"
    file.write_text(json.dumps({"from": {"rule": "tenure >= 12"}, "exclude": [{"rule": "monthly_charges >= 70"}],
                                "pick": {"sample": {"count": 5, "draw": 3}}}))
    assert create(data, "picked", "--definition", file).json["count"] == 5
    said = data.run("segment", "show", "picked").out
    assert "without Meets the rule monthly_charges >= 70" in said and "A random sample: 5, 3" in said
    file.write_text('{"from": {"rule": "tenure >= 12"}, "exclude": [{"rule": "monthly_charge >= 70"}]}')
    create(data, "wrong", "--definition", file).fails("exclude.0.rule: line 1, column 1: ", "monthly_charges", "^~~")
    for content, word in (("{", "JSON"), ("{}", "from"), ('{"from": {"rule": "TRUE"}, "without": 1}', "without"),
                          ('{"from": {"sql": 1}}', "from.sql"), ("[1]", "definition")):
        file.write_text(content)
        create(data, "wrong", "--definition", file).fails("definition.json", word)
    create(data, "wrong", "--definition", tmp_path / "none.json").fails("none.json", "cannot be read")


def test_a_wrong_rule_is_shown_with_the_character(data):
    done = create(data, "wrong", "--rule", "tenure >= 12 AND contact = 1")
    done.fails("from.rule: line 1, column 18: ", "tenure >= 12 AND contact = 1\n", " " * 17 + "^~~~~~~")
    done = data.run("segment", "create", "wrong", "--rule", "tenure >=", env={"GYRE_LANG": "zh-CN"})
    done.fails("第 1 行第 10 列")
    assert data.run("segment", "list", "--json").json == []


@pytest.mark.parametrize("arguments", [
    ["segment", "create"], ["segment", "create", "x"], ["segment", "create", "x", "--rule", "TRUE", "--sql", "SELECT 1"],
    ["segment", "create", "x", "--rule", "TRUE", "--refresh", "yearly"], ["segment", "show"], ["segment", "movement"],
    ["segment", "split", "x"], ["segment", "split", "x", "--by", "random"], ["segment", "split", "x", "--by", "age"],
    ["segment", "split", "x", "--by", "random:a"], ["segment", "split", "x", "--by", "bands:tenure"],
    ["segment", "split", "x", "--by", "rule:TRUE", "--by", "tail:1"], ["segment", "export", "x"],
    ["segment", "fetch", "x"],
])
def test_what_is_no_usage_ends_with_64(data, arguments):
    data.run(*arguments).fails(code=64)


def test_a_segment_that_there_is_not_is_named(data):
    for command in (["show"], ["movement"], ["split", "--by", "random:2"], ["export", "--reason", "x"]):
        data.run("segment", command[0], "nobody", *command[1:]).fails("there is no segment nobody")
    create(data, "twice", "--rule", "TRUE").json
    create(data, "twice", "--rule", "TRUE").fails("twice")


# Shown


def test_a_segment_is_shown_with_its_last_audience_and_its_uses(data, frozen):
    count = rows(data, lambda row: row["tenure"] >= 12)
    shown = data.run("segment", "show", frozen, "--json").json
    assert shown["segment"]["name"] == "long" and shown["segment"]["revision"] == 1
    assert shown["audience"]["steps"] == [{"kind": {"source": True}, "removed": 0, "left": count}]
    assert shown["use"] == {"campaigns": [], "deliveries": [], "requests": [], "segments": []}
    said = data.run("segment", "show", "long").out
    assert said.startswith(f"{frozen}  long  Computed  r1\nDefinition: tenure >= 12\n") and "Not used" in said
    assert "已计算" in data.run("segment", "show", "long", "--lang", "zh-CN").out
    create(data, "not frozen", "--rule", "TRUE").json
    assert "audience" not in data.run("segment", "show", "not frozen", "--json").json


def test_who_came_and_left_is_told_between_two_audiences(data, customers, tmp_path, frozen):
    data.run("segment", "movement", "long").fails("fewer than two audiences")
    long = [row for row in range(200) if int(customers.get(row, "tenure")) >= 12]
    short = [row for row in range(200) if int(customers.get(row, "tenure")) < 12]
    customers.set(long[0], "tenure", 1).set(long[1], "tenure", 2).set(short[0], "tenure", 30)
    assert data.load(customers.save(tmp_path / "changed.csv")).code == 0
    data.run("segment", "compute", frozen).out
    moved = data.run("segment", "movement", frozen, "--json").json
    assert (moved["came"], moved["left"], moved["stayed"]) == (1, 2, len(long) - 2)
    assert moved["to"] > moved["from"]
    assert ": came 1, left 2, stayed " in data.run("segment", "movement", "long").out


# Split


def test_parts_are_counted_first_and_saved_when_told_to(data, frozen):
    count = rows(data, lambda row: row["tenure"] >= 12)
    parts = data.run("segment", "split", "long", "--by", "random:3", "--json").json["parts"]
    assert [part["label"] for part in parts] == ["part 1/3", "part 2/3", "part 3/3"]
    assert sum(part["count"] for part in parts) == count and "segment" not in parts[0]
    assert len(data.run("segment", "list", "--json").json) == 1
    saved = data.run("segment", "split", "long", "--by", "random:1,1,2", "--save", "--json").json["parts"]
    listed = {each["id"]: each for each in data.run("segment", "list", "--json").json}
    assert len(listed) == 4 and all(listed[part["segment"]]["count"] == part["count"] for part in saved)
    assert {each["name"] for each in listed.values()} == {"long"} | {f"long · part {n}/3" for n in (1, 2, 3)}


def test_a_segment_is_split_by_digits_values_bands_and_rules(data, customers, frozen):
    def parts(*by):
        found = data.run("segment", "split", frozen, *(each for way in by for each in ("--by", way)), "--json").json
        return {part["label"]: part["count"] for part in found["parts"]}

    long = [row for row in range(200) if int(customers.get(row, "tenure")) >= 12]
    odd = sum(int(customers.get(row, "generated_msisdn")) % 2 for row in long)
    assert parts("tail:13579,02468") == {"last digit 13579": odd, "last digit 02468": len(long) - odd}
    monthly = sum(customers.get(row, "contract") == "Month-to-month" for row in long)
    assert sorted(parts("value:contract").values())[-3:] and monthly in parts("value:contract").values()
    assert len(parts("bands:tenure:24,48")) == 3 and sum(parts("bands:tenure:24,48").values()) == len(long)
    young = sum(int(customers.get(row, "tenure")) < 24 for row in long)
    assert parts("rule:tenure < 24", "rule:TRUE") == {"tenure < 24": young, "TRUE": len(long) - young}
    table = data.run("segment", "split", frozen, "--by", "rule:tenure < 24").out.splitlines()
    assert table[0].split() == ["Part", "Subscribers", "Segment"] and len(table) == 3
    data.run("segment", "split", frozen, "--by", "value:nothing").fails("attribute: there is no hot attribute nothing")
    data.run("segment", "split", frozen, "--by", "random:1").fails("2 to 200")
    data.run("segment", "split", frozen, "--by", "rule:TRUE", "--by", "rule:tenur < 2").fails(
        "conditions.1: line 1, column 1: ", "tenur < 2\n^~~~~")


# Exports


def test_an_export_waits_for_a_second_person(data, frozen):
    asked = data.run("segment", "export", "long", "--reason", "letters", "--attribute", "contract", "--json").json
    assert (asked["state"], asked["requestedBy"], asked["attributes"]) == ("waiting", "cli", ["contract"])
    said = data.run("segment", "export", "long", "--reason", "again").out
    assert said.startswith(f"Export {asked['id'] + 1}: long, ") and "waiting for a second person" in said
    listed = data.run("segment", "exports", "--json").json
    assert {each["id"] for each in listed} == {asked["id"], asked["id"] + 1}
    assert "letters" in data.run("segment", "exports").out
    data.run("segment", "fetch", str(asked["id"])).fails("not approved")
    data.run("segment", "fetch", "77").fails("export 77")
    data.run("segment", "export", "long", "--reason", " ").fails("reason: say what the numbers are for")
    data.run("segment", "export", "long", "--reason", "x", "--attribute", "nothing").fails("nothing")
    create(data, "not frozen", "--rule", "TRUE").json
    data.run("segment", "export", "not frozen", "--reason", "x").fails("saved", "computed")


def test_a_delivery_waits_as_any_export_does_and_nothing_goes_before(data, frozen):
    day = "2099-12-31"
    asked = data.run("segment", "export", "long", "--reason", "shops", "--to", "crm", "--each-until", day, "--json").json
    assert asked["delivery"] == {"system": "crm", "until": day}
    assert f"crm {day}" in data.run("segment", "exports").out
    assert data.run("segment", "deliver", "--json").json == []
    data.run("segment", "end-delivery", str(asked["id"])).fails("nothing is delivered")
    data.run("segment", "end-delivery", "77").fails("export 77")
    data.run("segment", "export", "long", "--reason", "x", "--to", "../x").fails("a letter first")
    data.run("segment", "export", "long", "--reason", "x", "--to", "crm", "--each-until", "2020-01-01").fails("over")
    assert data.run("segment", "export", "long", "--reason", "x", "--each-until", day).code == 64


def test_beside_a_server_the_same_commands_do_the_same_and_an_export_is_fetched_once_agreed_to(
        staffed, customers, tmp_path):
    made, tokens = staffed
    data = Data(shutil.copytree(made.path, tmp_path / "data"))
    with Server(data, tokens) as server:
        number = create(data, "beside", "--rule", "tenure >= 12").json["id"]
        create(data, "wrong", "--rule", "tenur >= 12").fails("from.rule: line 1, column 1: ", "^~~~~")
        data.run("segment", "show", "nobody").fails("there is no segment nobody")
        data.run("segment", "compute", "beside", "--json").json
        _, shown = server.request("planner", "GET", f"/segments/{number}")
        assert data.run("segment", "show", "beside", "--json").json["segment"] == shown
        asked = data.run("segment", "export", "beside", "--reason", "letters", "--json").json["id"]
        server.post("approver", f"/segment-exports/{asked}/decision", {"isApproved": True})
        file = data.run("segment", "fetch", str(asked))
        assert file.code == 0, file
        head, *lines = csv.reader(io.StringIO(file.out.lstrip("\ufeff"), newline=""))
        long = [row for row in range(200) if int(customers.get(row, "tenure")) >= 12]
        assert head == ["Number", "Export mark"] and {mark for _, mark in lines} == {f"E{asked}/cli"}
        assert sorted(line[0] for line in lines) == sorted(customers.get(row, "generated_msisdn") for row in long)

        asked = data.run("segment", "export", "beside", "--reason", "shops", "--to", "crm", "--json").json["id"]
        server.post("approver", f"/segment-exports/{asked}/decision", {"isApproved": True})
        delivered, = data.run("segment", "deliver", "--json").json
        assert (delivered["export"], delivered["count"], delivered["leftOut"]) == (asked, len(long), 0)
        folder = data.path / "outbox/segments/crm"
        content = (folder / delivered["name"]).read_bytes()
        head, *lines = csv.reader(io.StringIO(content.decode(), newline=""))
        assert head == ["line_id", "msisdn", "mark"] and {line[2] for line in lines} == {f"E{asked}/cli"}
        assert sorted(line[1] for line in lines) == sorted(customers.get(row, "generated_msisdn") for row in long)
        manifest = json.loads((folder / (delivered["name"] + ".json")).read_text())
        assert (manifest["sha256"], manifest["rows"]) == (hashlib.sha256(content).hexdigest(), len(long))
