"""Rows that cannot be loaded, and what a load changes: rejects, the limit on them, indices, recycled numbers."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import random
import shutil

import pytest

from conftest import EXAMPLE, Customers, Data, Server, read_rejects, with_note


def found(done):
    """What a reject file says, without the sentences."""
    return [(int(each["line"]), each["column"], each["reason"]) for each in read_rejects(done["rejectFile"])]


def test_each_wrong_value_is_rejected_with_line_column_value_and_reason(empty, customers, tmp_path):
    wrong = [
        ("tenure", "601", "out_of_range"), ("tenure", "-1", "out_of_range"), ("tenure", "12.5", "too_precise"),
        ("tenure", "9" * 40, "out_of_range"), ("monthly_charges", "1e3", "not_a_number"),
        ("monthly_charges", "10000.01", "out_of_range"), ("monthly_charges", "29.855", "too_precise"),
        ("total_charges", "=1+1", "not_a_number"), ("partner", "maybe", "not_a_flag"),
        ("contract", "Month-to-mont", "not_in_domain"),
    ]
    # Counted in lines of the file: a name over two lines moves the rows below it.
    customers.set(0, "generated_name", "two\nlines")
    for row, (column, value, _) in enumerate(wrong, start=10):
        customers.set(row, column, value)
    done = empty.load(customers.save(tmp_path / "c.csv")).json
    assert (done["rows"], done["loaded"], done["rejected"]) == (200, 190, 10)
    assert found(done) == [(row + 3, column, reason) for row, (column, _, reason) in enumerate(wrong, start=10)]
    rejects = read_rejects(done["rejectFile"])
    for reject, (row, (_, value, _)) in zip(rejects, enumerate(wrong, start=10)):
        assert reject["value"].removeprefix("'") == value
        assert reject["row"].split(",")[0] == customers.get(row, "generated_line_id")
    assert "0 ... 600" in rejects[0]["explanation"] and "did you mean 'Month-to-month'" in rejects[9]["explanation"]
    assert not any(reject["value"].startswith("=") for reject in rejects), "no formula for a spreadsheet to run"
    assert empty.count() == 190


@pytest.mark.parametrize("column, value, reason", [
    ("generated_line_id", "", "blank"), ("generated_line_id", "0", "bad_line_id"),
    ("generated_line_id", "7000000004739X", "bad_line_id"), ("generated_line_id", "1234567890123456789", "bad_line_id"),
    ("generated_msisdn", "", "blank"), ("generated_msisdn", "123", "bad_msisdn"),
    ("generated_msisdn", "1380013800０", "bad_msisdn"), ("generated_msisdn", "9" * 40, "bad_msisdn"),
])
def test_a_wrong_id_or_number_is_rejected(empty, customers, tmp_path, column, value, reason):
    done = empty.load(customers.set(5, column, value).save(tmp_path / "c.csv")).json
    assert found(done) == [(7, column, reason)]


def test_of_two_rows_with_one_line_id_the_first_stays(empty, customers, tmp_path):
    twin = customers.get(3, "generated_line_id")
    customers.set(3, "tenure", "11").set(150, "generated_line_id", "0" + twin).set(150, "tenure", "22")
    done = empty.load(customers.save(tmp_path / "c.csv")).json
    assert found(done) == [(152, "generated_line_id", "duplicate_line")]
    assert [row["tenure"] for row in empty.subscribers() if row["line_id"] == int(twin)] == [11]


def test_of_two_rows_with_one_number_the_first_stays_however_it_is_written(empty, customers, tmp_path):
    number = customers.get(3, "generated_msisdn")
    customers.set(20, "generated_msisdn", number).set(21, "generated_msisdn", f"+86 {number[:3]}-{number[3:]}")
    done = empty.load(customers.save(tmp_path / "c.csv")).json
    assert found(done) == [(22, "generated_msisdn", "duplicate_msisdn"), (23, "generated_msisdn", "duplicate_msisdn")]


def test_a_rejected_row_leaves_its_id_and_number_to_a_later_one(empty, customers, tmp_path):
    customers.rows.append(list(customers.rows[3]))
    customers.set(3, "tenure", "-5")
    done = empty.load(customers.save(tmp_path / "c.csv")).json
    assert found(done) == [(5, "tenure", "out_of_range")]
    assert done["loaded"] == 200


def test_five_percent_of_rejects_load_and_more_fail_as_a_whole(data, customers, tmp_path):
    before = data.state()
    for row in range(11):
        customers.set(row * 10, "contract", "Nonsense")
    for row in range(200):
        customers.set(row, "tenure", "77")
    said = data.load(customers.save(tmp_path / "bad.csv")).fails("11 of 200 rows", "5.50 %", "allowed 5 %",
                                                                 "nothing was loaded")
    assert data.state() == before
    assert data.count("tenure = 77") == 0
    rejects = read_rejects(said.split("reasons are in ")[1].strip())
    assert [each["line"] for each in rejects] == [str(row * 10 + 2) for row in range(11)]
    assert not list((data.path / "tmp").iterdir())
    done = data.load(customers.set(0, "contract", "One year").save(tmp_path / "good.csv")).json
    assert (done["rows"], done["loaded"], done["rejected"]) == (200, 190, 10)
    assert data.count("tenure = 77") == 190 and data.count() == 200


def test_a_first_load_with_too_many_rejects_leaves_nothing_and_the_next_one_works(empty, customers, tmp_path):
    good = Customers([customers.header, *customers.rows])
    for row in range(100):
        customers.set(row, "generated_line_id", "none")
    empty.load(customers.save(tmp_path / "bad.csv")).fails("100 of 200 rows")
    assert not list((empty.path / "warehouse").rglob("*.parquet"))
    empty.run("segment", "count", "tenure >= 0", "--json").fails()
    assert empty.load(good.save(tmp_path / "good.csv")).json["loaded"] == 200
    assert empty.count() == 200


def test_the_limit_on_rejects_is_a_setting(empty, customers, tmp_path):
    mapping = tmp_path / "mapping.yaml"
    text = (EXAMPLE / "mapping.yaml").read_text()
    for row in range(100):
        customers.set(row, "tenure", "none")
    file = customers.save(tmp_path / "c.csv")
    mapping.write_text("max_reject_percent: 50\n" + text)
    assert empty.load(file, mapping).json["rejected"] == 100
    mapping.write_text("max_reject_percent: 49.99\n" + text)
    empty.load(file, mapping).fails("50 %", "allowed 49.99 %")
    mapping.write_text("max_reject_percent: 101\n" + text)
    empty.load(file, mapping).fails("mapping.yaml", "line 1", "max_reject_percent", "0 ... 100")
    for row in range(200):
        customers.set(row, "tenure", "none")
    mapping.write_text("max_reject_percent: 100\n" + text)
    empty.load(customers.save(tmp_path / "all.csv"), mapping).fails("no rows to load")
    assert empty.count() == 100


def test_the_eleven_blank_total_charges_load_as_null_by_mapping_and_not_without_it(empty, tmp_path):
    assert empty.load(EXAMPLE / "customers.csv").json["loaded"] == 7043
    assert empty.count("total_charges IS NULL") == 11
    assert empty.count("total_charges >= 0") == 7032
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text((EXAMPLE / "mapping.yaml").read_text().replace(', blank: "null"', ""))
    other = Data(tmp_path / "other")
    done = other.load(EXAMPLE / "customers.csv", mapping).json
    assert (done["loaded"], done["rejected"]) == (7032, 11)
    assert {(column, reason) for _, column, reason in found(done)} == {("total_charges", "blank")}


def test_loading_the_same_file_again_changes_nothing(data, loaded):
    before = data.state()
    assert data.load(loaded.path.parent / "customers.csv").json["loaded"] == 200
    assert data.state() == before


def test_a_file_loads_to_the_same_indices_in_any_order(data, customers, tmp_path):
    def objects(one):
        return sorted(file.name for file in (one.path / "objects").rglob("*") if file.is_file())

    rows, inputs = data.subscribers(), objects(data)
    assert sorted(row["idx"] for row in rows) == list(range(200))
    random.Random(1).shuffle(customers.rows)
    file = customers.save(tmp_path / "shuffled.csv")
    fresh = Data(tmp_path / "fresh")
    for one in (fresh, data):
        assert one.load(file).json["loaded"] == 200
        assert one.subscribers() == rows
        assert objects(one) == inputs, "the decision core reads the same lines and columns"


def test_lines_keep_their_indices_when_more_and_others_are_loaded(data, customers, table, tmp_path):
    before = {row["line_id"]: row["idx"] for row in data.subscribers()}
    more = Customers([table[0], *table[150:301]])
    random.Random(2).shuffle(more.rows)
    assert data.load(more.save(tmp_path / "more.csv")).json["loaded"] == 151
    after = {row["line_id"]: row["idx"] for row in data.subscribers()}
    assert {line: after[line] for line in before} == before
    assert sorted(after.values()) == list(range(300))


def test_a_catalogue_with_one_attribute_more_loads_over_an_older_one(data, customers, tmp_path):
    mapping = with_note(tmp_path, customers, ["new"] * 50)
    assert data.load(customers.save(tmp_path / "c.csv"), mapping).json["loaded"] == 50
    assert (data.count(), data.count("note = 'new'"), data.count("note IS NULL")) == (200, 50, 150)


def approved(server, name):
    """The number of an approved campaign to everybody; its slot is to come, so that a server sends nothing."""
    slot = datetime.date.today() + datetime.timedelta(days=2)
    segment = server.post("planner", "/segments", {"name": name, "rule": "tenure >= 0"})["id"]
    draft = {"scene": "retention", "name": name, "segment": segment, "controlPPM": 0,
             "planned": f"{slot}T10:00", "validTo": str(slot + datetime.timedelta(days=400))}
    campaign = server.post("planner", "/campaigns", draft)["id"]
    server.post("planner", f"/campaigns/{campaign}/dry-run")
    server.post("planner", f"/campaigns/{campaign}/submit")
    server.post("approver", f"/campaigns/{campaign}/decision", {"result": "pass"})
    return campaign


def test_a_recycled_number_inherits_nothing(staffed, customers, tmp_path):
    made, tokens = staffed
    shutil.copytree(made.path, tmp_path / "data")
    data = Data(tmp_path / "data")
    barred, contacted = (customers.get(row, "generated_msisdn") for row in (0, 1))
    with Server(data, tokens) as server:
        entry = {"number": barred, "reason": "asked for it"}
        assert server.post("agent", "/lists/dnd_02/add", entry)["isChanged"]
        first = approved(server, "first")
    assert data.run("wave", str(first), "--json").json["outcomes"]["dnd_02"] == 1
    explained = {number: data.run("explain", str(first), number, "--json").json["outcome"]
                 for number in (barred, contacted)}
    assert explained == {barred: "dnd_02", contacted: "contact"}

    for row, line in ((0, "99000000000001"), (1, "99000000000002")):
        customers.set(row, "generated_line_id", line)
    customers.rows = customers.rows[:2]
    assert data.load(customers.save(tmp_path / "recycled.csv")).json["loaded"] == 2
    assert data.count() == 202
    with Server(data, tokens) as server:
        for number in (barred, contacted):
            assert server.post("agent", "/lists/look-up", {"number": number})["entries"] == []
            decisions = server.post("agent", "/explain", {"number": number, "days": 366})["decisions"]
            assert {each["outcome"] for each in decisions} <= {"not_in_segment"}, decisions
        second = approved(server, "second")
    outcomes = data.run("wave", str(second), "--json").json["outcomes"]
    for number in (barred, contacted):
        explained = [data.run("explain", str(each), number, "--json").json["outcome"] for each in (first, second)]
        assert explained == ["not_in_segment", "contact"]
    assert outcomes["dnd_02"] == 1, "the entry stayed with the old line"
    assert outcomes["contact"] == 2, "and so did what the others had from the first campaign"
