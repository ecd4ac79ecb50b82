"""Writes Sources/TesseraText/Pattern/PatternClassData.swift.

Asks the reference library, scalar by scalar, what its regular expressions take each Unicode class for, so that the tables are of
the same Unicode version. Needs tokenizers==0.23.3.
"""
import pathlib
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cn Co".split()
SCRIPTS = ("Han Hiragana Katakana Hangul Latin Cyrillic Greek Arabic Hebrew Thai Devanagari Bengali Tamil Telugu "
           "Georgian Armenian Khmer Lao Myanmar Tibetan Ethiopic Mongolian Common Inherited").split()
LETTERS = "GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, SCALARS))


def members(pattern):
    pieces = Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(TEXT)
    return [SCALARS[i] for _, (start, end) in pieces for i in range(start, end)]


def runs(values):
    last, result = 0, []
    for scalar in range(0x110000):
        value = values[scalar]
        if value != last:
            result.append((scalar, value))
            last = value
    return result


def packed(values):
    text, previous = [], 0
    for scalar, value in runs(values):
        text.append(f"{scalar - previous:x}{LETTERS[value]}")
        previous = scalar
    return "".join(text)


def table(patterns):
    values = [0] * 0x110000
    for number, pattern in enumerate(patterns, 1):
        for scalar in members(pattern):
            if values[scalar]:
                raise SystemExit(f"{scalar:x} is in two classes")
            values[scalar] = number
    return packed(values)


def lines(text):
    return "\n".join("      " + text[i:i + 110] + "\\" for i in range(0, len(text), 110)).rstrip("\\")


flags = [0] * 0x110000
for bit, pattern in enumerate([r"\s", r"\w", r"\p{Alphabetic}", r"\p{Upper}", r"\p{Lower}"]):
    for scalar in members(pattern):
        flags[scalar] |= 1 << bit

out = pathlib.Path(__file__).parent.parent / "Sources/TesseraText/Pattern/PatternClassData.swift"
out.write_text(f'''// Made by Scripts/make_pattern_tables.py; do not edit.

/// Runs of scalars of one class, packed: the distance to the run before in hexadecimal, then a letter for the class.
enum PatternClassData {{
  /// General categories in the order of ``GeneralCategory``.
  static let generalCategories = """
{lines(table([chr(92) + "p{" + c + "}" for c in CATEGORIES]))}
      """

  /// Scripts in the order of ``PatternClasses/scriptNames``.
  static let scripts = """
{lines(table([chr(92) + "p{" + c + "}" for c in SCRIPTS]))}
      """

  /// Bits: white space, word character, alphabetic, upper case, lower case.
  static let flags = """
{lines(packed(flags))}
      """
}}
''')
