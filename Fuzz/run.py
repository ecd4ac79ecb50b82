#!/usr/bin/env python3
"""Fuzzes every parser of TesseraText with libFuzzer and AddressSanitizer, and prints what was run and covered.

    python3 Fuzz/run.py --seconds 600 [--only NAME,...] [--corpus .build/fuzz]

The seeds are the fixtures of the tests; what the fuzzer adds to them is kept in the corpus for the next run. An input that
crashes, runs longer than five seconds or takes more than 2 GiB ends its parser's run and is named; the exit status is then 1.
"""

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests" / "Fixtures"

# The longest input of each parser, in bytes; a short one is tried more often.
LONGEST = {
    "json": 4096, "tokenizer": 16384, "sentencepiece": 20000, "tiktoken": 8192, "tekken": 32768, "gguf": 16384,
    "vocabulary": 4500, "wordpieces": 2048, "oniguruma": 400, "rust": 400, "template": 4096, "normalizer": 1024,
    "pretokenizer": 1024, "decoder": 1024, "charsmap": 8192, "mapped": 1 << 20,
}


def text_of(value):
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def stage_seeds(name):
    for case in json.loads((FIXTURES / "text" / "stages" / f"{name}.json").read_text())["cases"]:
        given = case["in"]
        # A whole table of replacements would make every seed too long.
        if b"charsmap" in text_of(given[name]):
            continue
        text = given["text"] if "text" in given else "\x01".join(given["tokens"])
        yield text_of(given[name]) + b"\0" + text.encode("utf-8", "surrogatepass")


def tekken_seed():
    vocab = [{"rank": i, "token_bytes": base64.b64encode(bytes([i])).decode(), "token_str": None} for i in range(256)]
    vocab += [{"rank": 256 + i, "token_bytes": base64.b64encode(t).decode(), "token_str": t.decode()}
              for i, t in enumerate([b"th", b"the", b" a"])]
    config = {"pattern": r"\p{L}+|\s+", "num_vocab_tokens": 259, "default_vocab_size": 262,
              "default_num_special_tokens": 3, "version": "v3"}
    special = [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(["<unk>", "<s>", "</s>"])]
    yield text_of({"config": config, "vocab": vocab, "special_tokens": special})
    yield text_of({"config": config, "vocab": vocab})


def fields(message):
    """The fields of a protobuf message that hold bytes, with their numbers."""
    def number(at):
        value = shift = 0
        while True:
            value |= (message[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 128:
                return value, at

    at = 0
    while at < len(message):
        tag, at = number(at)
        if tag & 7 == 2:
            length, at = number(at)
            yield tag >> 3, message[at:at + length]
            at += length
        else:
            at = number(at)[1] if tag & 7 == 0 else at + (4 if tag & 7 == 5 else 8)


def sentencepiece_map(path):
    normalizer = next(value for field, value in fields(path.read_bytes()) if field == 3)
    return next(value for field, value in fields(normalizer) if field == 2)


def mapped_seeds():
    """The smallest fixtures in the mapped form, written by the release build where there is one."""
    tessera = ROOT / ".build" / "release" / "tessera"
    if not tessera.exists():
        return
    smallest = sorted((FIXTURES / "text" / "tokenizers").glob("*.json"), key=lambda path: path.stat().st_size)
    for path in smallest[:6]:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "seed.tessera"
            command = [str(tessera), "convert", "--tokenizer", str(path), "--output", str(target)]
            if subprocess.run(command, capture_output=True).returncode == 0:
                yield target.read_bytes()


def seeds(name):
    """The inputs that a parser's run starts from."""
    if name == "json":
        for path in sorted((FIXTURES / "text" / "tokenizers").glob("*.json")):
            yield path.read_bytes()[:4096]
        yield rb'{"a":[1,-2.5e3,true,null,"\ud83d\ude00\n\u00e9"],"a":{}}'
    elif name == "tokenizer":
        for path in sorted((FIXTURES / "text" / "tokenizers").glob("*.json")):
            yield path.read_bytes()
    elif name == "sentencepiece":
        for folder in ("sentencepiece", "text/tokenizers"):
            for path in sorted((FIXTURES / folder).glob("*.model")):
                yield path.read_bytes()
    elif name == "tiktoken":
        yield (FIXTURES / "text" / "tokenizers" / "ranks.tiktoken").read_bytes()
    elif name == "tekken":
        yield from tekken_seed()
    elif name == "gguf":
        for path in sorted((FIXTURES / "gguf").glob("*.gguf")):
            yield path.read_bytes()
    elif name == "vocabulary":
        for family in ("clip", "gpt2", "roberta"):
            parts = [(FIXTURES / "vocabulary" / f"{family}-{part}").read_bytes() for part in ("vocab.json", "merges.txt")]
            yield b"\0".join(parts)
    elif name == "wordpieces":
        yield (FIXTURES / "vocabulary" / "bert-vocab.txt").read_bytes()
    elif name in ("oniguruma", "rust"):
        for entry in json.loads((FIXTURES / "pattern" / "cases.json").read_text()):
            if entry["dialect"] == name:
                text = "".join(case[0] for case in entry["cases"][:4])
                yield entry["pattern"].encode() + b"\0" + text.encode("utf-8", "surrogatepass")
    elif name == "template":
        for file in ("cases", "families"):
            for template in json.loads((FIXTURES / "chat" / f"{file}.json").read_text())["templates"]:
                yield template.encode("utf-8", "surrogatepass")
    elif name == "charsmap":
        yield base64.b64decode(json.loads((FIXTURES / "unicode" / "charsmap.json").read_text())["charsmap"])
        yield sentencepiece_map(FIXTURES / "sentencepiece" / "unigram_rules_bytes.model")
    elif name == "mapped":
        yield from mapped_seeds()
    else:
        fixture = "pre_tokenizer" if name == "pretokenizer" else name
        yield from stage_seeds(fixture)


def build(folder):
    sources = sorted((ROOT / "Sources" / "TesseraText").rglob("*.swift")) + [ROOT / "Fuzz" / "ParserFuzzer.swift"]
    program = folder / "parsers"
    newest = max(path.stat().st_mtime for path in sources)
    if program.exists() and program.stat().st_mtime > newest:
        return program
    command = ["swiftc", "-O", "-wmo", "-swift-version", "6", "-enable-upcoming-feature", "ExistentialAny",
               "-parse-as-library", "-sanitize=fuzzer,address", "-module-name", "TesseraText", "-o", str(program)]
    result = subprocess.run(command + [str(path) for path in sources], capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return program


def dictionary(folder):
    """The words that the sources look for: keys, names of stages, words of templates."""
    words = set()
    for path in (ROOT / "Sources" / "TesseraText").rglob("*.swift"):
        if path.name.endswith("Data.swift") or path.name.endswith("Tables.swift"):
            continue
        words.update(re.findall(r'"([A-Za-z_\\<>|{}%:(?=!]{2,28})"', path.read_text()))
    file = folder / "words.dict"
    lines = [f'"{word}"' for word in sorted(words) if "\\" not in word]
    file.write_text("\n".join(lines) + "\n")
    return file


def run(program, name, seconds, folder, words):
    corpus = folder / "corpus" / name
    findings = folder / "findings" / name
    for path in (corpus, findings, folder / "seeds" / name):
        path.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(seeds(name)):
        if len(seed) <= LONGEST[name]:
            (folder / "seeds" / name / f"{index:04}").write_bytes(seed)
    # The traps of Swift are signals; its own report of them would be slow and is not needed.
    environment = dict(os.environ, PARSER=name, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=0")
    command = [str(program), str(corpus), str(folder / "seeds" / name), f"-max_total_time={seconds}",
               f"-max_len={LONGEST[name]}", "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-dict={words}", f"-artifact_prefix={findings}/"]
    result = subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
    log = result.stderr.decode(errors="replace")
    (folder / f"{name}.log").write_text(log)
    edges = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    executions = re.findall(r"number_of_executed_units:\s*(\d+)", log)
    if not executions:
        executions = re.findall(r"^#(\d+)", log, re.M)
    peak = re.findall(r"peak_rss_mb:\s*(\d+)", log) or re.findall(r"rss: (\d+)Mb", log)
    found = re.findall(r"Test unit written to (\S+)", log)
    return executions[-1] if executions else "0", edges[-1] if edges else ("0", "0", "0"), (peak or ["0"])[-1], found


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--seconds", type=int, default=600, help="time for all parsers together")
    options.add_argument("--only", default="", help="parsers, separated by commas")
    options.add_argument("--corpus", type=Path, default=ROOT / ".build" / "fuzz")
    arguments = options.parse_args()
    names = [name for name in arguments.only.split(",") if name] or list(LONGEST)
    arguments.corpus.mkdir(parents=True, exist_ok=True)
    program, words = build(arguments.corpus), dictionary(arguments.corpus)
    share = max(arguments.seconds // len(names), 1)
    print(f"{'parser':14}{'executions':>12}{'edges':>8}{'features':>10}{'corpus':>8}{'MB':>6}  findings", flush=True)
    failed, total = False, 0
    for name in names:
        executions, (edges, features, size), peak, found = run(program, name, share, arguments.corpus, words)
        total += int(executions)
        failed = failed or bool(found)
        print(f"{name:14}{executions:>12}{edges:>8}{features:>10}{size:>8}{peak:>6}  {' '.join(found) or '-'}", flush=True)
    print(f"{'total':14}{total:>12}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
