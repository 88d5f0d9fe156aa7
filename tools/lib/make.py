"""Makes libduckdb.so from DuckDB's Python wheel.   Usage: make.py WHEELS-DIR OUT-DIR

The wheel's extension module holds all of DuckDB and its ADBC entry point, but it also names Python functions (Py…)
that only a Python process defines, so a loader outside Python refuses it. This marks those undefined symbols weak: the
loader then leaves them empty, and since the ADBC path never calls into Python, nothing misses them.
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import struct
import sys
import zipfile

DYNSYM, UNDEFINED, GLOBAL, WEAK = 11, 0, 1, 2  # from the ELF specification


def weaken(elf: bytearray) -> int:
    """Turns each undefined global symbol whose name starts with Py or _Py into a weak one; returns how many."""
    table, (size, count) = struct.unpack_from("<Q", elf, 0x28)[0], struct.unpack_from("<HH", elf, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, table + i * size) for i in range(count)]
    symbols = next(section for section in sections if section[1] == DYNSYM)
    names, changed = sections[symbols[6]][4], 0
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name, info, _, section = struct.unpack_from("<IBBH", elf, at)
        if section == UNDEFINED and info >> 4 == GLOBAL and elf.startswith((b"Py", b"_Py"), names + name):
            elf[at + 4] = WEAK << 4 | info & 15
            changed += 1
    return changed


if __name__ == "__main__":
    wheels, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    wheel = zipfile.ZipFile(next(wheels.glob("duckdb-*.whl")))
    module = next(name for name in wheel.namelist() if name.startswith("_duckdb.") and name.endswith(".so"))
    library = bytearray(wheel.read(module))
    weaken(library)
    out.mkdir(parents=True)
    (out / "libduckdb.so").write_bytes(library)
