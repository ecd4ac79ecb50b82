"""Training text found on the machine, sampled the same way every time: program sources, manuals, translations."""

import gettext
import gzip
import random
import re
import sysconfig
from pathlib import Path

from .strings import SCRIPTS, CODE


def sources():
    return sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:120]


def manuals():
    return sorted(Path("/usr/share/man").glob("**/*.[1-8].gz"))


def catalogues():
    return sorted(Path("/usr/share/locale").glob("*/LC_MESSAGES/*.mo"))


def lines_of(path):
    try:
        if path.suffix == ".mo":
            with open(path, "rb") as file:
                messages = gettext.GNUTranslations(file)._catalog.values()
            return [line for text in messages for line in str(text).split("\n")]
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8", "ignore")
    except (OSError, ValueError, UnicodeError, LookupError, AssertionError):
        return []
    if path.suffix == ".gz":
        text = re.sub(r"(?m)^[.'].*$|\\f[A-Z]|\\(?=-)", "", text)
    return text.split("\n")


def corpus(count=12000, seed=20):
    """About `count` lines: a third each of sources, manuals and translations, and the fixed sentences many times."""
    chooser = random.Random(seed)
    out = [text for text in SCRIPTS + CODE for _ in range(8)]
    for files in (sources(), manuals(), catalogues()):
        chooser.shuffle(files)
        kept = []
        for path in files:
            lines = [line for line in lines_of(path) if 2 < len(line) < 300]
            kept += chooser.sample(lines, min(len(lines), 60))
            if len(kept) >= count // 3:
                break
        out += kept
    chooser.shuffle(out)
    return out
