"""Comparing two answers, and making a case that differs small."""

import base64
import json


def compare(expected, answer):
    """(verdict, reason): verdict is "same", "refused" (both), "trap" (the reference panics) or "differs"."""
    kind, value = expected
    if "not JSON" in answer:
        return "differs", f"the answer is not JSON: {answer['not JSON']}"
    failed = "error" in answer
    if kind == "panic":
        return "trap", ""
    if kind == "error":
        return ("refused", "") if failed else ("differs", f"reference refuses: {str(value)[:160]}")
    if not value:
        return ("refused" if failed else "same"), ""
    if failed:
        return "differs", f"error: {answer['error']}"
    wrong = [key for key in value if not equal(value[key], answer.get(key))]
    ways = answer.get("ways")
    if not wrong and ways and isinstance(value.get("ids"), list):
        # The same ids by other ways.
        whole = {"ids": value["ids"], "parts": value["ids"], "count": len(value["ids"])}
        wrong = [f"ways.{key}" for key in whole if not equal(whole[key], ways.get(key))]
    return ("differs", ", ".join(wrong)) if wrong else ("same", "")


def equal(expected, got):
    """Equality in which only the keys of the expected side count."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and all(equal(value, got.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return isinstance(got, list) and len(expected) == len(got) and all(map(equal, expected, got))
    return expected == got and type(expected) is type(got)


def shrink(items, still_differs):
    """The smallest part of a string or list that still differs, by taking out ever smaller stretches."""
    size = max(1, len(items) // 2)
    while items and size >= 1:
        start, shrunk = 0, False
        while start < len(items):
            candidate = items[:start] + items[start + size :]
            if still_differs(candidate):
                items, shrunk = candidate, True
            else:
                start += size
        if size == 1 and not shrunk:
            break
        size = size // 2 if size > 1 else 1
    return items


def minimise(line, differs, budget=400):
    """Shrinks the texts and lists of a line, then drops optional keys; `differs` asks both sides."""
    left = [budget]

    def probe(candidate):
        if left[0] <= 0:
            return False
        left[0] -= 1
        return differs(candidate)

    line = json.loads(json.dumps(line))
    for key in ("pair", "add_special_tokens", "special", "truncation", "padding", "skip_special_tokens"):
        if key in line:
            candidate = {name: value for name, value in line.items() if name != key}
            if probe(candidate):
                line = candidate
    for key in ("batch", "text", "pair", "ids", "tokens"):
        if isinstance(line.get(key), (str, list)):
            line[key] = shrink(line[key], lambda part, key=key: probe({**line, key: part}))
    if "base64" in line:
        put_bytes = lambda data: {**line, "base64": base64.b64encode(data).decode()}
        line = put_bytes(shrink(base64.b64decode(line["base64"]), lambda data: probe(put_bytes(data))))
    if "tokens" in line:
        for index, token in enumerate(line["tokens"]):
            before, after = line["tokens"][:index], line["tokens"][index + 1 :]
            line["tokens"] = before + [shrink(token, lambda t: probe({**line, "tokens": before + [t] + after}))] + after
    for index, item in enumerate(line.get("batch", [])):
        before, after = line["batch"][:index], line["batch"][index + 1 :]
        put = lambda value: {**line, "batch": before + [value] + after}
        if isinstance(item, str):
            line["batch"] = put(shrink(item, lambda t: probe(put(t))))["batch"]
        else:
            for side in (0, 1):
                both = list(line["batch"][index])
                change = lambda t: both[:side] + [t] + both[side + 1 :]
                line["batch"] = put(change(shrink(both[side], lambda t: probe(put(change(t))))))["batch"]
    for stage in ("normalizer", "pre_tokenizer", "decoder"):
        while isinstance(line.get(stage), dict) and line[stage].get("type") == "Sequence":
            key = next(name for name in line[stage] if name != "type")
            items = shrink(line[stage][key], lambda part: probe({**line, stage: {**line[stage], key: part}}))
            line[stage] = {**line[stage], key: items}
            if len(items) == 1 and probe({**line, stage: items[0]}):
                line[stage] = items[0]
            else:
                break
    return line
