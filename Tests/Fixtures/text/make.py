#!/usr/bin/env python3
"""Makes the parity fixtures beside this file: what the reference libraries answer on hard cases.

    python Tests/Fixtures/text/make.py [--retrain]

Needs the packages of Scripts/fuzz/requirements.txt, and Scripts/fetch_vocabularies.py first. The small tokenizers that
are there stay as they are unless --retrain is given (training is not the same twice); the same files give the same cases.

Every text comes from Scripts/fuzz/strings.py, so the files hold nobody else's words. What is written:

- tokenizers/: small tokenizers trained on those texts (tokenizer.json, .model, .tiktoken);
- cases/NAME.json: {"tokenizer": file in tokenizers/ or in .deps/vocabularies (then "fetched" is true),
  "arguments": [--encoding and the like], "cases": [{"verb", "in", "out"}]};
- stages/normalizer.json, pre_tokenizer.json, decoder.json: {"cases": [{"in", "out"}]}.

"in" is a line of the command's machine contract, "out" its answer, shortened: `offsets` is one flat list, `type_ids`
and `special_tokens_mask` are left out when all 0, `attention_mask` when all 1, `tokens` when each is the vocabulary's
entry for its id, `overflowing` when empty. "out": {"error": true} where the reference refuses. Cases on which it
panics are not here.
"""

import argparse
import base64
import json
import os
import random
import shutil
import sys
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "Scripts"))

import tiktoken
import tokenizers

from fuzz import configuration as shared
from fuzz import references, trained, vocabularies
from fuzz.configurations import configurations
from fuzz.pipelines import Pipelines
from fuzz.strings import CODE, SCRIPTS, HardStrings
from fuzz.tokenizer_configurations import (
    HuggingFaceConfiguration,
    SentencePieceConfiguration,
    TiktokenConfiguration,
)
from fuzz.vocabularies import added, byte_level, sequence, split, template

SEED = 7
TOKENIZERS, CASES, STAGES = HERE / "tokenizers", HERE / "cases", HERE / "stages"
LONGEST = 100
PER_SMALL, PER_FETCHED, PER_RANDOM, PER_STAGE = 48, 48, 36, 800


def write(path, value):
    """One case per line, so that a change of one case is a change of one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = lambda item: json.dumps(item, ensure_ascii=True, separators=(",", ":"))
    head = {key: item for key, item in value.items() if key != "cases"}
    lines = ",\n".join(plain(case) for case in value["cases"])
    start = plain(head)[:-1] + ("," if head else "")
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(f'{start}"cases":[\n{lines}\n]}}\n', "ascii")
    os.replace(temporary, path)


def training_lines():
    """The sentences, their words in several cases, and some hard strings."""
    hard = HardStrings(SEED)
    out = [text for text in SCRIPTS + CODE for _ in range(12)]
    out += [text for text in SCRIPTS[:3] + CODE for _ in range(60)]
    out += [word for text in SCRIPTS + CODE for word in text.split() for _ in range(3)]
    out += [text.lower() for text in SCRIPTS] + [text.upper() for text in SCRIPTS]
    return out + [hard.text()[:80].replace("\0", "") for _ in range(400)]


# A small table of replacements in the shape of NFKC: the published ones are a quarter of a megabyte.
def normalization_rules():
    sources = [*range(0xFF01, 0xFF5F), *range(0xFF61, 0xFFA0), *range(0xFB00, 0xFB07), *range(0x2160, 0x2180)]
    sources += [*range(0x2460, 0x2474), *range(0x3300, 0x3310), 0xA0, 0x2003, 0x3000, 0xBD, 0x2122, 0x212B, 0xFDFA,
        0x1E9B]
    rules = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in sources}
    for base in "カキクケコサシスセソタチツテトハヒフヘホウ":
        half = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF61, 0xFFA0)}[base]
        for mark, half_mark in (("\u3099", "\uff9e"), ("\u309a", "\uff9f")):
            whole = unicodedata.normalize("NFC", base + mark)
            if len(whole) == 1:
                rules[half + half_mark] = rules[base + mark] = whole
    for letter in "aeiouAEIOUcnsy":
        for mark in "\u0300\u0301\u0302\u0303\u0308\u0323\u0327":
            whole = unicodedata.normalize("NFC", letter + mark)
            if len(whole) == 1:
                rules[letter + mark] = whole
    for dropped in "\x01\x02\x7f\u200b\ufeff":
        rules[dropped] = ""
    rules.update({"\t": " ", "\n": " ", "\r": " ", "ß": "ss", "\u1100\u1161": "가", "\u1100\u1161\u11a8": "각"})
    point = lambda text: " ".join(f"{ord(scalar):X}" for scalar in text)
    return "".join(f"{point(key)}\t{point(value)}\n" for key, value in sorted(rules.items()))


def small_model(name, **changes):
    rules = TOKENIZERS / "rules.tsv"
    rules.write_text(normalization_rules(), "ascii")
    options = {"vocab_size": 900, "character_coverage": 0.98, "max_sentence_length": 2000, **changes}
    if trained.SENTENCEPIECE[name].get("normalization_rule_name") != "identity":
        options["normalization_rule_tsv"] = str(rules)
    path = trained.sentencepiece_file(name, training_lines(), TOKENIZERS, **options)
    rules.unlink()
    proto = vocabularies.sentencepiece_proto(path)
    # Where it was made is nobody's business.
    proto.trainer_spec.model_prefix = name
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    path.write_bytes(proto.SerializeToString())
    return path


def byte_level_json(pattern, normalizer=None, **options):
    """Byte-level BPE behind a pattern, as the models after GPT-2 have it."""
    names = ["<|begin|>", "<|end|>", "<|im_start|>"]
    parts = {
        "normalizer": normalizer,
        "pre_tokenizer": sequence("pre_tokenizer", [split(pattern),
        byte_level(regex=False)]) if pattern else byte_level(),
        "decoder": byte_level(),
    }
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700, show_progress=False, initial_alphabet=sorted(vocabularies.byte_letters().values())
    )
    model = trained.train(parts, vocabularies.bpe_model({}, []), trainer, training_lines())
    size = len(model["vocab"])
    tokens = [added(size + index, name) for index, name in enumerate(names)]
    begin = template("<|begin|> $A", "<|begin|> $A <|begin|>:1 $B:1", {"<|begin|>": size})
    parts["post_processor"] = sequence("post", [byte_level(trim=False), begin]) if pattern else byte_level()
    return vocabularies.document({**model, **options}, added_tokens=tokens, **parts)


def sentencepiece_models():
    """Name -> function that trains."""
    sizes = {"unigram-bytes": 1000, "bpe-bytes": 1000}
    names = ["unigram-nmt", "unigram-bytes", "unigram-suffix", "unigram-loose", "bpe-bytes", "bpe-nfkc", "bpe-nodummy"]
    return {name: lambda name=name: small_model(name, vocab_size=sizes.get(name, 900)) for name in [*names, "char",
        "word"]}


def own_limits():
    value = json.loads((TOKENIZERS / "bert-uncased.json").read_text("utf-8"))
    value["truncation"] = {"direction": "Right", "max_length": 24, "strategy": "LongestFirst", "stride": 3}
    value["padding"] = {
        "strategy": {"Fixed": 16}, "direction": "Left", "pad_to_multiple_of": 8, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    return value


def model_file(name):
    return TOKENIZERS / f"spm-{name}.model"


JSON_MAKERS = {
    "bert-uncased": lambda: trained.bert(True, 700, training_lines()),
    "bert-cased": lambda: trained.bert(False, 700, training_lines()),
    "roberta": lambda: trained.roberta(False, True, 600, training_lines()),
    "roberta-prefix": lambda: trained.roberta(True, True, 600, training_lines()),
    "roberta-untrimmed": lambda: trained.roberta(True, False, 600, training_lines()),
    "gpt2": lambda: byte_level_json(None),
    "llama3": lambda: byte_level_json(vocabularies.LLAMA3, ignore_merges=True),
    "qwen2": lambda: byte_level_json(vocabularies.QWEN, {"type": "NFC"}),
    "o200k": lambda: byte_level_json(vocabularies.O200K),
    "charbpe-suffix": lambda: trained.char_bpe(700, training_lines(), end_of_word_suffix="</w>"),
    "charbpe-prefix": lambda: trained.char_bpe(700, training_lines(), continuing_subword_prefix="##"),
    "charbpe-fuse": lambda: trained.char_bpe(600, training_lines(), fuse_unk=True, dropout=0.0),
    "charbpe-bytes": lambda: trained.char_bpe(800, training_lines(), byte_fallback=True, fuse_unk=True),
    "wordlevel-punctuation": lambda: trained.word_level(
        trained.PUNCTUATION, {"type": "Lowercase"}, 600, training_lines()
    ),
    "wordlevel-digits": lambda: trained.word_level(trained.DIGITS, {"type": "StripAccents"}, 600, training_lines()),
    "wordlevel-scripts": lambda: trained.word_level(trained.SCRIPTS, None, 600, training_lines()),
    "unigram-t5": lambda: trained.unigram_json(model_file("unigram-nmt"), "t5"),
    "unigram-xlmr": lambda: trained.unigram_json(model_file("unigram-nmt"), "xlmr"),
    "unigram-byte-fallback": lambda: trained.unigram_json(model_file("unigram-bytes"), "xlmr", byte_fallback=True),
    "mistral-legacy": lambda: vocabularies.build_mistral(model_file("bpe-bytes"), metaspace=False),
    "mistral-metaspace": lambda: vocabularies.build_mistral(model_file("bpe-bytes"), metaspace=True),
    "added-lowercase": lambda: trained.many_added_tokens(1, True, 500, training_lines()),
    "added-nfkd": lambda: trained.many_added_tokens(2, False, 500, training_lines()),
    "own-limits": own_limits,
}


def small_tokenizers():
    """Makes the small tokenizers that are not there; gives name -> file, and the ranks of the tiktoken file."""
    files = {}
    for name, make in sentencepiece_models().items():
        files[f"spm-{name}"] = model_file(name) if model_file(name).exists() else make()
    for name, make in JSON_MAKERS.items():
        path = TOKENIZERS / f"{name}.json"
        if not path.exists():
            vocabularies.save(path, json.dumps(make(), ensure_ascii=False, separators=(",", ":")) + "\n")
        files[name] = path
    model = json.loads(files["gpt2"].read_text("utf-8"))["model"]
    letters = {letter: byte for byte, letter in vocabularies.byte_letters().items()}
    ranks = {bytes(letters[c] for c in token): id for token, id in model["vocab"].items()}
    text = "".join(f"{base64.b64encode(token).decode()} {id}\n" for token,
        id in sorted(ranks.items(), key=lambda i: i[1]))
    files["tiktoken"] = vocabularies.save(TOKENIZERS / "ranks.tiktoken", text)
    return files, ranks


# Choosing


def features(verb, line, out):
    """What is special about a case: neighbouring classes of scalars, rare scalars, options, shapes of the answer."""
    found = {(verb, key, str(line[key])[:60]) for key in line if key not in ("text", "pair", "ids", "batch", "base64",
        "tokens")}
    texts = [line.get("text", ""), line.get("pair", "")] + [str(item) for item in line.get("batch", [])]
    for text in texts + line.get("tokens", []):
        kinds = ["^", *(unicodedata.category(c) if ord(c) > 127 or c.isalnum() else c for c in text), "$"]
        found.update(zip(kinds, kinds[1:]))
        found.update(c for c in text if ord(c) > 0x2FF or c < " ")
    found.update(("id", id) for id in out.get("ids", []))
    found.update(("decoded", id) for id in line.get("ids", [])[:12])
    spans = out.get("offsets", [])
    found.update(("span", min(b - a, 4), min(c - b, 2)) for (a, b), (c, _) in zip(spans, spans[1:]))
    found.update(("piece", piece[0]) for piece in out.get("pieces", []))
    found.add(("special", sum(out.get("special_tokens_mask", []))))
    return found


def choose(candidates, count):
    """Takes cases that bring many new features first, until there are enough; short ones win."""
    known, chosen, left = set(), [], list(candidates)
    for least in (16, 10, 6, 4, 2, 1, 0):
        later = []
        for case in left:
            new = features(*case) - known
            if len(chosen) < count and len(new) >= least:
                chosen.append(case)
                known |= new
            else:
                later.append(case)
        left = later
    return chosen


def size_of(line):
    return len(json.dumps(line, ensure_ascii=False))


def gather(configuration, count, tries):
    """Cases of an opened configuration with the reference's answers, the hardest `count` of them."""
    candidates = []
    for _ in range(tries):
        verb, line = configuration.case()
        if size_of(line) > LONGEST + 140 * ("batch" in line) or configuration.tolerates(verb, line):
            continue
        kind, out = references.ask_reference(configuration.reference, verb, line)
        if kind == "panic" or kind == "error" and random.Random(str(line)).random() < 0.7:
            continue
        candidates.append((verb, line, out if kind == "ok" else {"error": True}))
    return choose(candidates, count)


def shortened(out, entry):
    """`entry` gives the token of an id."""
    if "encodings" in out:
        return {"encodings": [shortened(part, entry) for part in out["encodings"]]}
    out = dict(out)
    if "offsets" in out:
        out["offsets"] = [number for pair in out["offsets"] for number in pair]
    if "overflowing" in out:
        out["overflowing"] = [shortened(part, entry) for part in out["overflowing"]]
    for key, usual in (("type_ids", 0), ("special_tokens_mask", 0), ("attention_mask", 1)):
        if all(value == usual for value in out.get(key, [])):
            out.pop(key, None)
    if not out.get("overflowing", True):
        del out["overflowing"]
    if "tokens" in out and out["tokens"] == [entry(id) for id in out["ids"]]:
        del out["tokens"]
    return out


def write_cases(name, file, arguments, fetched, cases, reference):
    if isinstance(reference, references.HuggingFace):
        entry = reference.tokenizer.id_to_token
    else:
        entry = getattr(getattr(reference, "processor", None), "id_to_piece", None)
    value = {"tokenizer": file, "fetched": fetched, "arguments": arguments}
    items = [{"verb": verb, "in": line, "out": shortened(out, entry)} for verb, line, out in cases]
    write(CASES / f"{name}.json", {**value, "cases": items})


def opened(configuration):
    shared.LINES[:] = [text for text in SCRIPTS]
    configuration.open()
    return configuration


def small_cases(files, ranks):
    for name, path in files.items():
        if name == "tiktoken":
            pattern, special = vocabularies.CL100K, {"<|end|>": len(ranks), "<|x|>": len(ranks) + 3}
            encoding = tiktoken.Encoding("small", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
            arguments = ["--pattern", pattern, "--special", json.dumps(special)]
            reference = references.Tiktoken(encoding)
            configuration = TiktokenConfiguration(name, SEED, lambda: (reference, arguments))
        elif path.suffix == ".model":
            arguments = []
            configuration = SentencePieceConfiguration(name, SEED, lambda path=path: path)
        else:
            arguments = []
            configuration = HuggingFaceConfiguration(name, SEED, lambda path=path: path)
        cases = gather(opened(configuration), PER_SMALL, 1500)
        write_cases(name, path.name, arguments, False, cases, configuration.reference)


def fetched_cases():
    every = configurations(SEED)
    files = {}
    for name, (file, _) in vocabularies.TIKTOKEN_FILES.items():
        files[f"tiktoken-{name}"] = (file, ["--encoding", name])
    for name in ("tekken-240911", "tekken-240718"):
        files[name] = (name.replace("-", "_") + ".json", [])
    for version in ("v1", "v2", "v3", "v7"):
        files[f"spm-mistral-{version}"] = (f"mistral_{version}.model", [])
    for name in ("anthropic", "deepseek", "clip"):
        files[f"json-{name}"] = (f"{name}.json", [])
    for name, (file, arguments) in files.items():
        cases = gather(opened(every[name]), PER_FETCHED, 1000)
        write_cases(f"fetched-{name}", file, arguments, True, cases, every[name].reference)


def pipelines(seed, charsmap):
    hard = HardStrings(seed, ["<x>", "[CLS]", "[SEP]"], SCRIPTS)
    return hard, Pipelines(seed, [charsmap], hard)


def random_cases(charsmap, count=14):
    """Tokenizers of random parts; those that fit in little space."""
    _, maker = pipelines(SEED, charsmap)
    for number in range(1, count + 1):
        name = f"random-{number:02}"
        path = TOKENIZERS / f"{name}.json"
        while not path.exists():
            value = maker.tokenizer()
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
            if value and len(text.encode()) < 25_000 and not unsound(value):
                vocabularies.save(path, text)
        configuration = HuggingFaceConfiguration(name, SEED, lambda path=path: path)
        cases = gather(opened(configuration), PER_RANDOM, 500)
        write_cases(name, path.name, [], False, cases, configuration.reference)


def unsound(value):
    """Byte fallback of a character with prefix or suffix: the reference then gives offsets outside the text."""
    model = value["model"]
    return model.get("byte_fallback") and (model.get("end_of_word_suffix") or model.get("continuing_subword_prefix"))


def stage_cases(charsmap):
    """A third of the stages are single ones: each kind must be there often, alone."""
    for kind in ("normalizer", "pre_tokenizer", "decoder"):
        hard, maker = pipelines(f"{SEED} {kind}", charsmap)
        reference, candidates = references.Stages(), []
        for index in range(9000):
            stage = getattr(maker, kind)(depth=2 if index % 3 == 0 else 0)
            # One copy of the table is enough: the rest name it.
            if kind == "decoder":
                line = {"decoder": stage, "tokens": maker.decoder_tokens()}
            else:
                line = {kind: stage, "text": hard.text()}
            if size_of(line) - size_of(stage) > 90 or size_of(stage) > 700 and charsmap not in json.dumps(stage):
                continue
            answer, out = references.ask_reference(reference, "stage", line)
            if answer == "ok":
                candidates.append(("stage", line, out))
        cases = choose(candidates, PER_STAGE)
        items = json.loads(json.dumps([{"in": line, "out": out} for _, line, out in cases]).replace(charsmap,
            "@charsmap"))
        write(STAGES / f"{kind}.json", {"charsmap": charsmap if kind == "normalizer" else "", "cases": items})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--retrain", action="store_true", help="make the small tokenizers anew")
    retrains = parser.parse_args().retrain
    for folder in (TOKENIZERS, CASES, STAGES):
        if folder != TOKENIZERS or retrains:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    files, ranks = small_tokenizers()
    spec = vocabularies.sentencepiece_proto(files["spm-unigram-nmt"]).normalizer_spec
    charsmap = base64.b64encode(spec.precompiled_charsmap).decode()
    shared.CHARSMAPS[:] = [charsmap]
    small_cases(files, ranks)
    random_cases(charsmap)
    stage_cases(charsmap)
    fetched_cases()
    for folder in (TOKENIZERS, CASES, STAGES):
        paths = sorted(folder.iterdir())
        print(f"{folder.name}: {len(paths)} files, {sum(path.stat().st_size for path in paths):,} bytes")


if __name__ == "__main__":
    main()
