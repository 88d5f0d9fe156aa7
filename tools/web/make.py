"""Takes the console's third-party files out of their wheels.   Usage: make.py WHEELS-DIR OUT-DIR

Writes the chart library and htmx, each also compressed (.gz) for browsers that take it, and icons.svg: those symbols
of the Tabler sprite that the console uses. To add an icon, name it below and put the new sum into files.sha256.
"""
# SPDX-License-Identifier: Apache-2.0
import gzip
import pathlib
import re
import sys
import zipfile

SCRIPTS = {
    "echarts.esm.min.js": "instaui_echarts/static/echarts.esm.min.js",
    "htmx.min.js": "django_htmx/static/django_htmx/htmx-2.min.js",
}
SPRITE = "flask_tabler_icons/static/tabler_icons/tabler-sprite-nostroke.svg"
ICONS = """
    adjustments alert-triangle arrow-back-up ban bell calendar-event chart-bar chart-funnel check checklist
    chevron-down chevron-right circle-check circle-x clock copy download eye file-text filter help-circle
    history info-circle language layout-dashboard logout menu-2 pencil phone-call phone-off player-pause
    player-play player-stop plus refresh route search send settings shield-check speakerphone trash upload
    user-question users users-group x
""".split()


def cut(sprite: str, icons: list[str]) -> str:
    """The sprite with only the named symbols, in their order."""
    symbols = dict(re.findall(r'(?s)<symbol id="tabler-([^"]+)"(.*?</symbol>)', sprite))
    if missing := [icon for icon in icons if icon not in symbols]:
        sys.exit(f"icons that the Tabler sprite lacks: {' '.join(missing)}")
    body = "".join(f'<symbol id="tabler-{icon}"{symbols[icon]}\n' for icon in icons)
    return f'<svg xmlns="http://www.w3.org/2000/svg"><defs>\n{body}</defs></svg>\n'


if __name__ == "__main__":
    wheels, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    files = {}
    for path in wheels.glob("*.whl"):
        with zipfile.ZipFile(path) as wheel:
            files |= {name: wheel.read(name) for name in {*SCRIPTS.values(), SPRITE} & {*wheel.namelist()}}
    out.mkdir(parents=True)
    for name, source in SCRIPTS.items():
        (out / name).write_bytes(files[source])
        (out / f"{name}.gz").write_bytes(gzip.compress(files[source], mtime=0))
    (out / "icons.svg").write_text(cut(files[SPRITE].decode(), ICONS))
