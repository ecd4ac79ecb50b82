#!/usr/bin/env python3
"""Writes expected.json: what transformers makes of folders with vocabulary files and the files beside them.

    python make.py

Each case names files of ../vocabulary, the other files of the folder with their content, and what the library gives for the texts
and the conversations. Needs transformers 4.57.1 and jinja2 3.1.6.
"""

import json
import os
import shutil
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import transformers

HERE = os.path.dirname(os.path.abspath(__file__))
TEXTS = [
    "The quick BROWN fox jumps over straße été ÉTÉ 东京 привет", "  two  spaces ", "they're here, <mask> aren't  <mask>!",
    "a [MASK] b <|im_start|>x <extra> y", "", "\n\n ok é", "[CLS] hi <s> yo </s>",
    "don’t IZZY's 12345 <|endoftext|> q",
]
PAIR = ["The quick fox", "they're <mask> here"]


def pairs(name):
    return {f"{name}-vocab.json": "vocab.json", f"{name}-merges.txt": "merges.txt"}


def token(content, **flags):
    plain = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    return {"content": content, **plain, **flags}


def config(**keys):
    return {"tokenizer_config.json": keys}


VOCABULARIES = [
    ("gpt2", "GPT2", pairs("gpt2"), {}),
    ("gpt2 with a prefix space", "GPT2", pairs("gpt2"), config(tokenizer_class="GPT2Tokenizer", add_prefix_space=True,
        bos_token="<|endoftext|>", eos_token="<|im_start|>")),
    ("gpt2 with added tokens", "GPT2", pairs("gpt2"), {
        **config(tokenizer_class="GPT2Tokenizer", eos_token={"__type": "AddedToken", **token("<|endoftext|>",
            normalized=True)}),
        "added_tokens.json": {"<extra>": 341, "<|im_start|>": 340},
        "special_tokens_map.json": {"additional_special_tokens": ["<|im_start|>"]}}),
    ("gpt2 with a start token", "GPT2", pairs("gpt2"), config(tokenizer_class="GPT2Tokenizer", add_bos_token=True)),
    ("roberta", "Roberta", pairs("roberta"), {}),
    ("roberta with described tokens", "Roberta", pairs("roberta"), config(tokenizer_class="RobertaTokenizer",
        add_prefix_space=True, mask_token="<mask>", added_tokens_decoder={
            "4": token("<mask>", lstrip=True, rstrip=True, special=True),
            "340": token("<extra>", normalized=True, special=False)})),
    ("clip", "CLIP", pairs("clip"), {}),
    ("qwen2", "Qwen2", pairs("gpt2"), config(tokenizer_class="Qwen2Tokenizer",
        additional_special_tokens=["<|im_start|>"])),
    ("bert", "Bert", {"bert-vocab.txt": "vocab.txt"}, {}),
    ("bert that keeps case", "Bert", {"bert-vocab.txt": "vocab.txt"}, config(do_lower_case=False)),
    ("bert with options", "Bert", {"bert-vocab.txt": "vocab.txt"}, {
        **config(do_lower_case=True, strip_accents=False, tokenize_chinese_chars=False,
            mask_token={"__type": "AddedToken", **token("[MASK]", lstrip=True)}),
        "special_tokens_map.json": {"additional_special_tokens": ["<extra>"]}}),
]

MAIN = """{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.tool_calls %}{{ m.tool_calls | tojson }}\
{% endif %}{{ eos_token }}{% endfor %}{% if tools %}{{ tools|tojson }}{% endif %}{% if add_generation_prompt %}<|assistant|>\
{% endif %}{{ additional_special_tokens }}{{ documents is none }}{{ tools is defined }}{{ pad_token is defined }}"""
TOOLS = "TOOLS{{ tools|tojson }}{{ x }}"
BASE = {"tokenizer_class": "GPT2Tokenizer", "additional_special_tokens": ["<|im_start|>"],
    "bos_token": {"__type": "AddedToken", **token("<|endoftext|>", normalized=True)}}
CHATS = [
    ("a template", {"tokenizer_config.json": {**BASE, "chat_template": MAIN}}),
    ("a list of templates", {"tokenizer_config.json": {**BASE, "chat_template": [
        {"name": "default", "template": MAIN}, {"name": "tool_use", "template": TOOLS},
        {"name": "other", "template": TOOLS}]}}),
    ("a template in a file", {"tokenizer_config.json": {**BASE, "chat_template": "no"}, "chat_template.jinja": MAIN}),
    ("templates in files", {"tokenizer_config.json": BASE, "chat_template.jinja": MAIN,
        "additional_chat_templates/other.jinja": TOOLS}),
    ("no template", {"tokenizer_config.json": BASE}),
]
MESSAGES = [{"role": "user", "content": "Hi é"}, {"role": "assistant", "content": "yo",
    "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}]}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
REQUESTS = [{}, {"add_generation_prompt": True}, {"tools": [TOOL]}, {"tools": []}, {"chat_template": "other", "x": 5}]


def folder(root, files, others):
    path = tempfile.mkdtemp(dir=root)
    for source, name in files.items():
        shutil.copy(os.path.join(HERE, "../vocabulary", source), os.path.join(path, name))
    for name, content in others.items():
        target = os.path.join(path, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
    return path


def answer(tokenizer, request):
    name = request.get("chat_template")
    if name and not (isinstance(tokenizer.chat_template, dict) and name in tokenizer.chat_template):
        return {"text": None}
    try:
        text = tokenizer.apply_chat_template(MESSAGES, tokenize=False, **request)
        return {"text": text, "ids": tokenizer.apply_chat_template(MESSAGES, **request)}
    except ValueError:
        return {"text": None}


def main():
    vocabularies, chats = [], []
    with tempfile.TemporaryDirectory() as root:
        for name, family, files, others in VOCABULARIES:
            tokenizer = getattr(transformers, f"{family}TokenizerFast").from_pretrained(folder(root, files, others))
            encodings = [tokenizer(text, return_offsets_mapping=True) for text in TEXTS]
            vocabularies.append({"name": name, "files": files, "others": others, "pair": tokenizer(*PAIR).input_ids,
                "ids": [e.input_ids for e in encodings], "offsets": [e.offset_mapping for e in encodings]})
        for name, others in CHATS:
            tokenizer = transformers.GPT2TokenizerFast.from_pretrained(folder(root, pairs("gpt2"), others))
            chats.append({"name": name, "files": pairs("gpt2"), "others": others,
                "answers": [answer(tokenizer, request) for request in REQUESTS]})
    out = {"texts": TEXTS, "pair": PAIR, "vocabularies": vocabularies, "messages": MESSAGES, "requests": REQUESTS,
        "chats": chats}
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump(out, file, ensure_ascii=False, separators=(",", ":"))


main()
