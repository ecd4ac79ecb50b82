"""Configurations of whole tokenizers: encode, decode, stream and batch against one reference each."""

import base64
import json
import tempfile
from pathlib import Path

from . import references
from .configuration import Configuration, charsmaps, lines
from .pipelines import Pipelines
from .strings import HardStrings
from .vocabularies import save, sentencepiece_proto


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
