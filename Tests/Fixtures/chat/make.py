"""Renders chat templates with jinja2 and writes what it made of them, as the truth for the Swift renderer.

    pip install jinja2==3.1.6
    python make.py

The environment is the one that chat templates are written for: the immutable sandbox, trim_blocks and lstrip_blocks, break and
continue, the generation tag, raise_exception, strftime_now and a tojson that escapes nothing for HTML. The templates of the
model families are written for this test in the manner of the published ones. A case holds the numbers of its template and
its context and either the text or the words of the error. Limits are tested elsewhere, because jinja2 has none.
"""

import datetime
import json
import pathlib
import sys

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cases import CASES
from families import FAMILIES

assert jinja2.__version__ == "3.1.6", jinja2.__version__
NOW = datetime.datetime.fromtimestamp(1_722_470_400, datetime.timezone.utc)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = NOW.strftime
    return made


ENVIRONMENT = environment()


def render(template, context):
    """{"output": text} or {"error": words}."""
    try:
        return {"output": ENVIRONMENT.from_string(template).render(**context)}
    except RecursionError:
        raise
    except Exception as error:  # every failure of a template counts, whatever its type
        return {"error": f"{type(error).__name__}: {error}".split("\n")[0][:200]}


def compact(value):
    return json.dumps(value, ensure_ascii=False)


def main():
    here = pathlib.Path(__file__).parent
    for name, cases in (("cases", CASES), ("families", FAMILIES)):
        templates = list(dict.fromkeys(template for template, _ in cases))
        contexts = list(dict.fromkeys(compact(context) for _, context in cases))
        lines, failed = [], 0
        for template, context in cases:
            result = render(template, context)
            failed += "error" in result
            place = {"template": templates.index(template), "context": contexts.index(compact(context))}
            lines.append(compact({**place, **result}))
        parts = [("templates", map(compact, templates)), ("contexts", contexts), ("cases", lines)]
        text = ",\n".join(f'"{key}": [\n' + ",\n".join(items) + "\n]" for key, items in parts)
        (here / f"{name}.json").write_text("{\n" + text + "\n}\n", encoding="utf-8")
        print(f"{name}: {len(lines)} cases, {failed} of them errors", file=sys.stderr)


if __name__ == "__main__":
    main()
