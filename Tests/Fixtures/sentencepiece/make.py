"""Trains the small models of this folder and writes what sentencepiece does with hard texts.

    pip install sentencepiece==0.2.3
    python make.py

Every case in cases.json is one line of text: what went in, in hexadecimal, and what came out:
  encode: [input, "id:begin:end ...", normalized input]    decode: ["id,id,...", output]
"""
import json
import os
import random
import struct
import tempfile

import sentencepiece

assert sentencepiece.__version__ == "0.2.3"
HERE = os.path.dirname(os.path.abspath(__file__))
CASES_PER_MODEL = 260

WORDS = """the of and to in a is that for it was on with he be his her at this from which or had by not are but have an
they you were all one their there been if more when who will would no out so said what up its about into than them can
only other time new some could these two may first then do any like my now over such our man me even most made after
also did many off before must well back through years where much your way down should because long each just""".split()
SCRIPTS = """Straße naïve façade Ünïcödé русский язык 日本語 東京都 テスト ｶﾞｷﾞ 한국어 안녕하세요 العربية हिन्दी ไทย
ελληνικά עברית 中文 ﬁn ﬂag ① Ⅷ ½ 12345 3.14 2024年 foo_bar x=y+z; https://example.com/a?b=c don't 👍 👨‍👩‍👧 🇩🇪
e\u0301 A\u030a""".split()
SYMBOLS = ["ab", "abc", "bcd", "the same", "▁of▁", " x ", "new▁y", "ＡＢ", "👨", "ﬁ", "  "]
RULES = """41\t61
42\t62
FB01\t66 69
61 62\t78
61 62 63\t79 20 7A
9\t20
A0\t20
3000\t20
200B\t
20 20\t20
FF76 FF9E\t30AC
FF76\t30AB
65 301\tE9
63 6F\t20
1F44D\t20 6F 6B 20
DF\t73 73
"""
# What is left of a name after the kind of model; every option is met by both of the main kinds.
MODELS = {
    "unigram_plain": dict(model_type="unigram"),
    "unigram_rules_bytes": dict(
        model_type="unigram", rules=True, byte_fallback=True, user_defined_symbols=SYMBOLS),
    "unigram_suffix_keep": dict(
        model_type="unigram", treat_whitespace_as_suffix=True, remove_extra_whitespaces=False, split_digits=True,
        user_defined_symbols=SYMBOLS, control_symbols=["<ctl>", "Q", "[INST]"]),
    "unigram_nmt": dict(
        model_type="unigram", normalization_rule_name="nmt_nfkc", denormalize=True, unk_surface="<?>"),
    "bpe_plain": dict(model_type="bpe"),
    "bpe_keep_bytes": dict(
        model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
        split_digits=True, control_symbols=["<ctl>", "Q", "[INST]"]),
    "bpe_rules_symbols": dict(
        model_type="bpe", rules=True, user_defined_symbols=SYMBOLS, add_dummy_prefix=False),
    "bpe_suffix_bytes": dict(
        model_type="bpe", rules=True, byte_fallback=True, treat_whitespace_as_suffix=True, denormalize=True,
        user_defined_symbols=SYMBOLS, split_by_whitespace=False),
    "char_rules_bytes": dict(model_type="char", rules=True, byte_fallback=True, user_defined_symbols=SYMBOLS),
    "word_plain": dict(model_type="word", treat_whitespace_as_suffix=True),
}
# Models a trainer does not write: pieces out of use, equal scores, scores of every sign, no unknown piece.
CHANGED = {
    "bpe_unused": ("bpe_keep_bytes", "unused"),
    "bpe_ties": ("bpe_rules_symbols", "ties"),
    "unigram_ties": ("unigram_plain", "ties"),
    "unigram_odd": ("unigram_rules_bytes", "odd"),
    "bpe_odd": ("bpe_suffix_bytes", "odd"),
}
SPECIAL = SYMBOLS + """▁ ▁▁ \ufffd <unk> <s> </s> <0x41> <ctl> Q [INST] ｶﾞ ｷﾞ ﾊﾟ e\u0301 A\u030a \u0301 ﬁ ﬂ ﬃ
\u1100\u1161\u11a8 \u1112\u1161\u11ab 👨‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏽 ① Ⅷ ½ ㍿ ﷺ İ ß ẞ Σ ς क्षि ไทย مرحبا שלום 𝒳 𠀀 \U0010ffff \u00ad \x7f
\x01 ｟ ￥ 〜 ～ abcd aab the of 12345 3.14""".split(" ") + [
    "\r\n", "\n", "\t", "\0", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2028", "  the"]
MALFORMED = [
    b"\xff", b"\xc3", b"\xe2\x96", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x91", b"\x80",
    b"\xe0\x80\x80", b"\xf8\x88\x80\x80\x80"]
RANGES = [
    (0x20, 0x7F), (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xE80), (0x1100, 0x1200), (0x2000, 0x2600),
    (0x3000, 0x3100), (0x3130, 0x3400), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0xF900, 0x10000), (0x1D400, 0x1D800),
    (0x1F300, 0x1F700), (0x20000, 0x20100)]


def corpus(source):
    lines = []
    for _ in range(4000):
        words = [source.choice(WORDS if source.random() < 0.75 else SCRIPTS) for _ in range(source.randint(3, 14))]
        lines.append((" " * source.choice([1, 1, 1, 1, 2, 3])).join(words) + source.choice([".", "!", "?", "", "。"]))
    return lines


def train(folder, name, lines, *, rules=False, denormalize=False, **options):
    text, table = os.path.join(folder, "corpus.txt"), os.path.join(folder, "rules.tsv")
    with open(text, "w") as file:
        file.write("\n".join(lines))
    with open(table, "w") as file:
        file.write(RULES)
    if rules:
        options["normalization_rule_tsv"] = table
    else:
        options.setdefault("normalization_rule_name", "identity")
    if denormalize:
        options["denormalization_rule_tsv"] = table
    options.setdefault("vocab_size", 620 if options.get("byte_fallback") else 320)
    sentencepiece.SentencePieceTrainer.Train(
        input=text, model_prefix=os.path.join(folder, name), hard_vocab_limit=False, minloglevel=2, num_threads=1,
        **options)
    with open(os.path.join(folder, name + ".model"), "rb") as file:
        return anonymous(file.read())


def varint(data, index):
    value = shift = 0
    while True:
        byte = data[index]
        index += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, index


def write_varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def fields(data):
    """The fields of a message: number, wire type, value, bytes of the whole field."""
    index = 0
    while index < len(data):
        start = index
        key, index = varint(data, index)
        if key & 7 == 0:
            value, index = varint(data, index)
        elif key & 7 == 5:
            value, index = data[index:index + 4], index + 4
        else:
            length, index = varint(data, index)
            value, index = data[index:index + length], index + length
        yield key >> 3, key & 7, value, data[start:index]


def nested(number, body):
    return write_varint(number << 3 | 2) + write_varint(len(body)) + body


def anonymous(model):
    """The model without the names of the files it was trained from."""
    out = b""
    for number, _, value, raw in fields(model):
        dropped = {2: (1, 2), 3: (6,), 5: (6,)}.get(number)
        if dropped:
            raw = nested(number, b"".join(raw for inner, _, _, raw in fields(value) if inner not in dropped))
        out += raw
    return out


def changed(model, how, source):
    pieces, rest = [], b""
    for number, _, value, raw in fields(model):
        if number == 1:
            piece = {inner: content for inner, _, content, _ in fields(value)}
            pieces.append([piece[1], piece[2], piece.get(3, 1)])
        else:
            rest += raw
    for piece in pieces:
        if piece[2] in (2, 3, 6):
            if how == "odd" and piece[2] == 2:
                piece[2] = 1
            continue
        if how == "unused" and source.random() < 0.25:
            piece[2] = 5
        if how == "ties":
            piece[1] = struct.pack("<f", source.choice([-1, -2, -3]))
        if how == "odd":
            score = source.choice([0.0, -0.0, 1.5, -1e-3, -12345.678, 3e4, -1e-40, float(source.randint(-9, 9))])
            piece[1] = struct.pack("<f", score)
            if source.random() < 0.1:
                piece[2] = source.choice([3, 4, 5])
    out = b""
    for text, score, kind in pieces:
        body = nested(1, text) + b"\x15" + score + (b"" if kind == 1 else b"\x18" + write_varint(kind))
        out += nested(1, body)
    return out + rest


def hard_text(source, processor, lines):
    if source.random() < 0.1:
        return source.choice(lines).encode()
    out = b""
    for _ in range(source.choice([1, 2, 3, 5, 8, 13, 21])):
        choice = source.random()
        if choice < 0.3:
            part = source.choice(SPECIAL).encode()
        elif choice < 0.36:
            part = source.choice(MALFORMED)
        elif choice < 0.5:
            part = source.choice(WORDS + SCRIPTS).encode()
        elif choice < 0.62:
            part = b" " * source.randint(1, 4)
        elif choice < 0.7:
            part = bytes(source.choice(b"abcdehtonxyzAB 019") for _ in range(source.randint(1, 8)))
        elif choice < 0.8:
            low, high = source.choice(RANGES)
            part = "".join(chr(source.randrange(low, high)) for _ in range(source.randint(1, 5))).encode()
        elif choice < 0.92:
            part = processor.id_to_piece(source.randrange(processor.get_piece_size())).encode()
        elif choice < 0.95:
            part = source.choice(SPECIAL).encode() * source.randint(2, 8)
        elif choice < 0.97:
            part = bytes(source.randrange(256) for _ in range(source.randint(1, 4)))
        else:
            part = source.choice(SPECIAL).encode()
            part = part[:source.randint(0, len(part))]
        out += part
    return out


def encode_case(processor, text):
    tokens = []
    for number, _, value, _ in fields(processor.encode(text, out_type="serialized_proto")):
        if number == 2:
            piece = {inner: content for inner, _, content, _ in fields(value)}
            tokens.append(f"{piece.get(2, 0)}:{piece.get(4, 0)}:{piece.get(5, 0)}")
    assert [int(token.split(":")[0]) for token in tokens] == processor.encode(text)
    return [text.hex(), " ".join(tokens), processor.normalize(text).hex()]


def decode_case(processor, ids):
    return [",".join(map(str, ids)), processor.decode(ids, out_type=bytes).hex()]


def cases(processor, source, lines):
    size = processor.get_piece_size()
    byte_ids = [id for id in range(size) if processor.is_byte(id)]
    encoded = [encode_case(processor, b"")]
    decoded = []
    while len(encoded) < CASES_PER_MODEL * 4 // 5:
        encoded.append(encode_case(processor, hard_text(source, processor, lines)))
    while len(decoded) < CASES_PER_MODEL // 5:
        pool = source.choice([byte_ids or range(size), range(size), range(min(size, 12)), byte_ids + list(range(size))])
        decoded.append(decode_case(processor, [source.choice(pool) for _ in range(source.randint(1, 12))]))
    return dict(encode=encoded, decode=decoded)


def main():
    source = random.Random(20260101)
    lines = corpus(source)
    models = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in MODELS.items():
            models[name] = train(folder, name, lines, **options)
    for name, (base, how) in CHANGED.items():
        models[name] = changed(models[base], how, source)
    out = {}
    for name, data in models.items():
        with open(os.path.join(HERE, name + ".model"), "wb") as file:
            file.write(data)
        processor = sentencepiece.SentencePieceProcessor()
        processor.LoadFromSerializedProto(data)
        out[name] = cases(processor, source, lines)
    with open(os.path.join(HERE, "cases.json"), "w") as file:
        rows = []
        for name, groups in out.items():
            inner = ",\n".join(
                f'"{kind}": [\n' + ",\n".join(json.dumps(case) for case in group) + "\n]"
                for kind, group in groups.items())
            rows.append(f'"{name}": {{\n{inner}\n}}')
        file.write("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
