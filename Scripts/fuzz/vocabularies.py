"""The vocabularies under test: fetched ones, the same as tokenizer.json, and ones trained here.

Everything lands in .deps/vocabularies (fetched), its `built` folder (converted) and its `trained` folder, once.
"""

import base64
import json
import os
from functools import cache
from pathlib import Path

import tiktoken

ROOT = Path(__file__).resolve().parent.parent.parent
FETCHED = ROOT / ".deps" / "vocabularies"
BUILT = FETCHED / "built"
TRAINED = FETCHED / "trained"

GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
WHISPER = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = (
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"""
    r"""|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
QWEN = LLAMA3.replace("{1,3}", "")
O200K = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"""
    r"""|\s*[\r\n]|\s+(?!\S)|\s"""
)
R50K = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def save(path, value):
    """Writes a tokenizer.json beside its place, then renames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), "utf-8")
    os.replace(temporary, path)
    return path


# Ranks of tiktoken files


@cache
def ranks(name):
    out = {}
    for line in (FETCHED / name).read_bytes().splitlines():
        if line:
            token, rank = line.split()
            out[base64.b64decode(token)] = int(rank)
    return out


@cache
def tekken(name):
    """The configuration and the ranks in use of a tekken file: ids are 1000 more."""
    data = json.loads((FETCHED / name).read_text("utf-8"))
    config = data["config"]
    used = config["default_vocab_size"] - config["default_num_special_tokens"]
    return config, {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in data["vocab"][:used]}


def specials_of(name):
    """The special tokens of a tiktoken encoding, as its own source gives them."""
    if name == "gpt2":
        return {"<|endoftext|>": 50256}
    if name == "p50k_base":
        return {"<|endoftext|>": 50256}
    if name == "cl100k_base":
        prefix, middle, suffix = "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"
        out = {"<|endoftext|>": 100257, prefix: 100258, middle: 100259, suffix: 100260, "<|endofprompt|>": 100276}
        return out
    if name == "o200k_base":
        return {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}
    if name == "qwen":
        names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *[f"<|extra_{i}|>" for i in range(205)]]
        return {text: 151643 + index for index, text in enumerate(names)}
    if name == "whisper":
        names = json.loads((FETCHED / "whisper_specials.json").read_text("utf-8"))
        return {text: 50257 + index for index, text in enumerate(names)}
    raise KeyError(name)


TIKTOKEN_FILES = {
    "gpt2": ("gpt2.tiktoken", R50K),
    "p50k_base": ("p50k_base.tiktoken", R50K),
    "cl100k_base": ("cl100k_base.tiktoken", CL100K),
    "o200k_base": ("o200k_base.tiktoken", O200K),
    "qwen": ("qwen.tiktoken", QWEN),
    "whisper": ("multilingual.tiktoken", WHISPER),
}


def tiktoken_encoding(name):
    file, pattern = TIKTOKEN_FILES[name]
    return tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks(file), special_tokens=specials_of(name))


# tokenizer.json from ranks


@cache
def byte_letters():
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in plain}
    for index, byte in enumerate(byte for byte in range(256) if byte not in letters):
        letters[byte] = chr(256 + index)
    return letters


def merges_of(table):
    """The two parts that byte-pair encoding with the lower ranks alone leaves of each token."""
    letters = byte_letters()
    spelled = lambda data: "".join(letters[byte] for byte in data)
    out = []
    for token, rank in sorted(table.items(), key=lambda item: item[1]):
        if len(token) < 2:
            continue
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 2:
            best, place = None, -1
            for index in range(len(parts) - 1):
                found = table.get(parts[index] + parts[index + 1])
                if found is not None and found < rank and (best is None or found < best):
                    best, place = found, index
            if best is None:
                break
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        if len(parts) == 2 and all(part in table for part in parts):
            out.append([spelled(parts[0]), spelled(parts[1])])
    return out


def bpe_model(vocabulary, merges, **options):
    model = {
        "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
    }
    return {**model, **options, "vocab": vocabulary, "merges": merges}


def added(id, content, special=True, **flags):
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special, "special": special}
    return {"id": id, "content": content, **base, **flags}


def byte_level(prefix=False, regex=True, trim=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def sequence(kind, items):
    key = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "decoder": "decoders", "post": "processors"}
    return {"type": "Sequence", key[kind]: items}


def template(single, pair, specials):
    """Template from strings such as "[CLS] $A [SEP] $B:1 [SEP]:1"; `specials` maps names to ids."""

    def pieces(text):
        out = []
        for word in text.split():
            name, _, type_id = word.partition(":")
            type_id = int(type_id or 0)
            if name in ("$A", "$B"):
                out.append({"Sequence": {"id": name[1], "type_id": type_id}})
            else:
                out.append({"SpecialToken": {"id": name, "type_id": type_id}})
        return out

    table = {name: {"id": name, "ids": [id], "tokens": [name]} for name, id in specials.items()}
    return {"type": "TemplateProcessing", "single": pieces(single), "pair": pieces(pair), "special_tokens": table}


def document(model, **parts):
    base = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None}
    return {**base, "pre_tokenizer": None, "post_processor": None, "decoder": None, **parts, "model": model}


def byte_level_model(table, shift=0, **options):
    letters = byte_letters()
    vocabulary = {"".join(letters[byte] for byte in token): rank + shift for token, rank in table.items()}
    return bpe_model(vocabulary, merges_of(table), **options)


def build_gpt2():
    model = byte_level_model(ranks("gpt2.tiktoken"))
    tokens = [added(50256, "<|endoftext|>", normalized=True)]
    return document(
        model, added_tokens=tokens, pre_tokenizer=byte_level(), post_processor=byte_level(trim=False),
            decoder=byte_level()
    )


def build_llama3():
    model = byte_level_model(ranks("cl100k_base.tiktoken"), ignore_merges=True)
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]
    ids = {name: 100256 + index for index, name in enumerate(names)}
    post = [byte_level(), template("<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", ids)]
    post[1]["special_tokens"] = {"<|begin_of_text|>": post[1]["special_tokens"]["<|begin_of_text|>"]}
    return document(
        model,
        added_tokens=[added(id, name) for name, id in ids.items()],
        pre_tokenizer=sequence("pre_tokenizer", [split(LLAMA3), byte_level(regex=False)]),
        post_processor=sequence("post", post),
        decoder=byte_level(),
    )


def build_qwen2():
    model = byte_level_model(ranks("qwen.tiktoken"), continuing_subword_prefix="", end_of_word_suffix="")
    specials = specials_of("qwen")
    tokens = [added(specials[name], name) for name in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
    tokens += [added(151646, "<tool_call>", special=False, normalized=False), added(151647, "<think>", special=False)]
    return document(
        model,
        added_tokens=tokens,
        normalizer={"type": "NFC"},
        pre_tokenizer=sequence("pre_tokenizer", [split(QWEN), byte_level(regex=False, trim=False)]),
        post_processor=byte_level(trim=False),
        decoder=byte_level(),
    )


def build_o200k():
    model = byte_level_model(ranks("o200k_base.tiktoken"))
    return document(
        model,
        added_tokens=[added(id, name) for name, id in specials_of("o200k_base").items()],
        pre_tokenizer=sequence("pre_tokenizer", [split(O200K), byte_level(regex=False)]),
        post_processor=byte_level(),
        decoder=byte_level(),
    )


def build_tekken():
    config, table = tekken("tekken_240911.json")
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]"]
    names += ["[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"]
    names += ["[SUFFIX]", *[f"<SPECIAL_{index}>" for index in range(17, 1000)]]
    model = byte_level_model(table, shift=1000, ignore_merges=True)
    model["vocab"] = {**{name: index for index, name in enumerate(names)}, **model["vocab"]}
    return document(
        model,
        added_tokens=[added(index, name) for index, name in enumerate(names)],
        pre_tokenizer=sequence("pre_tokenizer", [split(config["pattern"]), byte_level(regex=False)]),
        post_processor=template("<s> $A", "<s> $A <s>:1 $B:1", {"<s>": 1}),
        decoder=byte_level(),
    )


# SentencePiece models as tokenizer.json


def sentencepiece_proto(path):
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(Path(path).read_bytes())
    return proto


def merges_from_scores(vocabulary, scores):
    """Every way to make a piece of two pieces; better scores first, as converters do."""
    merges = []
    for piece, score in scores.items():
        local = [
            (piece[:cut], piece[cut:])
            for cut in range(1, len(piece))
            if piece[:cut] in vocabulary and piece[cut:] in vocabulary
        ]
        local.sort(key=lambda parts: (vocabulary[parts[0]], vocabulary[parts[1]]))
        merges += [(score, parts) for parts in local]
    merges.sort(key=lambda item: item[0], reverse=True)
    return [list(parts) for _, parts in merges]


def build_mistral(path, metaspace):
    """A SentencePiece BPE model with byte fallback, in the old way (normalizers) or the new one (Metaspace)."""
    proto = sentencepiece_proto(path)
    vocabulary = {piece.piece: index for index, piece in enumerate(proto.pieces)}
    scores = {piece.piece: piece.score for piece in proto.pieces if piece.type == 1}
    model = bpe_model(
        vocabulary, merges_from_scores(vocabulary, scores), unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    control = [
        added(index, piece.piece) for index, piece in enumerate(proto.pieces) if piece.type in (2, 3)
    ]
    decoder = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]
    parts = {"decoder": sequence("decoder", decoder)}
    if metaspace:
        parts["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    else:
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        parts["normalizer"] = sequence("normalizer", [{"type": "Prepend", "prepend": "▁"}, replace])
    post = template("<s> $A", "<s> $A <s>:1 $B:1", {"<s>": 1})
    return document(model, added_tokens=control, post_processor=post, **parts)


BUILDERS = {
    "gpt2": build_gpt2,
    "llama3": build_llama3,
    "qwen2": build_qwen2,
    "o200k": build_o200k,
    "tekken": build_tekken,
    "mistral-v1-legacy": lambda: build_mistral(FETCHED / "mistral_v1.model", metaspace=False),
    "mistral-v1-metaspace": lambda: build_mistral(FETCHED / "mistral_v1.model", metaspace=True),
    "mistral-v3-metaspace": lambda: build_mistral(FETCHED / "mistral_v3.model", metaspace=True),
    "mistral-v7-legacy": lambda: build_mistral(FETCHED / "mistral_v7.model", metaspace=False),
}


def built(name):
    path = BUILT / f"{name}.json"
    if not path.exists():
        save(path, BUILDERS[name]())
    return path
