#!/usr/bin/env python3
"""Trains small vocabularies with Hugging Face tokenizers 0.23.3 and writes what came out.

    python make.py               # writes cases.json beside this file
    python make.py 2000 7 FILE   # writes 2000 random cases of seed 7 to FILE, for a longer comparison

Three things in the reference follow the random order of hash maps. Cases are built around them:
- characters of equal count at limit_alphabet: such cases are left out;
- ids of forms with a prefix or suffix: the words are written in an order that gives these ids;
- when two queued candidates are the same pair with the same count, which takes a prefix or suffix that is also a character of
  the text, either may come first: cases in which 60 more runs do not agree are left out.
"""
import json, os, random, sys
from collections import Counter
from tokenizers import Tokenizer, models, trainers

ALPHABETS = ["ab", "abc", "abcdefgh", "aáb\u0301\u212b\u00c5e", "日本語中文字", "a 😀é\u0300z", "xyz#</w>a"]

def byte_characters():
    kept = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    rest = [b for b in range(256) if b not in kept]
    table = {b: chr(b) for b in kept} | {b: chr(256 + i) for i, b in enumerate(rest)}
    return [table[b] for b in range(256)]

def words_of(rng, large):
    alphabet = rng.choice(ALPHABETS)
    if rng.random() < 0.2:
        alphabet = "".join(rng.sample(byte_characters(), rng.randint(3, 60)))
    style = rng.random()
    n = rng.randint(1, 120 if large else 40)
    counts = Counter()
    stems = ["".join(rng.choices(alphabet, k=rng.randint(1, 5))) for _ in range(rng.randint(1, 12))]
    for _ in range(n):
        if style < 0.35:
            word = "".join(rng.choices(alphabet, k=rng.randint(1, 12)))
        elif style < 0.7:
            word = "".join(rng.choices(stems, k=rng.randint(1, 4)))
        elif style < 0.85:
            word = rng.choice(alphabet) * rng.randint(1, 20)
        else:
            word = "".join(rng.choices(alphabet, weights=[2 ** -i for i in range(len(alphabet))], k=rng.randint(1, 30)))
        counts[word] += rng.choice([1, 1, 1, 2, 3, rng.randint(1, 30)])
    return dict(counts)

def options_of(rng, counts):
    letters = sorted({c for w in counts for c in w})
    o = {"vocab_size": rng.choice([0, 5, 20, 60, 200, 1000]) + rng.randint(0, 30)}
    if rng.random() < 0.4: o["min_frequency"] = rng.randint(0, 6)
    if rng.random() < 0.4:
        o["special_tokens"] = rng.sample(["[UNK]", "<s>", "</s>", letters[0], letters[-1] + letters[0], "##a", "b</w>", ""],
                                         k=rng.randint(1, 4))
    if rng.random() < 0.3: o["limit_alphabet"] = rng.randint(0, len(letters) + 2)
    if rng.random() < 0.3: o["initial_alphabet"] = rng.sample("qwertyabcé日", k=rng.randint(1, 6))
    if rng.random() < 0.3: o["continuing_subword_prefix"] = rng.choice(["##", "", "a", "#", "@@"])
    if rng.random() < 0.3: o["end_of_word_suffix"] = rng.choice(["</w>", "", "a", "_"])
    if rng.random() < 0.35: o["max_token_length"] = rng.choice([0, 1, 2, 3, 4, 5, 6, 8, 16])
    return o

def has_tie_at_limit(counts, o):
    if "limit_alphabet" not in o: return False
    seen = Counter()
    for word, count in counts.items():
        for c in word: seen[c] += count
    for c in o.get("initial_alphabet", []): seen[c] = 1 << 64
    ordered = sorted(seen.values(), reverse=True)
    limit = o["limit_alphabet"]
    return 0 < limit < len(ordered) and ordered[limit - 1] == ordered[limit]

def train(counts, o):
    tokenizer = Tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(show_progress=False, **o)
    lines = [w for w, n in counts.items() for _ in range(n)]
    tokenizer.train_from_iterator(lines, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    vocab = [None] * len(model["vocab"])
    for token, id in model["vocab"].items(): vocab[id] = token
    ids = model["vocab"]
    return vocab, [[ids[a], ids[b]] for a, b in model["merges"]]

def in_order_of_ids(counts, o, vocab):
    """The words in an order in which forms are first seen in the order of their ids."""
    prefix, suffix = o.get("continuing_subword_prefix", ""), o.get("end_of_word_suffix", "")
    seen_letters = Counter()
    for w, n in counts.items():
        for c in w: seen_letters[c] += n
    for c in o.get("initial_alphabet", []): seen_letters[c] = 1 << 64
    kept = sorted(seen_letters, key=lambda c: -seen_letters[c])[: o.get("limit_alphabet", 1 << 30)]
    known = list(dict.fromkeys(o.get("special_tokens", []) + sorted(kept)))
    base = set(known)
    ids = {t: i for i, t in enumerate(vocab)}
    def forms(word):
        result = []
        for i, c in enumerate(word):
            # A form may itself be a character that was dropped, and let it in from then on.
            result.append((c, (prefix if i else "") + c + (suffix if i == len(word) - 1 else "")))
        return result
    left, order = dict(counts), []
    while left:
        for word in list(left):
            state, following, fits = set(base), len(base), True
            for c, form in forms(word):
                if c in state and form not in state:
                    fits = fits and ids.get(form) == following
                    state.add(form)
                    following += 1
            if fits:
                base = state
                order.append(word)
                del left[word]
                break
        else:
            return None, 0
    return order, len(base)

def case(rng, large):
    counts = words_of(rng, large)
    o = options_of(rng, counts)
    if has_tie_at_limit(counts, o): return None
    vocab, merges = train(counts, o)
    order = list(counts)
    rng.shuffle(order)
    fixed = o
    if o.get("continuing_subword_prefix") or o.get("end_of_word_suffix"):
        order, initial = in_order_of_ids(dict(sorted(counts.items())), o, vocab)
        if order is None:
            print("no order found", o, file=sys.stderr)
            return None
        # As special tokens, the initial symbols keep their ids in every run.
        fixed = o | {"special_tokens": vocab[:initial]}
    if any(train(counts, fixed) != (vocab, merges) for _ in range(60 if fixed is not o else 4)):
        print("the reference does not repeat itself", o, file=sys.stderr)
        return None
    return {"options": o, "words": [[w, counts[w]] for w in order], "vocab": vocab, "merges": merges}

def main():
    number, seed = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (150, 1)
    path = sys.argv[3] if len(sys.argv) > 3 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")
    rng = random.Random(seed)
    cases = []
    while len(cases) < number:
        made = case(rng, len(sys.argv) > 2)
        if made: cases.append(made)
    with open(path, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases) + "\n]\n")

main()
