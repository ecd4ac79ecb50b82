#!/usr/bin/env python3
"""Runs a command and prints, as one JSON object, what it took.

    usage.py SECONDS-AT-MOST COMMAND...

A program of its own, because a process inherits the peak of memory of the one that starts it: this one is small (12 MB).
"""

import json
import resource
import subprocess
import sys
import time


def main():
    limit, command = float(sys.argv[1]), sys.argv[2:]
    started = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        print(json.dumps({"error": f"not done in {limit:g} s"}))
        return
    wall = time.perf_counter() - started
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line] or [f"status {done.returncode}"]
        named = [line for line in lines if "rror" in line]
        print(json.dumps({"error": (named or lines)[-1][:300]}))
        return
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    result = {
        "wall_seconds": wall, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_resident": usage.ru_maxrss * unit
    }
    print(json.dumps({**result, "output": done.stdout}))


if __name__ == "__main__":
    main()
