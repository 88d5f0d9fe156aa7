"""A tree to try the scripts in: a copy of bin/ and tools/ whose pinned wheels are tiny, made here, and need no network.

Commands on PATH can be replaced in it, so that another processor, another user or missing packages are a line each.
"""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import pathlib
import shutil
import subprocess
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PARTS = ("lib", "web")
MAKE = """import pathlib, sys, zipfile
wheels, out = map(pathlib.Path, sys.argv[1:])
out.mkdir()
zipfile.ZipFile(next(wheels.glob("*.whl"))).extract("{0}.txt", out)
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root, self.deps, self.commands, self.wheels = (root, root / ".deps", root / "commands", root / "wheels")
        for folder in ("bin", "tools"):
            shutil.copytree(ROOT / folder, root / folder)
        self.commands.mkdir()
        self.wheels.mkdir()
        for part in PARTS:
            self.pin(part, f"{part} 1")
        self.pin("venv", "venv 1")
        self.command("swift", "echo Swift version 6.3.1")
        self.packages_are_installed()

    def pin(self, part: str, content: str) -> None:
        """Pins the part to a new wheel with one file of that content; the sums follow."""
        name, version = f"gyre_try_{part}", 1 + len([*self.wheels.glob(f"gyre_try_{part}-*")])
        path = self.wheels / f"{name}-{version}-py3-none-any.whl"
        about = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{part}.txt", content)
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")
        tools = self.root / "tools" / part
        (tools / "requirements.txt").write_text(f"{name}=={version} --hash=sha256:{sha256(path.read_bytes())}\n")
        if part in PARTS:
            (tools / "make.py").write_text(MAKE.format(part))
            (tools / "files.sha256").write_text(f"{sha256(content.encode())}  {part}.txt\n")

    def command(self, name: str, script: str) -> None:
        """Puts a command of that name first on PATH."""
        path = self.commands / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def records(self, name: str, script: str = "") -> None:
        """As command(), and it writes down how it was called."""
        self.command(name, f'echo "{name} $*" >>"{self.root}/calls"\n{script}')

    def calls(self) -> list[str]:
        """How the recording commands were called, in order."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def packages_are_installed(self, *missing: str) -> None:
        """dpkg-query knows all Debian packages but the missing ones."""
        known = f"""[[ ' {' '.join(missing)} ' == *" $name "* ]] || echo $name installed"""
        self.command("dpkg-query", f"for name; do {known}; done")

    def environment(self, **changes: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("PIP_", "GYRE_", "PYTEST_", "PYTHON"))}
        path = f"{self.commands}:{os.environ['PATH']}"
        return kept | {"PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)} | changes

    def start(self, script: str, *arguments: str, **changes: str) -> subprocess.Popen:
        """Starts a script of the tree in a process group of its own."""
        return subprocess.Popen([self.root / "bin" / script, *arguments], env=self.environment(**changes), text=True,
                                cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)

    def run(self, script: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess:
        """Runs a script of the tree to its end."""
        process = self.start(script, *arguments, **changes)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def content(self, part: str) -> str:
        """What the part's file holds."""
        return (self.deps / part / f"{part}.txt").read_text()


@pytest.fixture
def tree(tmp_path: pathlib.Path) -> Tree:
    return Tree(tmp_path)
