"""gyre segment and gyre list: what they do, and what they refuse."""
# SPDX-License-Identifier: Apache-2.0

import gzip

import pytest


@pytest.fixture
def numbers(customers):
    return customers.column("generated_msisdn")


def file(folder, lines, name="numbers.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def segments(data):
    return data.run("segment", "list", "--json").json


# Segments


def test_count_prints_a_number_or_json(data):
    expected = sum(row["tenure"] >= 12 for row in data.subscribers())
    assert data.count("tenure >= 12") == expected and 0 < expected < 200
    assert data.run("segment", "count", "tenure >= 12").out.strip() == str(expected)
    assert data.run("segment", "count", "tenure >= 12", "--json").json["ms"] > 0


@pytest.mark.parametrize("arguments, code", [
    (["segment", "count"], 64), (["segment", "count", "tenure >= 1", "more"], 64), (["segment", "count", "tenur > 1"], 1),
    (["segment", "import", "x"], 64), (["segment", "compute"], 64), (["segment", "publish", "a", "b"], 64),
    (["segment", "nothing"], 64), (["list", "add", "black", "13800138000"], 64), (["list", "import", "black", "x"], 64),
])
def test_what_cannot_be_read_is_refused_and_changes_nothing(data, arguments, code):
    done = data.run(*arguments)
    assert done.code == code and done.out == "" and done.err.strip(), done
    assert "Fatal" not in done.err and segments(data) == []


def test_a_file_of_numbers_becomes_a_segment_that_is_frozen_and_released(data, numbers, tmp_path):
    path = file(tmp_path, ["手机号码", *numbers[:10], numbers[0], "12345", "+12025550123"])
    done = data.run("segment", "import", "名单", path, "--json").json
    assert (done["segment"]["count"], done["segment"]["state"]) == (10, "saved")
    assert done["report"]["rows"] == 13 and done["report"]["left"] == {
        "duplicate": 1, "not_a_phone_number": 1, "unknown": 1}
    assert not [each for each in done["report"]["rejects"] if numbers[0] in each["text"]], "numbers are masked"
    number = str(done["segment"]["id"])
    data.run("segment", "publish", "名单").fails("saved", "published")
    assert data.run("segment", "compute", number, "--json").json["state"] == "computed"
    assert data.run("segment", "publish", "名单", "--json").json["state"] == "published"
    listed, = segments(data)
    assert (listed["name"], listed["state"], listed["count"]) == ("名单", "published", 10)
    assert data.run("segment", "list").out == f"{number}  名单  published  10\n"
    assert data.count("in_audience('名单')") == 10


def test_a_segment_by_another_name_or_twice_is_refused(data, numbers, tmp_path):
    path = file(tmp_path, numbers[:3])
    for step in ("compute", "publish"):
        data.run("segment", step, "nobody").fails("there is no segment nobody")
        data.run("segment", step, "99").fails("there is no segment 99")
        assert "没有客户群" in data.run("segment", step, "99", env={"GYRE_LANG": "zh-CN"}).fails("99")
    data.run("segment", "import", "twice", path, "--json").json
    data.run("segment", "import", "twice", path).fails("twice")
    data.run("segment", "import", " ", path).fails("1 to 100 characters")
    data.run("segment", "import", "x" * 101, path).fails("1 to 100 characters")
    assert [each["name"] for each in segments(data)] == ["twice"]


@pytest.mark.parametrize("name, content", [
    ("empty.csv", b""), ("lines.csv", b"\n\n\r\n"), ("nobody.csv", b"12345\nabc\n"), ("damaged.xlsx", b"PK\x03\x04rest"),
    ("damaged.gz", gzip.compress(b"13800138000\n")[:-6]), ("bytes.csv", bytes(range(256)) * 20),
])
def test_a_file_without_numbers_makes_no_segment_and_changes_no_list(data, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    data.run("segment", "import", "wrong", path).fails()
    data.run("list", "import", "black", path, "--reason", "x", "--mode", "replace").fails()
    data.run("segment", "import", "wrong", tmp_path / "not here").fails("not here")
    data.run("segment", "import", "wrong", tmp_path).fails()
    assert segments(data) == [] and data.count("on_list('black')") == 0


# Lists


def test_a_list_grows_shrinks_and_is_replaced_by_files(data, numbers, tmp_path):
    def change(lines, *more):
        path = file(tmp_path, lines)
        return data.run("list", "import", "grey", path, "--reason", "campaign", "--json", *more).json

    done = change([*numbers[:6], numbers[0], "12345"])
    assert (done["rows"], done["members"], done["added"], done["present"]) == (8, 6, 6, 0)
    assert done["left"] == {"duplicate": 1, "not_a_phone_number": 1}
    assert change(numbers[4:8])["added"] == 2
    assert change(numbers[0:2], "--mode", "remove")["removed"] == 2
    done = change(numbers[7:10], "--mode", "replace")
    assert (done["added"], done["removed"], done["present"]) == (2, 5, 1)
    said = data.run("list", "export", "grey").out.split()
    assert sorted(said) == sorted(numbers[7:10]) and data.count("on_list('grey')") == 3


def test_numbers_are_added_and_taken_off_one_by_one_with_their_reason(data, numbers):
    spoken = f"+86 {numbers[0][:3]}-{numbers[0][3:]}"
    for step, said in (("add", "Put on the list"), ("add", "On the list before"), ("remove", "Taken off the list"),
                       ("remove", "Was not on the list")):
        done = data.run("list", step, "dnd_01", spoken, "--channel", "sms", "--reason", "asked by telephone")
        assert done.code == 0 and done.out == said + "\n", done
    done = data.run("list", "add", "black", numbers[1], "--reason", "x", env={"GYRE_LANG": "zh-CN"})
    assert done.out == "已加入名单\n"
    assert data.count("on_list('black')") == 1 and data.count("on_list('dnd_01')") == 0


@pytest.mark.parametrize("arguments, words, code", [
    (["purple", "{n}", "--reason", "x"], ["purple"], 1), (["black", "{n}", "--reason", " "], ["reason"], 1),
    (["black", "12345", "--reason", "x"], [], 1), (["black", "+12025550123", "--reason", "x"], [], 1),
    (["black", "{n}", "--channel", "sms", "--reason", "x"], ["channel"], 1),
    (["dnd_01", "{n}", "--channel", "fax", "--reason", "x"], ["--channel is sms"], 64),
    (["dnd_99", "{n}", "--reason", "x"], ["dnd_99"], 1), (["'; DROP TABLE list_change; --", "{n}", "--reason", "x"], [], 1),
])
def test_a_wrong_change_of_a_list_is_refused_without_repeating_the_number(data, numbers, arguments, words, code):
    for step in ("add", "remove"):
        done = data.run("list", step, *(each.format(n=numbers[0]) for each in arguments))
        assert done.code == code and done.out == "", done
        assert not [word for word in words if word not in done.err] and numbers[0] not in done.err.split("Usage")[0], done
    assert data.count("on_list('black')") == 0


def test_a_list_that_there_is_not_is_neither_exported_nor_replaced(data, numbers, tmp_path):
    data.run("list", "export", "purple").fails("purple")
    assert data.run("list", "export", "black").out == ""
    path = file(tmp_path, numbers[:2])
    data.run("list", "import", "purple", path, "--reason", "x").fails("purple")
    data.run("list", "import", "black", path, "--reason", "").fails("reason")
    for wrong in (["--mode", "swap"], ["--kind", "imsi"]):
        done = data.run("list", "import", "black", path, "--reason", "x", *wrong)
        assert done.code == 64 and wrong[1] in done.err, done
    data.run("list", "import", "black", path, "--reason", "x", "--column", "Z9").fails("Z9")
    assert data.count("on_list('black')") == 0


def test_lines_and_customers_name_members_too(data, tmp_path):
    people = data.subscribers()
    path = file(tmp_path, ["line_id", *(str(row["line_id"]) for row in people[:4]), "1"])
    done = data.run("list", "import", "vip", path, "--kind", "line", "--reason", "x", "--json").json
    assert (done["added"], done["left"]) == (4, {"unknown": 1})
    customer = people[0]["customer_id"]
    path = file(tmp_path, [str(customer)])
    done = data.run("segment", "import", "one customer", path, "--kind", "customer", "--json").json
    assert done["segment"]["count"] == sum(row["customer_id"] == customer for row in people)
