"""Data directories in trouble: full disks, missing rights, locks, foreign and damaged files, kills, busy ports."""
# SPDX-License-Identifier: Apache-2.0

import fcntl
import json
import os
import random
import shutil
import socket
import sqlite3
import time

import pyarrow.parquet
import pytest

from conftest import EXAMPLE, Customers, Data, Run, free_port, mounted, with_note

NOBODY = 65_534


@pytest.fixture
def newer(table, tmp_path):
    """A file that changes all 200 customers and adds 100."""
    changed = Customers(table[:301])
    for row in range(300):
        changed.set(row, "tenure", "77")
    return changed.save(tmp_path / "newer.csv")


def seen(data, **settings):
    """How many customers there are, and how many of them the newer file gave."""
    return data.count(**settings), data.count("tenure = 77", **settings)


OLD, NEW = (200, 0), (300, 300)


def is_whole(data, **settings):
    """Checks that the directory holds the old load or the new one, and says which."""
    found = seen(data, **settings)
    assert found in (OLD, NEW), found
    return found


def loads(data):
    """The list of loads."""
    with sqlite3.connect(data.path / "store.sqlite") as store:
        return store.execute("SELECT * FROM load").fetchall()


# Full disks


@pytest.mark.parametrize("kib", [0, 8, 16, 24, 28, 32, 36, 40])
def test_a_limit_on_the_size_of_files_is_a_clear_error_and_leaves_the_old_load(data, newer, kib):
    done = data.load(newer, file_size=kib * 1024)
    if done.code == 0:
        # The store may have had no room for its entry: it is said, and made up for.
        assert not done.err or "not in the list of loads yet" in done.err, done
        assert seen(data) == NEW
        assert len(loads(data)) == 2
        return
    done.fails("free")
    assert is_whole(data) == OLD
    assert data.load(newer).json["loaded"] == 300
    assert is_whole(data) == NEW


def test_a_full_disk_is_a_clear_error_and_leaves_the_old_load(data, newer):
    mount = data.path.parent / "small"
    mount.mkdir()
    failures = 0
    with mounted("-t", "tmpfs", "-o", "size=2m", "none", mount) as (prefix, root):
        inside = Data(mount / "data", prefix=prefix)
        for free in (0, 8, 24, 64, 112, 160):
            outside = root / mount.relative_to("/")
            shutil.rmtree(outside / "data", ignore_errors=True)
            shutil.copytree(data.path, outside / "data")
            room = os.statvfs(outside)
            (outside / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - free * 1024))
            done = inside.load(newer)
            (outside / "filler").unlink()
            if done.code == 0:
                assert seen(inside) == NEW
                continue
            failures += 1
            done.fails("free")
            assert is_whole(inside) == OLD, (free, done)
            assert inside.load(newer).json["loaded"] == 300
    assert failures >= 3, "the disk was never full"


def test_a_full_disk_for_rejects_is_a_clear_error(data, customers, tmp_path):
    for row in range(10):
        customers.set(row, "tenure", "none")
    before = data.state()
    shutil.rmtree(data.path / "rejects", ignore_errors=True)
    (data.path / "rejects").write_text("in the way")
    data.load(customers.save(tmp_path / "c.csv")).fails("rejects")
    assert data.state() == before


def test_output_that_cannot_be_written_is_no_crash_and_no_success(data):
    """As behind `>/dev/full`: what nobody can read was not done."""
    with open("/dev/full", "w") as full:
        done = data.run("replay", "--json", out=full)
        assert done.code == 1, done
        assert "space" in done.err, done
        assert data.run("replay", "--json", err=full).code == 0
        assert data.run("segment", "count", "tenur > 1", "--json", err=full).code == 1
        assert data.run("segment", "--jsn", err=full).code == 64


# Rights


@pytest.fixture
def nobody(public_folder):
    """Settings that run a command as a user without rights."""
    if os.geteuid() != 0:
        return {}
    try:
        if Run(["--help"], user=NOBODY).code != 0:
            pytest.skip("another user cannot run the program where it is")
    except PermissionError:
        pytest.skip("another user cannot reach the program where it is")
    return {"user": NOBODY}


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_data_directory_that_cannot_be_written_is_a_clear_error(public_folder, nobody, mode):
    data = Data(public_folder / "data", **nobody)
    file = shutil.copy(EXAMPLE / "customers.csv", public_folder / "c.csv")
    os.chmod(file, 0o644)
    os.chmod(data.path, mode)
    try:
        for done in (data.load(file), data.run("segment", "count", "tenure >= 0", "--json"),
                     data.run("replay", "--json"), data.run("serve", "--port", str(free_port()))):
            done.fails(data.path, "ermission")
    finally:
        os.chmod(data.path, 0o755)


def test_a_new_data_directory_where_nothing_can_be_made_is_a_clear_error(public_folder, nobody):
    file = shutil.copy(EXAMPLE / "customers.csv", public_folder / "c.csv")
    os.chmod(file, 0o644)
    os.chmod(public_folder, 0o555)
    try:
        Data(public_folder / "new", **nobody).load(file).fails(public_folder / "new", "ermission")
    finally:
        os.chmod(public_folder, 0o755)


def test_a_read_only_file_system_is_a_clear_error(data, newer):
    with mounted("--bind", "-o", "ro", data.path, data.path) as (prefix, _):
        for done in (data.load(newer, prefix=prefix), data.run("replay", "--json", prefix=prefix)):
            done.fails(data.path, "ead-only file system")
    assert seen(data) == OLD


def test_a_file_that_cannot_be_read_is_a_clear_error(public_folder, nobody):
    file = public_folder / "c.csv"
    file.write_text("x")
    os.chmod(file, 0)
    shutil.rmtree(public_folder / "data")
    os.chmod(public_folder, 0o777)
    Data(public_folder / "data", **nobody).load(file).fails(file)


# Locks and ports


def test_a_data_directory_in_use_names_its_process(data, newer):
    with open(data.path / "lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        for done in (data.load(newer), data.run("segment", "count", "tenure >= 0", "--json"),
                     data.run("replay", "--json"), data.run("serve", "--port", str(free_port()))):
            done.fails(data.path, "in use by process 4711")
    assert is_whole(data) == OLD


def test_a_busy_port_is_a_clear_error(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        data.run("serve", "--port", str(port)).fails(f"127.0.0.1:{port}", "--port")
    assert is_whole(data) == OLD


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host"])
def test_an_address_that_is_not_ours_is_a_clear_error(staffed, tmp_path, host):
    shutil.copytree(staffed[0].path, tmp_path / "data")
    said = Data(tmp_path / "data").run("serve", "--host", host, "--port", str(free_port())).fails(host, "--")
    assert "SocketAddressError" not in said, said


# Foreign and damaged directories


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_foreign_directory_is_left_alone(tmp_path, newer):
    data = Data(tmp_path / "photos")
    data.path.mkdir()
    (data.path / "holiday.jpg").write_bytes(b"\xff\xd8")
    before = contents(data.path)
    for done in (data.load(newer), data.run("demo", "--subscribers", "1000")):
        done.fails(data.path, "not", "Gyre", "--data-dir")
    for done in (data.run("replay", "--json"), data.run("serve", "--port", str(free_port()))):
        done.fails(data.path, "--data-dir")
    assert contents(data.path) == before


def test_a_demo_does_not_replace_an_operators_directory(data):
    before = contents(data.path)
    said = data.run("demo", "--subscribers", "1000").fails(data.path, "--data-dir")
    assert contents(data.path) == before
    assert "was not made by Gyre" not in said, "it was, though not by gyre demo"


def test_a_file_in_place_of_the_directory_is_a_clear_error(tmp_path, newer):
    (tmp_path / "data").write_text("no folder")
    for done in (Data(tmp_path / "data").load(newer), Data(tmp_path / "data").run("replay", "--json")):
        done.fails(tmp_path / "data")


def test_a_command_that_reads_does_not_make_a_directory(empty):
    for command in (["segment", "count", "tenure > 1"], ["replay"], ["explain", "1", "13800138000"], ["wave", "1"]):
        empty.run(*command, "--json").fails(empty.path, "gyre load")
    assert not empty.path.exists()


def test_a_newer_format_is_not_touched(data, newer):
    marker = json.loads((data.path / "gyre.json").read_text())
    (data.path / "gyre.json").write_text(json.dumps({**marker, "format": 3}))
    before = contents(data.path / "log"), contents(data.path / "warehouse")
    for done in (data.load(newer), data.run("replay", "--json"), data.run("serve", "--port", str(free_port()))):
        done.fails(data.path, "format 3", "newer gyre")
    assert (contents(data.path / "log"), contents(data.path / "warehouse")) == before


@pytest.mark.parametrize("content", ["", "{\"format\":1", "\0" * 27], ids=["empty", "cut", "zeros"])
def test_a_damaged_marker_is_named_and_nothing_is_touched(data, newer, content):
    (data.path / "gyre.json").write_text(content)
    before = contents(data.path / "log"), contents(data.path / "warehouse")
    for done in (data.load(newer), data.run("replay", "--json"), data.run("serve", "--port", str(free_port())),
                 data.run("demo", "--subscribers", "1000")):
        done.fails(data.path, "gyre.json")
    assert (contents(data.path / "log"), contents(data.path / "warehouse")) == before


def flip(path, position, bit=0x10):
    content = bytearray(path.read_bytes())
    content[position] ^= bit
    path.write_bytes(content)


def test_a_flipped_byte_of_the_decision_log_is_found_and_named(data, newer):
    segment = data.path / "log/segment-00000001.sqlite"
    whole = segment.read_bytes()
    with sqlite3.connect(f"file:{segment}?mode=ro&immutable=1", uri=True) as log:
        rows = log.execute("SELECT sequence, payload, digest FROM batch ORDER BY sequence").fetchall()
    assert len(rows) >= 4
    for sequence, *blobs in rows:
        for blob in blobs:
            segment.write_bytes(whole)
            flip(segment, whole.index(blob[-16:]) + 8)
            said = data.run("replay", "--json").fails()
            # A digest stands in the next batch of its chain as well.
            assert any(f"batch {number}:" in said for number in range(sequence, len(rows) + 1)), (sequence, said)
    # The last one is damaged still: no command accepts it.
    for done in (data.load(newer), data.run("segment", "count", "tenure >= 0", "--json"),
                 data.run("serve", "--port", str(free_port()))):
        done.fails()
    segment.write_bytes(whole)
    assert is_whole(data) == OLD


def test_no_flipped_byte_of_the_decision_log_changes_the_state_in_silence(data):
    segment = data.path / "log/segment-00000001.sqlite"
    whole, expected = segment.read_bytes(), data.replay()
    chance = random.Random(20_260_916)
    used = [position for position in range(len(whole)) if whole[position]]
    for position in [*chance.sample(used, 18), 0, 18, 100, 8192]:
        segment.write_bytes(whole)
        flip(segment, position, 1 << chance.randrange(8))
        done = data.run("replay", "--json")
        if done.code == 0:
            assert done.json == expected, position
        else:
            said = done.fails()
            assert "segment-00000001" in said or "batch" in said, (position, said)


@pytest.mark.parametrize("length", [0, 100, 20_000])
def test_a_decision_log_cut_short_is_found_and_named(data, length):
    segment = data.path / "log/segment-00000001.sqlite"
    segment.write_bytes(segment.read_bytes()[:length])
    for done in (data.run("replay", "--json"), data.run("segment", "count", "tenure >= 0", "--json")):
        said = done.fails("segment-00000001", "backup")
        assert said.count("segment-00000001") == 1, said


def test_a_lost_decision_log_is_not_replaced_by_an_empty_one(data, newer):
    (data.path / "log/segment-00000001.sqlite").unlink()
    data.run("replay", "--json").fails("segment-00000001")
    data.load(newer).fails("segment-00000001")


def test_a_lost_store_is_not_replaced_by_an_empty_one(data, newer):
    for file in data.path.glob("store.sqlite*"):
        file.unlink()
    data.run("replay", "--json").fails("store.sqlite", "backup")
    data.load(newer).fails("store.sqlite")
    assert not list(data.path.glob("store.sqlite*"))


def test_a_load_that_the_store_did_not_get_is_entered_when_the_directory_is_opened(data, loaded):
    """As after a kill, or on a disk that was full, between the log and the store."""
    before, batches = loads(data), data.replay()["batches"]
    assert len(before) == 1
    with sqlite3.connect(data.path / "store.sqlite") as store:
        store.execute("DELETE FROM load")
    assert data.load(loaded.path.parent / "customers.csv").json["loaded"] == 200
    assert loads(data) == before and data.replay()["batches"] == batches, "it was not loaded once more"


def test_what_a_killed_process_left_is_removed(data):
    rests = [data.path / "tmp/in/1.parquet", data.path / "tmp/duckdb_temp_storage-0.tmp",
             next((data.path / "objects").glob("??")) / "0123.tmp-1-2"]
    for rest in rests:
        rest.parent.mkdir(exist_ok=True)
        rest.write_text("rest")
    assert data.count() == 200
    assert not [rest for rest in rests if rest.exists()]


def test_a_damaged_or_lost_input_of_decisions_is_found_and_named(data):
    kept = {path: path.read_bytes() for path in (data.path / "objects").rglob("*") if path.is_file()}
    for path, content in random.Random(1).sample(sorted(kept.items()), 6):
        flip(path, len(content) // 2)
        done = data.run("replay", "--verify", "--json")
        done.fails(path.name[:8])
        path.unlink()
        data.run("replay", "--verify", "--json").fails(path.name[:8])
        path.write_bytes(content)
    assert is_whole(data) == OLD


def test_a_damaged_store_or_warehouse_is_found_and_named(data):
    table, = data.path.glob("warehouse/subscriber/*/part-*.parquet")
    for path in (data.path / "store.sqlite", table):
        content = path.read_bytes()
        path.write_bytes(b"\xff" * 4096 + content[4096:-2048] + b"\xff" * 2048)
        data.run("segment", "count", "tenure >= 0", "--json").fails(path.name, "backup")
        path.write_bytes(content)
    table.unlink()
    data.run("segment", "count", "tenure >= 0", "--json").fails(table.name, "backup")


def test_a_damaged_page_of_the_warehouse_is_found_and_named(empty, customers, tmp_path):
    mapping = with_note(tmp_path, customers, [f"note {row * 7919 % 1000}" for row in range(200)])
    empty.load(customers.save(tmp_path / "c.csv"), mapping).json
    table, = empty.path.glob("warehouse/subscriber/*/part-*.parquet")
    columns = pyarrow.parquet.read_metadata(table).row_group(0)
    note, = (columns.column(each) for each in range(columns.num_columns)
             if columns.column(each).path_in_schema == "note")
    start = note.dictionary_page_offset or note.data_page_offset
    content = bytearray(table.read_bytes())
    for position in range(start + 40, start + note.total_compressed_size):
        content[position] ^= 0xFF
    table.write_bytes(content)
    assert empty.count() == 200, "which reads another column"
    empty.run("segment", "count", "note LIKE '%1'", "--json").fails(table.name, "backup")


def test_a_data_directory_with_a_strange_name_works(loaded, tmp_path, newer):
    data = Data(tmp_path / "it's a \"dir\"; DROP TABLE subscriber --%20*[x]")
    shutil.copytree(loaded.path, data.path)
    assert data.load(newer).json["loaded"] == 300
    assert is_whole(data) == NEW


# Kills


def test_after_kills_during_a_load_the_old_load_or_the_new_one_is_there_whole(loaded, newer, tmp_path):
    trial = Data(tmp_path / "trial")
    shutil.copytree(loaded.path, trial.path)
    start = time.monotonic()
    assert trial.load(newer).json["loaded"] == 300
    length = time.monotonic() - start
    seed = random.randrange(1 << 32)
    print(f"seed {seed}, a load takes {length:.3f} s")
    chance = random.Random(seed)
    killed, found = 0, []
    for number in range(10):
        # From begin to end; the first load, which was timed, took a little longer than the others.
        moment = length * (number + chance.random()) / 12
        data = Data(tmp_path / f"kill-{number}")
        shutil.copytree(loaded.path, data.path)
        killed += data.load(newer, kill_after=moment).code == -9
        found.append(is_whole(data))
        assert data.load(newer).json["loaded"] == 300
        assert data.count("tenure = 77") == 300
    print(f"{killed} of 10 were killed; found afterwards: {found}")
    assert killed >= 3


# Usage


@pytest.mark.parametrize("arguments", [
    ["load"], ["load", "x.csv"], ["load", "x.csv", "--maping", "y"], ["lod"], ["segment", "count"], ["replay", "more"],
    ["serve", "--port", "0"], ["serve", "--port", "65536"], ["serve", "--port", "http"], ["explain", "1", "12"],
    ["demo", "--subscribers", "999"], ["wave"],
])
def test_bad_usage_ends_with_64(data, arguments):
    data.run(*arguments).fails(code=64)


def test_what_is_not_there_is_named(data):
    data.run("explain", "7", "13800138000", "--json").fails("campaign", "7")
    data.run("wave", "retention 7", "--json").fails("retention 7")
    data.run("bench", "nonsense").fails("nonsense")
