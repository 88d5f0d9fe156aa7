"""Files that are not what they should be: columns, encodings, sizes, ends, packing, Parquet."""
# SPDX-License-Identifier: Apache-2.0

import gzip
import os
import shutil
import tempfile

import pyarrow
import pyarrow.parquet
import pytest

from conftest import EXAMPLE, Data, read_rejects

MAPPING = (EXAMPLE / "mapping.yaml").read_text()
MIB = 1 << 20


def mapping(folder, *changes):
    """The example's mapping file with texts replaced."""
    text = MAPPING
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "mapping.yaml"
    path.write_text(text)
    return path


def with_file(settings):
    """A change of the mapping that adds settings of the file."""
    return ("file:\n", f"file:\n  {settings}\n")


# Columns


def test_a_missing_column_is_named_with_its_likely_twin(empty, customers, tmp_path):
    customers.header[customers.header.index("tenure")] = "tenur"
    file = customers.save(tmp_path / "c.csv")
    empty.load(file).fails(file, "line 1", "'tenure'", "the file has 'tenur'")


def test_a_column_that_stands_twice_is_refused(empty, customers, tmp_path):
    customers.header[customers.header.index("partner")] = "tenure"
    empty.load(customers.save(tmp_path / "c.csv")).fails("line 1", "'tenure' stands twice")


def test_another_delimiter_is_refused_and_read_when_declared(empty, customers, tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(customers.text.replace(",", ";"))
    empty.load(file).fails(file, "line 1", "lacks")
    assert empty.load(file, mapping(tmp_path, with_file('delimiter: ";"'))).json["loaded"] == 200


def test_rows_with_too_few_or_too_many_fields_are_rejected(empty, customers, tmp_path):
    del customers.rows[3][-2:]
    customers.rows[7].append("more")
    done = empty.load(customers.save(tmp_path / "c.csv")).json
    assert (done["rows"], done["loaded"], done["rejected"]) == (200, 198, 2)
    short, long = read_rejects(done["rejectFile"])
    assert (short["line"], short["reason"]) == ("5", "too_few_fields") and "23 fields" in short["explanation"]
    assert (long["line"], long["reason"]) == ("9", "too_many_fields") and "26 fields" in long["explanation"]


def test_unknown_keys_of_a_mapping_are_all_named_with_their_places(empty, customers, tmp_path):
    wrong = mapping(tmp_path, ("file:\n", "fiel:\n"), ("  tenure: tenure", "  tenur: tenure"))
    said = empty.load(customers.save(tmp_path / "c.csv"), wrong).fails(wrong, "fiel", "tenur", "did you mean 'tenure'")
    lines = wrong.read_text().split("\n")
    for key in ("fiel:", "  tenur: tenure"):
        assert f"line {lines.index(key) + 1}, column" in said, said


def test_a_mapping_without_a_needed_column_or_with_a_slip_in_its_yaml_is_refused(empty, customers, tmp_path):
    file = customers.save(tmp_path / "c.csv")
    empty.load(file, mapping(tmp_path, ("  msisdn: generated_msisdn\n", ""))).fails("'msisdn'", "not mapped", "line")
    empty.load(file, mapping(tmp_path, ("columns:", "columns: ["))).fails("mapping.yaml", "line")


def test_a_wrong_catalogue_is_refused_with_line_and_key(empty, customers, tmp_path):
    catalogue = (EXAMPLE / "catalogue.yaml").read_text()
    wrong = catalogue.replace("type: decimal(2), group: fees", "type: decimal(12), group: fes", 1)
    (tmp_path / "catalogue.yaml").write_text(wrong)
    line = wrong[:wrong.index("decimal(12)")].count("\n") + 1
    said = empty.load(customers.save(tmp_path / "c.csv"), mapping(tmp_path)).fails("catalogue.yaml", f"line {line}")
    assert "].type" in said and "].group" in said, said


def test_other_tables_need_subscribers_first(empty, tmp_path):
    (tmp_path / "mapping.yaml").write_text(
        "table: complaint\ncolumns: { line_id: line, day: day, topic: topic }\n")
    (tmp_path / "c.csv").write_text("line,day,topic\n1,2026-01-02,bill\n")
    empty.load(tmp_path / "c.csv", tmp_path / "mapping.yaml").fails("complaint", "load table subscriber first")


@pytest.mark.parametrize("missing", ["file", "mapping", "catalogue"])
def test_a_file_that_is_not_there_is_named(empty, customers, tmp_path, missing):
    paths = {"file": customers.save(tmp_path / "c.csv"), "mapping": EXAMPLE / "mapping.yaml",
             "catalogue": EXAMPLE / "catalogue.yaml", missing: tmp_path / "not here"}
    done = empty.run("load", paths["file"], "--mapping", paths["mapping"], "--catalogue", paths["catalogue"], "--json")
    assert "line" not in done.fails(tmp_path / "not here")


def test_a_folder_in_place_of_a_file_is_refused(empty, tmp_path):
    empty.load(tmp_path).fails(tmp_path, "directory")


# Encodings


def test_gbk_bytes_where_utf8_is_declared_are_refused_with_place_and_advice(empty, customers, tmp_path):
    file = tmp_path / "c.csv"
    file.write_bytes(customers.text.encode("gbk"))
    said = empty.load(file).fails("of 200 rows", "nothing was loaded")
    rejects = read_rejects(said.split("reasons are in ")[1].strip())
    # A name whose GBK bytes happen to be UTF-8 cannot be told from the others.
    wrong = []
    for line, name in enumerate(customers.column("generated_name"), start=2):
        try:
            name.encode("gbk").decode()
        except UnicodeDecodeError:
            wrong.append(str(line))
    assert len(wrong) > 190 and [each["line"] for each in rejects] == wrong
    assert {(each["column"], each["reason"]) for each in rejects} == {("generated_name", "bad_encoding")}
    file.write_bytes(customers.text.replace("tenure", "在网时长", 1).encode("gbk"))
    empty.load(file).fails("line 1", "column 11", "encoding: gbk")


def test_gbk_that_is_declared_is_read_right(empty, customers, tmp_path):
    customers.set(0, "generated_name", "欧阳㐀€𠮷")  # beyond GBK: GB 18030 has four bytes for them
    file = tmp_path / "c.csv"
    file.write_bytes(customers.text.encode("gb18030"))
    assert empty.load(file, mapping(tmp_path, with_file("encoding: gbk"))).json["loaded"] == 200
    assert sorted(row["name"] for row in empty.subscribers()) == sorted(customers.column("generated_name"))


@pytest.mark.parametrize("encoding, wrong", [("utf-8", b"\xe9\x9f"), ("utf-8", b"\xed\xa0\x80"), ("utf-8", b"a\0b"),
                                             ("gbk", b"\xff"), ("gbk", b"\x81\x20")])
def test_invalid_bytes_in_the_middle_reject_their_row_only(empty, customers, tmp_path, encoding, wrong):
    customers.set(99, "generated_name", "HERE")
    file = tmp_path / "c.csv"
    file.write_bytes(customers.text.encode(encoding).replace(b"HERE", b"x" + wrong))
    done = empty.load(file, mapping(tmp_path, with_file(f"encoding: {encoding}"))).json
    assert (done["loaded"], done["rejected"]) == (199, 1)
    reject, = read_rejects(done["rejectFile"])
    assert (reject["line"], reject["column"], reject["reason"]) == ("101", "generated_name", "bad_encoding")
    assert customers.get(99, "generated_msisdn") in reject["row"]


def test_a_byte_order_mark_is_skipped_and_utf16_refused(empty, customers, tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(customers.text, encoding="utf-16")
    empty.load(file).fails(file, "UTF-16", "save it as UTF-8")
    file.write_text(customers.text, encoding="utf-8-sig")
    assert empty.load(file).json["loaded"] == 200


# Ends


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\n\r\n", gzip.compress(b"", mtime=0)],
                         ids=["nothing", "a byte order mark", "empty lines", "packed nothing"])
def test_an_empty_file_is_refused(empty, tmp_path, content):
    file = tmp_path / "c.csv"
    file.write_bytes(content)
    empty.load(file).fails(file)


def test_a_header_without_rows_is_refused_and_the_old_rows_stay(data, customers, tmp_path):
    before = data.state()
    customers.rows = []
    file = customers.save(tmp_path / "c.csv")
    data.load(file).fails(file, "header but no rows")
    assert data.state() == before


def test_a_file_that_ends_inside_a_row_rejects_that_row(empty, customers, tmp_path):
    file = tmp_path / "c.csv"
    file.write_bytes(customers.bytes[:-60])
    done = empty.load(file).json
    assert (done["loaded"], done["rejected"]) == (199, 1)
    reject, = read_rejects(done["rejectFile"])
    assert (reject["line"], reject["reason"]) == ("201", "cut_off") and "ends inside" in reject["explanation"]


def test_a_last_row_without_line_end_is_a_row(empty, customers, tmp_path):
    file = tmp_path / "c.csv"
    file.write_bytes(customers.bytes.rstrip(b"\n").replace(b"\n", b"\r\n"))
    assert empty.load(file).json["loaded"] == 200


def test_a_file_that_ends_inside_a_quote_is_refused_with_the_place_of_the_quote(empty, customers, tmp_path):
    line = customers.text.split("\n")[150]
    column = len(",".join(line.split(",")[:2])) + 2
    customers.set(149, "generated_name", '"HERE')
    file = tmp_path / "c.csv"
    file.write_bytes(customers.text.replace('"""HERE"', '"open').encode())
    empty.load(file).fails(file, f"line 151, column {column}", "never closed")


# Sizes


@pytest.fixture(scope="module")
def usual_peak(loaded, tmp_path_factory):
    """Memory that a load of the 200 customers takes."""
    folder = tmp_path_factory.mktemp("usual")
    return Data(folder / "data").load(loaded.path.parent / "customers.csv").peak


@pytest.mark.parametrize("character", ["x", "用"])
def test_ten_million_characters_in_a_field_reject_the_row_within_little_memory(empty, customers, tmp_path, usual_peak,
                                                                               character):
    customers.set(42, "generated_name", character * 10_000_000)
    run = empty.load(customers.save(tmp_path / "c.csv"))
    done = run.json
    assert (done["loaded"], done["rejected"]) == (199, 1)
    reject, = read_rejects(done["rejectFile"])
    assert (reject["line"], reject["column"], reject["reason"]) == ("44", "generated_name", "field_too_long")
    assert len(reject["value"]) <= 81 and len(reject["row"]) <= 4096
    assert run.peak - usual_peak < 64 * MIB


def test_ten_million_characters_in_quotes_are_refused_with_the_place_of_the_quote(empty, customers, tmp_path,
                                                                                   usual_peak):
    customers.set(42, "generated_name", "a," * 5_000_000)
    run = empty.load(customers.save(tmp_path / "c.csv"))
    run.fails("line 44, column 28", "closing quote is probably missing")
    assert run.peak - usual_peak < 64 * MIB


def test_ten_million_fields_in_a_row_are_no_crash(empty, customers, tmp_path, usual_peak):
    customers.rows[42] += [""] * 10_000_000
    run = empty.load(customers.save(tmp_path / "c.csv"))
    reject, = read_rejects(run.json["rejectFile"])
    assert (reject["line"], reject["reason"]) == ("44", "too_many_fields") and len(reject["row"]) <= 4096
    assert run.peak - usual_peak < 512 * MIB


def test_a_hundred_megabytes_without_a_line_end_are_refused_within_little_memory(empty, tmp_path, usual_peak):
    file = tmp_path / "c.csv.gz"
    file.write_bytes(gzip.compress(b"a" * 100_000_000, 1))
    run = empty.load(file)
    run.fails(file)
    assert run.peak - usual_peak < 128 * MIB


# Packing


def test_a_gzip_file_is_read_and_one_cut_short_or_damaged_is_refused(data, customers, tmp_path):
    before = data.state()
    packed = gzip.compress(customers.bytes)
    file = tmp_path / "c.csv.gz"
    for cut in (5, len(packed) // 2, len(packed) - 1):
        file.write_bytes(packed[:cut])
        data.load(file).fails(file, "cut off", "fetch it again")
    middle = len(packed) // 2
    for wrong in (packed[:middle] + bytes([packed[middle] ^ 0x10]) + packed[middle + 1:], packed + b"garbage"):
        file.write_bytes(wrong)
        data.load(file).fails(file, "gzip")
    assert data.state() == before
    file.write_bytes(packed)
    assert data.load(file).json["loaded"] == 200
    assert data.subscribers() == before[-1]


# Parquet


@pytest.fixture
def parquet(loaded, tmp_path):
    """The customers as Gyre's own Parquet file, and the mapping that loads it."""
    source, = loaded.path.glob("warehouse/subscriber/*/part-*.parquet")
    names = ["line_id", "msisdn", "name"]
    names += [line.split("code: ")[1].split(",")[0].strip()
              for line in (EXAMPLE / "catalogue.yaml").read_text().split("attributes:")[1].split("\n")
              if "code: " in line]
    path = tmp_path / "mapping.yaml"
    path.write_text("table: subscriber\nfile: { format: parquet }\ncolumns:\n"
                    + "".join(f"  {name}: {name}\n" for name in names)
                    .replace("total_charges: total_charges", 'total_charges: { column: total_charges, blank: "null" }'))
    return source, path


def test_a_parquet_file_from_the_warehouse_loads_to_the_same_rows(loaded, empty, parquet, tmp_path):
    source, declared = parquet
    file = tmp_path / "it's; DROP TABLE subscriber --.parquet"
    file.write_bytes(source.read_bytes())
    done = empty.load(file, declared).json
    assert (done["rows"], done["loaded"], done["rejected"]) == (200, 200, 0)
    assert empty.subscribers() == loaded.subscribers()
    assert not list((empty.path / "tmp").iterdir()) and file.read_bytes() == source.read_bytes()


def test_a_parquet_file_of_another_file_system_loads_too(loaded, empty, parquet):
    source, declared = parquet
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = shutil.copy(source, folder)
        if os.stat(file).st_dev == os.stat(empty.path.parent).st_dev:
            pytest.skip("/dev/shm is no other file system")
        assert empty.load(file, declared).json["loaded"] == 200
    assert empty.subscribers() == loaded.subscribers()
    assert not list((empty.path / "tmp").iterdir())


def test_a_damaged_parquet_file_is_refused_and_nothing_of_it_stays(data, parquet, tmp_path):
    source, declared = parquet
    before, whole = data.state(), source.read_bytes()
    file = tmp_path / "damaged.parquet"
    page = whole[:200] + bytes(byte ^ 0xFF for byte in whole[200:1200]) + whole[1200:]
    footer = whole[:-40] + b"\xff" * 32 + whole[-8:]
    for content in (b"", whole[:100], whole[:-100], whole[len(whole) // 2:], page, footer, b"line_id,msisdn\n1,2\n"):
        file.write_bytes(content)
        said = data.load(file, declared).fails(file)
        assert "SELECT" not in said and "disabled" not in said, said
    assert data.state() == before


def test_a_parquet_file_where_csv_is_declared_is_told_so(empty, parquet):
    empty.load(parquet[0]).fails("Parquet", "format: parquet")


def test_a_parquet_file_without_a_column_is_told_so(empty, parquet, tmp_path):
    source, declared = parquet
    content = pyarrow.parquet.read_table(source)
    pyarrow.parquet.write_table(content.drop_columns(["tenure"]).append_column("Tenure_", content["tenure"]),
                                tmp_path / "p.parquet")
    empty.load(tmp_path / "p.parquet", declared).fails("'tenure'")


def test_wrong_values_of_a_parquet_file_are_rejected_by_row_and_column(empty, parquet, tmp_path):
    source, declared = parquet
    content = pyarrow.parquet.read_table(source)
    tenure = content["tenure"].to_pylist()
    tenure[10], tenure[20] = 100_000, None
    position = content.schema.get_field_index("tenure")
    wrong = content.set_column(position, "tenure", pyarrow.array(tenure, pyarrow.float64()))
    pyarrow.parquet.write_table(wrong, tmp_path / "p.parquet")
    done = empty.load(tmp_path / "p.parquet", declared).json
    assert (done["loaded"], done["rejected"]) == (198, 2)
    found = [(each["line"], each["column"], each["reason"]) for each in read_rejects(done["rejectFile"])]
    assert found == [("11", "tenure", "out_of_range"), ("21", "tenure", "blank")]


# Feeds


def test_what_waits_in_a_feed_is_loaded_once_and_what_cannot_be_says_why(data, customers):
    feed = data.path / "inbox" / "loads" / "crm"
    assert data.run("load", "--feeds", "--json").json == []
    feed.mkdir(parents=True)
    (feed / "mapping.yaml").write_text("table: contact\ncolumns:\n  { line_id: { column: line, form: number }, at: at, channel: channel, kind: kind }\n")
    line = customers.get(0, "generated_line_id")
    rows = f"line,at,channel,kind\n{line},2026-11-01 10:00:00,hall,care\n"
    (feed / "a.csv").write_text(rows)
    (feed / "b.csv").write_text("line\n1\n")
    (feed / "c.csv.part").write_text(rows)
    assert data.run("load", "--feeds", "--json").json == [
        {"file": "crm/a.csv"}, {"file": "crm/b.csv", "problem": "load.missing_columns"}]
    assert sorted(file.name for file in feed.iterdir()) == ["c.csv.part", "done", "failed", "mapping.yaml"]
    assert "'at'" in next((feed / "failed").glob("*-b.csv.reason.txt")).read_text()
    assert data.count("did(contact, kind = 'care')") == 1
    (feed / "again.csv").write_text(rows)
    assert data.run("load", "--feeds", "--json").json == [{"file": "crm/again.csv"}]
    assert len(data.run("load", "--list", "--json").json) == 2
