"""gyre catalogue: attributes shown, defined, removed, and moved between memory and warehouse."""
# SPDX-License-Identifier: Apache-2.0

import pytest

REASON = ["--group", "fees", "--reason", "for the campaign"]


def define(data, code="yearly_charges", expression="monthly_charges * 12", *arguments):
    names = ["--zh", f"年费 {code}", "--en", f"Yearly {code}"]
    return data.run("catalogue", "define", code, expression, *names, *REASON, "--json", *arguments)


def history(data):
    return data.run("catalogue", "history", "--json").json


def test_the_catalogue_lists_attributes_by_group(data):
    listed = data.run("catalogue", "list", "--json").json
    assert listed["revision"] == 0 and "tenure" in [each["code"] for each in listed["attributes"]]
    fees = data.run("catalogue", "list", "--group", "fees", "--json").json["attributes"]
    assert {each["group"] for each in fees} == {"fees"} and len(fees) < len(listed["attributes"])
    table = data.run("catalogue", "list").out.splitlines()
    assert table[0].split() == ["Code", "Group", "Type", "Storage", "Name", "Expression"]
    assert [line.split()[3] for line in table if line.startswith("churn ")] == ["cold"]
    data.run("catalogue", "list", "--group", "nothing").fails("there is no group nothing", "fees")


def test_an_attribute_is_shown_with_what_names_it(data):
    data.run("segment", "create", "long", "--rule", "tenure >= 12").out
    shown = data.run("catalogue", "show", "tenure", "--json").json
    assert shown["attribute"]["code"] == "tenure" and shown["attribute"]["type"] == "integer"
    assert [(use["kind"], use["name"]) for use in shown["uses"]] == [("segment", "long")]
    assert 'Used by segment 1 "long"' in data.run("catalogue", "show", "tenure").out
    assert "在网时长 / Tenure" in data.run("catalogue", "show", "tenure", "--lang", "zh-CN").out
    assert "6504" in data.run("catalogue", "show", "city").out
    data.run("catalogue", "show", "nothing").fails("there is no attribute nothing")


def test_a_derived_attribute_is_defined_changed_used_and_removed(data):
    made = define(data).json
    assert (made["number"], made["who"], made["reason"]) == (1, "cli", "for the campaign")
    assert [(change["change"], change["code"]) for change in made["changes"]] == [("added", "yearly_charges")]
    expected = sum(row["monthly_charges"] * 12 >= 1000 for row in data.subscribers())
    assert data.count("yearly_charges >= 1000") == expected
    changed = define(data, "yearly_charges", "monthly_charges * 13", "--decimals", "1").json
    assert changed["number"] == 2 and changed["changes"][0]["change"] == "edited"
    shown = data.run("catalogue", "show", "yearly_charges", "--json").json
    assert (shown["revision"], shown["attribute"]["expression"]) == (2, "monthly_charges * 13")
    data.run("segment", "create", "dear", "--rule", "yearly_charges >= 1000").out
    remove = ["catalogue", "remove", "yearly_charges", "--reason", "over"]
    data.run(*remove).fails("used", "dear")
    data.run("segment", "create", "other", "--rule", "TRUE").out
    assert [each["number"] for each in history(data)] == [2, 1]
    define(data, "unused", "tenure * 2", "--unit", "weeks").json
    done = data.run("catalogue", "remove", "unused", "--reason", "over")
    assert done.out == "Revision 4\n  removed unused\n"
    said = data.run("catalogue", "history").out.splitlines()
    assert said[0].startswith("4  ") and said[0].endswith("cli  over") and said[1] == "  removed unused"


def test_an_attribute_is_held_in_memory_or_in_the_warehouse(data):
    done = data.run("catalogue", "cold", "partner", "--reason", "seldom asked for")
    assert done.code == 0 and done.out.startswith("Revision 1\n  storage of partner: "), done
    assert data.run("catalogue", "show", "partner", "--json").json["attribute"]["isHot"] is False
    assert data.count("partner") == sum(row["partner"] for row in data.subscribers())
    made = data.run("catalogue", "hot", "partner", "--reason", "asked for", "--json").json
    assert made["changes"] == [{"change": "storage", "code": "partner"}]
    data.run("catalogue", "hot", "partner", "--reason", "again").fails("already")
    data.run("catalogue", "hot", "nothing", "--reason", "x").fails("nothing")


@pytest.mark.parametrize("code, expression, words", [
    ("yearly", "monthly_charge * 12", ["yearly: line 1, column 1: ", "monthly_charge * 12\n^~~~~~~~~~~~~~"]),
    ("yearly", "contract", ["yearly: "]), ("Yearly", "tenure * 2", ["Yearly"]), ("tenure", "tenure * 2", ["tenure"]),
])
def test_a_wrong_definition_changes_nothing_and_says_where(data, code, expression, words):
    define(data, code, expression).fails(*words)
    assert history(data) == []


@pytest.mark.parametrize("arguments, code", [
    (["define", "yearly", "tenure * 2", "--zh", "x", "--en", "x", "--group", "fees"], 64), (["remove", "x"], 64),
    (["define", "yearly", "tenure * 2", "--reason", "x"], 64), (["hot", "partner"], 64), (["show"], 64),
    (["remove", "x", "--reason", "x"], 1), (["cold", "partner", "--reason", " "], 1),
    (["define", "yearly", "tenure * 2", "--zh", "x", "--en", "x", "--group", "none", "--reason", "x"], 1),
])
def test_without_a_reason_or_a_name_nothing_is_changed(data, arguments, code):
    data.run("catalogue", *arguments).fails(code=code)
    assert history(data) == []
