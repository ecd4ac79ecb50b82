#!/usr/bin/env python3
"""Writes vocab.json with merges.txt in three families and a vocab.txt, and the ids the original tokenizers give.

    python make.py               # writes the files and expected.json beside this file
    python make.py check FOLDER  # FOLDER holds NAME.json as made from the files: loads them and compares ids

Needs tokenizers 0.23.3.
"""
import json, os, sys
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

here = os.path.dirname(os.path.abspath(__file__))
TEXT = ["the quick brown fox jumps over the lazy dog", "they're here, aren't they? It's 12345 o'clock!", "über straße été naïve",
        "东京 привет мир", "the theory of the thing that they thought"] * 4
PROBES = TEXT[:5] + ["", "  two  spaces ", "žluťoučký 😀", "The THE the", "a\n\nb\tc"]
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"

def bytes_level(name, specials):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=340, show_progress=False, special_tokens=specials,
                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    if "</s>" in specials:
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return save(t, name)

def clip():
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=600, show_progress=False, end_of_word_suffix="</w>",
                          special_tokens=["<|startoftext|>", "<|endoftext|>"],
                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), add_prefix_space=False)
    return save(t, "clip")

def bert():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=160, show_progress=False,
                          special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return save(t, "bert")

def save(t, name):
    t.model.save(here, name)
    return {"ids": [t.encode(p).ids for p in PROBES], "pair": t.encode("the fox", "the dog").ids, "count": t.get_vocab_size()}

def main():
    files = {"gpt2": bytes_level("gpt2", ["<|endoftext|>"]), "clip": clip(), "bert": bert(),
             "roberta": bytes_level("roberta", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])}
    with open(os.path.join(here, "expected.json"), "w") as file:
        json.dump({"probes": PROBES, "files": files}, file, ensure_ascii=False, separators=(",", ":"))

def check(folder):
    expected = json.load(open(os.path.join(here, "expected.json")))
    for name, want in expected["files"].items():
        t = Tokenizer.from_file(os.path.join(folder, name + ".json"))
        bad = [(p, t.encode(p).ids, ids) for p, ids in zip(expected["probes"], want["ids"]) if t.encode(p).ids != ids]
        print(name, len(want["ids"]) - len(bad), "of", len(want["ids"]), "equal; pair", t.encode("the fox", "the dog").ids == want["pair"], bad[:2])

check(sys.argv[2]) if sys.argv[1:2] == ["check"] else main()
