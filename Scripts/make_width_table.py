#!/usr/bin/env python3
"""Makes Sources/TesseraText/Unicode/WideScalars.swift: the scalars that take two columns in a terminal.

Wide are those whose East Asian width is W or F (UAX #11) in Python's Unicode data, with ranges joined over scalars that are not
assigned yet when both sides are wide. Emoji newer than that data are told by the standard library's properties at run time.
Run with Python 3.11 (Unicode 14.0): python3 Scripts/make_width_table.py
"""

import pathlib
import unicodedata


# Ideographs: wide by default, also where nothing is assigned yet.
IDEOGRAPHS = [(0x20000, 0x2FFFD), (0x30000, 0x3FFFD)]


def is_wide(scalar):
    if any(first <= scalar <= last for first, last in IDEOGRAPHS):
        return True
    # Python answers F for scalars that are not assigned.
    return unicodedata.category(chr(scalar)) != "Cn" and unicodedata.east_asian_width(chr(scalar)) in "WF"


def ranges():
    found = []
    may_join = False
    for scalar in range(0x1100, 0x40000):
        if 0xD800 <= scalar < 0xE000:
            continue
        if is_wide(scalar):
            if may_join:
                found[-1][1] = scalar
            else:
                found.append([scalar, scalar])
            may_join = True
        elif unicodedata.category(chr(scalar)) != "Cn" or scalar & 0xFFFF >= 0xFFFE:
            may_join = False
    return found


def main():
    numbers = [f"0x{start:X}, 0x{end:X}," for start, end in ranges()]
    lines, line = [], "   "
    for number in numbers:
        if len(line) + len(number) + 1 > 118:
            lines.append(line)
            line = "   "
        line += " " + number
    lines.append(line)
    body = "\n".join(lines)
    text = f"""// Made by Scripts/make_width_table.py from Unicode {unicodedata.unidata_version}; do not edit.

/// The scalars that take two columns in a terminal: first and last of each range, in order.
enum WideScalars {{
  static let bounds: [UInt32] = [
{body}
  ]
}}
"""
    root = pathlib.Path(__file__).resolve().parent.parent
    (root / "Sources/TesseraText/Unicode/WideScalars.swift").write_text(text)


if __name__ == "__main__":
    main()
