"""What is compared with what: one configuration is one tokenizer (or kind of stage), its reference and its cases."""

import base64
import json
import random
import tempfile
from pathlib import Path

import tiktoken
import tokenizers

from . import references
from .corpus import corpus
from .pipelines import Pipelines
from .strings import HardStrings
from .trained import MAKERS, SENTENCEPIECE, sentencepiece_file, trained
from .vocabularies import BUILDERS, CL100K, FETCHED, LLAMA3, TIKTOKEN_FILES, built, ranks, save, tekken, tiktoken_encoding
from .vocabularies import sentencepiece_proto

LINES = []


def lines():
    if not LINES:
        LINES.extend(corpus())
    return LINES


class Configuration:
    """`verbs` maps a verb to the arguments of the command; `case` draws (verb, line) pairs."""

    def __init__(self, name, seed):
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.verbs = {}
        # A folder for tokenizers that failed, when they are not files that stay.
        self.keep = None

    def tolerates(self, verb, line):
        """Whether the reference is known to be wrong on this line, so that only a crash counts."""
        return False

    def group(self, line):
        """What failures are counted by, besides their reason."""
        return ""

    def open(self):
        """Makes the files and the reference; called once, before the first case."""

    def case(self):
        raise NotImplementedError

    def describe(self, verb, line):
        """What a failure report needs beyond the line."""
        return " ".join(self.verbs[verb])


class TokenizerConfiguration(Configuration):
    """Cases of encode, decode, stream and batch for one tokenizer file."""

    shares = {"encode": 70, "decode": 15, "stream": 5, "batch": 10}

    def set_up(self, arguments, specials, words, id_count):
        self.verbs = {
            "encode": ["encode", *arguments, "--jsonl"],
            "decode": ["decode", *arguments, "--jsonl"],
            "bytes": ["decode", *arguments, "--jsonl", "--bytes"],
            "stream": ["decode", *arguments, "--jsonl", "--stream"],
        }
        self.id_count = id_count
        self.hard = HardStrings(self.random.random(), specials, lines(), words)

    def case(self):
        kind = self.random.choices(list(self.shares), self.shares.values())[0]
        return getattr(self, f"{kind}_case")()

    def ids(self):
        """Ids of a text, sometimes shuffled or spoiled, or any ids at all."""
        if self.random.random() < 0.5:
            kind, answer = references.ask_reference(self.reference, "encode", {"text": self.hard.text()[:300]})
            ids = answer["ids"] if kind == "ok" else []
            if self.random.random() < 0.4:
                self.random.shuffle(ids)
            return ids[self.random.randint(0, 2) :]
        return [self.random.randrange(self.id_count) for _ in range(self.random.choice([0, 1, 2, 5, 12, 30]))]

    def decode_case(self):
        return "decode", {"ids": self.ids(), "skip_special_tokens": self.random.random() < 0.5}

    def stream_case(self):
        return "stream", {"ids": self.ids(), "skip_special_tokens": self.random.random() < 0.5}


class HuggingFaceConfiguration(TokenizerConfiguration):
    def __init__(self, name, seed, path):
        super().__init__(name, seed)
        self.make_path = path

    def open(self):
        self.path = self.make_path()
        self.reference = references.HuggingFace(self.path)
        tokenizer = self.reference.tokenizer
        specials = [token.content for _, token in sorted(tokenizer.get_added_tokens_decoder().items())]
        if len(specials) > 60:
            specials = specials[:30] + self.random.sample(specials[30:], 30)
        count = max(tokenizer.get_vocab().values()) + 1
        some = [self.random.randrange(count) for _ in range(400)]
        lines = [{"ids": [id], "skip_special_tokens": False} for id in some]
        answers = [references.ask_reference(self.reference, "decode", line) for line in lines]
        words = [answer["text"] for kind, answer in answers if kind == "ok"]
        words = [word for word in words if word and "\ufffd" not in word]
        self.set_up(["--tokenizer", str(self.path)], specials, words, count + 3)

    def tolerates(self, verb, line):
        """A limit below the template's own tokens wraps around in the reference, which then truncates nothing."""
        limits = line.get("truncation") or self.reference.truncation
        if verb != "encode" or not limits:
            return False
        counts = [self.reference.tokenizer.num_special_tokens_to_add(is_pair) for is_pair in (False, True)]
        return limits["max_length"] < max(counts)

    def encode_case(self):
        line = {"text": self.hard.text()}
        if self.random.random() < 0.12:
            line["pair"] = self.hard.text()
        if self.random.random() < 0.3:
            line["add_special_tokens"] = False
        if self.random.random() < 0.12:
            line["special"] = self.random.choice(["text", "recognize"])
        return "encode", line

    def batch_case(self):
        chance = self.random.random
        items = []
        for _ in range(self.random.choice([0, 1, 2, 3, 5])):
            text = self.hard.text()[:60]
            items.append([text, self.hard.text()[:60]] if chance() < 0.45 else text)
        line = {"batch": items}
        if chance() < 0.2:
            line["add_special_tokens"] = False
        if chance() < 0.85:
            line["truncation"] = {
                "direction": self.random.choice(["Left", "Right"]),
                "max_length": self.random.choice([0, 1, 2, 3, 4, 5, 6, 8, 10, 16, 40]),
                "strategy": self.random.choice(["LongestFirst", "LongestFirst", "OnlyFirst", "OnlySecond"]),
                "stride": self.random.choice([0, 0, 0, 1, 2, 3, 5]),
            }
        if chance() < 0.6:
            fixed = {"Fixed": self.random.choice([0, 1, 5, 12, 20])}
            line["padding"] = {
                "strategy": self.random.choice(["BatchLongest", fixed]),
                "direction": self.random.choice(["Left", "Right"]),
                "pad_to_multiple_of": self.random.choice([None, None, 0, 1, 3, 8]),
                "pad_id": self.random.choice([0, 1, 7]),
                "pad_type_id": self.random.choice([0, 0, 3]),
                "pad_token": self.random.choice(["[PAD]", "<pad>", "é"]),
            }
        return "encode", line


class TiktokenConfiguration(TokenizerConfiguration):
    shares = {"encode": 70, "decode": 12, "bytes": 5, "raw": 13}

    def __init__(self, name, seed, make):
        super().__init__(name, seed)
        self.make = make

    def open(self):
        self.reference, arguments = self.make()
        encoding = self.reference.encoding
        specials = sorted(encoding.special_tokens_set)
        if len(specials) > 60:
            specials = specials[:30] + self.random.sample(specials, 30)
        tokens = list(encoding._mergeable_ranks)
        words = [self.random.choice(tokens).decode("utf-8", "ignore") for _ in range(400)]
        self.all_ids = [id + self.reference.shift for id in encoding._mergeable_ranks.values()]
        self.all_ids += [id + self.reference.shift for id in sorted(self.reference.special_ids)]
        self.set_up(arguments, specials, [word for word in words if word], 0)

    def encode_case(self):
        line = {"text": self.hard.text(), "add_special_tokens": False}
        choice = self.random.random()
        if choice < 0.4 and self.reference.shift == 0:
            line["special"] = "recognize"
        elif choice < 0.6:
            line["special"] = "text"
        return "encode", line

    def raw_case(self):
        """Valid UTF-8 as bytes: what is not valid has no counterpart that splits it the same way."""
        data = self.hard.text().encode()
        return "encode", {"base64": base64.b64encode(data).decode(), "add_special_tokens": False}

    def ids(self):
        if self.random.random() < 0.4:
            return self.reference.encode({"text": self.hard.text()[:300]})["ids"]
        return [self.random.choice(self.all_ids) for _ in range(self.random.choice([0, 1, 2, 5, 12, 30]))]

    def bytes_case(self):
        return "bytes", {"ids": self.ids(), "skip_special_tokens": self.random.random() < 0.5}


class InvalidBytesConfiguration(TiktokenConfiguration):
    """Bytes that are no UTF-8: tiktoken's own answer where the text ends in a cut character."""

    shares = {"cut": 100}

    def cut_case(self):
        data = self.hard.text().encode() + self.random.choice(["é", "中", "😀"]).encode()
        data = data[: -self.random.randint(1, 2)] if data[-1:] else data
        return "encode", {"base64": base64.b64encode(data).decode(), "add_special_tokens": False}


class SentencePieceConfiguration(TokenizerConfiguration):
    shares = {"encode": 75, "decode": 17, "raw": 8}

    def __init__(self, name, seed, path):
        super().__init__(name, seed)
        self.make_path = path

    def open(self):
        path = self.make_path()
        self.reference = references.SentencePiece(path)
        processor = self.reference.processor
        count = processor.vocab_size()
        pieces = [processor.id_to_piece(id) for id in range(count)]
        specials = [
            piece for id, piece in enumerate(pieces[:600]) if processor.is_control(id) or processor.is_unknown(id)
        ]
        specials += [piece.piece for piece in sentencepiece_proto(path).pieces if piece.type == 4]
        words = [self.random.choice(pieces).replace("▁", " ") for _ in range(400)]
        self.set_up(["--tokenizer", str(path)], specials + ["<0x41>"], words, count)

    def encode_case(self):
        return "encode", {"text": self.hard.text(), "add_special_tokens": False}

    def raw_case(self):
        data = base64.b64encode(self.hard.raw_bytes()).decode()
        return "encode", {"base64": data, "add_special_tokens": False}

    def decode_case(self):
        return "decode", {"ids": self.ids()}


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
        pre_tokenizers = [{"type": name} for name in ("Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts")]
        pre_tokenizers += [{"type": "Punctuation", "behavior": "Isolated"}, {"type": "Digits", "individual_digits": False}]
        classes = [r"\s", r"\p{L}", r"\p{N}", r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{Lm}", r"\p{Lo}", r"\p{M}", r"\p{P}", r"\p{S}"]
        classes += [r"\w", r"\d", r"(?i:s)", r"(?i:k)", r"\p{Han}", r"\p{Hiragana}", r"\p{Katakana}", r"[[:punct:]]", r"[[:alpha:]]"]
        classes += [r"\p{Zs}", r"\p{C}", r"\p{Nd}", r"\h", r"\b", r".", r"\p{Cn}", r"\p{Co}", r"\p{Cf}", r"\p{Mn}", r"\p{Mc}"]
        names = "alnum blank cntrl digit graph lower print space upper xdigit word ascii ^punct ^alpha".split()
        classes += [f"[[:{name}:]]" for name in names] + [r"\p{Punct}", r"\p{Alpha}", r"\p{Space}", r"\W", r"\S", r"\D"]
        classes += [r"(?i:\p{Lu})", r"(?i)[a-z]", r"(?i)ß", r"(?i)ﬁ", r"\p{Greek}", r"\p{Arabic}", r"\p{Latin}", r"\p{Hangul}"]
        classes += [r"\R", r"\X", r"\H", r"\p{^L}", r"\P{L}", r"[^\s\p{L}\p{N}]", r"\p{Sc}", r"\p{Pd}", r"\p{Nl}", r"\p{Sk}"]
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


class RandomTokenizers(Configuration):
    """A new random tokenizer every few hundred cases."""

    PER_TOKENIZER = 120

    def open(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tessera-fuzz-")
        self.hard = HardStrings(self.random.random(), ["[CLS]", "[SEP]"], lines())
        self.pipelines = Pipelines(self.random.random(), charsmaps(), self.hard)
        self.count = 0
        self.next_tokenizer()

    def next_tokenizer(self):
        value = None
        while value is None:
            value = self.pipelines.tokenizer()
        self.count += 1
        path = save(Path(self.folder.name) / f"random-{self.count}.json", value)
        self.inner = HuggingFaceConfiguration(self.name, self.random.random(), lambda: path)
        self.inner.open()
        self.reference, self.verbs = self.inner.reference, self.inner.verbs
        self.left = self.PER_TOKENIZER

    def case(self):
        if self.left == 0:
            return "next", None
        self.left -= 1
        return self.inner.case()

    def tolerates(self, verb, line):
        return self.inner.tolerates(verb, line)

    def describe(self, verb, line):
        value = json.loads(Path(self.inner.path).read_text("utf-8"))
        kept = ""
        if self.keep:
            kept = f" --tokenizer {save(self.keep / Path(self.inner.path).name, value)}"
        value["model"] = {key: item for key, item in value["model"].items() if key not in ("vocab", "merges")}
        value["added_tokens"] = f"{len(value['added_tokens'])} of them"
        return verb + kept + " " + json.dumps(value, ensure_ascii=False)


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
        junk = [None, True, -1, 1.5, 2**40, 10**30, "x", [], {}, [[]], {"type": "NFC"}, {"type": "?"}, ["a"], [1, "b", None], "[" * 300]
        verb = chooser.choice(list(self.verbs))
        keys = ["text", "pair", "base64", "batch", "ids", "tokens", "truncation", "padding", "special", "normalizer", "decoder"]
        keys += ["pre_tokenizer", "add_special_tokens", "skip_special_tokens"]
        line = {chooser.choice(keys): chooser.choice(junk) for _ in range(chooser.randint(0, 3))}
        style = chooser.random()
        if style < 0.15:
            text = json.dumps(line)
            cut = chooser.randint(0, len(text))
            return verb, Raw((text[:cut] + chooser.choice(["", "\\ud800", "\x01", "}", '"', "\\x"]) + text[cut + 1 :]) or "{")
        if style < 0.25:
            return verb, Raw('{"text": "' + chooser.choice(["\\ud800", "a\\udc00b", "\\ud83d\\u0041", "\\u0000", "\\ude00\\ud83d"]) + '"}')
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


CHARSMAPS = []


def charsmaps():
    if not CHARSMAPS:
        for name in ("unigram-nmt", "unigram-loose", "bpe-nfkc"):
            spec = sentencepiece_proto(sentencepiece_file(name)).normalizer_spec
            CHARSMAPS.append(base64.b64encode(spec.precompiled_charsmap).decode())
    return CHARSMAPS


def standard_tiktoken(name):
    file = TIKTOKEN_FILES[name][0]
    arguments = ["--tokenizer", str(FETCHED / file), "--encoding", name]
    # The tokenizer of these models composes the text before tiktoken sees it.
    normalizer = tokenizers.normalizers.NFC() if name == "qwen" else None
    return references.Tiktoken(tiktoken_encoding(name), normalizer=normalizer), arguments


def custom_tiktoken():
    # None is the beginning of another: the library tries them in no particular order.
    specials = {"<|a|>": 100260, "<|b|>": 100261, " x ": 100300, "é": 100301, "Ġ": 100302, "İ\n": 100303}
    pattern = LLAMA3.replace("{1,3}", "{1,2}") + "|."
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks("cl100k_base.tiktoken"), special_tokens=specials)
    arguments = ["--tokenizer", str(FETCHED / "cl100k_base.tiktoken"), "--pattern", pattern]
    return references.Tiktoken(encoding), [*arguments, "--special", json.dumps(specials)]


def tekken_tiktoken(name):
    config, table = tekken(name)
    encoding = tiktoken.Encoding("tekken", pat_str=config["pattern"], mergeable_ranks=table, special_tokens={})
    return references.Tiktoken(encoding, shift=1000), ["--tokenizer", str(FETCHED / name)]


def configurations(seed):
    """All of them by name, in the order of the report. The ones under EXTRA run only when asked for."""
    out = []
    for kind in ("normalizer", "pre_tokenizer", "decoder"):
        out.append(StageConfiguration(f"stage-{kind}", seed, kind))
    for name in TIKTOKEN_FILES:
        out.append(TiktokenConfiguration(f"tiktoken-{name}", seed, lambda name=name: standard_tiktoken(name)))
    out.append(TiktokenConfiguration("tiktoken-custom", seed, custom_tiktoken))
    out.append(TiktokenConfiguration("tekken-240911", seed, lambda: tekken_tiktoken("tekken_240911.json")))
    out.append(TiktokenConfiguration("tekken-240718", seed, lambda: tekken_tiktoken("tekken_240718.json")))
    for version in ("v1", "v2", "v3", "v7"):
        file = f"mistral_{version}.model"
        out.append(SentencePieceConfiguration(f"spm-mistral-{version}", seed, lambda file=file: FETCHED / file))
    for name in SENTENCEPIECE:
        out.append(SentencePieceConfiguration(f"spm-{name}", seed, lambda name=name: sentencepiece_file(name)))
    for name in ("anthropic", "deepseek", "clip"):
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: FETCHED / f"{name}.json"))
    for name in BUILDERS:
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: built(name)))
    for name in MAKERS:
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: trained(name)))
    out.append(RandomTokenizers("random-tokenizers", seed))
    out.append(HostileConfiguration("hostile-lines", seed))
    out.append(InvalidBytesConfiguration("invalid-bytes", seed, lambda: standard_tiktoken("cl100k_base")))
    out.append(SweepConfiguration("sweep", seed))
    return {configuration.name: configuration for configuration in out}


EXTRA = {"invalid-bytes", "sweep"}
# Shares of the cases; one when not named.
WEIGHTS = {"stage-normalizer": 4, "stage-pre_tokenizer": 4, "stage-decoder": 3, "random-tokenizers": 8, "hostile-lines": 0.5}
