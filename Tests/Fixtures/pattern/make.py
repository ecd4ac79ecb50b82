"""Writes cases.json: patterns, texts and how the reference libraries cut them.

    python Tests/Fixtures/pattern/make.py

needs tokenizers 0.23.3 (dialect "oniguruma") and tiktoken 0.14.0 (dialect "rust"). Each case is [text, lengths]: the lengths
in bytes of the matches, and as negative numbers of what lies between them. tiktoken does not say where a match lies, so a
case of its dialect is kept only where the matches are found again in the text, one after the other, without doubt.
"""
import json
import os
import random

import tiktoken
from tokenizers import Regex, pre_tokenizers

UPPER, LOWER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}", r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
LEAD, BLANKS = r"[^\r\n\p{L}\p{N}]?", r"|\s*[\r\n]+|\s+(?!\S)|\s+"
SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"


def words(without, end):
    return f"{LEAD}[{UPPER}{without}]*[{LOWER}{without}]+{end}|{LEAD}[{UPPER}{without}]+[{LOWER}{without}]*{end}"


KNOWN = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + BLANKS,
    SHORT + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + BLANKS,
    SHORT + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + BLANKS,
    words("", SHORT + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + BLANKS,
    words("", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + BLANKS,
    r"[\p{Han}]+|" + words(r"&&[^\p{Han}]", SHORT + "?") + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + BLANKS,
    r"\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r"\w+|[^\w\s]+",
]
ODD = r"""a{1,2}+ a{2}+ a{,2} a{2}? a{1,2}? ^b a$ . (?m). (?i)ss (?i)ß (?i)[ß] (?i)[^ß] (?i)k (?i)st (?i)s+t (?i)[^s] (?i)\p{Lu}
(?i)[\p{Lu}] (?i)[A-Z] [[a-s]&&[b-z]] [[:alpha:]]+ [^[:alpha:]]+ [a\]] []a] [^]a] a+? a??b a?+ a*+a a**b \x41 \x{df} \u017F \p{^L}+
\P{^L} (?:|a)* (?:a|b*)*s a(?=b(?=s)) \b\w+ \w+?\b s\B \s+\Z .\z \Aa a| (?i-m:a)A a(?i)b|s { a{ a{1 ] } \N (?>a|ab)s (?<=a)b
(?<!a)b (?<=a|bs)t (?<=\s)\S (?<=a+)b (?#x)a [\h]+ \h+ \H+ \R \w [\w] [\W]+ \W+ \d+ [^\d]+ \s [^\S]+ (a*)+ (?:a*?)*?b (?=.*t)a (?!.*t)a
(?<=^|\s)\S+ (?:a|b|st)+?t [a-] [-a] [a&&[^s]] \p{Han}+|\p{Hiragana}+|\p{Katakana}+ \p{Hangul} \p{Latin}+ \p{Cyrillic} \p{Arabic}+
(?x)\ a\ #\n \p{Alphabetic}+ \p{Uppercase} (?:ab){2,3} (?:a|s){2,}+t (?>a+)b (?>\s+)\S (?i:(?-i:a)b) \p{Lu}\p{Ll}*|\p{Lu}+ '(?:s|t)? (a)|(b) \.|\$ []-a]
\p{Sc} \p{So}+ \p{Cf} \p{Cn} \p{Co} \p{Zs} \p{Nl}|\p{No} (?=a)|s \p{Lm}|\p{Lo} [^\p{L}\p{N}\s]+ [\p{P}--[']]+ [\s--\n]+ a{3,1}""".split(" ")
ODD = [p for part in ODD for p in part.split("\n") if p]
HARD = (
    "a b s t S K k é e\u0301 \u0301 Ж ж ا ب 漢 字 か カ ー 한 ก 😀 👨\u200d👩 🏳\ufe0f 1 2 ٣ Ⅷ ½ ² ㊿ \u0378 \ue000 \U000e0001 ' ’ _ - $ + ^ | < . ! / "
    "، « ﬁ ﬆ ŉ ΐ İ ı ǅ ʰ \U0001d400 \U00010400 \U00010428 's 'S 'll 'RE I'm ( [ ] \\ { # & ~ ß ẞ \u017f \u212a x z A Z ab st ss abst"
).split(" ") + [" ", "  ", "\r", "\n", "\r\n", "\t", "\0", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\ufeff", "\u200b", "\u00a0", "\u3000", "\x1c", "\x1f"]


def text(rng, longest):
    return "".join(rng.choice(HARD[:8] if rng.random() < 0.3 else HARD) for _ in range(rng.randint(1, longest)))


def oniguruma(pattern, texts):
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    for text in texts:
        lengths, end = [], 0
        for piece, (start, stop) in split.pre_tokenize_str(text):
            if start > end:
                lengths.append(-len(text[end:start].encode()))
            lengths.append(len(piece.encode()))
            end = stop
        if end < len(text):
            lengths.append(-len(text[end:].encode()))
        yield [text, lengths]


def rust(pattern, texts):
    """Every substring is a token, so every match is one token."""
    ranks = {bytes([i]): i for i in range(256)}
    for data in map(str.encode, texts):
        for i in range(len(data)):
            for j in range(i + 1, len(data) + 1):
                ranks.setdefault(data[i:j], len(ranks))
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    for text in texts:
        data, lengths, end = text.encode(), [], 0
        try:
            matches = [encoding.decode_single_token_bytes(i) for i in encoding.encode_ordinary(text)]
        except BaseException:  # it panics on empty matches
            continue
        if b"".join(matches) != data and any(data.count(m) > 1 for m in matches):
            continue
        for match in matches:
            start = data.index(match, end)
            if start > end:
                lengths.append(end - start)
            lengths.append(len(match))
            end = start + len(match)
        if end < len(data):
            lengths.append(end - len(data))
        yield [text, lengths]


def main():
    rng = random.Random(7)
    groups = []
    for patterns, count, longest in [(KNOWN, 50, 14), (ODD, 9, 9)]:
        for pattern in patterns:
            for dialect, ask in [("oniguruma", oniguruma), ("rust", rust)]:
                texts = [text(rng, longest) for _ in range(count)]
                try:
                    cases = list(ask(pattern, texts))
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt):
                        raise
                    continue
                if cases:
                    groups.append({"dialect": dialect, "pattern": pattern, "cases": cases})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
    with open(path, "w", encoding="utf-8") as file:
        lines = ",\n".join(json.dumps(g, ensure_ascii=True, separators=(",", ":")) for g in groups)
        file.write("[\n" + lines + "\n]\n")
    print(len(groups), "patterns,", sum(len(g["cases"]) for g in groups), "cases,", os.path.getsize(path), "bytes")


main()
