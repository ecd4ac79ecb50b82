#!/usr/bin/env python3
"""Training: time, processor time and peak memory of each library, each in a process of its own.

    training.py LIBRARY KIND FOLDER VOCABULARY-SIZE      one training, for run.py
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".deps" / "bench"
CORPORA = ROOT / ".deps" / "corpora"
RUNS = [
    ("huggingface", "bpe"), ("gigatoken", "bpe"), ("tessera", "bpe"), ("sentencepiece", "bpe"),
    ("huggingface", "wordpiece"), ("tessera", "wordpiece"),
    ("sentencepiece", "unigram"), ("tessera", "unigram"), ("huggingface", "unigram"),
]


def texts(megabytes):
    """A folder with one file for each document, and two single files: NUL between documents, and blank lines between."""
    folder = BENCH / f"text-{megabytes:g}"
    if (folder / "ready").exists():
        return folder
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    data = (CORPORA / "english.txt").read_bytes()
    if len(data) > megabytes * 1e6:
        data = data[: data.rindex(b"\0", 0, int(megabytes * 1e6))]
    (folder / "separated.bin").write_bytes(data)
    (folder / "plain.txt").write_bytes(data.replace(b"\0", b"\n\n"))
    for index, document in enumerate(data.split(b"\0")):
        (folder / "documents" / f"{index:06}.txt").write_bytes(document)
    (folder / "ready").touch()
    return folder


def documents(folder):
    for path in sorted((folder / "documents").iterdir()):
        yield path.read_text("utf-8")


def huggingface(kind, folder, size):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    if kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    elif kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[UNK]"], show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(documents(folder), trainer)
    return tokenizer.to_str()


def gigatoken(kind, folder, size):
    from gigatoken import TextFileSource, train_bpe

    source = TextFileSource([str(folder / "separated.bin")], separator=b"\0")
    vocabulary, merges = train_bpe(source, size, [])
    return vocabulary, merges


def sentencepiece(kind, folder, size):
    from sentencepiece import SentencePieceTrainer

    SentencePieceTrainer.train(
        input=str(folder / "plain.txt"), model_prefix=str(BENCH / f"spm-{kind}"), vocab_size=size, model_type=kind,
        num_threads=os.cpu_count(), minloglevel=2, max_sentence_length=65536, character_coverage=1.0,
    )


def digest(merges):
    """Of merges as pairs of bytes."""
    text = "\n".join(f"{left.hex()} {right.hex()}" for left, right in merges)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_json(text):
    """Of the merges in a byte-level tokenizer.json."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    table.update({chr(256 + index): byte for index, byte in enumerate(byte for byte in range(256) if byte not in plain)})
    model = json.loads(text)["model"]
    pairs = [merge if isinstance(merge, list) else merge.split(" ") for merge in model["merges"]]
    return len(model["vocab"]), digest([tuple(bytes(table[letter] for letter in part) for part in pair) for pair in pairs])


def train(library, kind, folder, size):
    """One training in this process; the result says what was made."""
    result = globals()[library](kind, Path(folder), int(size))
    out = {}
    if library == "huggingface" and kind == "bpe":
        out["vocabulary_size"], out["merges"] = digest_of_json(result)
    elif library == "gigatoken":
        out["vocabulary_size"], out["merges"] = len(result[0]), digest(result[1])
    return out


def measured(command, timeout):
    """Wall time, processor time and peak memory of a command."""
    usage = [sys.executable, ROOT / "Benchmarks" / "usage.py", timeout, *command]
    done = subprocess.run(list(map(str, usage)), capture_output=True, text=True)
    return json.loads(done.stdout) if done.stdout else {"error": "ended without a result"}


def rows(runner, options):
    folder = texts(options.train_megabytes)
    size = 8000 if options.quick else 32_000
    results = {}
    for library, kind in RUNS:
        if library != "tessera" and library not in options.libraries:
            continue
        if library == "tessera":
            target = BENCH / f"trained-{kind}.json"
            command = [runner.tessera, "train", kind, folder / "documents", "--vocab-size", size, "-o", target]
            result = measured(command, options.timeout)
            if kind == "bpe" and "error" not in result:
                result["vocabulary_size"], result["merges"] = digest_of_json(target.read_text("utf-8"))
        else:
            python = ROOT / ".deps" / "peers" / "bin" / "python"
            result = measured([python, __file__, library, kind, folder, size], options.timeout)
            if "error" not in result:
                result.update(json.loads(result["output"].strip().splitlines()[-1]))
        result.pop("output", None)
        results[f"{library} {kind}"] = result
    reference = results.get("huggingface bpe", {}).get("merges")
    for result in results.values():
        if reference and "merges" in result:
            result["same_merges"] = "yes" if result["merges"] == reference else "no"
    return {"megabytes": options.train_megabytes, "vocabulary_size": size, "runs": results}


if __name__ == "__main__":
    print(json.dumps(train(*sys.argv[1:5])))
