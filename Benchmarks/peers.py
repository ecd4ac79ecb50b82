#!/usr/bin/env python3
"""Measures one library in one process: loads a tokenizer, encodes a corpus cold and again, prints one JSON object.

    peers.py LIBRARY --model o200k --corpus english.txt [--prefix N] [--limit MB] [--passes 2] [--threads 1]

The keys are those of `tessera bench encode --json`. Each library gets its fastest call for many documents and what suits it as
input; reading the corpus and turning it into that form is not timed, nor is the checksum.
"""

import argparse
import gc
import itertools
import json
import os
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / ".deps" / "bench" / "models"
VOCABULARIES = ROOT / ".deps" / "vocabularies"

TIKTOKEN = {
    "gpt2": ("gpt2.tiktoken", "R50K"),
    "cl100k": ("cl100k_base.tiktoken", "CL100K"),
    "o200k": ("o200k_base.tiktoken", "O200K"),
    "qwen": ("qwen.tiktoken", "QWEN"),
}
SENTENCEPIECE = {"mistral-v1": VOCABULARIES / "mistral_v1.model", "unigram": MODELS / "unigram.model"}


class Unsupported(Exception):
    """The library has no way to read this vocabulary."""


def batches(documents, size=64):
    for start in range(0, len(documents), size):
        yield documents[start : start + size]


def flat(lists):
    """Ids of all documents as one array, and the number of each."""
    import numpy

    lengths = numpy.fromiter(map(len, lists), numpy.int64, len(lists))
    return numpy.fromiter(itertools.chain.from_iterable(lists), numpy.uint32, int(lengths.sum())), lengths


class HuggingFace:
    """tokenizers: encode_batch_fast, which leaves offsets out, 64 documents at a time (its objects are large)."""

    module = "tokenizers"

    def load(self, name):
        import tokenizers

        self.tokenizer = tokenizers.Tokenizer.from_file(str(MODELS / f"{name}.json"))

    def encode(self, documents, threads):
        out = []
        for batch in batches(documents):
            out += self.tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        return out

    def arrays(self, out):
        return flat([encoding.ids for encoding in out])


class Tiktoken:
    """tiktoken: encode_to_numpy for each document; encode_ordinary_batch with several threads."""

    module = "tiktoken"

    def load(self, name):
        if name not in TIKTOKEN:
            raise Unsupported("no tiktoken file of this vocabulary")
        import base64

        import tiktoken

        file, pattern = TIKTOKEN[name]
        ranks = {}
        for line in (VOCABULARIES / file).read_bytes().splitlines():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        self.tokenizer = tiktoken.Encoding(name, pat_str=self.patterns[pattern], mergeable_ranks=ranks, special_tokens={})

    def prepare(self):
        """Imports that are not part of loading."""
        import sys

        sys.path.insert(0, str(ROOT / "Scripts"))
        from fuzz import vocabularies

        self.patterns = vars(vocabularies)

    def encode(self, documents, threads):
        if threads > 1:
            return self.tokenizer.encode_ordinary_batch(documents, num_threads=threads)
        nothing = set()
        return [self.tokenizer.encode_to_numpy(text, disallowed_special=nothing) for text in documents]

    def arrays(self, out):
        return flat(out)


class SentencePiece:
    """sentencepiece: encode of a list, ids as Python integers."""

    module = "sentencepiece"

    def load(self, name):
        if name not in SENTENCEPIECE:
            raise Unsupported("no SentencePiece file of this vocabulary")
        import sentencepiece

        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(SENTENCEPIECE[name]))

    def encode(self, documents, threads):
        return self.tokenizer.encode(documents, out_type=int, num_threads=threads)

    def arrays(self, out):
        return flat(out)


class Gigatoken:
    """gigatoken: encode_batch over one buffer with a separator, which it splits itself."""

    module = "gigatoken"

    def prepare(self):
        import awkward  # noqa: F401 (it is loaded at the first call otherwise; no import is timed)

    def load(self, name):
        import gigatoken

        self.gigatoken = gigatoken
        self.tokenizer = gigatoken.Tokenizer(str(MODELS / f"{name}.json"))

    def input(self, documents):
        return self.gigatoken.BytesSource("\0".join(documents).encode(), separator=b"\0")

    def encode(self, documents, threads):
        return self.tokenizer.encode_batch(documents, parallel=threads > 1)

    def arrays(self, out):
        import awkward
        import numpy

        return awkward.to_numpy(awkward.flatten(out)), numpy.asarray(awkward.num(out))


class Fastokens:
    """fastokens: encode_batch_flat."""

    module = "fastokens"

    def load(self, name):
        import fastokens

        self.tokenizer = fastokens.Tokenizer.from_file(str(MODELS / f"{name}.json"))

    def encode(self, documents, threads):
        return self.tokenizer.encode_batch_flat(documents, add_special_tokens=False)

    def arrays(self, out):
        import numpy

        return numpy.frombuffer(out[0], numpy.uint32), numpy.diff(numpy.frombuffer(out[1], numpy.uint64).astype(numpy.int64))


class Tokie:
    """tokie: encode_batch_flat."""

    module = "tokie"

    def load(self, name):
        import tokie

        self.tokenizer = tokie.Tokenizer.from_json(str(MODELS / f"{name}.json"))

    def encode(self, documents, threads):
        return self.tokenizer.encode_batch_flat(documents, add_special_tokens=False)

    def arrays(self, out):
        import numpy

        return out[0], out[1].astype(numpy.int64)


class Kitoken:
    """kitoken: encode_all, ids as Python integers; from the SentencePiece file where there is one."""

    module = "kitoken"

    def load(self, name):
        import kitoken

        if name in SENTENCEPIECE:
            self.tokenizer = kitoken.Kitoken.from_sentencepiece_file(str(SENTENCEPIECE[name]))
        else:
            self.tokenizer = kitoken.Kitoken.from_tokenizers_file(str(MODELS / f"{name}.json"))

    def encode(self, documents, threads):
        return self.tokenizer.encode_all(documents, False)

    def arrays(self, out):
        return flat(out)


class RsBpe:
    """rs-bpe: encode_batch of the two encodings that it carries."""

    module = "rs-bpe"

    def load(self, name):
        if name not in ("cl100k", "o200k"):
            raise Unsupported("carries only cl100k and o200k")
        from rs_bpe import bpe

        self.tokenizer = getattr(bpe.openai, f"{name}_base")()

    def encode(self, documents, threads):
        if threads > 1:
            return self.tokenizer.encode_batch_parallel(documents)[0]
        return self.tokenizer.encode_batch(documents)[0]

    def arrays(self, out):
        return flat(out)


LIBRARIES = {
    "huggingface": HuggingFace, "tiktoken": Tiktoken, "sentencepiece": SentencePiece, "gigatoken": Gigatoken,
    "fastokens": Fastokens, "tokie": Tokie, "kitoken": Kitoken, "rs-bpe": RsBpe,
}


def checksum(ids):
    """The sum of id x (2 x place x 0x9E3779B97F4A7C15 + 1) modulo 2^64, as `tessera bench encode` computes it."""
    import numpy

    total = 0
    for start in range(0, len(ids), 1 << 20):
        part = numpy.asarray(ids[start : start + (1 << 20)]).astype(numpy.uint64)
        places = numpy.arange(start, start + len(part), dtype=numpy.uint64)
        weights = places * numpy.uint64(2 * 0x9E3779B97F4A7C15 % 2**64) + numpy.uint64(1)
        total += int((part * weights).sum(dtype=numpy.uint64))
    return f"{total % 2**64:x}"


def peak_resident():
    """The largest resident size of this process, in bytes; getrusage would keep that of the program that started it."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read_documents(path, limit):
    with open(path, "rb") as file:
        data = file.read() if limit is None else file.read(int(limit * 1e6) + 100_000)
    left, out = float("inf") if limit is None else limit * 1e6, []
    for document in data.split(b"\0"):
        left -= len(document)
        if left < 0:
            break
        out.append(document.decode())
    return out


def measure(options):
    library = LIBRARIES[options.library]()
    if hasattr(library, "prepare"):
        library.prepare()
    __import__(library.module.replace("-", "_"))
    before = peak_resident()
    wall, cpu = time.perf_counter(), time.process_time()
    library.load(options.model)
    load = time.perf_counter() - wall, time.process_time() - cpu
    after_load = peak_resident()
    documents = read_documents(options.corpus, options.limit)
    size = sum(len(document.encode()) for document in documents)
    given = library.input(documents) if hasattr(library, "input") else documents
    before_encoding = peak_resident()
    gc.disable()
    passes, sums, peak = [], set(), 0
    for _ in range(options.passes):
        wall, cpu = time.perf_counter(), time.process_time()
        out = library.encode(given, options.threads)
        times = time.perf_counter() - wall, time.process_time() - cpu
        peak = peak or peak_resident()
        passes.append({
            "cpu_seconds": times[1], "wall_seconds": times[0], "megabytes_per_cpu_second": size / 1e6 / times[1],
            "megabytes_per_second": size / 1e6 / times[0],
        })
        ids, lengths = library.arrays(out)
        prefix = len(ids) if options.prefix is None else int(lengths[: options.prefix].sum())
        sums.add((checksum(ids), checksum(ids[:prefix]), len(ids), len(lengths)))
        del out, ids, lengths
    if len(sums) != 1:
        raise RuntimeError("the passes gave different ids")
    all_ids, prefix_ids, tokens, count = sums.pop()
    if count != len(documents):
        raise RuntimeError(f"gave {count} results for {len(documents)} documents")
    return {
        "documents": len(documents), "bytes": size, "tokens": tokens, "checksum": all_ids, "prefix_checksum": prefix_ids,
        "load_wall_seconds": load[0], "load_cpu_seconds": load[1], "resident_before_load": before,
        "resident_after_load": after_load, "resident_before_encoding": before_encoding, "peak_resident": peak,
        "threads": options.threads, "passes": passes,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library", choices=LIBRARIES)
    parser.add_argument("--model", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--prefix", type=int)
    parser.add_argument("--limit", type=float)
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    try:
        result = measure(parser.parse_args())
    except Unsupported as reason:
        result = {"unsupported": str(reason)}
    except Exception as error:  # a library may raise anything; the run names it and goes on
        result = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
