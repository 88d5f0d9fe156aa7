"""Counts the tests in a results file of Swift Testing or pytest.   Usage: count-tests.py RESULTS.xml EXIT-STATUS

Prints "PASSED FAILED SKIPPED" in tests: the totals that both runners write into the file count other things (Swift
Testing counts issues, and leaves skipped tests out). A run that did not come to its end counts as one failure whatever
its exit status, because a test that calls exit(0) ends the whole run with success; so does a run that failed though
none of its tests did.
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


def count(results: pathlib.Path, status: int) -> tuple[int, int, int]:
    """Passed, failed and skipped tests."""
    try:
        # Character references may name characters that XML does not allow; what they say is not needed here.
        document = xml.fromstring(re.sub(r"&#\w+;", "?", results.read_text()))
    except (OSError, xml.ParseError):
        print(f"The run ended (status {status}) before its last test: one of those above crashed it.", file=sys.stderr)
        return 0, 1, 0
    outcomes = [{child.tag for child in case} for case in document.iter("testcase")]
    failed = sum(bool(outcome & {"failure", "error"}) for outcome in outcomes)
    skipped = sum("skipped" in outcome and not outcome & {"failure", "error"} for outcome in outcomes)
    passed = len(outcomes) - failed - skipped
    if status != 0 and failed == 0:
        print(f"The run failed (status {status}) though no test did: see above.", file=sys.stderr)
        failed = 1
    return passed, failed, skipped


if __name__ == "__main__":
    print(*count(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
