#!/usr/bin/env python3
"""Writes the Unicode fixtures from the answers of tokenizers 0.23.3 and sentencepiece 0.2.3.

    python3 Tests/Fixtures/unicode/make.py

`normalization.json` holds hard strings with the normalized text and, for each normalized scalar, the place in the raw
text it is aligned to (-1 for one that stands before everything). `charsmap.json` holds small charsmaps and what the two
references make of hard strings with them, `scalars.json` a hash of the answers over all assigned planes.
"""

import base64
import json
import pathlib
import random
import struct
import tempfile
import unicodedata

import sentencepiece
import tokenizers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).resolve().parent
# Every plane with characters; the rest of Unicode is alike, which the table generator checks.
SCALARS = [c for c in (*range(0x34000), *range(0xE0000, 0xE1000)) if not 0xD800 <= c < 0xE000]
MARKS = [c for c in SCALARS if unicodedata.combining(chr(c))]
FALLING = [c for c in SCALARS if unicodedata.decomposition(chr(c))]
CANONICAL = [c for c in FALLING if unicodedata.decomposition(chr(c))[0] != "<"]
JAMO = [*range(0x1100, 0x1200), *range(0xAC00, 0xAC40), 0xD7A3]
JOINING = [0x300, 0x301, 0x302, 0x304, 0x307, 0x308, 0x30A, 0x323, 0x327, 0x328, 0x31B, 0x345, 0x313, 0x314, 0x316]
BASES = [ord(c) for c in "aAeEiIoOuUysdz 1."] + [
    0x3B1, 0x3B9, 0x9C7, 0xBC6, 0xDD9, 0x1025, 0x9BE, 0x9D7, 0x1B05, 0x1B35, 0x3099, 0x304B, 0x110B9, 0x110BA, 0x1D157]
CLUSTERING = [0x20DD, 0x200D, 0xFE0F, 0x200C, 0x94D, 0x9CD, 0x1039, 0xFF9E, 0x1F3FB, 0xE0061, 0x263A, 0xA9, 0x1F468,
              0x915, 0x924, 0x995, 0x1000, 0x11103, 0x1F1E6, 0x1F1FF, 0x600, 0x8E2, 0xD4E, 0x110BD, 13, 10, 9, 0xAD,
              0xFB01, 0xFF76, 0x2122, 0xBD, 0x1E]


def hard_string(rng, pools):
    return "".join(chr(rng.choice(rng.choice(pools))) for _ in range(rng.randint(1, 12)))


def normalization_cases(normalizer, texts):
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    cases = []
    for text, encoding in zip(texts, tokenizer.encode_batch(texts)):
        starts = [start if end > start else -1 for start, end in encoding.offsets]
        assert all(end - start in (0, 1) for start, end in encoding.offsets)
        cases.append([text, normalizer.normalize_str(text), starts])
    return cases


def small_charsmap():
    """A charsmap of a few rules, compiled by sentencepiece, with the rules."""
    rules = {"\ufb01": "fi", "\uff76": "カ", "\uff76\uff9e": "ガ", "\u2122": "TM", "\u00bd": "1⁄2", "\x1e": "",
             "a": "", "e\u0301": "é",
             "\u1100\u1161": "가", "\u0915\u094d": "क", "\r\n": "\n", "ab": "cde", "abc": "x",
             "\U0001F468": "man", "\u0300": "", "o\u0308": "oe", "1": "one", "\u00ad": "", "\t": " ", "z\u0323": "ẓ"}
    with tempfile.TemporaryDirectory() as folder:
        tsv, corpus = pathlib.Path(folder, "rules.tsv"), pathlib.Path(folder, "text.txt")
        code = lambda s: " ".join(f"{ord(c):X}" for c in s)
        tsv.write_text("".join(f"{code(k)}\t{code(v)}\n" for k, v in rules.items()))
        corpus.write_text("one two three four five six seven\n" * 20)
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=folder + "/m", vocab_size=24, hard_vocab_limit=False, minloglevel=2,
            normalization_rule_tsv=str(tsv), model_type="unigram", add_dummy_prefix=False,
            remove_extra_whitespaces=False)
        from sentencepiece import sentencepiece_model_pb2 as proto
        model = proto.ModelProto()
        model.ParseFromString(pathlib.Path(folder, "m.model").read_bytes())
        spec = model.normalizer_spec
        spec.add_dummy_prefix = spec.remove_extra_whitespaces = spec.escape_whitespaces = False
        whole = sentencepiece.SentencePieceNormalizer(model_proto=model.SerializeToString())
        return rules, spec.precompiled_charsmap, whole


def fnv(answers):
    value = 0xCBF29CE484222325
    for answer in answers:
        for byte in answer.encode() + b"\xff":
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def per_scalar(normalizer):
    """Each scalar in a call of its own: slow, and free of any neighbour's influence."""
    return [normalizer.normalize_str(chr(c)) for c in SCALARS]



def main():
    assert tokenizers.__version__ == "0.23.3"
    rng = random.Random(20240601)
    pools = [MARKS, JOINING, BASES, CANONICAL, FALLING, JAMO, JOINING, BASES]
    forms = {"nfc": normalizers.NFC(), "nfd": normalizers.NFD(), "nfkc": normalizers.NFKC(), "nfkd": normalizers.NFKD()}
    fixtures = {name: normalization_cases(form, [hard_string(rng, pools) for _ in range(700)])
                for name, form in forms.items()}
    runs = ["a" + "".join(chr(rng.choice(MARKS)) for _ in range(40)) for _ in range(20)]
    for name, form in forms.items():
        fixtures[name] += normalization_cases(form, runs)
    (HERE / "normalization.json").write_text(json.dumps(fixtures, separators=(",", ":")) + "\n")

    rules, blob, whole = small_charsmap()
    pools = [CLUSTERING, [ord(c) for k in rules for c in k], CLUSTERING, BASES, JOINING, JAMO]
    texts = [hard_string(rng, pools) for _ in range(900)]
    units = [0] * 1024  # every first byte but 1 is a key for "X", so clusters under six bytes can be counted
    units[0] = 0x100 << 10
    for byte in range(2, 256):
        units[0x100 ^ byte] = byte | 1 << 8 | 0x200 << 10
    counting = struct.pack("<I", 4096) + b"".join(struct.pack("<I", unit) for unit in units) + b"X\0"
    (HERE / "charsmap.json").write_text(json.dumps({
        "rules": list(rules.items()),
        "charsmap": base64.b64encode(blob).decode(),
        "clusterwise": normalization_cases(normalizers.Precompiled(blob), texts),
        "longest": [[text, whole.Normalize(text)] for text in texts],
        "counting": base64.b64encode(counting).decode(),
        "clusters": normalization_cases(normalizers.Precompiled(counting), texts),
    }, separators=(",", ":")) + "\n")

    bert = lambda **on: normalizers.BertNormalizer(
        **{"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False, **on})
    yes = lambda answers, test: ["1" if test(a, chr(c)) else "0" for a, c in zip(answers, SCALARS)]
    isolated = lambda pre: yes([len(pre.pre_tokenize_str("x" + chr(c) + "x")) for c in SCALARS], lambda n, c: n > 1)
    nfd = per_scalar(forms["nfd"])
    accents = per_scalar(bert(strip_accents=True))
    word = [len(pre_tokenizers.Whitespace().pre_tokenize_str("x" + chr(c) + "x")) for c in SCALARS]
    hashes = {
        **{name: fnv(per_scalar(form)) for name, form in forms.items()},
        "lowercase": fnv(per_scalar(normalizers.Lowercase())),
        "nmt": fnv(per_scalar(normalizers.Nmt())),
        "whitespace": fnv(isolated(pre_tokenizers.WhitespaceSplit())),
        "numeric": fnv(isolated(pre_tokenizers.Digits(True))),
        "punctuation": fnv(isolated(pre_tokenizers.Punctuation())),
        "word": fnv(yes(word, lambda n, c: n == 1)),
        "combiningMark": fnv(yes(per_scalar(normalizers.StripAccents()), lambda a, c: a == "")),
        "nonspacingMark": fnv("1" if a == "" and d == chr(c) else "0" for a, d, c in zip(accents, nfd, SCALARS)),
        "control": fnv(yes(per_scalar(bert(clean_text=True)), lambda a, c: a == "")),
        "ideograph": fnv(yes(per_scalar(bert(handle_chinese_chars=True)), lambda a, c: len(a) == 3)),
        "latin": fnv(yes([len(pre_tokenizers.UnicodeScripts().pre_tokenize_str("x" + chr(c))) for c in SCALARS],
                         lambda n, c: n == 1)),
        "han": fnv(yes([len(pre_tokenizers.UnicodeScripts().pre_tokenize_str("中" + chr(c))) for c in SCALARS],
                       lambda n, c: n == 1)),
    }
    (HERE / "scalars.json").write_text(json.dumps(hashes, indent=1) + "\n")


if __name__ == "__main__":
    main()
