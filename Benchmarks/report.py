"""Prints the figures of a run."""

import sys

SHORT = {"huggingface": "HF", "sentencepiece": "spm", "tessera-offsets": "tessera offsets", "tessera-spm": "tessera .model"}
OURS = ("tessera", "tessera-offsets", "tessera-spm")


def progress(what, result):
    """One line on a terminal; nothing into a pipe."""
    if sys.stderr.isatty():
        speed = result.get("error") or (f"{result['passes'][0]['megabytes_per_cpu_second']:.1f}" if "passes" in result else "")
        sys.stderr.write(f"\r\x1b[K{what} {speed}"[:120])
        sys.stderr.flush()


def table(header, rows):
    """Columns as wide as they must be, the first to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for index, line in enumerate(lines):
        cells = [cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(zip(line, widths))]
        print("| " + " | ".join(cells) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def columns(results):
    """The contenders in the order in which they appear anywhere."""
    return list(dict.fromkeys(name for row in results.values() for name in row))


def best_peer(row, key):
    """The fastest of the others, whatever its ids: the highest bar."""
    found = [(result[key], name) for name, result in row.items() if name not in OURS and key in result]
    return max(found, default=None)


def speeds(results, what, notes):
    """Cold and warm megabytes per second, and Tessera's ratios."""
    names = columns(results)
    rows = []
    for key, row in results.items():
        cells = [key]
        for name in names:
            result = row.get(name)
            if result is None:
                cells.append("")
            elif "error" in result:
                cells.append("failed")
                notes.append(f"{key}, {name}: {result['error']}")
            else:
                mark = "" if result.get("ids_equal") in (True, None) else " !"
                warm = f" ({number(result['warm'])})" if len(result["passes"]) > 1 else ""
                cells.append(number(result["cold"]) + warm + mark)
                if result.get("ids_equal") is not False and result.get("ids_equal_to_tessera") is False:
                    notes.append(f"{key}, {name}: ids as the reference's at the beginning, other than Tessera's later on")
        ours, reference, best = row.get("tessera", {}), row.get("huggingface", {}), best_peer(row, "cold")
        known = "cold" in ours
        cells.append(number(ours["cold"] / reference["cold"]) if known and "cold" in reference else "")
        cells.append(f"{number(ours['cold'] / best[0])} {SHORT.get(best[1], best[1])}" if known and best else "")
        if len(next(iter(row.values()), {}).get("passes", [1, 2])) > 1:
            best = best_peer(row, "warm")
            cells.append(f"{number(ours['warm'] / best[0])} {SHORT.get(best[1], best[1])}" if known and best else "")
        else:
            cells.append("")
        rows.append(cells)
    print(f"\n{what}\n")
    table(["", *(SHORT.get(name, name) for name in names), "x HF", "x best", "x best warm"], rows)


def loads(results, notes):
    names = [name for name in columns(results) if name != "tessera-offsets"]
    rows = []
    for key, row in results.items():
        cells = [key]
        for name in names:
            result = row.get(name)
            if result is None:
                cells.append("")
            elif "error" in result:
                cells.append("failed")
                notes.append(f"load {key}, {name}: {result['error']}")
            else:
                added = (result["resident_after_load"] - result.get("resident_before_load", 0)) / 1e6
                cells.append(f"{result['load']:.3f} ({added:.0f})")
        rows.append(cells)
    print("\nLoading: seconds by the clock, and in brackets the megabytes of peak memory that it added\n")
    table(["", *(SHORT.get(name, name) for name in names)], rows)


def memory(results):
    names = columns(results)
    rows = []
    for key, row in results.items():
        cells = [key]
        for name in names:
            result = row.get(name, {})
            cells.append(f"{result['peak_resident'] / 1e6:.0f}" if "peak_resident" in result else "")
        rows.append(cells)
    print("\nPeak resident memory after the cold pass, corpus and ids included, MB (HF: a part of the corpus)\n")
    table(["", *(SHORT.get(name, name) for name in names)], rows)


def threads(results, notes):
    names = columns(results)
    rows = []
    for key, row in results.items():
        cells = [key]
        for name in names:
            result = row.get(name)
            if not result or "error" in result:
                cells.append("failed" if result else "")
                if result:
                    notes.append(f"two threads {key}, {name}: {result['error']}")
            else:
                one, two = result.get(1) or result["1"], result.get(2) or result["2"]
                cells.append(f"{two[0] / one[0]:.2f} ({two[-1] / one[-1]:.2f})")
        rows.append(cells)
    print("\nTwo threads over one, by the clock, cold (warm)\n")
    table(["", *(SHORT.get(name, name) for name in names)], rows)


def trainings(results, notes):
    print("\nTraining: seconds by the clock / of processor time / peak memory in MB\n")
    rows = []
    for name, result in results["runs"].items():
        if "error" in result:
            rows.append([name, "failed", "", "", "", ""])
            notes.append(f"training, {name}: {result['error']}")
            continue
        rows.append([
            name, f"{result['wall_seconds']:.1f}", f"{result['cpu_seconds']:.1f}", f"{result['peak_resident'] / 1e6:.0f}",
            str(result.get("vocabulary_size", "")), result.get("same_merges", ""),
        ])
    table([f"{results['megabytes']:g} MB English, {results['vocabulary_size']}", "wall", "cpu", "MB", "tokens", "merges as HF"], rows)


def show(out):
    notes = [f"{name} is not installed: {reason}" for name, reason in out["not_installed"].items()]
    machine = out["machine"]
    print(f"\n{machine['processor']}, {machine['cores']} cores, {machine['system']}, {out['date']}")
    print(", ".join(f"{name} {version}" for name, version in sorted(out["versions"].items())))
    if "encode" in out:
        what = "MB/s of processor time, one thread, cold first pass (second pass); ! = ids other than Hugging Face's"
        speeds(out["encode"], what, notes)
        memory(out["encode"])
    if "load" in out:
        loads(out["load"], notes)
    if "worst" in out:
        speeds(out["worst"], "Worst inputs: 400 kB without a break, MB/s of processor time, cold", notes)
    if "threads" in out:
        threads(out["threads"], notes)
    if "train" in out:
        trainings(out["train"], notes)
    if notes:
        print("\n" + "\n".join(dict.fromkeys(notes)))
