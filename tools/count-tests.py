"""Counts the tests in a results file of Swift Testing or pytest.   Usage: count-tests.py RESULTS.xml EXIT-STATUS

Prints "PASSED FAILED SKIPPED" in tests, then a line for each failed test with what it said first: the totals that both runners write into the file count other things (Swift
Testing counts issues, and leaves skipped tests out). A run that did not come to its end counts as one failure whatever
its exit status, because a test that calls exit(0) ends the whole run with success; so does a run that failed though
none of its tests did.
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

FAILED = {"failure", "error"}


def read(results: pathlib.Path) -> list[xml.Element]:
    """The test cases of a results file; OSError or ParseError if there is none or it was not written to its end."""
    # Character references may name characters that XML does not allow; what they say is not needed here.
    return list(xml.fromstring(re.sub(r"&#\w+;", "?", results.read_text())).iter("testcase"))


def failures(results: pathlib.Path) -> list[str]:
    """The name of each failed test, and the first line of what it said."""
    try:
        cases = read(results)
    except (OSError, xml.ParseError):
        return []
    said = [(case, next((child for child in case if child.tag in FAILED), None)) for case in cases]
    return [
        f"{case.get('classname')} {case.get('name')}: {' '.join((why.get('message') or why.text or '').split())[:200]}"
        for case, why in said if why is not None
    ]


def count(results: pathlib.Path, status: int) -> tuple[int, int, int]:
    """Passed, failed and skipped tests."""
    try:
        cases = read(results)
    except (OSError, xml.ParseError):
        print(f"The run ended (status {status}) before its last test: one of those above crashed it.", file=sys.stderr)
        return 0, 1, 0
    outcomes = [{child.tag for child in case} for case in cases]
    failed = sum(bool(outcome & FAILED) for outcome in outcomes)
    skipped = sum("skipped" in outcome and not outcome & FAILED for outcome in outcomes)
    passed = len(outcomes) - failed - skipped
    if status != 0 and failed == 0:
        print(f"The run failed (status {status}) though no test did: see above.", file=sys.stderr)
        failed = 1
    return passed, failed, skipped


if __name__ == "__main__":
    file = pathlib.Path(sys.argv[1])
    print(*count(file, int(sys.argv[2])))
    print(*failures(file), sep="\n", end="")
