#!/usr/bin/env python3
"""Trains WordLevel and WordPiece vocabularies, and BPE on files, with Hugging Face tokenizers 0.23.3.

    python make.py     # writes cases.json beside this file

The ids of forms with ## follow the random order of hash maps in the reference: WordPiece cases hold the set of tokens only, and are
kept only where that set is the same in six runs.
"""
import json, os, random, tempfile
from tokenizers import Tokenizer, models, trainers, pre_tokenizers, normalizers

WORDS = ["the", "there", "then", "other", "mother", "Ünder", "under", "naïve", "日本語", "日本", "x1", "x12", "2024", "it's", "😀", "end."]

def text_of(rng):
    lines = []
    for _ in range(rng.randint(1, 40)):
        line = rng.choice([" ", "  ", "\t", ""]).join(rng.choices(WORDS, k=rng.randint(0, 12)))
        lines.append(line + rng.choice(["\n", "\n", "\r\n", " \n", "\n\n"]))
    if rng.random() < 0.3: lines.append("last line without an end")
    return "".join(lines)

PRE = [
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
    {"type": "Whitespace"}, {"type": "BertPreTokenizer"}, {"type": "WhitespaceSplit"},
    {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
    {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "Whitespace"}]},
]
NORM = [None, {"type": "Lowercase"}, {"type": "NFD"}, {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]}]

def tokenizer(model, norm, pre):
    t = Tokenizer(model)
    data = json.loads(t.to_str())
    data["normalizer"], data["pre_tokenizer"] = norm, pre
    return Tokenizer.from_str(json.dumps(data))

def run(kind, text, norm, pre, o):
    with tempfile.NamedTemporaryFile("w", suffix=".txt", newline="", delete=False) as file: file.write(text)
    if kind == "wordlevel":
        t = tokenizer(models.WordLevel(unk_token="<unk>"), norm, pre)
        trainer = trainers.WordLevelTrainer(show_progress=False, **o)
    elif kind == "wordpiece":
        t = tokenizer(models.WordPiece(unk_token="[UNK]"), norm, pre)
        trainer = trainers.WordPieceTrainer(show_progress=False, **o)
    else:
        t = tokenizer(models.BPE(), norm, pre)
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if pre["type"] == "ByteLevel" else []
        trainer = trainers.BpeTrainer(show_progress=False, initial_alphabet=alphabet, **o)
    t.train([file.name], trainer)
    os.unlink(file.name)
    model = json.loads(t.to_str())["model"]
    vocab = [None] * (max(model["vocab"].values(), default=-1) + 1)
    for token, id in model["vocab"].items(): vocab[id] = token
    return vocab, model.get("merges")

def main():
    rng, cases = random.Random(5), []
    while len(cases) < 60:
        kind = rng.choice(["wordlevel", "wordpiece", "bpe"])
        text, norm, pre = text_of(rng), rng.choice(NORM), rng.choice(PRE)
        if kind != "bpe" and pre["type"] == "ByteLevel": continue
        o = {"vocab_size": rng.choice([20, 60, 290, 330]), "min_frequency": rng.choice([0, 1, 2, 3])}
        o["special_tokens"] = {"wordlevel": ["<unk>"], "wordpiece": ["[UNK]", "[CLS]"], "bpe": ["<s>"]}[kind]
        vocab, merges = run(kind, text, norm, pre, o)
        if kind == "wordpiece":
            if any(set(run(kind, text, norm, pre, o)[0]) != set(vocab) for _ in range(6)): continue
            vocab = sorted(vocab)
        cases.append({"kind": kind, "text": text, "normalizer": norm, "pre_tokenizer": pre, "options": o, "vocab": vocab,
                      "merges": merges})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]\n")

main()
