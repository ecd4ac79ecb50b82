#!/usr/bin/env python3
"""Compares the command `tessera` with the reference libraries on many hard cases; exits 1 on any difference.

    python Scripts/fuzz/run.py --tessera .build/release/tessera --cases 100000 --seed 1 [--only NAME,...]

Needs the packages of requirements.txt and the files of fetch_vocabularies.py.
"""

import argparse
import json
import os
import re
import shlex
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz.compare import compare, minimise
from fuzz.configurations import EXTRA, WEIGHTS, configurations
from fuzz.process import Crash, LineProcess
from fuzz.references import ask_reference
from fuzz.stage_configurations import Raw

CHUNK = 100


def encoded(line, ascii_only):
    if not isinstance(line, Raw) and isinstance(line.get("text"), str):
        # Also by the ways that give ids alone: at once, and in parts of so many bytes.
        line = {**line, "ways": 1 + len(line["text"]) * 7 % 23}
    text = line.text if isinstance(line, Raw) else json.dumps(line, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass") + b"\n"


class Row:
    """The counts of one configuration."""

    def __init__(self, name):
        self.name = name
        self.cases = self.differences = self.traps = self.refused = self.crashes = 0
        self.seconds = 0.0
        self.failures = []
        self.reasons = {}


class Runner:
    def __init__(self, command, show, most_failures):
        self.command = command
        self.show = show
        self.most_failures = most_failures

    def run(self, configuration, count):
        row = Row(configuration.name)
        start = time.monotonic()
        configuration.open()
        self.processes = {}
        finished = False
        moves_on = hasattr(configuration, "next_tokenizer")
        while row.cases < count and not finished and (moves_on or row.crashes < 10):
            crashes = row.crashes
            cases = []
            while len(cases) < min(CHUNK, count - row.cases):
                case = configuration.case()
                if case is None or case[0] == "next":
                    finished = case is None
                    break
                cases.append(case)
            self.chunk(configuration, cases, row)
            if moves_on and (case[0] == "next" or row.crashes > crashes):
                self.close(row)
                configuration.next_tokenizer()
        self.close(row)
        row.seconds = time.monotonic() - start
        return row

    def process(self, configuration, verb):
        if verb not in self.processes:
            self.processes[verb] = LineProcess([*self.command, *configuration.verbs[verb]])
        return self.processes[verb]

    def close(self, row):
        for process in self.processes.values():
            process.stop()
        self.processes = {}

    @staticmethod
    def ask_reference(configuration, verb, line):
        """The reference's answer; one known to be wrong counts like a panic."""
        answer = ask_reference(configuration.reference, verb, line)
        if not isinstance(line, Raw) and configuration.tolerates(verb, line):
            return "panic", answer[1]
        return answer

    def chunk(self, configuration, cases, row):
        """Sends all cases, asks the reference meanwhile, then takes the answers."""
        pending = {}
        for index, (verb, line) in enumerate(cases):
            pending.setdefault(verb, []).append((line, encoded(line, ascii_only=index % 2 == 0)))
        for verb, items in pending.items():
            for _, data in items:
                self.process(configuration, verb).send(data)
        expected = {
            verb: [self.ask_reference(configuration, verb, line) for line, _ in items]
            for verb, items in pending.items()
        }
        for verb, items in pending.items():
            self.collect(configuration, verb, items, expected[verb], row)

    def collect(self, configuration, verb, items, expected, row):
        process = self.process(configuration, verb)
        failures = []
        for index, (line, _) in enumerate(items):
            row.cases += 1
            try:
                answer = process.receive()
                verdict, reason = compare(expected[index], answer)
            except Crash as crash:
                answer, verdict, reason = None, "differs", f"crash: {crash}"
                row.crashes += 1
                for _, data in items[index + 1 :]:
                    process.send(data)
            row.traps += verdict == "trap"
            row.refused += verdict == "refused"
            if verdict == "differs":
                row.differences += 1
                short = configuration.group(line) + re.sub(r"\d+|'.*'", "N", reason)[:110]
                row.reasons[short] = row.reasons.get(short, 0) + 1
                if row.reasons[short] <= self.show and len(row.failures) + len(failures) < self.most_failures:
                    failures.append((line, expected[index], answer, reason))
        for failure in failures:
            row.failures.append(self.small(configuration, verb, process, *failure))

    def small(self, configuration, verb, process, line, expected, answer, reason):
        """A failure with its line made as small as it goes."""
        word = reason.split(":")[0]

        def differs(candidate):
            wanted = self.ask_reference(configuration, verb, candidate)
            try:
                verdict, why = compare(wanted, process.ask(encoded(candidate, True)))
            except Crash as crash:
                verdict, why = "differs", f"crash: {crash}"
            return verdict == "differs" and why.split(":")[0] == word

        if not isinstance(line, Raw):
            line = minimise(line, differs, budget=40 if word == "crash" else 400)
            expected = self.ask_reference(configuration, verb, line)
            try:
                answer = process.ask(encoded(line, True))
                reason = compare(expected, answer)[1] or reason
            except Crash:
                answer = None
        else:
            line = {"raw line": line.text[:400]}
        return {
            "configuration": configuration.name,
            "verb": verb,
            "command": configuration.describe(verb, line),
            "line": line,
            "reason": reason,
            "expected": expected[1],
            "got": answer,
        }


def shown(value, limit=700):
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= limit else text[:limit] + " ..."


def report(failure):
    expected, got = failure["expected"], failure["got"]
    if isinstance(expected, dict) and isinstance(got, dict):
        keys = [key for key in expected if expected[key] != got.get(key)]
        if keys and "error" not in got:
            expected, got = {key: expected[key] for key in keys}, {key: got.get(key) for key in keys}
    print(f"  {failure['configuration']} {failure['verb']}: {failure['reason'][:300]}")
    print(f"    with      {failure['command'][:1500]}")
    print(f"    line      {shown(failure['line'])}")
    print(f"    reference {shown(expected)}")
    print(f"    tessera   {shown(got)}", flush=True)


def quiet_panics():
    """The reference prints each panic to standard error; ours goes to standard output, so that can be dropped."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tessera", required=True, help="the command, with arguments if it needs any")
    parser.add_argument("--cases", type=int, default=100000, help="over all configurations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="names of configurations, with commas; a trailing * stands for any ending")
    parser.add_argument("--save-failures", help="a file for the minimised failures, one JSON object per line")
    parser.add_argument("--show", type=int, default=3, help="failures shown per configuration and reason")
    parser.add_argument("--list", action="store_true", help="name the configurations and stop")
    options = parser.parse_args()
    every = configurations(options.seed)
    if options.list:
        print("\n".join(every))
        return 0
    chosen = [name for name in every if name not in EXTRA]
    if options.only:
        wanted = options.only.split(",")
        fits = lambda name: any(name == want or want[-1:] == "*" and name.startswith(want[:-1]) for want in wanted)
        chosen = [name for name in every if fits(name)]
    if not chosen:
        sys.exit(f"run.py: no configuration is called {options.only}; --list names them")
    total = sum(WEIGHTS.get(name, 1) for name in chosen)
    if not Path(__file__).resolve().parents[2].joinpath(".deps/vocabularies/gpt2.tiktoken").exists():
        sys.exit("run.py: the vocabularies are missing; run Scripts/fetch_vocabularies.py first")
    keep = Path(options.save_failures + ".tokenizers") if options.save_failures else None
    quiet_panics()
    runner = Runner(shlex.split(options.tessera), options.show, most_failures=8 * options.show)
    rows = []
    print(f"{'configuration':26}{'cases':>9}{'different':>11}{'refused':>9}{'traps':>7}{'seconds':>9}", flush=True)
    for name in chosen:
        every[name].keep = keep
        row = runner.run(every[name], max(20, round(options.cases * WEIGHTS.get(name, 1) / total)))
        rows.append(row)
        print(
            f"{row.name:26}{row.cases:9}{row.differences:11}{row.refused:9}{row.traps:7}{row.seconds:9.1f}", flush=True
        )
        for reason, count in sorted(row.reasons.items(), key=lambda item: -item[1])[:40]:
            print(f"  {count:6} x {reason}")
        for failure in row.failures:
            report(failure)
    cases, differences = sum(row.cases for row in rows), sum(row.differences for row in rows)
    print(f"{'all':26}{cases:9}{differences:11}{sum(r.refused for r in rows):9}{sum(r.traps for r in rows):7}")
    print("refused: both sides give an error; traps: the reference panics, so anything but a crash is right")
    if options.save_failures:
        with open(options.save_failures, "w", encoding="utf-8") as file:
            for row in rows:
                for failure in row.failures:
                    file.write(json.dumps(failure) + "\n")
    return 1 if differences else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        traceback.print_exc(file=sys.stdout)
        sys.exit(2)
