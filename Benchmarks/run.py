#!/usr/bin/env python3
"""The speed of Tessera beside that of other tokenizer libraries: one table, and the figures as JSON.

    run.py [--quick] [--rows gpt2/english,o200k/code] [--only encode,load,memory,worst,threads,train] [--libraries a,b]

Every figure comes from a process of its own, pinned to one core; Tessera and the libraries take turns. See README.md.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import report

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".deps" / "bench"
MODELS = BENCH / "models"
CORPORA = ROOT / ".deps" / "corpora"
PEERS = ROOT / ".deps" / "peers"
TEXTS = ("english", "code", "multilingual")
BYTE_LEVEL = ("gpt2", "cl100k", "o200k", "qwen", "deepseek", "tekken")
ALL_MODELS = (*BYTE_LEVEL, "mistral-v1", "wordpiece", "unigram")
LIBRARIES = ("huggingface", "tiktoken", "sentencepiece", "gigatoken", "fastokens", "tokie", "kitoken", "rs-bpe")
SENTENCEPIECE_FILES = {
    "mistral-v1": ROOT / ".deps" / "vocabularies" / "mistral_v1.model", "unigram": MODELS / "unigram.model"
}
PARTS = ("encode", "load", "worst", "threads", "train")


def install():
    """A virtual environment with the peers; those that cannot be installed are given with the reason."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    failures = {}
    wanted = (ROOT / "Benchmarks" / "requirements.txt").read_text().split()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    marker = PEERS / "ready"
    if marker.exists() and marker.read_text() == "\n".join(wanted):
        return failures
    for requirement in wanted:  # one by one: one that cannot be installed keeps none of the others away
        done = subprocess.run([*pip, requirement], capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["pip failed"]
            failures[re.split(r"[=><]", requirement)[0].replace("tokenizers", "huggingface")] = lines[-1]
    if not failures:
        marker.write_text("\n".join(wanted))
    return failures


def prepare(models):
    """Vocabularies, corpora and tokenizers, made when they are not there."""
    subprocess.run([sys.executable, str(ROOT / "Scripts" / "fetch_vocabularies.py")], check=True)
    subprocess.run([sys.executable, str(ROOT / "Benchmarks" / "corpora.py")], check=True)
    subprocess.run([str(PEERS / "bin" / "python"), str(ROOT / "Benchmarks" / "models.py"), *models], check=True,
        stdout=subprocess.DEVNULL)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def first_documents(corpus, megabytes):
    """How many documents at the start hold so many megabytes."""
    with open(corpus, "rb") as file:
        return file.read(int(megabytes * 1e6)).count(b"\0")


class Runner:
    """Starts one process for one figure."""

    def __init__(self, tessera, timeout):
        self.tessera, self.timeout = tessera, timeout

    def start(self, command, threads=1):
        """Runs a command with its threads limited; pinned to the last core when it has one thread."""
        environment = {
            **os.environ, "RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads),
            "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false", "PYTHONHASHSEED": "0",
        }
        if threads == 1 and shutil.which("taskset"):
            command = ["taskset", "-c", str(max(os.sched_getaffinity(0))), *command]
        started = time.time()
        process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        try:
            output, errors = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"error": f"not done in {self.timeout} s"}
        if process.returncode:
            reason = (errors.strip().splitlines() or [f"ended by signal {-process.returncode}"])[-1]
            return {"error": reason[:300], "seconds": time.time() - started}
        try:
            return json.loads(output.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return {"error": "printed no result"}

    def encode(self, library, model, corpus, prefix=None, limit=None, passes=2, threads=1, offsets=False):
        arguments = ["--corpus", corpus, "--passes", passes, "--threads", threads]
        if prefix is not None:
            arguments += ["--prefix", prefix]
        if limit is not None:
            arguments += ["--limit", limit]
        if library.startswith("tessera"):
            file = SENTENCEPIECE_FILES[model] if library == "tessera-spm" else MODELS / f"{model}.json"
            if library == "tessera-offsets":
                arguments.append("--offsets")
            return self.start([self.tessera, "bench", "encode", "--json", "--tokenizer", file, *arguments], threads)
        peer = [PEERS / "bin" / "python", ROOT / "Benchmarks" / "peers.py", library, "--model", model]
        return self.start([*peer, *arguments], threads)


def contenders(model, libraries):
    """Who runs in a row; Tessera between the peers, and once more with the SentencePiece file where there is one."""
    ours = ["tessera", "tessera-offsets"] + (["tessera-spm"] if model in SENTENCEPIECE_FILES else [])
    middle = len(libraries) // 2
    return [*libraries[:middle], *ours, *libraries[middle:]]


def is_slow(library, model):
    """Those that would take minutes for a corpus get its beginning only."""
    return library == "huggingface" or (library == "kitoken" and model == "wordpiece")


def encode_rows(runner, rows, options):
    results = {}
    for row in rows:
        model, text = row.split("/")
        corpus = CORPORA / f"{text}.txt"
        prefix = first_documents(corpus, options.slow_megabytes)
        runs = {}
        for _ in range(options.repeat):
            for library in contenders(model, options.libraries):
                limit = options.slow_megabytes if is_slow(library, model) else options.megabytes
                result = runner.encode(library, model, corpus, prefix, limit)
                if "unsupported" in result or "error" in result and library in runs:
                    continue
                runs.setdefault(library, []).append(result)
                report.progress(f"{row} {library}", result)
        results[row] = {library: merged(of_library) for library, of_library in runs.items()}
        check(results[row])
    return results


def merged(runs):
    """The medians of several runs."""
    good = [run for run in runs if "error" not in run]
    if len(good) < len(runs) or not good:
        return next(run for run in runs if "error" in run)
    out = dict(good[0])
    out["cold"] = statistics.median(run["passes"][0]["megabytes_per_cpu_second"] for run in good)
    out["warm"] = statistics.median(run["passes"][-1]["megabytes_per_cpu_second"] for run in good)
    out["runs"] = [[each["megabytes_per_cpu_second"] for each in run["passes"]] for run in good]
    out["load"] = statistics.median(run["load_wall_seconds"] for run in good)
    return out


def check(row):
    """Marks whether ids are those of Hugging Face, or of sentencepiece where the file is one of SentencePiece."""
    for library, result in row.items():
        if "error" in result:
            continue
        reference = row.get("sentencepiece" if library == "tessera-spm" else "huggingface", {})
        if library in ("sentencepiece", "kitoken") and "tessera-spm" in row:
            reference = row.get("sentencepiece", {})  # these read the SentencePiece file
        result["ids_equal"] = None
        if "prefix_checksum" in reference:
            result["ids_equal"] = result["prefix_checksum"] == reference["prefix_checksum"]
        ours = row.get("tessera-spm" if reference is row.get("sentencepiece") else "tessera", {})
        if result["bytes"] == ours.get("bytes"):
            result["ids_equal_to_tessera"] = result["checksum"] == ours["checksum"]


def load_rows(runner, models, options):
    results = {}
    for model in models:
        results[model] = {}
        for library in contenders(model, options.libraries):
            if library == "tessera-offsets":
                continue
            runs = []
            for _ in range(3):
                run = runner.encode(library, model, CORPORA / "english.txt", limit=0.05, passes=1)
                if "unsupported" in run:
                    break
                runs.append(run)
                if "error" in run:
                    break
            if runs:
                results[model][library] = merged(runs)
                report.progress(f"load {model} {library}", results[model][library])
    return results


def worst_rows(runner, options):
    results = {}
    for path in sorted((CORPORA / "worst").glob("*.txt")):
        for model in options.worst_models:
            row = {}
            for library in contenders(model, options.libraries):
                if library in ("tessera-offsets", "tessera-spm"):
                    continue
                result = runner.encode(library, model, path, passes=1)
                if "unsupported" not in result:
                    row[library] = result if "error" in result else merged([result])
                    report.progress(f"worst {path.stem} {library}", result)
            check(row)
            results[f"{model}/{path.stem}"] = row
    return results


def thread_rows(runner, rows, options):
    """Megabytes per second of the clock with one thread and with two, unless the machine has one core."""
    results = {}
    for row in rows:
        model, text = row.split("/")
        results[row] = {}
        for library in contenders(model, options.libraries):
            if library in ("tessera-offsets", "tessera-spm"):
                continue
            limit = options.slow_megabytes if is_slow(library, model) else options.megabytes
            speeds = {}
            for threads in (1, 2):
                run = runner.encode(library, model, CORPORA / f"{text}.txt", limit=limit, threads=threads)
                if "unsupported" in run or "error" in run:
                    speeds = run
                    break
                speeds[threads] = [each["megabytes_per_second"] for each in run["passes"]]
            if "unsupported" not in speeds:
                results[row][library] = speeds
                report.progress(f"threads {row} {library}", {} if "error" not in speeds else speeds)
    return results


def versions():
    done = subprocess.run(
        [PEERS / "bin" / "python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"],
        capture_output=True, text=True,
    )
    names = {"tokenizers", *LIBRARIES}
    found = {each["name"].replace("_", "-"): each["version"] for each in json.loads(done.stdout or "[]")}
    return {name: version for name, version in found.items() if name in names}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="2 MB of each corpus: minutes, and cold figures that are too low")
    parser.add_argument("--rows", help="for example gpt2/english,wordpiece/code; all when not given")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {', '.join(PARTS)}")
    parser.add_argument("--libraries", default=",".join(LIBRARIES))
    parser.add_argument("--megabytes", type=float, help="of each corpus; all when not given")
    parser.add_argument("--slow-megabytes", type=float, help="of each corpus for the slow libraries; 3 when not given")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; medians are printed")
    parser.add_argument("--train-megabytes", type=float, help="of the English corpus, for training; 50 when not given")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one process")
    parser.add_argument("--worst-models", default="o200k", help="tokenizers for the worst inputs")
    parser.add_argument("--tessera", type=Path, default=ROOT / ".build" / "release" / "tessera")
    parser.add_argument("--output", type=Path, default=ROOT / "out" / "bench.json")
    options = parser.parse_args()
    options.megabytes = options.megabytes or (2 if options.quick else 100)
    options.slow_megabytes = min(options.slow_megabytes or (0.3 if options.quick else 3), options.megabytes)
    options.train_megabytes = options.train_megabytes or (3 if options.quick else 50)
    options.libraries = [name for name in options.libraries.split(",") if name]
    options.worst_models = options.worst_models.split(",")
    options.only = options.only.split(",")
    options.rows = (options.rows or ",".join(f"{m}/{t}" for m in ALL_MODELS for t in TEXTS)).split(",")
    for name in options.only:
        if name not in PARTS:
            parser.error(f"--only knows {', '.join(PARTS)}, not '{name}'")
    for name in options.libraries:
        if name not in LIBRARIES:
            parser.error(f"--libraries knows {', '.join(LIBRARIES)}, not '{name}'")
    for row in options.rows:
        if row.count("/") != 1 or row.split("/")[0] not in ALL_MODELS or row.split("/")[1] not in TEXTS:
            parser.error(f"--rows: '{row}' is not one of MODEL/TEXT with {', '.join(ALL_MODELS)}; {', '.join(TEXTS)}")
    if not options.tessera.exists():
        parser.error(f"{options.tessera} is not there: swift build -c release --product tessera")
    return options


def main():
    options = arguments()
    failures = install()
    options.libraries = [library for library in options.libraries if library not in failures]
    models = list(dict.fromkeys([row.split("/")[0] for row in options.rows] + options.worst_models))
    prepare(models)
    runner = Runner(options.tessera, options.timeout)
    out = {
        "machine": {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform()},
        "date": time.strftime("%Y-%m-%d"), "versions": versions(), "not_installed": failures,
        "megabytes": options.megabytes, "slow_megabytes": options.slow_megabytes, "rounds": options.repeat,
        "corpora": {text: json.loads((CORPORA / f"{text}.json").read_text()) for text in TEXTS},
    }
    if "encode" in options.only:
        out["encode"] = encode_rows(runner, options.rows, options)
    if "load" in options.only:
        out["load"] = load_rows(runner, list(dict.fromkeys(row.split("/")[0] for row in options.rows)), options)
    if "worst" in options.only:
        out["worst"] = worst_rows(runner, options)
    if "threads" in options.only:
        out["threads"] = thread_rows(runner, [row for row in options.rows if row.endswith("english")], options)
    if "train" in options.only:
        import training

        out["train"] = training.rows(runner, options)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    temporary = options.output.with_name(options.output.name + ".part")
    temporary.write_text(json.dumps(out, indent=1))
    os.replace(temporary, options.output)
    report.show(out)
    print(f"\n{options.output} has every figure.")


if __name__ == "__main__":
    main()
