"""tools/: the library without Python, the web files and the notices."""
# SPDX-License-Identifier: Apache-2.0
import gzip
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import xml.etree.ElementTree as xml

import pytest

from conftest import PARTS, ROOT

weaken = runpy.run_path(str(ROOT / "tools/lib/make.py"))["weaken"]
web = runpy.run_path(str(ROOT / "tools/web/make.py"))


def load(library: pathlib.Path) -> subprocess.CompletedProcess:
    """Loads the library, every symbol bound at once, into a process that has nothing to do with Python."""
    alone = {"LD_PRELOAD": str(library), "LD_BIND_NOW": "1"}
    return subprocess.run(["/bin/true"], env=alone, capture_output=True, text=True)


@pytest.fixture
def library(tmp_path: pathlib.Path) -> pathlib.Path:
    """A library that, like DuckDB's wheel, calls Python functions which only a Python process has, and one more."""
    clang = pathlib.Path(os.path.realpath(shutil.which("swift"))).with_name("clang")
    source, out = tmp_path / "module.c", tmp_path / "module.so"
    source.write_text("int Py_One(void); int _Py_Two(void); int sPy(void); int sum(void)"
                      " { return Py_One() + _Py_Two() + (SPY); }")
    def build(spy: str) -> pathlib.Path:
        command = [clang, "-shared", "-fPIC", f"-DSPY={spy}", source, "-o", out]
        subprocess.run(command, check=True)
        return out
    return build


def test_a_weakened_library_loads_without_python(library):
    path = library("0")
    assert "undefined symbol" in load(path).stderr
    elf = bytearray(path.read_bytes())
    assert weaken(elf) == 2
    path.write_bytes(elf)
    assert (load(path).returncode, load(path).stderr) == (0, "")
    assert weaken(elf) == 0


def test_other_missing_symbols_still_stop_the_loader(library):
    path = library("sPy()")
    elf = bytearray(path.read_bytes())
    weaken(elf)
    path.write_bytes(elf)
    assert "undefined symbol: sPy" in load(path).stderr


def test_duckdb_loads_without_python():
    assert (load(ROOT / ".deps/lib/libduckdb.so").returncode, load(ROOT / ".deps/lib/libduckdb.so").stderr) == (0, "")


def test_the_sprite_holds_every_icon_and_no_script():
    sprite = xml.parse(ROOT / ".deps/web/icons.svg").getroot()
    symbols = [symbol.get("id") for symbol in sprite.iter("{http://www.w3.org/2000/svg}symbol")]
    assert symbols == [f"tabler-{icon}" for icon in web["ICONS"]]
    assert {element.tag.split("}")[1] for element in sprite.iter()} <= {"svg", "defs", "symbol", "path"}


def test_an_icon_that_the_sprite_lacks_is_named():
    with pytest.raises(SystemExit, match="no-such-icon"):
        web["cut"]('<symbol id="tabler-plus"><path/></symbol>', ["plus", "no-such-icon"])


@pytest.mark.parametrize("name", web["SCRIPTS"])
def test_compressed_scripts_equal_the_plain_ones(name):
    folder = ROOT / ".deps/web"
    assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == (folder / name).read_bytes()


def test_every_wheel_is_pinned_by_version_and_hash():
    for file in (ROOT / "tools").glob("*/requirements.txt"):
        for line in file.read_text().splitlines():
            assert re.fullmatch(r"[a-z0-9_.-]+==[0-9][^ ]* --hash=sha256:[0-9a-f]{64}", line), f"{file}: {line}"


def test_the_notices_name_every_wheel_that_is_passed_on():
    notices = (ROOT / "tools/THIRD-PARTY-NOTICES.md").read_text()
    for part in PARTS:
        for line in (ROOT / "tools" / part / "requirements.txt").read_text().splitlines():
            assert f"| {line.split()[0]} |" in notices
