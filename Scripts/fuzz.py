"""Compares `tessera` with tokenizers 0.23.3 on random hard strings, over tokenizers of every model and many pipelines.

Ids, offsets, tokens, type ids, masks, word ids and decoded texts must be equal. Prints one row per configuration and ends with
status 1 when anything differs. The tokenizers are trained here, on the project's own documents and on a line of many scripts.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

ROOT = pathlib.Path(__file__).parent.parent
SCRIPTS = "日本語のテキスト 한국어 العربية हिन्दी Ελληνικά Русский текст ünïcödé ﬁ ﬂ １２３ naïve café 🎉👨‍👩‍👧 "
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
BYTES = pre_tokenizers.ByteLevel.alphabet()
FALLBACK = [f"<0x{i:02X}>" for i in range(256)]
SPM_DECODER = {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}


def corpus():
    for path in sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("Sources/TesseraText/*.swift")):
        yield path.read_text()
    yield SCRIPTS * 5


def trained(model, trainer, **parts):
    tokenizer = Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def byte_level(specials, **options):
    return trainers.BpeTrainer(vocab_size=1200, initial_alphabet=BYTES, special_tokens=specials, show_progress=False,
                               **options)


def edited(tokenizer, edit):
    document = json.loads(tokenizer.to_str())
    edit(document)
    return Tokenizer.from_str(json.dumps(document))


def without_fallback_tokens(document):
    document["added_tokens"] = [t for t in document["added_tokens"] if not t["content"].startswith("<0x")]
    document["decoder"] = SPM_DECODER
    document["model"]["byte_fallback"] = True


def configurations():
    level = pre_tokenizers.ByteLevel
    yield "gpt2", trained(models.BPE(), byte_level(["<|endoftext|>"]), pre_tokenizer=level(add_prefix_space=False),
                          decoder=decoders.ByteLevel(), post_processor=processors.ByteLevel(trim_offsets=False))
    for trim in (True, False):
        roberta = trained(models.BPE(unk_token="<unk>"), byte_level(["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
                          pre_tokenizer=level(add_prefix_space=trim), decoder=decoders.ByteLevel())
        roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=trim,
                                                              add_prefix_space=trim)
        roberta.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
        yield f"roberta trim={trim}", roberta
    for name, pattern in (("llama3", LLAMA3), ("o200k", O200K)):
        tokenizer = trained(
            models.BPE(ignore_merges=True), byte_level(["<|begin_of_text|>", "<|end_of_text|>"]),
            pre_tokenizer=pre_tokenizers.Sequence(
                [pre_tokenizers.Split(Regex(pattern), "isolated"), level(add_prefix_space=False, use_regex=False)]),
            decoder=decoders.ByteLevel())
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing("<|begin_of_text|> $A", "<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                                          [("<|begin_of_text|>", 0)])])
        yield name, tokenizer
        tokenizer.normalizer = normalizers.NFC() if name == "llama3" else normalizers.NFKC()
        yield name + " normalized", tokenizer
    for lower in (True, False):
        for accents in (None, True, False):
            bert = trained(models.WordPiece(unk_token="[UNK]"),
                           trainers.WordPieceTrainer(vocab_size=1200, show_progress=False, special_tokens=[
                               "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
                           normalizer=normalizers.BertNormalizer(lowercase=lower, strip_accents=accents),
                           pre_tokenizer=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece())
            bert.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)) if accents else \
                processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1",
                                              [("[CLS]", 2), ("[SEP]", 3)])
            yield f"bert lower={lower} accents={accents}", bert
    for fallback in (False, True):
        unigram = trained(
            models.Unigram(),
            trainers.UnigramTrainer(vocab_size=700 + 256 * fallback, unk_token="<unk>", show_progress=False,
                                    special_tokens=["<unk>", "<s>", "</s>"] + FALLBACK * fallback),
            normalizer=normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(),
                                             normalizers.Replace(Regex(" {2,}"), " ")]),
            pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())
        yield f"unigram fallback={fallback}", edited(unigram, without_fallback_tokens) if fallback else unigram
    suffix = trained(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>", fuse_unk=True),
                     trainers.BpeTrainer(vocab_size=900, limit_alphabet=80, special_tokens=["<unk>"],
                                         end_of_word_suffix="</w>", show_progress=False),
                     normalizer=normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(),
                                                      normalizers.StripAccents()]),
                     pre_tokenizer=pre_tokenizers.Whitespace(), decoder=decoders.BPEDecoder())
    suffix.add_tokens([AddedToken("Hello", single_word=True), AddedToken("World", lstrip=True, rstrip=True),
                       AddedToken("ABC def", normalized=True), AddedToken("<X>", normalized=False),
                       AddedToken("<XY>", normalized=False, rstrip=True)])
    yield "characters with suffix", suffix
    llama = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
                    trainers.BpeTrainer(vocab_size=1200, limit_alphabet=90, max_token_length=12, show_progress=False,
                                        special_tokens=["<unk>", "<s>", "</s>"] + FALLBACK),
                    pre_tokenizer=pre_tokenizers.Metaspace())
    llama = edited(llama, without_fallback_tokens)
    llama.post_processor = processors.TemplateProcessing("<s> $A", "<s> $A <s>:1 $B:1", [("<s>", 1)])
    yield "llama metaspace", llama
    llama.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    yield "llama metaspace first", llama
    legacy = edited(llama, lambda document: document.update(pre_tokenizer=None))
    legacy.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    yield "llama legacy", legacy
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        yield f"words {behavior}", trained(
            models.WordLevel(unk_token="<unk>"),
            trainers.WordLevelTrainer(vocab_size=900, special_tokens=["<unk>"], show_progress=False),
            pre_tokenizer=pre_tokenizers.Sequence([
                pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(behavior == "isolated"),
                pre_tokenizers.Punctuation(behavior), pre_tokenizers.UnicodeScripts()]))


ATOMS = [
    "Hello", "World", "hello world", "ABC def", "abc def", "<X>", "<XY>", "<s>", "</s>", "<mask>", "<|endoftext|>",
    "<|begin_of_text|>", "<|begin_of", "_text|>", "[CLS]", "<unk>", "don't", "I'LL", "'s", "'\u017f", "  ", "   ",
    "\n", "\r\n", "\t", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\ufeff", "\u200b", "\x1c", "\u3000", "é",
    "e\u0301", "ﬁ", "ŉ", "İ", "ß", "ﬀ", "ｶﾞ", "한국", "각", "日本語", "漢字", "カタカナー", "العربية", "हिन्दी", "ไทย",
    "👨‍👩‍👧", "🇩🇪", "🎉", "१२", "Ⅷ", "½", "123", "1234567", "foo_bar", "x=1;", "https://a.b/c?d=e", "▁", "▁▁", " ▁",
    "Ġ", "<0x41>", "\ue000", "\U0001fffe", "\u0378", "\u0345\u0301", "a\u0323\u0307", "\u1e9b\u0323", "。", "！",
    "«»", "–", "$€", "a" * 120, "!" * 5, " .", " ,", "'m", "do not", "\ufffd", "\u0344", "\u0f73", "क्ष",
    "\u1100\u1161\u11a8"]
RANGES = [(32, 126), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF)]


def string(stream):
    parts = []
    for _ in range(stream.randint(0, 12)):
        kind = stream.random()
        if kind < 0.75:
            parts.append(stream.choice(ATOMS))
        elif kind < 0.9:
            parts.append(chr(stream.randint(*stream.choice(RANGES))))
        else:
            parts.append(" ")
        if stream.random() < 0.3:
            parts.append(" ")
    return "".join(parts)


def columns(encoding):
    return dict(ids=encoding.ids, offsets=[list(o) for o in encoding.offsets], tokens=encoding.tokens,
                type_ids=encoding.type_ids, attention_mask=encoding.attention_mask,
                special_tokens_mask=encoding.special_tokens_mask, word_ids=encoding.word_ids,
                overflowing=[columns(o) for o in encoding.overflowing])


def reference(call):
    try:
        return call()
    except BaseException as error:  # the reference may panic
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"error": str(error)}


def answers(command, requests):
    run = subprocess.run(command, input="".join(json.dumps(r) + "\n" for r in requests), capture_output=True, text=True)
    lines = [json.loads(line) for line in run.stdout.split("\n") if line]
    if len(lines) != len(requests):
        raise SystemExit(f"{len(lines)} answers to {len(requests)} requests: {run.stderr.strip()[-500:]}")
    return lines


def different(ours, theirs):
    return not ("error" in ours and "error" in theirs) and ours != theirs


def truncation(stream):
    # Below the size of the template the reference subtracts past zero and cuts nothing; tessera refuses.
    return dict(max_length=stream.randint(4, 14), stride=stream.choice([0, 0, 1, 2]),
                strategy=stream.choice(["longest_first", "only_first", "only_second"]),
                direction=stream.choice(["left", "right"]))


def padding(stream):
    return dict(direction=stream.choice(["left", "right"]), pad_id=0, pad_type_id=0, pad_token="[PAD]",
                length=stream.choice([None, 8]), pad_to_multiple_of=stream.choice([None, 8]))


def batch(tokenizer, request):
    tokenizer.enable_truncation(**request["truncation"]) if "truncation" in request else tokenizer.no_truncation()
    tokenizer.enable_padding(**request["padding"]) if "padding" in request else tokenizer.no_padding()
    inputs = [tuple(item) if isinstance(item, list) else item for item in request["batch"]]
    try:
        return {"encodings": [columns(e) for e in tokenizer.encode_batch(inputs)]}
    finally:
        tokenizer.no_truncation()
        tokenizer.no_padding()


def check(name, tokenizer, arguments, folder):
    path = f"{folder}/tokenizer.json"
    tokenizer.save(path)
    stream = random.Random(f"{arguments.seed} {name}")
    requests, expected = [], []
    for number in range(arguments.cases):
        if number % 10 == 9:
            request = {"batch": [[string(stream), string(stream)] if stream.random() < 0.3 else string(stream)
                                 for _ in range(3)]}
            if stream.random() < 0.7:
                request["truncation"] = truncation(stream)
            if stream.random() < 0.5:
                request["padding"] = padding(stream)
            expected.append(reference(lambda: batch(tokenizer, request)))
        else:
            request = {"text": string(stream), "add_special_tokens": stream.random() < 0.7}
            if stream.random() < 0.2:
                request["pair"] = string(stream)
            expected.append(reference(lambda: columns(tokenizer.encode(
                request["text"], request.get("pair"), add_special_tokens=request["add_special_tokens"]))))
        requests.append(request)
    pairs = list(zip(requests, answers([arguments.tessera, "encode", "--tokenizer", path, "--jsonl"], requests), expected))
    size = tokenizer.get_vocab_size()
    requests, expected = [], []
    for _, _, theirs in pairs[: len(pairs) // 2]:
        request = {"ids": theirs.get("ids", []) + [stream.randrange(size + 3) for _ in range(stream.randint(0, 5))],
                   "skip_special_tokens": stream.random() < 0.5}
        requests.append(request)
        expected.append({"text": tokenizer.decode(request["ids"], skip_special_tokens=request["skip_special_tokens"])})
    pairs += zip(requests, answers([arguments.tessera, "decode", "--tokenizer", path, "--jsonl"], requests), expected)
    wrong = [pair for pair in pairs if different(*pair[1:])]
    print(f"{name:32} {len(pairs):8} cases {len(wrong):6} differences", flush=True)
    for request, ours, theirs in wrong[:2]:
        print("   request", json.dumps(request, ensure_ascii=False)[:400])
        print("   ours   ", json.dumps(ours, ensure_ascii=False)[:400])
        print("   theirs ", json.dumps(theirs, ensure_ascii=False)[:400])
    return len(pairs), len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tessera", required=True)
    parser.add_argument("--cases", type=int, default=2000, help="encodings per configuration")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    total = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, tokenizer in configurations():
            cases, differences = check(name, tokenizer, arguments, folder)
            total += cases
            wrong += differences
    print(f"{total - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
