"""Writes requirements.txt: every wheel that requirements.in leads to, pinned by version and hash, for this Python."""
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
command = "install --dry-run --ignore-installed --only-binary :all: --quiet --report - --requirement".split()
report = subprocess.run([sys.executable, "-I", "-m", "pip", *command, here / "requirements.in"],
                        check=True, stdout=subprocess.PIPE).stdout
pins = sorted(
    f"{wheel['metadata']['name'].lower()}=={wheel['metadata']['version']}"
    f" --hash=sha256:{wheel['download_info']['archive_info']['hashes']['sha256']}\n"
    for wheel in json.loads(report)["install"]
)
(here / "requirements.txt").write_text("".join(pins))
