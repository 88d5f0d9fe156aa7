"""gyre erase: a data-protection request from the command line."""
# SPDX-License-Identifier: Apache-2.0

import shutil
import time

import pyarrow.parquet

from conftest import Customers, Data


def traces(data, line, number):
    """Files of a data directory that still hold a customer's line id or number, as text, as stored, or in Parquet."""
    texts = [line, number, "86" + number]
    needles = [text.encode() for text in texts] + [int(text).to_bytes(8, "little") for text in texts]
    found = []
    for file in filter(lambda file: file.is_file(), data.path.rglob("*")):
        content = file.read_bytes()
        found += [(file.name, needle) for needle in needles if needle in content]
        if file.suffix == ".parquet":
            values = {str(value) for row in pyarrow.parquet.read_table(file).to_pylist() for value in row.values()}
            found += [(file.name, text) for text in texts if text in values]
    return found


def test_a_customer_is_erased_for_good(data, customers, tmp_path):
    line, number = customers.get(7, "generated_line_id"), customers.get(7, "generated_msisdn")
    assert traces(data, line, number), "the search finds what is there"
    numbers = tmp_path / "numbers.txt"
    numbers.write_text(f"{number}\n\n")
    wanted = ["erase", "--numbers", numbers, "--reason", "DSR-1"]
    data.run(*wanted).fails("--yes", code=64)
    data.run(*wanted[:3], "--reason", " ", "--yes").fails("say why")
    data.run("erase", "--numbers", tmp_path / "none", "--reason", "x", "--yes").fails("none", "cannot be read")
    numbers.write_text(f"{number}\n13800000000\n")
    data.run(*wanted, "--yes").fails("number 2", "nobody was erased")
    assert data.count() == 200

    numbers.write_text(f"{number}\n\n")
    assert len(data.run(*wanted, "--yes", "--json").json["subscribers"]) == 1
    assert traces(data, line, number) == []
    assert data.count() == 199
    data.run("replay", "--verify", "--json").json
    data.run(*wanted, "--yes").fails("number 1", "nobody was erased")

    # The same line again is somebody new.
    customers.set(8, "tenure", "71")
    assert data.load(Customers([customers.header, *customers.rows]).save(tmp_path / "again.csv")).json["loaded"] == 200
    assert data.count() == 200 and len(data.subscribers()) == 201


def test_an_erasure_that_is_killed_is_completed_or_never_was(data, customers, tmp_path):
    line, number = customers.get(7, "generated_line_id"), customers.get(7, "generated_msisdn")
    numbers = tmp_path / "numbers.txt"
    numbers.write_text(number)
    wanted = ["erase", "--numbers", numbers, "--reason", "DSR-1", "--yes"]
    whole = Data(shutil.copytree(data.path, tmp_path / "whole"))
    begin = time.monotonic()
    assert whole.run(*wanted).code == 0
    longest = time.monotonic() - begin
    ends = set()
    for step in range(1, 13):
        killed = Data(shutil.copytree(data.path, tmp_path / f"killed{step}"))
        killed.run(*wanted, kill_after=longest * step / 12)
        # Any command opens the directory, which completes what the log has.
        count = killed.count()
        assert count in (199, 200)
        ends.add(count)
        if count == 200:
            assert killed.run(*wanted).code == 0
        assert killed.count() == 199 and traces(killed, line, number) == []
        killed.run("replay", "--verify", "--json").json
    assert 199 in ends, "none was killed late"
