#!/bin/bash
# Trains once with Spark and once without, and compares the files. Needs Java and Python with venv; installs pyspark into .deps/spark.
#
#     Examples/spark/run.sh [CORPUS...]     default: the sources of this repository
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -d "${SPARK_VENV:=.deps/spark}" ] || { python3 -m venv "$SPARK_VENV" && "$SPARK_VENV/bin/pip" install --quiet pyspark==4.3.0; }
tessera=$PWD/.build/release/tessera
[ -x "$tessera" ] || swift build -c release --product tessera
if [ $# -gt 0 ]; then corpus=("$@"); else mapfile -t corpus < <(find "$PWD/Sources" -name '*.swift'); fi
"$SPARK_VENV/bin/python" Examples/spark/count_words.py "${corpus[@]}" --tessera "$tessera" --work "$work/counts" \
  -o "$work/spark.json"
"$tessera" train bpe "${corpus[@]}" --vocab-size 8000 -o "$work/direct.json"
cmp "$work/spark.json" "$work/direct.json" && echo "the two files are equal"
