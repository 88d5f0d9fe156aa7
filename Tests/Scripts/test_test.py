"""bin/test: counts every test once, whatever way a run ends. A script that writes what Swift writes plays Swift."""
# SPDX-License-Identifier: Apache-2.0
import os
import runpy
import subprocess

import pytest

from conftest import ROOT

count = runpy.run_path(str(ROOT / "tools/count-tests.py"))["count"]

# As Swift 6.3 writes it: "tests" leaves out the skipped ones, and "failures" counts issues.
SWIFT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="TestResults" errors="0" tests="3" failures="2" skipped="2" time="0.003">
    <testcase classname="RulesTests.Parser" name="`an error names its place`()" time="0.001" />
    <testcase classname="RulesTests.Parser" name="`each is read`(text:)" time="0.001" />
    <testcase classname="RulesTests.Parser" name="`fails`(n:)" time="0.001">
      <failure message="Expectation failed: (one() &#8594; 1) == 2 (error)" />
      <failure message="Expectation failed: &#27;[1m &quot;a&quot; &lt; b" />
    </testcase>
    <testcase classname="RulesTests.Parser" name="`only when long`()" >
      <skipped />
    </testcase>
    <testcase classname="RulesTests.Parser" name="`not yet`()" >
      <skipped>later</skipped>
    </testcase>
  </testsuite>
</testsuites>
"""
PASSING = SWIFT.replace("<failure", "<system-out").replace('failures="2"', 'failures="0"')
NONE = '<testsuites><testsuite name="TestResults" errors="0" tests="0" failures="0" skipped="0" /></testsuites>'
UNFINISHED = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
PYTEST = """<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
  <testcase classname="test_a" name="test_one" />
  <testcase classname="test_a" name="test_two"><error>at teardown</error></testcase>
  <testcase classname="test_a" name="test_bad"><failure>no</failure></testcase>
  <testcase classname="test_a" name="test_long"><skipped type="pytest.skip">long</skipped></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(("results", "status", "counts"), [
    pytest.param(SWIFT, 1, (2, 1, 2), id="a failed test with two issues counts once"),
    pytest.param(PASSING, 0, (3, 0, 2), id="skipped tests are not passed ones"),
    pytest.param(PASSING, 1, (3, 1, 2), id="an issue outside any test fails the run"),
    pytest.param(UNFINISHED, 1, (0, 1, 0), id="a crash"),
    pytest.param(UNFINISHED, 0, (0, 1, 0), id="a test that calls exit(0)"),
    pytest.param(None, 0, (0, 1, 0), id="no results at all"),
    pytest.param(NONE, 0, (0, 0, 0), id="no test matched"),
    pytest.param(PYTEST, 1, (1, 2, 1), id="pytest's failures and errors"),
])
def test_each_test_is_counted_once(tmp_path, results, status, counts):
    file = tmp_path / "results.xml"
    if results is not None:
        file.write_text(results)
    assert count(file, status) == counts


FAKE_SWIFT = """case "$1" in
build) exit ${FAKE_BUILD:-0} ;;
test)
    echo "long=${GYRE_LONG:-0} $*" >>"$FAKE_LOG"
    while [ "$1" != --xunit-output ]; do shift; done
    [ -z "$FAKE_RESULTS" ] || cp "$FAKE_RESULTS" "$2" ;;
esac"""


@pytest.fixture
def tests(tree, tmp_path):
    """Runs bin/test in a tree with these Swift results and a few pytest tests; returns status, lines, swift's calls."""
    (tree.root / "bin/setup").write_text("#!/bin/sh\nexit ${FAKE_SETUP:-0}\n")
    tree.deps.symlink_to(ROOT / ".deps")
    tree.command("swift", FAKE_SWIFT)
    for folder in ("Scripts", "Browser"):
        (tree.root / "Tests" / folder).mkdir(parents=True)
    (tree.root / "Tests/Scripts/test_s.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
    (tree.root / "Tests/Browser/test_b.py").write_text(
        "import os, pytest\n"
        "@pytest.mark.skipif(os.environ.get('GYRE_LONG') != '1', reason='long')\n"
        "def test_page(): pass\n"
        "def test_sign_in(): pass\n")

    def run(*arguments, swift=PASSING, **changes):
        results, log = tmp_path / "fake.xml", tmp_path / "swift.log"
        results.write_text(swift or "")
        log.unlink(missing_ok=True)
        result = tree.run("test", *arguments, FAKE_RESULTS=str(results if swift else ""), FAKE_LOG=str(log), **changes)
        return result.returncode, result.stdout.splitlines(), log.read_text() if log.exists() else ""

    return run


def test_the_last_line_sums_up_swift_and_pytest(tests):
    status, lines, swift = tests()
    assert status == 0
    assert [line.split("s  ")[1] for line in lines[-6:-1]] == [
        "set-up", "build", "Swift tests: 3 passed, 0 failed, 2 skipped",
        "script tests: 2 passed, 0 failed, 0 skipped", "browser tests: 1 passed, 0 failed, 1 skipped"]
    assert lines[-1] == "6 passed, 0 failed, 3 skipped"
    assert swift.startswith("long=0 ") and "--filter" not in swift


def test_long_reaches_swift_and_pytest(tests):
    status, lines, swift = tests("--long")
    assert (status, lines[-1]) == (0, "7 passed, 0 failed, 2 skipped")
    assert swift.startswith("long=1 ")


def test_a_part_that_crashes_does_not_hide_the_others(tests):
    status, lines, _ = tests(swift=UNFINISHED)
    assert (status, lines[-1]) == (1, "3 passed, 1 failed, 1 skipped")


def test_what_failed_stands_before_the_last_line(tests):
    _, lines, _ = tests(swift=SWIFT)
    assert lines[-2:] == [
        "FAILED RulesTests.Parser `fails`(n:): Expectation failed: (one() ? 1) == 2 (error)",
        "5 passed, 1 failed, 3 skipped"]
    assert not any(line.startswith("FAILED") for line in tests()[1])


def test_results_of_an_earlier_run_do_not_count(tests):
    assert tests()[0] == 0
    status, lines, _ = tests(swift=None)
    assert (status, lines[-1]) == (1, "3 passed, 1 failed, 1 skipped")


def test_without_a_filter_a_part_that_runs_nothing_has_failed(tests):
    status, lines, _ = tests(swift=NONE)
    assert (status, lines[-1]) == (1, "3 passed, 1 failed, 1 skipped")


def test_filters_choose_by_name_in_all_parts(tests):
    status, lines, swift = tests("an error names", "test_(two|sign)", swift=NONE)
    assert (status, lines[-1]) == (0, "2 passed, 0 failed, 0 skipped")
    assert swift.strip().endswith("--filter=an error names --filter=test_(two|sign)")


def test_a_filter_that_matches_nothing_fails(tests):
    status, lines, _ = tests("no such test", swift=NONE)
    assert (status, lines[-2:]) == (1, ["no test ran", "0 passed, 0 failed, 0 skipped"])


def test_a_build_that_fails_is_one_failure_and_no_test_runs(tests):
    status, lines, swift = tests(FAKE_BUILD="1")
    assert (status, lines[-1], swift) == (1, "0 passed, 1 failed, 0 skipped", "")


def test_what_set_up_cannot_bring_ends_it(tests):
    assert tests(FAKE_SETUP="69")[0] == 69


def test_an_unknown_option_is_bad_usage(tests):
    assert tests("--longer")[0] == 64


PACKAGE = """// swift-tools-version: 6.0
import PackageDescription
let package = Package(name: "try", targets: [.testTarget(name: "TryTests")])
"""
SWIFT_TESTS = """import Foundation
import Testing
let wish = ProcessInfo.processInfo.environment["TRY"] ?? ""
@Test func `passes`() {}
@Test(arguments: [1, 2]) func `fails on request`(n: Int) { #expect(wish != "fail"); #expect(wish != "fail") }
@Test func `crashes on request`() { if wish == "crash" { fatalError() } }
@Test func `exits on request`() { if wish == "exit" { exit(0) } }
@Test(.disabled()) func `skipped`() {}
@Suite(.disabled()) struct Skipped { @Test func `one`() {}; @Test func `two`() {} }
"""


@pytest.mark.skipif(os.environ.get("GYRE_LONG") != "1", reason="builds a Swift package: a long test")
def test_the_real_swift_writes_what_is_counted(tmp_path):
    (tmp_path / "Tests/TryTests").mkdir(parents=True)
    (tmp_path / "Package.swift").write_text(PACKAGE)
    (tmp_path / "Tests/TryTests/Try.swift").write_text(SWIFT_TESTS)
    subprocess.run(["swift", "build", "--build-tests"], cwd=tmp_path, check=True)
    results = tmp_path / "results.xml"
    seen = {}
    for wish in ("", "fail", "crash", "exit"):
        results.unlink(missing_ok=True)
        command = ["swift", "test", "--skip-build", "--disable-xctest", "--xunit-output", results]
        status = subprocess.run(command, cwd=tmp_path, env=os.environ | {"TRY": wish}).returncode
        seen[wish] = count(results, status)
    assert seen == {"": (4, 0, 3), "fail": (3, 1, 3), "crash": (0, 1, 0), "exit": (0, 1, 0)}
