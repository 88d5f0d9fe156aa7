"""bin/setup: checks before it acts, leaves nothing half made, and says what to do when it cannot go on."""
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from conftest import PARTS, ROOT


def state(folder: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Every file under the folder with what would show that it was written again."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def wait_for(path: pathlib.Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def test_the_first_run_makes_every_part_and_the_second_touches_nothing(tree):
    for name in ("apt-get", "sudo", "python3", "pip", "pip3"):  # none of them may be called: not even PATH's python3
        tree.records(name, "exit 1")
    (tree.deps / "venv/bin").mkdir(parents=True)  # a venv that an earlier run did not finish
    (tree.deps / "venv/bin/python").symlink_to("/nonexistent")
    first = tree.run("setup", "--tests")
    assert first.returncode == 0, first.stderr
    assert [tree.content(part) for part in PARTS] == ["lib 1", "web 1"]
    assert sorted(os.listdir(tree.deps)) == ["lib", "venv", "web"]
    made_by = (tree.deps / "venv/bin/python").resolve()
    assert made_by == pathlib.Path("/usr/bin/python3").resolve()

    before = state(tree.deps)
    second = tree.run("setup", "--tests", PIP_FIND_LINKS="/nonexistent")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    assert state(tree.deps) == before
    assert tree.calls() == []


def test_without_tests_no_test_tool_is_asked_for(tree):
    tree.packages_are_installed("python3-venv", "chromium", "chromium-driver", "chromium-l10n", "fonts-noto-cjk")
    assert tree.run("setup").returncode == 0
    assert sorted(os.listdir(tree.deps)) == ["lib", "web"]


def test_new_pins_lead_to_new_parts(tree):
    assert tree.run("setup").returncode == 0
    stamp = tree.deps / "venv/made-from"
    stamp.parent.mkdir()
    stamp.write_text(subprocess.check_output(["/usr/bin/python3", "--version"], text=True)
                     + (tree.root / "tools/venv/requirements.txt").read_text())
    unchanged = stamp.read_text()
    assert tree.run("setup", "--tests").returncode == 0
    assert os.listdir(stamp.parent) == ["made-from"], "a venv made from these pins is left alone"

    for part in (*PARTS, "venv"):
        tree.pin(part, f"{part} 2")
    assert tree.run("setup", "--tests").returncode == 0
    assert [tree.content(part) for part in PARTS] == ["lib 2", "web 2"]
    installed = "import importlib.metadata as m; print(m.version('gyre_try_venv'))"
    assert subprocess.check_output([tree.deps / "venv/bin/python", "-c", installed], text=True) == "2\n"
    assert stamp.read_text() != unchanged


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_text("we")])
def test_a_lost_or_damaged_file_is_made_anew(tree, damage):
    assert tree.run("setup").returncode == 0
    library = state(tree.deps / "lib")
    damage(tree.deps / "web/web.txt")
    assert tree.run("setup").returncode == 0
    assert tree.content("web") == "web 1"
    assert state(tree.deps / "lib") == library


def test_a_wheel_with_another_hash_is_refused(tree):
    with next(tree.wheels.glob("gyre_try_lib-*")).open("ab") as wheel:
        wheel.write(b"!")
    result = tree.run("setup")
    assert result.returncode == 1
    assert "DO NOT MATCH THE HASHES" in result.stderr and "could not be downloaded" in result.stderr
    assert os.listdir(tree.deps) == []


def test_a_part_that_comes_out_different_does_not_replace_the_old_one(tree):
    assert tree.run("setup").returncode == 0
    tree.pin("lib", "lib 2")
    (tree.root / "tools/lib/files.sha256").write_text(f"{'0' * 64}  lib.txt\n")
    result = tree.run("setup")
    assert result.returncode == 1
    assert "came out different from tools/lib/files.sha256" in result.stderr
    assert tree.content("lib") == "lib 1"
    assert sorted(os.listdir(tree.deps)) == ["lib", "web"]


def slow(tree, part: str) -> pathlib.Path:
    """Makes the part wait, once begun, until the file "go" is there; returns the file that shows it has begun."""
    make = tree.root / "tools" / part / "make.py"
    wait = f"""import os, time
with open({str(tree.root / 'begun')!r}, "a") as log: log.write("begun\\n")
while not os.path.exists({str(tree.root / 'go')!r}): time.sleep(0.02)
"""
    make.write_text(wait + make.read_text())
    return tree.root / "begun"


def test_two_runs_at_once_take_turns(tree):
    begun = slow(tree, "lib")
    first = tree.start("setup")
    wait_for(begun)
    second = tree.start("setup")
    assert "another bin/setup is at work" in second.stderr.readline()
    (tree.root / "go").touch()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert begun.read_text() == "begun\n", "the second run had nothing left to do"
    assert tree.content("lib") == "lib 1"


def test_a_killed_run_leaves_nothing_that_the_next_one_trusts(tree):
    assert tree.run("setup").returncode == 0
    tree.pin("lib", "lib 2")
    begun = slow(tree, "lib")
    killed = tree.start("setup")
    wait_for(begun)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(60)
    assert tree.content("lib") == "lib 1"
    (tree.root / "go").touch()
    assert tree.run("setup").returncode == 0
    assert tree.content("lib") == "lib 2"
    assert sorted(os.listdir(tree.deps)) == ["lib", "web"]


def test_another_processor_is_told_so(tree):
    tree.command("uname", "echo aarch64")
    result = tree.run("setup")
    assert result.returncode == 69
    assert "processor is aarch64" in result.stderr and "x86-64 only" in result.stderr


@pytest.mark.parametrize(("version", "accepted"), [
    ("6.2.4", False), ("5.10", False), ("6.3", True), ("6.3.1", True), ("6.10", True), ("7.0", True)])
def test_swift_must_be_new_enough(tree, version, accepted):
    tree.command("swift", f"echo 'Swift version {version} (swift-{version}-RELEASE)'")
    result = tree.run("setup")
    assert result.returncode == (0 if accepted else 69)
    assert accepted or f"is Swift {version}; Gyre needs 6.3 or newer" in result.stderr


LACKS = "[ -e {0} ] && echo Swift version 6.3.1 || {{ echo 'libsqlite3.so.0: cannot open' >&2; exit 127; }}"


def test_a_swift_that_does_not_run_is_told_so(tree):
    tree.command("swift", LACKS.format(tree.root / "library"))
    result = tree.run("setup")
    assert result.returncode == 69 and "swift does not run: libsqlite3.so.0: cannot open" in result.stderr


def test_another_program_called_swift_is_told_so(tree):
    tree.command("swift", "echo SWIFT workflow 1.0")
    result = tree.run("setup")
    assert result.returncode == 69 and "is Swift of an unknown version" in result.stderr


def test_a_swift_that_lacks_a_library_of_the_packages_runs_after_them(tree):
    tree.command("swift", LACKS.format(tree.root / "library"))
    tree.command("id", "echo 0")
    tree.packages_are_installed("libsqlite3-dev")
    tree.command("apt-get", f"touch {tree.root}/library")
    assert tree.run("setup").returncode == 0


def test_a_missing_swift_is_told_so(tree):
    (tree.commands / "swift").unlink()
    path = f"{tree.commands}:/usr/bin:/bin"
    if shutil.which("swift", path=path):
        pytest.skip("swift is among the system's own commands here")
    result = tree.run("setup", PATH=path)
    assert result.returncode == 69 and "there is no swift on PATH" in result.stderr


INSTALL = "install --yes --no-install-recommends"


def test_root_installs_just_the_missing_packages(tree):
    tree.packages_are_installed("python3-pip", "chromium")
    tree.command("id", "echo 0")
    tree.records("sudo", "exit 1")
    tree.records("apt-get")
    assert tree.run("setup").returncode == 0
    assert tree.calls() == ["apt-get update --quiet", f"apt-get {INSTALL} python3-pip --quiet"]


def test_others_install_by_sudo(tree):
    tree.packages_are_installed("libsqlite3-dev")
    tree.command("id", "echo 1000")
    tree.records("sudo", '"$@"')
    tree.records("apt-get")
    assert tree.run("setup").returncode == 0
    assert [call for call in tree.calls() if call.startswith("apt-get")] == [
        "apt-get update --quiet", f"apt-get {INSTALL} libsqlite3-dev --quiet"]
    assert tree.calls()[0] == "sudo apt-get update --quiet"


@pytest.mark.parametrize("user", ["0", "1000"])
def test_who_cannot_install_gets_the_line_to_run(tree, user):
    tree.packages_are_installed("libsqlite3-dev", "python3-pip")
    tree.command("id", f"echo {user}")
    tree.command("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    tree.command("apt-get", "echo 'E: no network' >&2; exit 100")
    result = tree.run("setup")
    assert result.returncode == 69
    assert f"    apt-get update && apt-get {INSTALL} libsqlite3-dev python3-pip\n" in result.stderr
    assert not tree.deps.exists()


def test_without_sudo_nothing_is_tried(tree):
    if shutil.which("sudo"):
        pytest.skip("sudo is installed here")
    tree.packages_are_installed("libsqlite3-dev")
    tree.command("id", "echo 1000")
    tree.records("apt-get")
    result = tree.run("setup")
    assert result.returncode == 69 and f"    apt-get update && apt-get {INSTALL} libsqlite3-dev\n" in result.stderr
    assert tree.calls() == []


def test_an_unknown_option_is_bad_usage(tree):
    result = tree.run("setup", "--test")
    assert (result.returncode, result.stderr) == (64, "setup: usage: bin/setup [--tests]\n")


def test_no_network_is_needed_when_all_is_there():
    """On the repository itself, whose parts and test tools are there when this runs."""
    apart = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*apart, "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody make a network namespace")
    result = subprocess.run([*apart, ROOT / "bin/setup", "--tests"], capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
