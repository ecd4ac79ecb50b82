"""What is compared with what: every configuration by name."""

import json

import tiktoken
import tokenizers

from . import references
from .stage_configurations import HostileConfiguration, StageConfiguration, SweepConfiguration
from .tokenizer_configurations import HuggingFaceConfiguration, InvalidBytesConfiguration, RandomTokenizers
from .tokenizer_configurations import SentencePieceConfiguration, TiktokenConfiguration
from .trained import MAKERS, SENTENCEPIECE, sentencepiece_file, trained
from .vocabularies import BUILDERS, FETCHED, LLAMA3, TIKTOKEN_FILES, built, ranks, tekken, tiktoken_encoding


def standard_tiktoken(name):
    file = TIKTOKEN_FILES[name][0]
    arguments = ["--tokenizer", str(FETCHED / file), "--encoding", name]
    # The tokenizer of these models composes the text before tiktoken sees it.
    normalizer = tokenizers.normalizers.NFC() if name == "qwen" else None
    return references.Tiktoken(tiktoken_encoding(name), normalizer=normalizer), arguments


def custom_tiktoken():
    # None is the beginning of another: the library tries them in no particular order.
    specials = {"<|a|>": 100260, "<|b|>": 100261, " x ": 100300, "é": 100301, "Ġ": 100302, "İ\n": 100303}
    pattern = LLAMA3.replace("{1,3}", "{1,2}") + "|."
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks("cl100k_base.tiktoken"),
        special_tokens=specials)
    arguments = ["--tokenizer", str(FETCHED / "cl100k_base.tiktoken"), "--pattern", pattern]
    return references.Tiktoken(encoding), [*arguments, "--special", json.dumps(specials)]


def tekken_tiktoken(name):
    config, table = tekken(name)
    encoding = tiktoken.Encoding("tekken", pat_str=config["pattern"], mergeable_ranks=table, special_tokens={})
    return references.Tiktoken(encoding, shift=1000), ["--tokenizer", str(FETCHED / name)]


def configurations(seed):
    """All of them by name, in the order of the report. The ones under EXTRA run only when asked for."""
    out = []
    for kind in ("normalizer", "pre_tokenizer", "decoder"):
        out.append(StageConfiguration(f"stage-{kind}", seed, kind))
    for name in TIKTOKEN_FILES:
        out.append(TiktokenConfiguration(f"tiktoken-{name}", seed, lambda name=name: standard_tiktoken(name)))
    out.append(TiktokenConfiguration("tiktoken-custom", seed, custom_tiktoken))
    out.append(TiktokenConfiguration("tekken-240911", seed, lambda: tekken_tiktoken("tekken_240911.json")))
    out.append(TiktokenConfiguration("tekken-240718", seed, lambda: tekken_tiktoken("tekken_240718.json")))
    for version in ("v1", "v2", "v3", "v7"):
        file = f"mistral_{version}.model"
        out.append(SentencePieceConfiguration(f"spm-mistral-{version}", seed, lambda file=file: FETCHED / file))
    for name in SENTENCEPIECE:
        out.append(SentencePieceConfiguration(f"spm-{name}", seed, lambda name=name: sentencepiece_file(name)))
    for name in ("anthropic", "deepseek", "clip"):
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: FETCHED / f"{name}.json"))
    for name in BUILDERS:
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: built(name)))
    for name in MAKERS:
        out.append(HuggingFaceConfiguration(f"json-{name}", seed, lambda name=name: trained(name)))
    out.append(RandomTokenizers("random-tokenizers", seed))
    out.append(HostileConfiguration("hostile-lines", seed))
    out.append(InvalidBytesConfiguration("invalid-bytes", seed, lambda: standard_tiktoken("cl100k_base")))
    out.append(SweepConfiguration("sweep", seed))
    return {configuration.name: configuration for configuration in out}


EXTRA = {"invalid-bytes", "sweep"}
# Shares of the cases; one when not named.
WEIGHTS = {"stage-normalizer": 4, "stage-pre_tokenizer": 4, "stage-decoder": 3, "random-tokenizers": 8,
    "hostile-lines": 0.5}
