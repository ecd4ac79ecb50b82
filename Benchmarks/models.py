#!/usr/bin/env python3
"""Makes the tokenizers of the benchmark: published vocabularies as tokenizer.json, and two kinds trained on the corpora.

    models.py NAME...       prints the path of each, made once and kept in .deps/bench/models

The JSON files are in the customary form of each vocabulary, so that every library sees the pattern it knows.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Scripts"))

FOLDER = ROOT / ".deps" / "bench" / "models"
CORPORA = ROOT / ".deps" / "corpora"
VOCABULARIES = ROOT / ".deps" / "vocabularies"
TRAINING_SHARE = 6_000_000  # bytes of each corpus for the vocabularies that are trained here


def documents(name, size):
    """The first documents of a corpus, about `size` bytes of them."""
    with open(CORPORA / f"{name}.txt", "rb") as file:
        return file.read(size).decode("utf-8", "ignore").split("\0")[:-1]


def training_lines():
    for name in ("english", "code", "multilingual"):
        for document in documents(name, TRAINING_SHARE):
            yield from (line for line in document.split("\n") if line.strip())


def gpt2(built):
    return built.build_gpt2()


def cl100k(built):
    return {**built.build_llama3(), "added_tokens": [], "post_processor": None}


def o200k(built):
    return built.build_o200k()


def qwen(built):
    return built.build_qwen2()


def deepseek(built):
    return json.loads((VOCABULARIES / "deepseek.json").read_text("utf-8"))


def tekken(built):
    return built.build_tekken()


def mistral_v1(built):
    return built.build_mistral(VOCABULARIES / "mistral_v1.model", metaspace=False)


def wordpiece(built):
    """WordPiece, 32k, lower case, as BERT cuts words."""
    from fuzz import trained

    return trained.bert(True, size=32_000, lines=training_lines())


def unigram_model():
    """Unigram, 8k, with the nmt_nfkc normalization: a SentencePiece file."""
    path = FOLDER / "unigram.model"
    if not path.exists():
        import sentencepiece

        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=training_lines(), model_prefix=str(FOLDER / "unigram.part"), vocab_size=8000,
            model_type="unigram", normalization_rule_name="nmt_nfkc", input_sentence_size=150_000,
            shuffle_input_sentence=False, num_threads=2, minloglevel=2,
        )
        (FOLDER / "unigram.part.vocab").unlink()
        os.replace(FOLDER / "unigram.part.model", path)
    return path


def unigram(built):
    """The same as tokenizer.json, in the form that converters give T5."""
    import base64

    proto = built.sentencepiece_proto(unigram_model())
    pieces = [[piece.piece, piece.score] for piece in proto.pieces]
    metaspace = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    charsmap = base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    normalizers = [{"type": "Precompiled", "precompiled_charsmap": charsmap}, strip, spaces]
    return built.document(
        {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False},
        added_tokens=[built.added(index, piece.piece) for index, piece in enumerate(proto.pieces) if piece.type in (2, 3)],
        normalizer=built.sequence("normalizer", normalizers),
        pre_tokenizer=metaspace,
        decoder=metaspace,
    )


MODELS = {
    "gpt2": gpt2, "cl100k": cl100k, "o200k": o200k, "qwen": qwen, "deepseek": deepseek, "tekken": tekken,
    "mistral-v1": mistral_v1, "wordpiece": wordpiece, "unigram": unigram,
}


def path_of(name):
    """The tokenizer.json of a row, made when it is not there."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        from fuzz import vocabularies

        FOLDER.mkdir(parents=True, exist_ok=True)
        vocabularies.save(path, MODELS[name](vocabularies))
    return path


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(path_of(name))
