"""bin/demo: builds, then hands over to gyre."""
# SPDX-License-Identifier: Apache-2.0


def test_demo_builds_and_hands_everything_to_gyre(tree):
    (tree.root / "bin/setup").write_text("#!/bin/sh\necho set-up >&2\n")
    gyre = tree.root / ".build/release/gyre"
    gyre.parent.mkdir(parents=True)
    gyre.write_text('#!/bin/sh\nfor argument; do echo "[$argument]"; done\necho "$PWD $$"\nexit 3\n')
    gyre.chmod(0o755)
    tree.command("swift", 'echo "swift $*"')
    demo = tree.start("demo", "--data-dir", "two words")
    out, err = demo.communicate(timeout=60)
    assert demo.returncode == 3
    assert out == f"[demo]\n[--data-dir]\n[two words]\n/ {demo.pid}\n", "folder, stdout and process are gyre's alone"
    assert err == f"set-up\nswift build --package-path {tree.root} --configuration release --product gyre\n"


def test_demo_stops_where_set_up_or_build_fails(tree):
    (tree.root / "bin/setup").write_text("#!/bin/sh\nexit 69\n")
    assert tree.run("demo").returncode == 69
    (tree.root / "bin/setup").write_text("#!/bin/sh\n")
    tree.command("swift", "exit 1")
    assert tree.run("demo").returncode == 1
