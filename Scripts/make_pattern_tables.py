"""Writes the Unicode tables of the split patterns, asked from the reference libraries themselves.

A split pattern must class scalars exactly as the library a tokenizer file was made for, whose Unicode version is its own
affair. So every property is asked by experiment: a pattern of one class is run over all scalars, and what it matches is
the property. `tokenizers` answers for Oniguruma, `tiktoken` for the Rust engines.

    python Scripts/make_pattern_tables.py

needs tokenizers 0.23.3 and tiktoken 0.14.0, takes some minutes and rewrites Sources/TesseraText/Pattern/Tables/*.swift.
"""
import os
import tiktoken
from tokenizers import Regex, pre_tokenizers

ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, ALL))
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki
Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common
Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan
Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema Han Hangul
Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian
Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin
Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi
Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar
Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian
Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya
Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian
Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le
Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Toto Tulu_Tigalari Ugaritic
Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square""".split()
PROPERTIES = """Alphabetic Uppercase Lowercase White_Space Cased Case_Ignorable Math Dash Diacritic Extender Ideographic
Unified_Ideograph Hex_Digit Join_Control Quotation_Mark Radical Variation_Selector Default_Ignorable_Code_Point
Noncharacter_Code_Point ID_Start ID_Continue XID_Start XID_Continue Grapheme_Base Grapheme_Extend Terminal_Punctuation
Sentence_Terminal Emoji Emoji_Presentation Emoji_Modifier Emoji_Modifier_Base Emoji_Component Extended_Pictographic""".split()
POSIX = "alnum alpha blank cntrl digit graph lower print punct space upper xdigit word".split()


def ask_oniguruma(pattern, text=TEXT):
    found = pre_tokenizers.Split(Regex(pattern), "removed", invert=True).pre_tokenize_str(text)
    return {ord(c) for piece, _ in found for c in piece}


def ask_bert():
    """What the pre-tokenizers Punctuation and BertPreTokenizer set apart."""
    text = "x" + "x".join(map(chr, ALL)) + "x"
    return {ord(piece) for piece, _ in pre_tokenizers.Punctuation().pre_tokenize_str(text) if len(piece) == 1} - {0x78}


BYTES = {bytes([i]): i for i in range(256)}


def ask_rust(pattern, text=TEXT):
    """With byte ranks only, the ids are the bytes of what matched; gaps are dropped."""
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=BYTES, special_tokens={})
    found = set()
    for start in range(0, len(text), 60000):
        part = text[start : start + 60000]
        found |= set(map(ord, bytes(encoding.encode_ordinary(part)).decode("utf-8")))
    return found


DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"


def number(value):
    """Base 32, lowest digit first, in 64 letters: the upper half means that more digits follow."""
    text = ""
    while True:
        digit, value = value & 31, value >> 5
        text += DIGITS[digit + (32 if value else 0)]
        if not value:
            return text


def ranges(found):
    """Gap and length - 1 of each run; surrogates, which no text holds, are bridged where that saves a run."""
    out, end, run = "", 0, None
    for c in sorted(found):
        if run and c == run[1] + 1:
            run[1] = c
            continue
        if run:
            out += number(run[0] - end) + number(run[1] - run[0])
            end = run[1] + 1
        run = [c, c]
    if run:
        out += number(run[0] - end) + number(run[1] - run[0])
    return out


def partition(sets):
    """Pairs of length - 1 and index + 1 of the set that a run belongs to; 0 is none."""
    of = [0] * 0x110000
    for index, found in enumerate(sets):
        for c in found:
            of[c] = index + 1
    for c in range(0xD800, 0xE000):
        of[c] = of[0xD7FF]
    out, start = "", 0
    for c in range(1, 0x110001):
        if c == 0x110000 or of[c] != of[start]:
            out += number(c - start - 1) + number(of[start])
            start = c
    return out


def literal(name, text):
    """A table, or a reference to Oniguruma's where both engines answer alike."""
    if tables.setdefault(name, text) == text and first_engine != engine:
        return f"  static let {name} = {first_engine}Tables.{name}"
    lines = [text[i : i + 112] for i in range(0, len(text), 112)]
    body = "\\\n".join("    " + line for line in lines)
    return f'  static let {name} = """\n{body}\n    """\n'


def folding(ask):
    """The orbits of simple case folding, asked scalar by scalar."""
    cased = ask(r"(?i)[\p{Lu}\p{Lt}\p{Ll}]") | ask(r"[\p{Lu}\p{Ll}\p{Lt}\p{Nl}\p{So}\p{Mn}]")
    cased = sorted(c for c in cased if c < 0x4E00 or 0xA000 <= c < 0x1D000 or 0x1E000 <= c < 0x20000)
    text = "\n".join(map(chr, cased))
    orbits, seen = [], set()
    for c in cased:
        if c in seen:
            continue
        orbit = ask("(?i)[\\x{%x}]" % c, text) - {10}
        assert c in orbit, hex(c)
        seen |= orbit
        if len(orbit) > 1:
            orbits.append(sorted(orbit))
    return orbits


def encode_orbits(orbits):
    out, last = "", 0
    for orbit in sorted(orbits):
        out += number(len(orbit)) + number(orbit[0] - last)
        for a, b in zip(orbit, orbit[1:]):
            out += number(b - a)
        last = orbit[0]
    return out


def expansions():
    """Scalars that Oniguruma also matches with a sequence of two or three when case is ignored."""
    out = ""
    for c in ALL:
        fold = chr(c).casefold()
        if len(fold) < 2:
            continue
        found = pre_tokenizers.Split(Regex("(?i)\\x{%x}" % c), "removed", invert=True).pre_tokenize_str(fold)
        if [piece for piece, _ in found] == [fold]:
            out += number(c) + number(len(fold)) + "".join(number(ord(d)) for d in fold)
    return out


def answers(ask, pattern):
    try:
        return ask(pattern)
    except Exception:
        return None


def write(name, ask, posix):
    parts = [
        "// Made by Scripts/make_pattern_tables.py. Do not edit.\n",
        f"/// What {name} answers for each property of scalars.\n///",
        "/// A number is written in base 32, lowest digit first; letters from the second half of the alphabet mean that more",
        "/// digits follow. Properties are runs: gap, length - 1. Partitions are runs: length - 1, index + 1.",
        f"enum {name}Tables {{",
    ]
    sets = [ask("\\p{%s}" % c) for c in CATEGORIES]
    cover = set().union(*sets)
    assert len(cover) == sum(map(len, sets)) == len(ALL), (len(cover), sum(map(len, sets)))
    parts.append(literal("categories", partition(sets)))
    names, sets = [], []
    for s in SCRIPTS:
        found = answers(ask, "\\p{%s}" % s)
        if found:
            names.append(s)
            sets.append(found)
    parts.append(literal("scriptNames", ",".join(names).lower().replace("_", "")))
    parts.append(literal("scripts", partition(sets)))
    parts.append("  static let properties: [String: String] = [\n")
    # In Oniguruma a shorthand and the same shorthand inside of brackets differ (by superscript digits and fractions).
    shorthands = [(k % c, k % c) for c in "wsdh" for k in (r"\%s", r"[\%s]")]
    for key, pattern in shorthands + [(p, "\\p{%s}" % p) for p in PROPERTIES]:
        found = answers(ask, pattern)
        if found is not None:
            parts.append(entry(key.lower().replace("_", ""), ranges(found)))
    if posix:
        parts.append(entry("[bert]", ranges(ask_bert())))
        for p in POSIX:
            parts.append(entry("[:%s:]" % p, ranges(ask("[[:%s:]]" % p))))
            braces = answers(ask, "\\p{%s}" % p)
            if braces is not None:
                parts.append(entry(p, ranges(braces)))
    parts.append("  ]\n")
    parts.append(literal("foldings", encode_orbits(folding(ask))))
    if ask is ask_oniguruma:
        parts.append(literal("expansions", expansions()))
    parts.append("}\n")
    folder = os.path.join(os.path.dirname(__file__), "../Sources/TesseraText/Pattern/Tables")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}Tables.swift"), "w") as file:
        file.write("\n".join(parts).replace("\n\n\n", "\n\n").replace("[\n\n", "[\n").replace("\n\n  ]", "\n  ]"))


def entry(key, text):
    """A property: its runs, `=` and the earlier key of the same scalars, or `=` alone where the first engine's are the same."""
    key = key.replace("\\", "\\\\")
    if key in written and written[key] == text:
        return ""
    written[key] = text
    if engine == first_engine:
        shared[key] = text
    elif shared.get(key) == text:
        return f'    "{key}": "=",'
    if text and keys.setdefault(text, key) != key:
        return f'    "{key}": "={keys[text]}",'
    lines = [text[i : i + 112] for i in range(0, len(text), 112)] or [""]
    return f'    "{key}": """\n' + "\\\n".join("    " + line for line in lines) + '\n    """,'


first_engine = "Oniguruma"
tables, shared = {}, {}
for engine, ask in ((first_engine, ask_oniguruma), ("Rust", ask_rust)):
    written, keys = {}, {}
    write(engine, ask, engine == first_engine)
