"""A pytest plugin: leaves only the tests whose names match the regular expression in GYRE_TEST_FILTER."""
# SPDX-License-Identifier: Apache-2.0
import os
import re


def pytest_collection_modifyitems(config, items):
    """Called by pytest with the tests that it found."""
    wanted = re.compile(os.environ.get("GYRE_TEST_FILTER", ""))
    left_out = [item for item in items if not wanted.search(item.nodeid)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if wanted.search(item.nodeid)]
