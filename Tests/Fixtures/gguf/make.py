#!/usr/bin/env python3
"""Trains four small tokenizers, writes each as a GGUF file, and notes what the original gives.

    python make.py               # writes *.gguf and expected.json beside this file
    python make.py check FOLDER  # FOLDER holds NAME.json as made from NAME.gguf: loads them with tokenizers and compares ids

Needs gguf, tokenizers 0.23.3, sentencepiece 0.2.3.
"""
import io, json, os, sys
import gguf, sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

here = os.path.dirname(os.path.abspath(__file__))
TEXT = ["The quick brown fox jumps over the lazy dog.", "They're here, aren't they? It's 12345 o'clock!", "über straße été naïve",
        "東京は日本の首都です", "привет мир, привет", "one  two   three\n\nfour\tfive", "the theory of the thing that they thought",
        "Hello hello HELLO world worlds worldly", "a b c d e f g 1 22 333 4444"] * 5
PROBES = TEXT[:9] + ["", " ", "  leading and trailing  ", "unseen: žluťoučký 😀 kůň", "the\nthe", "they thought of worlds"]
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
N, U, C, D, B = (gguf.TokenType[x] for x in ("NORMAL", "UNKNOWN", "CONTROL", "USER_DEFINED", "BYTE"))

def write(name, endian=gguf.GGUFEndian.LITTLE, **fields):
    w = gguf.GGUFWriter(os.path.join(here, name + ".gguf"), "llama", endianess=endian)
    w.add_context_length(32)
    w.add_float32("general.scale", 0.5)
    w.add_array("general.tags", ["one", "two"])
    w.add_tokenizer_model(fields["model"])
    for key, add in (("pre", w.add_tokenizer_pre), ("tokens", w.add_token_list), ("scores", w.add_token_scores),
                     ("types", w.add_token_types), ("merges", w.add_token_merges), ("bos", w.add_bos_token_id),
                     ("eos", w.add_eos_token_id), ("unk", w.add_unk_token_id), ("sep", w.add_sep_token_id),
                     ("pad", w.add_pad_token_id), ("add_bos", w.add_add_bos_token), ("add_eos", w.add_add_eos_token),
                     ("space", w.add_add_space_prefix), ("extra", w.add_remove_extra_whitespaces),
                     ("template", w.add_chat_template)):
        if key in fields: add(fields[key])
    w.write_header_to_file(); w.write_kv_data_to_file(); w.close()

def byte_level():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=400, show_progress=False,
                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    t.add_special_tokens(["<|begin|>", "<|end|>"])
    bos = t.token_to_id("<|begin|>")
    t.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", bos)])
    model = json.loads(t.to_str())["model"]
    tokens = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    fields = dict(model="gpt2", pre="llama-bpe", tokens=tokens, types=[N] * bos + [C, C],
                  merges=[" ".join(m) for m in model["merges"]], bos=bos, eos=bos + 1, template="{{ messages }}")
    write("byte-level", **fields)
    write("byte-level-big-endian", gguf.GGUFEndian.BIG, **fields)
    return [t.encode(p).ids for p in PROBES], len(tokens), model["merges"]

def piece_model(kind, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(TEXT), model_writer=out, model_type=kind, minloglevel=2,
                                             normalization_rule_name="identity", **options)
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())

def pieces(sp):
    n = sp.vocab_size()
    types = [U if sp.is_unknown(i) else C if sp.is_control(i) else B if sp.is_byte(i) else N for i in range(n)]
    return dict(tokens=[sp.id_to_piece(i) for i in range(n)], scores=[sp.get_score(i) for i in range(n)], types=types)

def sentence_piece():
    sp = piece_model("bpe", vocab_size=420, byte_fallback=True, remove_extra_whitespaces=False)
    write("sentencepiece", model="llama", bos=1, eos=2, unk=0, add_bos=True, add_eos=False, space=True, **pieces(sp))
    return [[1] + sp.encode(p) for p in PROBES], sp.vocab_size(), None

def unigram():
    sp = piece_model("unigram", vocab_size=90, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, remove_extra_whitespaces=True)
    write("unigram", model="t5", eos=1, unk=2, pad=0, add_bos=False, add_eos=True, space=True, extra=True, **pieces(sp))
    return [sp.encode(p) + [1] for p in PROBES], sp.vocab_size(), None

def word_piece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=220, show_progress=False,
                          special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokens = [t.id_to_token(i) for i in range(t.get_vocab_size())]
    marked = [p[2:] if p.startswith("##") else p if i < 5 else "\u2581" + p for i, p in enumerate(tokens)]
    write("wordpiece", model="bert", tokens=marked, types=[C, U, C, C, C] + [N] * (len(tokens) - 5), bos=2, unk=1, sep=3, pad=0)
    return [t.encode(p).ids for p in PROBES], len(tokens), None

def main():
    expected = {}
    for name, make in (("byte-level", byte_level), ("sentencepiece", sentence_piece), ("unigram", unigram), ("wordpiece", word_piece)):
        ids, count, merges = make()
        expected[name] = {"count": count, "merges": merges, "ids": ids}
    with open(os.path.join(here, "expected.json"), "w") as file:
        json.dump({"probes": PROBES, "files": expected}, file, ensure_ascii=False, separators=(",", ":"))

def check(folder):
    expected = json.load(open(os.path.join(here, "expected.json")))
    for name, want in expected["files"].items():
        t = Tokenizer.from_file(os.path.join(folder, name + ".json"))
        bad = [(p, t.encode(p).ids, ids) for p, ids in zip(expected["probes"], want["ids"]) if t.encode(p).ids != ids]
        print(name, len(want["ids"]) - len(bad), "of", len(want["ids"]), "equal", bad[:3])

check(sys.argv[2]) if sys.argv[1:2] == ["check"] else main()
