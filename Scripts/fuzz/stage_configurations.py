"""Configurations of single stages, and of lines that are wrong."""

import json

from . import references
from .configuration import Configuration, charsmaps, lines
from .pipelines import Pipelines
from .strings import HardStrings
from .trained import trained


class StageConfiguration(Configuration):
    """Normalizers, pre-tokenizers or decoders alone; one run of the command sees many of them."""

    def __init__(self, name, seed, kind):
        super().__init__(name, seed)
        self.kind = kind

    def open(self):
        self.reference = references.Stages()
        self.verbs = {"stage": ["inspect", "--stage", "--jsonl"]}
        self.hard = HardStrings(self.random.random(), ["<x>", "[CLS]"], lines())
        self.pipelines = Pipelines(self.random.random(), charsmaps(), self.hard)

    def case(self):
        stage = getattr(self.pipelines, self.kind)()
        if self.kind == "decoder":
            return "stage", {"decoder": stage, "tokens": self.pipelines.decoder_tokens()}
        return "stage", {self.kind: stage, "text": self.hard.text()}


class SweepConfiguration(Configuration):
    """Every scalar there is through every normalizer and pre-tokenizer that looks at properties of scalars."""

    def open(self):
        self.reference = references.Stages()
        self.verbs = {"stage": ["inspect", "--stage", "--jsonl"]}
        self.cases = self.all_cases()

    def group(self, line):
        stage = line.get("normalizer") or line["pre_tokenizer"]
        return json.dumps(stage.get("pattern", stage), ensure_ascii=False)[:60] + " "

    def all_cases(self):
        normalizers = [{"type": name} for name in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")]
        for accents, lower in ((None, True), (True, False), (False, False)):
            normalizers.append(
                {
                    "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                    "strip_accents": accents, "lowercase": lower,
                }
            )
        normalizers += [{"type": "Precompiled", "precompiled_charsmap": charsmap} for charsmap in charsmaps()]
        normalizers.append({"type": "Strip", "strip_left": True, "strip_right": True})
        pre_tokenizers = [{"type": name} for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer",
            "UnicodeScripts")]
        pre_tokenizers += [{"type": "Punctuation", "behavior": "Isolated"},
            {"type": "Digits", "individual_digits": False}]
        classes = [r"\s", r"\p{L}", r"\p{N}", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\p{M}", r"\p{P}",
            r"\p{S}"]
        classes += [r"\w", r"\d", r"(?i:s)", r"(?i:k)", r"\p{Han}", r"\p{Hiragana}", r"\p{Katakana}", r"[[:punct:]]",
            r"[[:alpha:]]"]
        classes += [r"\p{Zs}", r"\p{C}", r"\p{Nd}", r"\h", r"\b", r".", r"\p{Cn}", r"\p{Co}", r"\p{Cf}", r"\p{Mn}",
            r"\p{Mc}"]
        names = "alnum blank cntrl digit graph lower print space upper xdigit word ascii ^punct ^alpha".split()
        classes += [f"[[:{name}:]]" for name in names] + [r"\p{Punct}", r"\p{Alpha}", r"\p{Space}", r"\W", r"\S", r"\D"]
        classes += [r"(?i:\p{Lu})", r"(?i)[a-z]", r"(?i)ß", r"(?i)ﬁ", r"\p{Greek}", r"\p{Arabic}", r"\p{Latin}",
            r"\p{Hangul}"]
        classes += [r"\R", r"\H", r"\p{^L}", r"\P{L}", r"[^\s\p{L}\p{N}]", r"\p{Sc}", r"\p{Pd}", r"\p{Nl}",
            r"\p{Sk}"]
        for pattern in classes:
            split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
            pre_tokenizers.append(split)
        scalars = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
        for kind, stages in (("normalizer", normalizers), ("pre_tokenizer", pre_tokenizers)):
            for stage in stages:
                step = 4 if stage["type"] == "Strip" else 256
                for glue in ("", "a"):
                    if glue == "" and kind == "normalizer" and step == 256:
                        continue
                    last = 0x3400 if step == 4 else 0x20000 if glue == "" else len(scalars)
                    for start in range(0, last, step):
                        yield "stage", {kind: stage, "text": glue.join(scalars[start : start + step])}

    def case(self):
        return next(self.cases, None)


class HostileConfiguration(Configuration):
    """Lines that are wrong: each must be answered by one line, an error or not, and the run must go on."""

    def open(self):
        path = str(trained("bert-uncased"))
        self.verbs = {
            "encode": ["encode", "--tokenizer", path, "--jsonl"],
            "decode": ["decode", "--tokenizer", path, "--jsonl"],
            "stream": ["decode", "--tokenizer", path, "--jsonl", "--stream"],
            "stage": ["inspect", "--stage", "--jsonl"],
        }
        self.reference = AnyAnswer()

    def case(self):
        chooser = self.random
        junk = [None, True, -1, 1.5, 2**40, 10**30, "x", [], {}, [[]], {"type": "NFC"}, {"type": "?"}, ["a"],
            [1, "b", None], "[" * 300]
        verb = chooser.choice(list(self.verbs))
        keys = ["text", "pair", "base64", "batch", "ids", "tokens", "truncation", "padding", "special", "normalizer",
            "decoder"]
        keys += ["pre_tokenizer", "add_special_tokens", "skip_special_tokens"]
        line = {chooser.choice(keys): chooser.choice(junk) for _ in range(chooser.randint(0, 3))}
        style = chooser.random()
        if style < 0.15:
            text = json.dumps(line)
            cut = chooser.randint(0, len(text))
            spoiled = text[:cut] + chooser.choice(["", "\\ud800", "\x01", "}", '"', "\\x"]) + text[cut + 1 :]
            return verb, Raw(spoiled or "{")
        if style < 0.25:
            surrogates = ["\\ud800", "a\\udc00b", "\\ud83d\\u0041", "\\u0000", "\\ude00\\ud83d"]
            return verb, Raw('{"text": "' + chooser.choice(surrogates) + '"}')
        if style < 0.3:
            return verb, Raw("[" * chooser.choice([10, 1000, 200000]))
        if style < 0.4 and verb in ("decode", "stream"):
            ids = [chooser.choice([0, 5999, 6000, 2**31, 2**32 - 1, 2**32, -1, 2**63, 10**25]) for _ in range(3)]
            return verb, {"ids": ids}
        return verb, line


class Raw:
    """A line sent as it is."""

    def __init__(self, text):
        self.text = text


class AnyAnswer:
    def reload(self):
        pass

    def answer(self, verb, line):
        return {}
