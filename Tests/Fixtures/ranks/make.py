#!/usr/bin/env python3
"""Writes small rank vocabularies, the merges behind them, and the encodings known by name.

    python make.py [FOLDER]

ranks.json: for each vocabulary the file in the tiktoken format, the merges it was trained with, and ids that tiktoken 0.14.0
gives. encodings.json: name, pattern, special tokens from tiktoken (pass the folder that holds Whisper's tokenizer.py and
dashscope's qwen_tokenizer.py, to compare these as well).
"""
import base64, json, os, random, re, sys
import tiktoken
from tiktoken._educational import bpe_train
import tiktoken_ext.openai_public as public

here = os.path.dirname(os.path.abspath(__file__))
WORDS = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which " \
        "über straße naïve été 東京 日本 привет мир 😀😀 aaaa aaaaaaaa abababab"

def vocabulary(rng, size):
    text = " ".join(rng.choices(WORDS.split(), k=400))
    return bpe_train(text, size, r"[\s\S]+", visualise=None)

def main():
    rng = random.Random(3)
    cases = []
    for size in (256, 300, 400, 500):
        ranks = vocabulary(rng, size)
        encoding = tiktoken.Encoding("case", pat_str=r"[\s\S]+", mergeable_ranks=ranks, special_tokens={})
        lines = b"".join(base64.b64encode(t) + b" " + str(r).encode() + b"\n" for t, r in ranks.items())
        merges = []
        for token, rank in ranks.items():
            if len(token) == 1: continue
            parts = parts_of(ranks, token, rank)
            merges.append([ranks[parts[0]], ranks[parts[1]], rank] if len(parts) == 2 else [rank])
        texts = [" ".join(rng.choices(WORDS.split(), k=5)) for _ in range(4)]
        cases.append({"file": lines.decode(), "merges": merges, "ids": {t: encoding.encode_ordinary(t) for t in texts}})
    with open(os.path.join(here, "ranks.json"), "w") as file:
        json.dump(cases, file, ensure_ascii=False, separators=(",", ":"))
    write_encodings()

def parts_of(ranks, token, rank):
    parts = [bytes([b]) for b in token]
    while True:
        best, at = None, None
        for i in range(len(parts) - 1):
            r = ranks.get(parts[i] + parts[i + 1])
            if r is not None and r < rank and (best is None or r < best): best, at = r, i
        if best is None: return parts
        parts[at:at + 2] = [parts[at] + parts[at + 1]]

def write_encodings():
    public.load_tiktoken_bpe = lambda *a, **k: {}
    public.data_gym_to_mergeable_bpe_ranks = lambda *a, **k: {}
    table = []
    for name, make in public.ENCODING_CONSTRUCTORS.items():
        e = make()
        table.append({"name": name, "pattern": e["pat_str"], "special": sorted(e["special_tokens"].items())})
    if len(sys.argv) > 1:
        table += other_encodings(sys.argv[1])
    else:
        with open(os.path.join(here, "encodings.json")) as file:
            table += json.load(file)[len(table):]
    with open(os.path.join(here, "encodings.json"), "w") as file:
        json.dump(table, file, ensure_ascii=False, separators=(",", ":"))

def other_encodings(folder):
    """Whisper and Qwen, from the text of their sources, so that nothing has to be installed."""
    result = []
    source = open(os.path.join(folder, "tokenizer.py")).read()
    space = {}
    exec(source[source.index("LANGUAGES = {"):source.index("\n}\n", source.index("LANGUAGES = {")) + 3], space)
    for name, first, languages in (("whisper_multilingual", 50257, 99), ("whisper_gpt2", 50256, 99),
                                   ("whisper_multilingual_100", 50257, 100)):
        made = {}
        class Fake:
            @staticmethod
            def Encoding(**k): made.update(k)
        body = source[source.index("def get_encoding("):source.index("@lru_cache", source.index("def get_encoding("))]
        body = re.sub(r"    vocab_path = .*\n", "    vocab_path = name\n", body)
        body = re.sub(r"    ranks = \{\n(?:        .*\n)+    \}\n", "    ranks = range(%d)\n" % first, body)
        local = {"os": os, "tiktoken": Fake, "LANGUAGES": space["LANGUAGES"]}
        exec(body, local)
        local["get_encoding"](name, languages)
        result.append({"name": name, "pattern": made["pat_str"], "special": sorted(made["special_tokens"].items())})
    source = open(os.path.join(folder, "qwen_tokenizer.py")).read()
    local = {}
    exec(source[source.index("PAT_STR"):source.index("SPECIAL_TOKENS_SET")], local)
    result.append({"name": "qwen", "pattern": local["PAT_STR"], "special": sorted((t, i) for i, t in local["SPECIAL_TOKENS"])})
    return result

main()
