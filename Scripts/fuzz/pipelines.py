"""Random stages and random whole tokenizers."""

import json
import random

import tokenizers
from tokenizers import trainers

from .trained import renumber, settle, template
from .vocabularies import CL100K, GPT2, LLAMA3, O200K, QWEN, added, bpe_model, byte_letters, document, sequence

CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
DEEPSEEK = (
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"
)
PATTERNS = [GPT2, LLAMA3, QWEN, O200K, CL100K, CLIP, DEEPSEEK, r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+"]
PATTERNS += [r"\s+", r"\s", r"\S+", r"\d+", r"\d", r"[0-9]", r"\w+|[^\w\s]+", r"\w+", r"\W", " {2,}", "▁", " ",
    r"\p{Han}"]
PATTERNS += [r"\p{L}+", r"\p{Lu}", r"\p{M}+", r"[^\p{L}\p{M}]", r"\p{P}|\p{S}", r"(?i:'s|'t|s)", r"(?i)k", r"[\r\n]+",
    "a|ab"]
PATTERNS += [r"\b", r"(?=\p{Lu})", r"(?<=\d)(?=\D)", r"\s*", r"(?<!\s)\s(?!\s)", r"^\s+|\s+$", r".", r"[a-z]+?",
    r"(a|b)*c"]
PATTERNS += [r"[[:punct:]]", r"[[:alpha:]]+", r"\p{Zs}", r"\p{C}", r"\x{1F600}|é", r"\n", r"\u00e9", r"[^\x00-\x7F]+",
    r"\h"]
PATTERNS += [r"\p{Hiragana}+|\p{Katakana}+", r"(?>a+)b?", r"(?:ab){1,2}", r"[a-zA-Z&&[^aeiou]]", r"\A.|.\z",
    r"\p{Ll}\p{Lu}"]
LITERALS = [" ", "  ", "a", "e\u0301", "é", "'s", "▁", "\n", "-", "", "ab", "中", "😀", "\u200d", "ß", ".", "``", "''"]
CONTENTS = ["", " ", "▁", "X", "ab", "é", "\n", "  ", "$1", "\\0", "😀"]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


class Pipelines:
    def __init__(self, seed, charsmaps, hard):
        self.random = random.Random(seed)
        self.charsmaps = charsmaps
        self.hard = hard

    def flag(self, chance=0.5):
        return self.random.random() < chance

    def pattern(self):
        if self.flag(0.4):
            return {"String": self.random.choice(LITERALS[:-3] if self.flag(0.95) else LITERALS)}
        return {"Regex": self.random.choice(PATTERNS)}

    def normalizer(self, depth=0):
        kind = self.random.choice(
            "NFC NFD NFKC NFKD Lowercase Strip StripAccents BertNormalizer Nmt Precompiled Replace Prepend ByteLevel "
            "Sequence".split()
        )
        if kind == "Sequence":
            if depth > 1:
                return {"type": "NFC"}
            return sequence("normalizer", [self.normalizer(depth + 1) for _ in range(self.random.randint(0, 4))])
        if kind == "Strip":
            return {"type": kind, "strip_left": self.flag(), "strip_right": self.flag()}
        if kind == "BertNormalizer":
            return {
                "type": kind,
                "clean_text": self.flag(0.7),
                "handle_chinese_chars": self.flag(0.7),
                "strip_accents": self.random.choice([None, True, False]),
                "lowercase": self.flag(),
            }
        if kind == "Precompiled":
            return {"type": kind, "precompiled_charsmap": self.random.choice(self.charsmaps)}
        if kind == "Replace":
            pattern = self.pattern()
            if pattern == {"String": ""}:
                pattern = {"String": "a"}
            return {"type": kind, "pattern": pattern, "content": self.random.choice(CONTENTS)}
        if kind == "Prepend":
            return {"type": kind, "prepend": self.random.choice(["▁", " ", "ab", "é", "\n"])}
        return {"type": kind}

    def metaspace(self):
        return {
            "type": "Metaspace",
            "replacement": self.random.choice(["▁", "▁", "▁", "_", "é"]),
            "prepend_scheme": self.random.choice(["always", "first", "never"]),
            "split": self.flag(0.7),
        }

    def byte_level(self):
        return {
            "type": "ByteLevel", "add_prefix_space": self.flag(), "trim_offsets": self.flag(),
            "use_regex": self.flag(0.7),
        }

    def pre_tokenizer(self, depth=0):
        kind = self.random.choice(
            "ByteLevel Whitespace WhitespaceSplit BertPreTokenizer Metaspace CharDelimiterSplit Punctuation Digits "
            "Split Split Split UnicodeScripts FixedLength Sequence".split()
        )
        if kind == "Sequence":
            if depth > 1:
                return {"type": "Whitespace"}
            return sequence("pre_tokenizer", [self.pre_tokenizer(depth + 1) for _ in range(self.random.randint(0, 4))])
        if kind == "ByteLevel":
            return self.byte_level()
        if kind == "Metaspace":
            return self.metaspace()
        if kind == "CharDelimiterSplit":
            return {"type": kind, "delimiter": self.random.choice([" ", "-", "\n", "é", "中", "a"])}
        if kind == "Punctuation":
            return {"type": kind, "behavior": self.random.choice(BEHAVIORS)}
        if kind == "Digits":
            return {"type": kind, "individual_digits": self.flag()}
        if kind == "FixedLength":
            return {"type": kind, "length": self.random.choice([1, 2, 3, 5, 10])}
        if kind == "Split":
            behavior = self.random.choice(BEHAVIORS)
            return {"type": kind, "pattern": self.pattern(), "behavior": behavior, "invert": self.flag(0.3)}
        return {"type": kind}

    def decoder(self, depth=0):
        kind = self.random.choice(
            "ByteLevel WordPiece Metaspace BPEDecoder ByteFallback Fuse Strip Replace CTC Sequence Sequence".split()
        )
        if kind == "Sequence":
            if depth > 1:
                return {"type": "Fuse"}
            return sequence("decoder", [self.decoder(depth + 1) for _ in range(self.random.randint(0, 4))])
        if kind == "ByteLevel":
            return self.byte_level()
        if kind == "WordPiece":
            return {"type": kind, "prefix": self.random.choice(["##", "##", "▁", ""]), "cleanup": self.flag()}
        if kind == "Metaspace":
            return self.metaspace()
        if kind == "BPEDecoder":
            return {"type": kind, "suffix": self.random.choice(["</w>", "</w>", "a", "@@"])}
        if kind == "Strip":
            content = self.random.choice([" ", " ", "a", "▁", "é"])
            return {"type": kind, "content": content, "start": self.random.randint(0, 3),
                "stop": self.random.randint(0, 3)}
        if kind == "Replace":
            pattern = self.pattern()
            if pattern == {"String": ""}:
                pattern = {"String": "a"}
            return {"type": kind, "pattern": pattern, "content": self.random.choice(CONTENTS)}
        if kind == "CTC":
            pad, word = self.random.choice(["<pad>", "a"]), self.random.choice(["|", " ", "▁"])
            return {"type": kind, "pad_token": pad, "word_delimiter_token": word, "cleanup": self.flag()}
        return {"type": kind}

    def decoder_token(self):
        letters = list(byte_letters().values())
        style = self.random.randrange(9)
        if style == 0:
            return f"<0x{self.random.randrange(256):02X}>"
        if style == 1:
            text = self.random.choice(["é", "中", "😀", "ab", "\n", "ÿ"])
            return "".join(byte_letters()[byte] for byte in text.encode()[: self.random.randint(1, 4)])
        if style == 2:
            return "".join(self.random.choice(letters) for _ in range(self.random.randint(1, 3)))
        if style == 3:
            return self.random.choice(["##", "▁", "Ġ", "##▁"]) + self.hard.mixture()[:4]
        if style == 4:
            return self.hard.mixture()[:5] + self.random.choice(["</w>", "@@", "▁", " "])
        if style == 5:
            return self.random.choice(
                ["", " ", "  ", "▁", "▁▁", "a", "aa", "|", "<pad>", ".", "?", "!", ",", "'", "n't", "'m", "'s", "'ve",
                    "'re", " do"]
            )
        if style == 6:
            return self.random.choice(["<0xzz>", "<0xE2", "<0x+1>", "<0x1>", "<0xe2>", "<0x80>", "<0xE2>", "<0x98>",
                "<0x83>", "é"])
        return self.hard.text()[:8]

    def decoder_tokens(self):
        if self.flag(0.25):
            data = self.hard.raw_bytes()[:40]
            return [f"<0x{byte:02X}>" if self.flag(0.9) else chr(byte) for byte in data]
        tokens = [self.decoder_token() for _ in range(self.random.choice([0, 1, 2, 3, 5, 9]))]
        return [token for token in tokens for _ in range(2 if self.flag(0.1) else 1)]

    # Whole tokenizers

    def post_processor(self, specials, depth=0):
        kind = self.random.choice(["TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence",
            None])
        names = list(specials)
        if kind == "TemplateProcessing":
            single = self.random.choice(["$A", "[CLS] $A [SEP]", "$A:1 [SEP]:2", "[CLS] [CLS] $A", "[SEP] $A [CLS]:3"])
            pair = self.random.choice(
                ["$A $B", "[CLS] $A [SEP] $B:1 [SEP]:1", "$B $A", "$A [SEP] $B:2", "[CLS]:1 $B:1 [SEP] $A [SEP]"]
            )
            value = template(single, pair, specials)
            if self.flag(0.2):
                value["special_tokens"]["[SEP]"] = {
                    "id": "[SEP]", "ids": [specials[names[0]], specials[names[1]]], "tokens": names[:2],
                }
            return value
        pair = {"sep": ["[SEP]", specials["[SEP]"]], "cls": ["[CLS]", specials["[CLS]"]]}
        if kind == "BertProcessing":
            return {"type": kind, **pair}
        if kind == "RobertaProcessing":
            return {"type": kind, **pair, "trim_offsets": self.flag(), "add_prefix_space": self.flag()}
        if kind == "ByteLevel":
            return self.byte_level()
        if kind == "Sequence" and depth == 0:
            parts = [self.post_processor(specials, 1) for _ in range(self.random.randint(1, 2))]
            parts = [part for part in parts if part]
            return sequence("post", parts) if parts else None
        return None

    def training_lines(self):
        lines = [self.hard.text()[:200] for _ in range(150)]
        return lines + [self.random.choice(self.hard.lines) for _ in range(250) if self.hard.lines]

    def model(self, parts):
        """A model trained behind the stages, or numbers put on the pieces of such a model."""
        kind = self.random.choice(["BPE", "BPE", "BPE", "WordPiece", "WordLevel", "Unigram", "Unigram"])
        size, lines = self.random.choice([300, 800]), self.training_lines()
        if kind == "WordPiece":
            prefix = self.random.choice(["##", "##", "", "é"])
            limit = self.random.choice([100, 100, 5, 20])
            empty = {
                "type": kind, "unk_token": "[UNK]", "continuing_subword_prefix": prefix,
                "max_input_chars_per_word": limit, "vocab": {"[UNK]": 0},
            }
            trainer = trainers.WordPieceTrainer(
                vocab_size=size, special_tokens=["[UNK]"], limit_alphabet=150, show_progress=False,
                continuing_subword_prefix=prefix,
            )
        elif kind == "WordLevel":
            empty = {"type": kind, "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
            trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=["[UNK]"], show_progress=False)
        else:
            options = {"unk_token": self.random.choice(["[UNK]", "[UNK]", None])}
            ends = {}
            if kind == "BPE":
                if self.flag(0.25):
                    ends["end_of_word_suffix"] = "</w>"
                if self.flag(0.2):
                    ends["continuing_subword_prefix"] = "##"
                options["fuse_unk"] = self.flag()
                options["byte_fallback"] = self.flag(0.3)
                options["ignore_merges"] = self.flag(0.3)
            empty = bpe_model({"[UNK]": 0}, [], **options, **ends)
            alphabet = sorted(byte_letters().values()) if self.flag() else []
            trainer = trainers.BpeTrainer(
                vocab_size=size, special_tokens=["[UNK]"], limit_alphabet=200, show_progress=False,
                initial_alphabet=alphabet, **ends,
            )
            kept = {**options, **ends}
        shell = tokenizers.Tokenizer.from_str(json.dumps(document(empty, **parts)))
        shell.train_from_iterator(lines, trainer)
        model = json.loads(shell.to_str())["model"]
        if kind == "BPE":
            model.update(kept)
            if kept["byte_fallback"]:
                self.add_bytes(model["vocab"])
        if kind == "Unigram":
            model = self.unigram(model["vocab"])
        return model

    def add_bytes(self, vocabulary):
        skipped = self.random.randrange(256) if self.flag(0.3) else -1
        for byte in range(256):
            if byte != skipped:
                vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))

    def unigram(self, vocabulary):
        """Scores with many ties, and some far apart."""
        falls_back = self.flag(0.4)
        if falls_back:
            self.add_bytes(vocabulary)
        names = sorted(vocabulary, key=vocabulary.get)
        step = self.random.choice([0.0, 0.5, 1.0])
        entries = []
        for index, name in enumerate(names):
            score = -self.random.uniform(1, 12) if step == 0 else -step * self.random.randint(1, 12)
            # Few digits: the library reads long decimals with an error in the last bit, which decides near ties.
            entries.append([name, round(score * (0.375 if len(name) > 2 else 1), 6)])
        unknown = 0 if self.flag(0.95) else None
        return {"type": "Unigram", "unk_id": unknown, "vocab": entries, "byte_fallback": falls_back}

    def tokenizer(self):
        """A whole tokenizer.json, or None when the library refuses the random parts."""
        parts = {
            "normalizer": self.normalizer() if self.flag(0.75) else None,
            "pre_tokenizer": self.pre_tokenizer() if self.flag(0.85) else None,
        }
        try:
            model = self.model(parts)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return None
        vocabulary = model["vocab"]
        if isinstance(vocabulary, list):
            vocabulary = {name: index for index, (name, _) in enumerate(vocabulary)}
        tokens = []
        names = ["[CLS]", "[SEP]", "[PAD]"] + ([self.hard.mixture()[:6] for _ in range(3)] if self.flag(0.7) else [])
        names += ["The", " the", "a b", "İ", "<x>", "<x><y>", "xX", "\n"] if self.flag() else []
        for name in dict.fromkeys(names):
            flags = {flag: self.flag(0.25) for flag in ("single_word", "lstrip", "rstrip", "normalized")}
            tokens.append(added(0, name, special=name[0] == "[" or self.flag(0.2), **flags))
        settle(tokens, parts["normalizer"])
        renumber(tokens, vocabulary)
        specials = {token["content"]: token["id"] for token in tokens if token["content"][0] == "["}
        specials = {name: specials[name] for name in ("[CLS]", "[SEP]", "[PAD]")}
        parts["post_processor"] = self.post_processor(specials)
        parts["decoder"] = self.decoder() if self.flag(0.8) else None
        value = document(model, added_tokens=tokens, **parts)
        try:
            tokenizers.Tokenizer.from_str(json.dumps(value))
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return None
        return value
