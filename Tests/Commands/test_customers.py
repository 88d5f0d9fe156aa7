"""gyre customer and gyre list: who is found and shown, masked, and which lists he is on."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import sqlite3

import pytest

from conftest import EXAMPLE


@pytest.fixture
def numbers(customers):
    return customers.column("generated_msisdn")


def masked(number):
    return f"{number[:3]}****{number[-4:]}"


@pytest.fixture
def known(data, customers, tmp_path):
    """The directory with an IMSI for each line, and one customer number for the first three."""
    customers.header += ["imsi", "customer"]
    customers.rows = [[*row, f"46000{place:010}", "77" if place < 3 else str(1000 + place)]
                      for place, row in enumerate(customers.rows)]
    (tmp_path / "mapping.yaml").write_text(
        (EXAMPLE / "mapping.yaml").read_text() + "  imsi: imsi\n  customer_id: customer\n")
    assert data.load(customers.save(tmp_path / "known.csv"), tmp_path / "mapping.yaml").json["loaded"] == 200
    return data


# Customers


def test_a_customer_is_found_by_number_by_imsi_and_by_a_part_of_the_number(known, customers, numbers):
    place, province = 5, customers.get(5, "generated_province")
    expected = known.run("customer", numbers[place], "--json").json["customer"]
    assert expected["number"] == masked(numbers[place]) and not expected["isShown"]
    assert known.run("customer", "--imsi", f"46000{place:010}", "--json").json["customer"] == expected
    assert known.run("customer", "--customer", str(1000 + place), "--json").json["customer"] == expected
    found = known.run("customer", "--fragment", masked(numbers[place]), "--province", province, "--json").json
    assert found["customer"] == expected
    city = customers.get(place, "generated_city")
    assert known.run("customer", "--fragment", masked(numbers[place]), "--city", city, "--json").json == found
    whole = known.run("customer", "--imsi", f"46000{place:010}", "--unmask", "asked by telephone", "--json").json
    assert whole["customer"]["number"] == numbers[place] and whole["customer"]["isShown"]


def test_several_lines_are_a_table_of_masked_numbers(known, numbers):
    found = known.run("customer", "--customer", "77", "--json").json
    assert [line["number"] for line in found["lines"]] == [masked(each) for each in numbers[:3]]
    assert found["hasMore"] is False
    done = known.run("customer", "--customer", "77", "--unmask", "one of them")
    lines = done.out.splitlines()
    assert lines[0].split() == ["Subscriber", "Number", "Province", "City"] and len(lines) == 4
    assert all(masked(number) in line for number, line in zip(numbers, lines[1:]))
    assert not [number for number in numbers if number in done.out + done.err]


@pytest.mark.parametrize("arguments, words, code", [
    ([], ["exactly one"], 64), (["{n}", "--imsi", "460000000000005"], ["exactly one"], 64),
    (["{n}", "--city", "6504"], ["--fragment"], 64), (["--imsi", "12"], ["14 or 15 digits"], 1),
    (["--imsi", "460009999999999"], ["nobody"], 1), (["--customer", "x"], ["1 to 18 digits"], 1),
    (["--customer", "31337"], ["nobody"], 1), (["--fragment", "{m}"], ["province or the city"], 1),
    (["--fragment", "{n}", "--city", "6504"], ["last four digits"], 1), (["{n}", "--unmask", " "], ["say why"], 1),
    (["12345"], ["no telephone number"], 1),
])
def test_nobody_is_found_without_repeating_what_was_typed(known, numbers, arguments, words, code):
    done = known.run("customer", *(each.format(n=numbers[0], m=masked(numbers[0])) for each in arguments))
    assert done.code == code and done.out == "", done
    said = done.err.split("Usage")[0]
    assert all(word in said for word in words), done
    assert not [each for each in (numbers[0], "460009999999999", "31337", "12345") if each in said], done


def test_each_look_is_on_record_with_its_reason_and_without_the_number(known, numbers):
    known.run("customer", "--imsi", "460000000000005", "--unmask", "asked by telephone").out
    known.run("list", "show", numbers[5]).out
    known.run("list", "add", "grey", numbers[5], "--reason", "travels").out
    with sqlite3.connect(known.path / "store.sqlite") as store:
        records = store.execute("SELECT who, action, object, detail FROM audit ORDER BY id DESC LIMIT 4").fetchall()
    subscriber, = {record[2] for record in records[1:]}
    assert subscriber.startswith("subscriber/") and {record[0] for record in records} == {"cli"}
    assert [(record[1], record[3]) for record in records] == [
        ("list.add", "travels"), ("subscriber.look_up", "lists"), ("subscriber.look_up", "customer"),
        ("subscriber.unmask", "asked by telephone")]
    assert not [record for record in records if numbers[5] in "".join(record) or "46000" in "".join(record)]


# Lists


def test_a_number_is_shown_with_its_lists_and_its_history(data, numbers):
    data.run("list", "add", "black", numbers[0], "--reason", "a threat").out
    data.run("list", "add", "dnd_01", numbers[0], "--channel", "sms", "--reason", "asked").out
    data.run("list", "remove", "black", numbers[0], "--reason", "a mistake").out
    shown = data.run("list", "show", numbers[0], "--json").json
    assert shown["number"] == masked(numbers[0])
    entry, = shown["entries"]
    assert (entry["code"], entry["channel"], entry["addedBy"], entry["reason"]) == ("dnd_01", "sms", "cli", "asked")
    assert [(change["code"], change["isAdded"], change["reason"]) for change in shown["history"]] == [
        ("black", False, "a mistake"), ("dnd_01", True, "asked"), ("black", True, "a threat")]
    said = data.run("list", "show", numbers[0])
    assert said.out.startswith(masked(numbers[0])) and "History:" in said.out and "a threat" in said.out
    assert numbers[0] not in said.out
    assert data.run("list", "show", numbers[1]).out == f"{masked(numbers[1])}\nOn no list\n"
    assert "不在任何名单中" in data.run("list", "show", numbers[1], "--lang", "zh-CN").out
    data.run("list", "show", "12345").fails("no telephone number")
    data.run("list", "show").fails(code=64)


def test_an_entry_has_a_first_and_a_last_day(data, numbers):
    today = datetime.date.today()
    later, end = (str(today + datetime.timedelta(days=days)) for days in (10, 20))
    add = ["list", "add", "grey", numbers[0], "--reason", "travels"]
    done = data.run(*add, "--from", later, "--to", end, "--json").json
    assert done["isChanged"] is False
    entry, = done["entries"]
    assert (entry["code"], entry["from"], entry["to"], entry["isPlanned"]) == ("grey", later, end, True)
    assert data.count("on_list('grey')") == 0
    assert "begins later" in data.run("list", "show", numbers[0]).out
    assert data.run(*add, "--from", later).out == f"Comes on the list on {later}\n"
    assert data.run(*add, "--to", end).out == "Put on the list\n"
    assert data.count("on_list('grey')") == 1
    assert data.run("list", "show", numbers[0], "--json").json["entries"][0]["to"] == end
    data.run(*add, "--from", end, "--to", later).fails("last day")
    data.run(*add, "--to", "2020-01-01").fails("last day")
    data.run(*add, "--to", "tomorrow").fails(code=64)
    assert data.run("list", "remove", "grey", numbers[0], "--reason", "x", "--json").json == {
        "isChanged": True, "entries": []}


def test_all_lists_are_shown_with_counts_and_settings(data, numbers):
    data.run("list", "add", "vip", numbers[0], "--reason", "x").out
    lists = {(each["code"], each.get("channel")): each for each in data.run("list", "lists", "--json").json}
    assert lists["vip", None]["count"] == 1 and lists["vip", None]["updatedBy"] == "cli"
    assert lists["dnd_15", None]["count"] == 0 and lists["dnd_15", None]["isOverdue"] is False
    table = data.run("list", "lists").out.splitlines()
    assert table[0].startswith("List") and [line for line in table if line.startswith("vip") and " cli " in line]
    settings = data.run("list", "settings", "--json").json
    # Twenty special lists, and one for each preference.
    assert len(settings) == 35 and settings[0] == {"code": "black", "version": 0, "roles": [], "logins": []}
    assert "all who may" in data.run("list", "settings").out
