#!/usr/bin/env python3
"""Time and peak memory of the worst inputs at 1x, 4x and 16x, for every kind of model and for hostile patterns.

    python3 Benchmarks/linearity.py [--tessera .build/release/tessera] [--size 250000] [--only WORD] [--limit 60]

Both must grow no faster than the input: the last column is the time at 16x by that at 4x, after the time to load is taken off; it
is about 4 where the time is linear. A row that grows more than eightfold, or passes the limit, is marked and fails the run.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests" / "Fixtures"

MODELS = {
    "byte-level BPE": "text/tokenizers/gpt2.json",
    "BPE, byte fallback": "text/tokenizers/charbpe-bytes.json",
    "BPE, no words": "text/tokenizers/mistral-legacy.json",
    "WordPiece": "text/tokenizers/bert-uncased.json",
    "WordLevel": "text/tokenizers/wordlevel-scripts.json",
    "Unigram": "text/tokenizers/unigram-t5.json",
    "Unigram, byte fallback": "text/tokenizers/unigram-byte-fallback.json",
    "NFKD, added tokens": "text/tokenizers/added-nfkd.json",
    "SentencePiece unigram": "sentencepiece/unigram_rules_bytes.model",
    "SentencePiece BPE": "sentencepiece/bpe_suffix_bytes.model",
    "SentencePiece character": "sentencepiece/char_rules_bytes.model",
    "SentencePiece word": "sentencepiece/word_plain.model",
}

PATTERNS = {
    "(?>(?:a|ab)*)c": "a",
    "(?:a|a)*b": "a",
    "(?:a+)+$b": "a",
    "(?=(?:a|ab)*c)a|.": "a",
    "(?<=b(?:a|aa)*)c|.": "a",
    r"\s+(?!\S)|\s+x": " ",
    "(?:.*?,){12}P": ",",
}


def inputs(size):
    """The worst texts of about so many bytes, by name."""
    source = random.Random(5)
    marks = ["\u0301", "\u0316", "\u0334", "\u0345", "\u0300", "\u0323"]
    cjk = "".join(chr(source.randrange(0x4E00, 0x9FFF)) for _ in range(1024))
    letters = "".join(source.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(size))
    texts = {
        "one letter": "a", "random letters": letters, "blanks": " ", "digits": "7", "newlines": "\n",
        "marks, worst order": "".join(marks), "CJK": cjk, "emoji, joined": "\U0001F469\u200D\U0001F467\u200D", "ab": "ab",
    }
    for name, unit in texts.items():
        length = len(unit.encode())
        start = "a" if name == "marks, worst order" else ""
        yield name, start + unit * max(size // length, 1)


def measure(command, limit):
    """Seconds and peak megabytes of a command; None for the time when it fails or runs too long."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        seconds = time.perf_counter() - start
        if ended:
            break
        if seconds > limit:
            process.kill()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = -9
            return None, usage.ru_maxrss / 1024, f"over {limit} s"
        time.sleep(0.001 if seconds < 0.1 else 0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    message = process.stderr.read().decode(errors="replace").strip().split("\n")[0][:60]
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1 << 20)
    return (seconds if process.returncode == 0 else None), peak, message


def row(kind, name, make, command, arguments, folder):
    """Measures one input at three sizes and prints the line; tells whether it grows as it should."""
    figures = []
    for factor in (0, 1, 4, 16):
        file = folder / "input"
        file.write_text(make(max(factor * arguments.size, 1)), encoding="utf-8", newline="")
        best = min((measure(command(file), arguments.limit) for _ in range(2 if factor < 16 else 1)),
                   key=lambda figure: figure[0] if figure[0] is not None else 1e9)
        figures.append(best)
        if best[0] is None:
            break
    label = f"{kind:24}{name:22}"
    if figures[-1][0] is None:
        is_slow = figures[-1][2].startswith("over")
        print(f"{label}{figures[-1][2]}{'  <-' if is_slow else ''}", flush=True)
        return not is_slow
    start = figures[0][0]
    times = [max(figure[0] - start, 0.0005) for figure in figures[1:]]
    growth = times[2] / times[1]
    is_linear = growth <= 8 or times[2] < 0.1
    print(label + "".join(f"{seconds:8.3f}" for seconds in times) + "".join(f"{figure[1]:7.0f}" for figure in figures[1:])
          + f"{growth:7.1f}{'' if is_linear else '  <-'}", flush=True)
    return is_linear


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--tessera", default=str(ROOT / ".build" / "release" / "tessera"))
    options.add_argument("--size", type=int, default=250_000, help="bytes at 1x")
    options.add_argument("--only", default="", help="rows whose kind or input has this word")
    options.add_argument("--limit", type=float, default=60, help="seconds after which a row is given up")
    arguments = options.parse_args()
    print(f"{'model or pattern':24}{'input':22}{'1x s':>8}{'4x s':>8}{'16x s':>8}{'1x MB':>7}{'4x MB':>7}{'16x':>7}{'growth':>7}")
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = []
        for kind, path in MODELS.items():
            for text, _ in inputs(1):
                command = lambda file, path=path: [
                    arguments.tessera, "encode", "--tokenizer", str(FIXTURES / path), str(file), "--count"]
                jobs.append((kind, text, lambda size, text=text: dict(inputs(size))[text], command))
        bytes_file = json.loads((FIXTURES / MODELS["byte-level BPE"]).read_text())
        for number, (pattern, unit) in enumerate(PATTERNS.items()):
            level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
            split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
            bytes_file["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, level]}
            file = folder / f"{number}.json"
            file.write_text(json.dumps(bytes_file))
            command = lambda text, file=file: [
                arguments.tessera, "encode", "--tokenizer", str(file), str(text), "--count"]
            jobs.append((pattern, repr(unit), lambda size, unit=unit: unit * size, command))
        for kind, text, make, command in jobs:
            if arguments.only in kind or arguments.only in text:
                good = row(kind, text, make, command, arguments, folder) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
