"""The reference libraries behind the same questions as the command: one answer per line."""

import base64
import json
import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import sentencepiece
import tokenizers
from tokenizers.decoders import DecodeStream

STRATEGIES = {"LongestFirst": "longest_first", "OnlyFirst": "only_first", "OnlySecond": "only_second"}


def ask_reference(reference, verb, line):
    """("ok", answer), ("error", message) or ("panic", message)."""
    try:
        return "ok", reference.answer(verb, line)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        kind = "panic" if type(error).__name__ == "PanicException" else "error"
        if kind == "panic":
            reference.reload()
        return kind, str(error)


class HuggingFace:
    """A tokenizer.json in Hugging Face's library."""

    def __init__(self, path):
        self.path = str(path)
        self.tokenizer = tokenizers.Tokenizer.from_file(self.path)
        self.truncation, self.padding = self.tokenizer.truncation, self.tokenizer.padding

    def reload(self):
        self.__init__(self.path)

    def answer(self, verb, line):
        return getattr(self, verb)(line)

    def encode(self, line):
        tokenizer = self.tokenizer
        tokenizer.encode_special_tokens = line.get("special", "recognize") == "text"
        adds = line.get("add_special_tokens", True)
        if "batch" in line:
            self.configure(line.get("truncation"), line.get("padding"))
            try:
                inputs = [tuple(item) if isinstance(item, list) else item for item in line["batch"]]
                encodings = tokenizer.encode_batch(inputs, add_special_tokens=adds)
                return {"encodings": [self.fields(encoding, overflow=True) for encoding in encodings]}
            finally:
                self.restore()
        if "base64" in line:
            text = base64.b64decode(line["base64"]).decode()
            return {"ids": tokenizer.encode(text, add_special_tokens=adds).ids}
        encoding = tokenizer.encode(line["text"], line.get("pair"), add_special_tokens=adds)
        return self.fields(encoding)

    def configure(self, truncation, padding):
        if truncation:
            self.tokenizer.enable_truncation(
                truncation["max_length"],
                stride=truncation["stride"],
                strategy=STRATEGIES[truncation["strategy"]],
                direction=truncation["direction"].lower(),
            )
        if padding:
            strategy = padding["strategy"]
            self.tokenizer.enable_padding(
                direction=padding["direction"].lower(),
                pad_id=padding["pad_id"],
                pad_type_id=padding["pad_type_id"],
                pad_token=padding["pad_token"],
                length=None if strategy == "BatchLongest" else strategy["Fixed"],
                pad_to_multiple_of=padding["pad_to_multiple_of"],
            )

    def restore(self):
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        if self.truncation:
            self.tokenizer.enable_truncation(**self.truncation)
        if self.padding:
            self.tokenizer.enable_padding(**self.padding)

    def fields(self, encoding, overflow=False):
        out = {
            "ids": encoding.ids,
            "offsets": [list(pair) for pair in encoding.offsets],
            "tokens": encoding.tokens,
            "type_ids": encoding.type_ids,
            "attention_mask": encoding.attention_mask,
            "special_tokens_mask": encoding.special_tokens_mask,
            "word_ids": encoding.word_ids,
        }
        if overflow:
            out["overflowing"] = [self.fields(part) for part in encoding.overflowing]
        return out

    def decode(self, line):
        return {"text": self.tokenizer.decode(line["ids"], skip_special_tokens=line.get("skip_special_tokens", True))}

    def stream(self, line):
        stream = DecodeStream(skip_special_tokens=line.get("skip_special_tokens", True))
        return {"steps": [stream.step(self.tokenizer, id) for id in line["ids"]]}


class Stages:
    """Normalizers, pre-tokenizers and decoders of tokenizer.json, one at a time."""

    def __init__(self):
        self.known = {}

    def reload(self):
        self.known = {}

    def part(self, key, value):
        text = json.dumps(value)
        if (key, text) not in self.known:
            if len(self.known) > 4000:
                self.known = {}
            model = {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
            whole = {"version": "1.0", "added_tokens": [], "model": model, key: value}
            self.known[(key, text)] = getattr(tokenizers.Tokenizer.from_str(json.dumps(whole)), key)
        return self.known[(key, text)]

    def answer(self, verb, line):
        if "decoder" in line:
            return {"text": self.part("decoder", line["decoder"]).decode(line["tokens"])}
        if "normalizer" in line:
            return {"text": self.part("normalizer", line["normalizer"]).normalize_str(line["text"])}
        pieces = self.part("pre_tokenizer", line["pre_tokenizer"]).pre_tokenize_str(line["text"])
        return {"pieces": [[text, list(offsets)] for text, offsets in pieces]}


class Tiktoken:
    """An encoding of tiktoken; `shift` is added to every id, and `normalizer` is what its users run first."""

    def __init__(self, encoding, shift=0, normalizer=None):
        self.encoding = encoding
        self.shift = shift
        self.normalizer = normalizer
        self.special_ids = set(encoding._special_tokens.values())

    def reload(self):
        pass

    def answer(self, verb, line):
        return getattr(self, verb)(line)

    def encode(self, line):
        if "base64" in line:
            data = base64.b64decode(line["base64"])
            if self.normalizer:
                data = self.normalizer.normalize_str(data.decode()).encode()
            return {"ids": [id + self.shift for id in self.encoding._encode_bytes(data)]}
        text = line["text"]
        if self.normalizer:
            text = self.normalizer.normalize_str(text)
        if line.get("special", "text") == "recognize":
            ids = self.encoding.encode(text, allowed_special="all")
        else:
            ids = self.encoding.encode_ordinary(text)
        out = {"ids": [id + self.shift for id in ids], "offsets": self.offsets(ids)}
        if text != line["text"]:
            del out["offsets"]
        return out

    def offsets(self, ids):
        """Scalars that each token touches: the start agrees with `decode_with_offsets`."""
        pieces = self.encoding.decode_tokens_bytes(ids)
        out, count = [], 0
        for piece in pieces:
            start = count - (1 if piece and 0x80 <= piece[0] < 0xC0 else 0)
            count += sum(1 for byte in piece if not 0x80 <= byte < 0xC0)
            out.append([max(0, start), count])
        return out

    def decode(self, line):
        ids = [id - self.shift for id in line["ids"]]
        if line.get("skip_special_tokens", True):
            ids = [id for id in ids if id not in self.special_ids]
        return {"text": self.encoding.decode(ids)}

    def bytes(self, line):
        ids = [id - self.shift for id in line["ids"]]
        if line.get("skip_special_tokens", True):
            ids = [id for id in ids if id not in self.special_ids]
        return {"base64": base64.b64encode(self.encoding.decode_bytes(ids)).decode()}


class SentencePiece:
    """A SentencePiece model file; the library counts bytes, so offsets are turned into scalars for text."""

    def __init__(self, path):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def reload(self):
        pass

    def answer(self, verb, line):
        return getattr(self, verb)(line)

    def encode(self, line):
        if "base64" in line:
            pieces = self.processor.encode(base64.b64decode(line["base64"]), return_type="proto").pieces
            return {
                "ids": [piece.id for piece in pieces],
                "offsets": [[piece.begin, piece.end] for piece in pieces],
            }
        text = line["text"]
        pieces = self.processor.encode(text, return_type="proto").pieces
        # Byte position -> scalars that start before it, and scalars that are begun.
        data = text.encode()
        begun, before = [], []
        count = 0
        for byte in data:
            before.append(count if not 0x80 <= byte < 0xC0 else count - 1)
            begun.append(count)
            count += 0 if 0x80 <= byte < 0xC0 else 1
        before.append(count)
        begun.append(count)
        return {
            "ids": [piece.id for piece in pieces],
            "tokens": [piece.piece for piece in pieces],
            "offsets": [[before[piece.begin], begun[piece.end]] for piece in pieces],
        }

    def decode(self, line):
        return {"text": self.processor.decode(line["ids"])}
