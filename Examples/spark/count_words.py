#!/usr/bin/env python3
"""Trains a BPE vocabulary on a corpus whose words are counted by Apache Spark.

    count_words.py CORPUS... --tessera PATH --work FOLDER --vocab-size N -o tokenizer.json

Map: each partition of lines goes through `tessera count`, which leaves a file of counts. Reduce: files are added up in pairs by
`tessera count --merge`, until one is left. Then `tessera train bpe --counts` learns the vocabulary. The folder has to be one that
all workers reach. Lines are counted with their line ends, as `tessera train` does on files; so the result is the same.
"""
import argparse
import os
import subprocess
import uuid

from pyspark.sql import SparkSession


def count_partition(tessera, work):
    def run(lines):
        path = os.path.join(work, f"{uuid.uuid4().hex}.twc")
        with subprocess.Popen([tessera, "count", "-", "-o", path, "--threads", "1"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as process:
            for line in lines:
                process.stdin.write(line.encode("utf-8"))
            process.stdin.close()
            if process.wait() != 0:
                raise RuntimeError("tessera count failed")
        yield path

    return run


def merge(tessera, work):
    def run(first, second):
        path = os.path.join(work, f"{uuid.uuid4().hex}.twc")
        subprocess.run([tessera, "count", "--merge", first, second, "-o", path], check=True, stdout=subprocess.DEVNULL)
        os.remove(first)
        os.remove(second)
        return path

    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", nargs="+")
    parser.add_argument("--tessera", default="tessera")
    parser.add_argument("--work", required=True)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--vocab-size", default="8000")
    parser.add_argument("-o", "--output", default="tokenizer.json")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    spark = SparkSession.builder.master("local[2]").appName("word counts").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # The reader of text drops line ends, which are part of the words here: all of them end a line, so they are put back.
    lines = spark.read.option("lineSep", "\n").text(options.corpus).rdd.map(lambda row: row[0] + "\n")
    counts = lines.repartition(options.partitions).mapPartitions(count_partition(options.tessera, options.work))
    total = counts.reduce(merge(options.tessera, options.work))
    spark.stop()
    subprocess.run([options.tessera, "train", "bpe", "--counts", total, "--vocab-size", options.vocab_size, "-o",
                    options.output], check=True)


if __name__ == "__main__":
    main()
