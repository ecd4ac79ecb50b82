"""Tokenizers trained here, for the kinds that no package publishes; each is made once and then kept."""

import base64
import json
import os
import random

import sentencepiece
import tokenizers
from tokenizers import trainers

from . import references
from .corpus import corpus
from .vocabularies import TRAINED, added, bpe_model, byte_letters, byte_level, document, save, sentencepiece_proto
from .vocabularies import sequence, template

BERT = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
ROBERTA = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4}


def train(parts, model, trainer, lines):
    """Trains a model behind the stages of `parts`; gives the model as in tokenizer.json."""
    shell = document(json.loads(json.dumps(model)), **{key: parts.get(key) for key in ("normalizer", "pre_tokenizer")})
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(shell))
    tokenizer.train_from_iterator(lines, trainer)
    return json.loads(tokenizer.to_str())["model"]


def bert_parts(lowercase, specials=BERT):
    return {
        "added_tokens": [added(id, name) for name, id in specials.items()],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
            "strip_accents": None, "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", {"[CLS]": 2, "[SEP]": 3}),
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    }


def bert(lowercase, size=6000, lines=None):
    parts = bert_parts(lowercase)
    empty = {
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {},
    }
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(BERT), limit_alphabet=size // 3, show_progress=False
    )
    return document(train(parts, empty, trainer, lines or corpus()), **parts)


def roberta(prefix, trim, size=4000, lines=None):
    parts = {
        "added_tokens": [added(id, name, normalized=True, lstrip=name == "<mask>") for name, id in ROBERTA.items()],
        "pre_tokenizer": byte_level(prefix=prefix),
        "post_processor": {
            "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": trim,
            "add_prefix_space": prefix,
        },
        "decoder": byte_level(),
    }
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(ROBERTA), show_progress=False,
        initial_alphabet=sorted(byte_letters().values()),
    )
    return document(train(parts, bpe_model({}, []), trainer, lines or corpus()), **parts)


def char_bpe(size=4000, lines=None, **options):
    """BPE over characters with the odd options: end_of_word_suffix, continuing_subword_prefix, fuse_unk, ..."""
    prefix, suffix = options.get("continuing_subword_prefix"), options.get("end_of_word_suffix")
    parts = {
        "added_tokens": [added(0, "<unk>")],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "decoder": {"type": "BPEDecoder", "suffix": suffix or "</w>"},
    }
    if prefix:
        parts["decoder"] = {"type": "WordPiece", "prefix": prefix, "cleanup": False}
    specials = ["<unk>"]
    if options.get("byte_fallback"):
        specials += [f"<0x{byte:02X}>" for byte in range(256)]
        fuse = [{"type": "ByteFallback"}, {"type": "Fuse"}]
        parts["decoder"] = sequence("decoder", fuse)
    ends = {"continuing_subword_prefix": prefix, "end_of_word_suffix": suffix}
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, limit_alphabet=min(400, size // 3), show_progress=False,
        **{key: value for key, value in ends.items() if value},
    )
    empty = bpe_model({}, [], unk_token="<unk>", **options)
    model = train(parts, empty, trainer, lines or corpus())
    return document({**model, **options, "unk_token": "<unk>"}, **parts)


def word_level(pre_tokenizer, normalizer=None, size=4000, lines=None):
    parts = {"added_tokens": [added(0, "[UNK]"), added(1, "[PAD]")], "pre_tokenizer": pre_tokenizer,
        "normalizer": normalizer}
    trainer = trainers.WordLevelTrainer(vocab_size=size, special_tokens=["[UNK]", "[PAD]"], show_progress=False)
    model = train(parts, {"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"}, trainer, lines or corpus())
    return document(model, **parts)


# SentencePiece

SENTENCEPIECE = {
    "unigram-nmt": dict(model_type="unigram", vocab_size=6000, character_coverage=0.995),
    "unigram-bytes": dict(
        model_type="unigram", vocab_size=4000, byte_fallback=True, character_coverage=0.98,
        user_defined_symbols=["<sep>", "▁▁▁", "New York", "İx", "<", "<cls>"], control_symbols=["<ctl>"],
    ),
    "unigram-suffix": dict(
        model_type="unigram", vocab_size=3000, treat_whitespace_as_suffix=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, character_coverage=0.98,
    ),
    "unigram-loose": dict(
        model_type="unigram", vocab_size=3000, split_by_whitespace=False, split_by_unicode_script=False,
        normalization_rule_name="nfkc_cf", add_dummy_prefix=False, max_sentencepiece_length=24,
    ),
    "bpe-bytes": dict(
        model_type="bpe", vocab_size=4000, byte_fallback=True, split_digits=True, character_coverage=0.98,
        normalization_rule_name="identity", remove_extra_whitespaces=False, user_defined_symbols=["[MASK]", "  ", "\t"],
    ),
    "bpe-nfkc": dict(
        model_type="bpe", vocab_size=3000, normalization_rule_name="nfkc", add_dummy_prefix=True,
        unk_surface=" <?> ", bos_id=-1, eos_id=1, pad_id=3, unk_id=0,
    ),
    "bpe-nodummy": dict(
        model_type="bpe", vocab_size=3000, normalization_rule_name="nmt_nfkc_cf", add_dummy_prefix=False,
        remove_extra_whitespaces=True, treat_whitespace_as_suffix=True,
    ),
    "char": dict(model_type="char", vocab_size=1500, character_coverage=0.999),
    "word": dict(model_type="word", vocab_size=3000),
}


def sentencepiece_file(name, lines=None, folder=None, **changes):
    path = (folder or TRAINED) / f"spm-{name}.model"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = path.with_name(f"{path.stem}.{os.getpid()}")
    options = {**SENTENCEPIECE[name], **changes}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for line in (lines or corpus()) if "\0" not in line]),
        model_prefix=str(prefix), minloglevel=2, num_threads=1, hard_vocab_limit=False, **options,
    )
    os.remove(f"{prefix}.vocab")
    os.replace(f"{prefix}.model", path)
    return path


def unigram_json(path, style, byte_fallback=False):
    """A Unigram model of SentencePiece as tokenizer.json, the way T5 or XLM-R are converted."""
    proto = sentencepiece_proto(path)
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    charsmap = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    normalizers = [{"type": "Precompiled", "precompiled_charsmap": charsmap}] if charsmap else []
    if style == "t5":
        extra = [(f"<extra_id_{index}>", 0.0) for index in range(20)]
        tokens = [added(0, "<unk>"), added(2, "</s>")]
        tokens += [added(len(pieces) + index, name) for index, (name, _) in enumerate(extra)]
        vocabulary, unknown = pieces + extra, 0
        post = template("$A </s>", "$A </s> $B </s>", {"</s>": 2})
        pre = sequence("pre_tokenizer", [{"type": "WhitespaceSplit"}, metaspace])
    else:
        vocabulary = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces[3:], ("<mask>", 0.0)]
        tokens = [added(index, vocabulary[index][0]) for index in range(4)]
        tokens.append(added(len(vocabulary) - 1, "<mask>", lstrip=True))
        unknown = 3
        post = template("<s> $A </s>", "<s> $A </s> </s> $B </s>", {"<s>": 0, "</s>": 2})
        normalizers += [{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]
        pre = metaspace
    model = {"type": "Unigram", "unk_id": unknown, "vocab": [list(piece) for piece in vocabulary]}
    model["byte_fallback"] = byte_fallback
    decoder = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    if byte_fallback:
        decoder = sequence("decoder", [{"type": "ByteFallback"}, decoder])
    normalizer = sequence("normalizer", normalizers)
    return document(
        model, added_tokens=tokens, normalizer=normalizer, pre_tokenizer=pre, post_processor=post, decoder=decoder
    )


def renumber(tokens, vocabulary):
    """Ids of added tokens as the library gives them: the model's own where it knows the content, else the next free."""
    next_id = max(vocabulary.values()) + 1
    for token in tokens:
        if token["content"] in vocabulary:
            token["id"] = vocabulary[token["content"]]
        else:
            token["id"], next_id = next_id, next_id + 1


def settle(tokens, normalizer):
    """Keeps as they are the added tokens that would be nothing, or the same as another, once normalized.

    The library finds an empty content at every place and panics now and then, and picks among equal ones at random.
    """
    stages, seen = references.Stages(), set()
    for token in tokens:
        if token["normalized"] and normalizer:
            text = stages.answer("stage", {"normalizer": normalizer, "text": token["content"]})["text"]
            token["normalized"] = bool(text) and text not in seen
            seen.add(text)


def many_added_tokens(seed, lowercase, size=2000, lines=None):
    """A byte-level BPE with added tokens of every combination of flags: overlapping, spaced, in upper case."""
    chooser = random.Random(seed)
    contents = ["<a>", "<a><b>", "<b>", "a", "ab", "abc", "The", "THE", "İstanbul", "New York", "  ", " x", "x ", "é",
        "e\u0301"]
    contents += ["ﬁ", "fi", "\n", "\r\n", "▁", "ing", "_", "'s", "12", "1", "<|end|>", "<|END|>", "<|end|><|end|>", "中",
        "中文"]
    contents += ["ß", "SS", "K", "\u212a", "ΣΊΣ", "Σ", "😀", "👩‍👩‍👧", "\u0301", "-", "--", "a b", "a  b", "\u200b",
        "\u3000"]
    tokens = []
    for index, content in enumerate(contents):
        flags = {flag: chooser.random() < 0.35 for flag in ("single_word", "lstrip", "rstrip")}
        normalized, special = chooser.random() < 0.5, chooser.random() < 0.4
        tokens.append(added(size + index, content, special=special, normalized=normalized, **flags))
    normalizers = [{"type": "NFC"}, {"type": "Lowercase"}] if lowercase else [{"type": "NFKD"}]
    parts = {
        "normalizer": sequence("normalizer", normalizers),
        "pre_tokenizer": byte_level(prefix=not lowercase),
        "post_processor": byte_level(trim=lowercase, prefix=True),
        "decoder": byte_level(),
    }
    trainer = trainers.BpeTrainer(
        vocab_size=size, show_progress=False, initial_alphabet=sorted(byte_letters().values())
    )
    model = train(parts, bpe_model({}, []), trainer, lines or corpus())
    settle(tokens, parts["normalizer"])
    renumber(tokens, model["vocab"])
    return document(model, added_tokens=tokens, **parts)


def own_limits():
    """A tokenizer that brings its own truncation and padding."""
    value = json.loads(trained("bert-uncased").read_text("utf-8"))
    value["truncation"] = {"direction": "Right", "max_length": 24, "strategy": "LongestFirst", "stride": 3}
    value["padding"] = {
        "strategy": {"Fixed": 16}, "direction": "Left", "pad_to_multiple_of": 8, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    return value


PUNCTUATION = sequence("pre_tokenizer", [{"type": "Whitespace"}, {"type": "Punctuation", "behavior": "Contiguous"}])
DIGITS = sequence(
    "pre_tokenizer",
    [{"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": "Isolated"},
        {"type": "Digits", "individual_digits": True}],
)
SCRIPTS = sequence("pre_tokenizer", [{"type": "UnicodeScripts"}, {"type": "Whitespace"}])

MAKERS = {
    "bert-uncased": lambda: bert(True),
    "bert-cased": lambda: bert(False),
    "roberta": lambda: roberta(prefix=False, trim=True),
    "roberta-prefix": lambda: roberta(prefix=True, trim=True),
    "roberta-untrimmed": lambda: roberta(prefix=True, trim=False),
    "charbpe-suffix": lambda: char_bpe(end_of_word_suffix="</w>"),
    "charbpe-prefix": lambda: char_bpe(continuing_subword_prefix="##"),
    "charbpe-fuse": lambda: char_bpe(fuse_unk=True, dropout=0.0),
    "charbpe-bytes": lambda: char_bpe(byte_fallback=True, fuse_unk=True),
    "wordlevel-punctuation": lambda: word_level(PUNCTUATION, {"type": "Lowercase"}),
    "wordlevel-digits": lambda: word_level(DIGITS, {"type": "StripAccents"}),
    "wordlevel-scripts": lambda: word_level(SCRIPTS),
    "unigram-t5": lambda: unigram_json(sentencepiece_file("unigram-nmt"), "t5"),
    "unigram-xlmr": lambda: unigram_json(sentencepiece_file("unigram-nmt"), "xlmr"),
    "unigram-byte-fallback": lambda: unigram_json(sentencepiece_file("unigram-bytes"), "xlmr", byte_fallback=True),
    "added-lowercase": lambda: many_added_tokens(1, lowercase=True),
    "added-nfkd": lambda: many_added_tokens(2, lowercase=False),
    "own-limits": own_limits,
}


def trained(name):
    path = TRAINED / f"{name}.json"
    if not path.exists():
        save(path, MAKERS[name]())
    return path
