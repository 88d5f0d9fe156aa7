#!/usr/bin/env python3
"""Adds the generated identity columns to customers.csv; running it again changes nothing.

The table as published has no customer number, telephone number, name or place. This script puts five columns before
the published ones, which it leaves byte for byte as they are. Usage: python3 generate.py (in this folder).
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import hashlib
from pathlib import Path

FOLDER = Path(__file__).parent
GENERATED = ["generated_line_id", "generated_msisdn", "generated_name", "generated_province", "generated_city"]
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
GIVEN = "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 文博 子涵 浩然 雨桐 志强 建国 晓燕 海燕".split()


def draw(row: int, purpose: str) -> int:
    """A number that depends on the row and the purpose only."""
    return int.from_bytes(hashlib.sha256(f"telco-churn {purpose} {row}".encode()).digest()[:8], "big")


def main() -> None:
    file = FOLDER / "customers.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    if lines[0].startswith(GENERATED[0]):
        lines = [line.split(",", len(GENERATED))[-1] for line in lines]
    with open(FOLDER.parent / "number-ranges.csv", encoding="utf-8") as ranges:
        prefixes = [(row["prefix7"], row["city_code"]) for row in csv.DictReader(ranges)]
    rows = range(1, len(lines))
    # Ranks of the draws are distinct, so line ids are; their order has nothing to do with the order of the file.
    rank = {row: position for position, row in enumerate(sorted(rows, key=lambda row: draw(row, "line")))}
    out = [",".join(GENERATED) + "," + lines[0]]
    for row in rows:
        # Distinct rows get distinct numbers inside a range, whatever the range.
        prefix, city = prefixes[draw(row, "range") % len(prefixes)]
        name = SURNAMES[draw(row, "surname") % len(SURNAMES)] + GIVEN[draw(row, "given") % len(GIVEN)]
        identity = [str(70_000_000_000_000 + 37 * rank[row]), f"{prefix}{(row * 7919 + 1234) % 10_000:04d}", name]
        out.append(",".join(identity + [city[:2], city]) + "," + lines[row])
    file.write_text("\n".join(out) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
