#!/usr/bin/env python3
"""Checks that Hugging Face's library reads what `tessera` writes, and gives the same ids and offsets; exits 1 if not.

    python Scripts/check_written.py --tessera .build/release/tessera [--cases 300]

Checked are the tokenizer.json that `make run` leaves (made anew from a few files of the repository, and the one in out/ when it is
there) and those that `tessera convert` makes of vocabularies of ranks: there the reference is asked on both sides, tiktoken with
the vocabulary and Hugging Face's library with the file. Needs the packages of fuzz/requirements.txt.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz.configuration import lines
from fuzz.configurations import standard_tiktoken, tekken_tiktoken
from fuzz.references import HuggingFace, Tiktoken
from fuzz.strings import HardStrings
from fuzz.vocabularies import FETCHED, ranks

ROOT = Path(__file__).resolve().parent.parent


def gaps():
    """A pattern that does not match everything: tiktoken leaves out what is between."""
    import tiktoken

    pattern = r"\p{Lu}?\p{Ll}{1,7}+|\pN{2}?|(?s:\n.)|(?P<x>[[:punct:]&&[^,]]){2,}|\p{Script=Han}+$"
    specials = {"<|a|>": 60000}
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks("gpt2.tiktoken"), special_tokens=specials)
    file = str(FETCHED / "gpt2.tiktoken")
    return Tiktoken(encoding), ["--tokenizer", file, "--pattern", pattern, "--special", json.dumps(specials)]


RANKS = {
    "gpt2": lambda: standard_tiktoken("gpt2"),
    "cl100k_base": lambda: standard_tiktoken("cl100k_base"),
    "o200k_base": lambda: standard_tiktoken("o200k_base"),
    "qwen": lambda: standard_tiktoken("qwen"),
    "whisper": lambda: standard_tiktoken("whisper"),
    "pattern with gaps": gaps,
    "tekken": lambda: tekken_tiktoken("tekken_240911.json"),
}


def run(command, text=None):
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"check_written.py: {' '.join(command)}: {result.stderr.strip()[:300]}")
    return result.stdout


def encode(tessera, arguments, texts, special):
    questions = "".join(json.dumps({"text": text, "special": special}) + "\n" for text in texts)
    return [json.loads(line) for line in run([tessera, "encode", *arguments, "--jsonl"], questions).splitlines()]


def check(name, pairs):
    """Prints a line of the table; gives the number of differences."""
    different = [(text, want, got) for text, want, got in pairs if want != got]
    print(f"{name:34}{len(pairs):8}{len(different):11}", flush=True)
    for text, want, got in different[:2]:
        print(f"  {text!a}\n    reference {str(want)[:300]}\n    written   {str(got)[:300]}")
    return len(different)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tessera", required=True)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    different = 0
    print(f"{'written':34}{'cases':>8}{'different':>11}")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "tokenizer.json"
        documents = [str(ROOT / name) for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Makefile")]
        run([options.tessera, "demo", *documents, "--vocab-size", "1500", "--output", str(made)])
        for path in [made, ROOT / "out/tokenizer.json"]:
            if not path.exists():
                continue
            reference = HuggingFace(path)
            hard = HardStrings(options.seed, ["<|endoftext|>"], lines())
            texts = [hard.text() for _ in range(options.cases)] + [Path(name).read_text() for name in documents]
            answers = encode(options.tessera, ["--tokenizer", str(path)], texts, "recognize")
            pairs = []
            for text, got in zip(texts, answers):
                want = reference.encode({"text": text})
                pairs.append((text, [want["ids"], want["offsets"]], [got.get("ids"), got.get("offsets")]))
            different += check("make run" if path == made else "out/tokenizer.json", pairs)
        for name, make in RANKS.items():
            tiktoken, arguments = make()
            run([options.tessera, "convert", *arguments, "--output", str(made)])
            written = HuggingFace(made)
            specials = sorted(tiktoken.encoding.special_tokens_set)
            hard = HardStrings(options.seed, random.Random(options.seed).sample(specials, min(len(specials), 40)), lines())
            texts = [hard.text() for _ in range(options.cases)]
            pairs = [
                (text, tiktoken.encode({"text": text, "special": "recognize"})["ids"], written.encode({"text": text})["ids"])
                for text in texts
            ]
            different += check(f"convert {name}", pairs)
            ids = encode(options.tessera, ["--tokenizer", str(made)], texts, "recognize")
            different += check("  read back", [(p[0], p[1], i.get("ids")) for p, i in zip(pairs, ids)])
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
