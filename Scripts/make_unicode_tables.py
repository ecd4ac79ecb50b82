#!/usr/bin/env python3
"""Writes the Unicode tables of TesseraText by asking the reference library about every scalar.

    python3 Scripts/make_unicode_tables.py

needs `tokenizers` 0.23.3. Nothing is taken from the Unicode Character Database of this Python: the reference mixes
several versions of Unicode in one build, and only its answers count. `unicodedata` serves to name the combining classes
and to report where the answers differ from it.

The tables are strings of base-32 digits with a continuation bit (see PackedNumbers.swift), cut into lines.
"""

import pathlib
import struct
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

OUT = pathlib.Path(__file__).resolve().parent.parent / "Sources" / "TesseraText" / "Unicode"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CHUNK = 1 << 15
INERT = "\u4dc0"  # a hexagram: no normalizer touches it


# Asking

def ask(normalizer, texts, separator=INERT):
    """The normalized form of each text; the separator must be inert and absent from every text."""
    answers = []
    for start in range(0, len(texts), CHUNK):
        part = texts[start:start + CHUNK]
        got = normalizer.normalize_str(separator.join(part)).split(separator)
        assert len(got) == len(part), (len(got), len(part))
        answers += got
    return answers


def ask_scalars(normalizer):
    """The normalized form of each scalar alone."""
    others = [c for c in SCALARS if c != ord(INERT)]
    answer = dict(zip(others, ask(normalizer, [chr(c) for c in others])))
    answer[ord(INERT)] = normalizer.normalize_str(INERT)
    return answer


def ask_pieces(pre_tokenizer, texts):
    """The pieces of each text, asked in blocks; every text starts and ends with a marker line the caller cuts off."""
    answers = []
    for start in range(0, len(texts), CHUNK):
        part = texts[start:start + CHUNK]
        joined = "".join(part)
        cuts = [offsets for _, offsets in pre_tokenizer.pre_tokenize_str(joined)]
        at, cursor = 0, 0
        for text in part:
            end, pieces = at + len(text), []
            while cursor < len(cuts) and cuts[cursor][0] < end:
                pieces.append((cuts[cursor][0] - at, cuts[cursor][1] - at))
                if cuts[cursor][1] > end:
                    break
                cursor += 1
            answers.append(pieces)
            at = end
    return answers


# Packing

DIGITS = [chr(40 + v) if 40 + v != 92 else "~" for v in range(64)]


def packed(numbers):
    out = []
    for number in numbers:
        assert number >= 0
        while number >= 32:
            out.append(DIGITS[32 + number % 32])
            number //= 32
        out.append(DIGITS[number])
    return "".join(out)


def zigzag(number):
    return number * 2 if number >= 0 else -number * 2 - 1


def runs(value_of):
    """(start, value) wherever the value changes; surrogates continue the run before them."""
    out, last = [], 0
    for c in SCALARS:
        value = value_of(c)
        if value != last:
            out.append((c, value))
            last = value
    if last:
        out.append((0x110000, 0))
    return out


def packed_runs(value_of):
    numbers, previous = [], 0
    for start, value in runs(value_of):
        numbers += [start - previous, value]
        previous = start
    return numbers


def write(name, title, tables):
    origin = f"the answers of tokenizers {tokenizers.__version__}"
    lines = [f"// Made by Scripts/make_unicode_tables.py from {origin}; do not edit.", "",
             f"/// {title}", f"enum {name} {{"]
    for index, (label, comment, numbers) in enumerate(tables):
        text = packed(numbers)
        if index:
            lines.append("")
        lines += [f"  /// {comment}", f"  static let {label}: StaticString = \"\"\""]
        lines += ["    " + text[i:i + 114] for i in range(0, len(text), 114)]
        lines.append("    \"\"\"")
    lines.append("}")
    (OUT / f"{name}.swift").write_text("\n".join(lines) + "\n")
    print(name, sum(len(packed(t[2])) for t in tables), "digits", len(lines), "lines")


def report(what, different):
    different = sorted(different)
    shown = " ".join(f"U+{c:04X}" for c in different[:12])
    print(f"  {what}: {len(different)} differ from unicodedata {unicodedata.unidata_version}: {shown}")


# Normalization forms

def make_normalization():
    nfd, nfkd = ask_scalars(normalizers.NFD()), ask_scalars(normalizers.NFKD())
    nfc = ask_scalars(normalizers.NFC())
    nfkc = ask_scalars(normalizers.NFKC())
    hangul = range(0xAC00, 0xD7A4)
    for name, table in ("NFD", nfd), ("NFKD", nfkd), ("NFC", nfc), ("NFKC", nfkc):
        report(name, [c for c in SCALARS if unicodedata.normalize(name, chr(c)) != table[c]])

    # Combining classes: only their order can be seen, by which marks change places.
    low, high = "\u0334", "\u0345"  # the lowest class, 1, and the highest, 240
    stable = [c for c in SCALARS if nfd[c] == chr(c) and c != ord(INERT)]
    behind = ask(normalizers.NFD(), [high + chr(c) for c in stable])
    before = ask(normalizers.NFD(), [chr(c) + low for c in stable])
    moving = [c for c, b, f in zip(stable, behind, before) if b != high + chr(c) or f != chr(c) + low]
    reps = {}
    for c in moving:
        reps.setdefault(unicodedata.combining(chr(c)), c)
    values = sorted(reps)
    ccc = {}
    for c in moving:
        above = [v for v in values
                 if normalizers.NFD().normalize_str(chr(reps[v]) + chr(c)) != chr(reps[v]) + chr(c)]
        below = [v for v in values
                 if normalizers.NFD().normalize_str(chr(c) + chr(reps[v])) != chr(c) + chr(reps[v])]
        equal = [v for v in values if v not in above and v not in below]
        assert len(equal) == 1, (hex(c), above, below, equal)
        ccc[c] = equal[0]
    for v in values:
        assert ccc.get(reps[v]) == v, (v, hex(reps[v]))
    # Marks of a class that only decomposes (U+0344 ...) take part through their parts; their own class matters nowhere.
    report("combining class", [c for c in stable if ccc.get(c, 0) != unicodedata.combining(chr(c))])

    # Compositions: each scalar that survives NFC and falls apart under NFD.
    pairs = {}
    for c in SCALARS:
        if c not in hangul and len(nfd[c]) > 1 and nfc[c] == chr(c):
            head = normalizers.NFC().normalize_str(nfd[c][:-1])
            assert len(head) == 1
            assert normalizers.NFC().normalize_str(head + nfd[c][-1]) == chr(c)
            pairs[c] = (ord(head), ord(nfd[c][-1]))
    firsts = sorted({a for a, _ in pairs.values()})
    seconds = sorted({b for _, b in pairs.values()})
    candidates = [(a, b) for a in firsts for b in seconds]
    got = ask(normalizers.NFC(), [chr(a) + chr(b) for a, b in candidates])
    known = {ab: c for c, ab in pairs.items()}
    for (a, b), answer in zip(candidates, got):
        if len(answer) == 1:
            whole = known.get((a, b))
            reordered = nfd[ord(answer)] != nfd[a] + nfd[b]
            assert whole == ord(answer) or reordered, (hex(a), hex(b), answer)

    def mapping(table, skip):
        numbers, previous = [], 0
        for c in SCALARS:
            if c in hangul or table[c] == chr(c) or skip(c):
                continue
            numbers += [c - previous, len(table[c])]
            last = c
            for ch in table[c]:
                numbers.append(zigzag(ord(ch) - last))
                last = ord(ch)
            previous = c
        return numbers

    composition, previous = [], 0
    for c, (a, b) in sorted(pairs.items()):
        composition += [c - previous, zigzag(a - c), seconds.index(b)]
        previous = c
    write("NormalizationData", "Decompositions, compositions and combining classes of the reference, Unicode 9.", [
        ("combiningClasses", "Runs of canonical combining classes.", packed_runs(lambda c: ccc.get(c, 0))),
        ("canonical", "Full canonical decompositions, without Hangul.", mapping(nfd, lambda c: False)),
        ("compositionSeconds", "The scalars that can join one before them.", [
            b - a for a, b in zip([0] + seconds, seconds)]),
        ("compositions", "Primary composites as first scalar and index of the second.", composition)])
    write("CompatibilityData", "Compatibility decompositions of the reference, Unicode 9.", [
        ("compatibility", "Full decompositions that differ from the canonical ones.",
         mapping(nfkd, lambda c: nfkd[c] == nfd[c]))])
    return nfd


# Classes

def make_classes(nfd):
    clean = ask_scalars(normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False))
    marks = ask_scalars(normalizers.StripAccents())
    accents = ask_scalars(normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False))
    cjk = ask_scalars(normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False))
    nmt = ask_scalars(normalizers.Nmt())

    def three(pre_tokenizer):
        """How a scalar between two letters splits: 1 piece, 2 (the scalar is lost) or 3."""
        texts = ["\n" + "ab"[c % 2] + chr(c) + "z\n" for c in SCALARS]
        return dict(zip(SCALARS, ask_pieces(pre_tokenizer, texts)))

    inner = lambda pieces, c: [p for p in pieces if p[0] <= 3 and p[1] > 1 and p != (0, 1) and p != (4, 5)]
    word = {c: inner(p, c) for c, p in three(pre_tokenizers.Whitespace()).items()}
    blank = {c: inner(p, c) for c, p in three(pre_tokenizers.WhitespaceSplit()).items()}
    digits = three(pre_tokenizers.Digits(individual_digits=True))
    punctuation = three(pre_tokenizers.Punctuation("isolated"))
    isolated = lambda table, c: (2, 3) in table[c]

    flags = [
        ("whitespace", lambda c: (2, 3) not in blank[c] and blank[c] == [(1, 2), (3, 4)]),
        ("numeric", lambda c: isolated(digits, c)),
        ("punctuation", lambda c: isolated(punctuation, c)),
        ("word", lambda c: word[c] == [(1, 4)]),
        ("combining mark", lambda c: marks[c] == ""),
        ("nonspacing mark", lambda c: nfd[c] == chr(c) and accents[c] == ""),
        ("control", lambda c: clean[c] == ""),
        ("ideograph", lambda c: cjk[c] == f" {chr(c)} "),
    ]
    sets = {name: {c for c in SCALARS if test(c)} for name, test in flags}
    gap = {c for c in SCALARS if word[c] == [(1, 2), (3, 4)]}
    assert gap == sets["whitespace"], "the expression's white space is the language's"
    assert {c for c in SCALARS if clean[c] == " "} == sets["whitespace"] - sets["control"] | {9, 10, 13}
    category = lambda c: unicodedata.category(chr(c))
    report("numeric", sets["numeric"] ^ {c for c in SCALARS if category(c)[0] == "N"})
    report("punctuation", sets["punctuation"] ^ {
        c for c in SCALARS if category(c)[0] == "P" or c < 128 and category(c)[0] == "S"})
    report("combining mark", sets["combining mark"] ^ {c for c in SCALARS if category(c)[0] == "M"})
    report("nonspacing mark", sets["nonspacing mark"] ^ {
        c for c in SCALARS if category(c) == "Mn" and nfd[c] == chr(c)})
    report("control", sets["control"] ^ {
        c for c in SCALARS if category(c) in ("Cc", "Cf", "Cn", "Co") and c not in (9, 10, 13) or c == 0xFFFD})
    for name in "whitespace", "ideograph":
        print(" ", name, [(hex(s), v) for s, v in runs(lambda c: c in sets[name])])
    print("  nmt removes", [hex(c) for c in SCALARS if nmt[c] == ""])
    print("  nmt spaces", [hex(c) for c in SCALARS if nmt[c] == " "])
    assert all(nmt[c] in ("", " ", chr(c)) for c in SCALARS)
    lower = ask_scalars(normalizers.Lowercase())
    report("lowercase", [c for c in SCALARS if c != 0x3A3 and lower[c] != chr(c).lower()])
    numbers, previous = [], 0
    for c in SCALARS:
        if c > 127 and lower[c] != chr(c):
            numbers += [c - previous, len(lower[c])] + [zigzag(ord(x) - c) for x in lower[c]]
            previous = c
    bits = [sets[name] for name, _ in flags]
    value = {c: sum(1 << i for i, s in enumerate(bits) if c in s) for c in SCALARS}
    script = scripts()
    write("ScalarClassData", "Classes, scripts and lower case of the reference.", [
        ("classes", "Runs of bit sets in the order of CharacterClass.", packed_runs(value.get)),
        ("scripts", "Runs of scripts, numbered as they first appear; 0 goes with any script.", packed_runs(script.get)),
        ("lowercase", "Lower case of scalars beyond ASCII.", numbers)])


def scripts():
    """A number for the script of each scalar, from where the UnicodeScripts pre-tokenizer cuts."""
    cut = pre_tokenizers.UnicodeScripts()

    def splits(pairs):
        """Whether two scalars are cut apart; the space between pairs' guards is script-free, so guards are letters."""
        out = []
        for start in range(0, len(pairs), CHUNK):
            text = "".join(a + b for a, b in pairs[start:start + CHUNK])
            starts = {o[0] for _, o in cut.pre_tokenize_str(text)}
            out += [2 * i + 1 in starts for i in range(len(pairs[start:start + CHUNK]))]
        return out

    # A scalar of any script is cut neither from a Latin nor from a Greek letter before it.
    latin = splits([("a", chr(c)) for c in SCALARS])
    greek = splits([("α", chr(c)) for c in SCALARS])
    anything = {c for c, x, y in zip(SCALARS, latin, greek) if not x and not y}
    rest = [c for c in SCALARS if c not in anything]
    joined = splits([(chr(a), chr(b)) for a, b in zip(rest, rest[1:])])
    script, reps = {c: 0 for c in anything}, []
    begins = [rest[0]] + [b for b, s in zip(rest[1:], joined) if s]
    at = {}
    for c in begins:
        answers = splits([(chr(r), chr(c)) for r in reps])
        same = [i for i, s in enumerate(answers) if not s]
        assert len(same) <= 1
        if not same:
            reps.append(c)
            same = [len(reps) - 1]
        at[c] = same[0] + 1
    current = 0
    for c in rest:
        current = at.get(c, current)
        script[c] = current
    print("  scripts", len(reps), "any", len(anything))
    return script


# Grapheme clusters

def make_graphemes():
    def unit(label=0, leaf=0, offset=0):
        return label | leaf << 8 | offset << 10

    # Every first byte but 1 is a key for "X": a cluster under six bytes gives one X, others one per scalar.
    units = [0] * 1024
    units[0] = unit(offset=0x100)
    for byte in range(2, 256):
        units[0x100 ^ byte] = unit(byte, 1, 0x200)
    blob = struct.pack("<I", 4096) + b"".join(struct.pack("<I", u) for u in units) + b"X\0"
    counter = normalizers.Precompiled(blob)
    scalars = [c for c in SCALARS if c > 1]

    def count(make):
        return dict(zip(scalars, (len(x) for x in ask(counter, [make(chr(c)) for c in scalars], "\x01"))))

    E, J, K, V, S = "\u0300", "\u200d", "\u0915", "\u094d", "\u263a"
    after, ahead = count(lambda c: "a" + c), count(lambda c: c + "a")
    joins = {c for c in scalars if after[c] == 1}
    prepend = {c for c in scalars if ahead[c] == 1 and c not in joins}
    marked = count(lambda c: c + E + E)
    # A control and its two marks: X X. Any other: one X where all fit into five bytes, else X X X.
    control = {c for c in scalars if marked[c] == 2}
    emoji = count(lambda c: c + J + S + E)  # joined: 4, apart: the last two are one
    pictographic = {c for c in scalars if emoji[c] == 4 and c not in joins}
    through = count(lambda c: S + c + J + S + E)
    extend = {c for c in joins if through[c] == 5}
    spacing = joins - extend - {0x200D}
    first = count(lambda c: c + V + K + E)
    consonant = {c for c in scalars if first[c] == 4 and c not in joins}
    middle = count(lambda c: K + c + K + E)
    linker = {c for c in joins if middle[c] == 4}
    bridge = count(lambda c: K + V + c + K + E)
    passing = {c for c in joins if bridge[c] == 5}
    print("  linkers", [hex(c) for c in sorted(linker)])
    lead, vowel, tail = "\u1100", "\u1161", "\u11a8"
    L = count(lambda c: c + lead + E)
    L = {c for c in scalars if L[c] == 3 and c not in prepend}
    to_v, to_t = count(lambda c: c + vowel + E), count(lambda c: c + tail + E)
    LVlike = {c for c in scalars if to_v[c] == 3 and c not in L and c not in prepend}
    LVTlike = {c for c in scalars if to_t[c] == 3 and c not in LVlike and c not in prepend}
    from_l = count(lambda c: lead + c + E)
    T = {c for c in LVTlike if from_l[c] != 3}
    from_v = count(lambda c: vowel + c + E)
    Vs = {c for c in LVlike if from_v[c] == 3}
    LV, LVT = LVlike - Vs, LVTlike - T
    value = {}
    for number, members in enumerate([
            {13}, {10}, control - {13, 10}, extend - {0x200D}, {0x200D}, set(range(0x1F1E6, 0x1F200)), prepend, spacing,
            L, Vs, T, LV, LVT, pictographic, consonant], 1):
        print("  cluster class", number, len(members), [hex(c) for c in sorted(members)[:3]])
        for c in members:
            assert c not in value, (hex(c), number, value[c])
            value[c] = number
    for c in passing - linker:
        value[c] |= 16
    for c in linker:
        value[c] |= 32
    assert passing >= linker
    value[1] = value[0] = 3
    write("GraphemeData", "Classes for extended grapheme clusters of the reference.", [
        ("classes", "Runs of GraphemeClass values.", packed_runs(lambda c: value.get(c, 0)))])


if __name__ == "__main__":
    assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
    decompositions = make_normalization()
    make_classes(decompositions)
    make_graphemes()
