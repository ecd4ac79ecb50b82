#!/usr/bin/env python3
"""Builds the corpora of the benchmark from Debian packages: English prose, source code, and text in forty languages.

    corpora.py [--into .deps/corpora] [--size 50] [--only english,code,multilingual,worst]

Each corpus is one file of documents (1 to 50 kB each) with a NUL between them, in an order that depends on nothing but their
content, and a .json beside it that says what is in it. No paragraph of 80 characters or more occurs twice in a corpus, and no
control token of a known vocabulary stands in the text. The same versions of the packages give the same files. Packages are
fetched with apt-get into a folder and read there, not installed.
"""

import argparse
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import extract

MAN = r"usr/share/man/(?:{})/man[1-8]/.*\.[1-8][a-z]*\.gz$"
ENGLISH_MAN = r"usr/share/man/man[1-8]/.*\.[1-8][a-z]*\.gz$"
HTML = r".*\.x?html(\.gz)?$"
HELP = r"usr/share/libreoffice/help/.*\.html$"

# (package, paths inside it, how they become text, megabytes at most)
ENGLISH = [
    ("linux-doc-6.1", r".*/_sources/.*\.rst\.txt(\.gz)?$|.*/Documentation/.*\.(rst|txt)(\.gz)?$", extract.plain, 12),
    ("manpages", ENGLISH_MAN, extract.from_man, 4),
    ("manpages-dev", ENGLISH_MAN, extract.from_man, 6),
    ("freebsd-manpages", ENGLISH_MAN, extract.from_man, 6),
    ("perl-doc", r".*\.pod$", extract.from_pod, 6),
    ("git-doc", r".*\.(txt|adoc)(\.gz)?$", extract.plain, 4),
    ("python3.11-doc", r".*/_sources/.*\.rst\.txt(\.gz)?$", extract.plain, 8),
    ("python-django-doc", r".*\.(txt|html)(\.gz)?$", extract.from_html, 5),
    ("python-sqlalchemy-doc", HTML, extract.from_html, 4),
    ("postgresql-doc-15", HTML, extract.from_html, 6),
    ("sqlite3-doc", HTML, extract.from_html, 6),
    ("anarchism", HTML, extract.from_html, 9),
    ("debian-handbook", r".*/html/en-US/.*\.html$", extract.from_html, 4),
    ("debian-policy", r".*\.(txt|html)(\.gz)?$", extract.from_html, 2),
    ("debian-reference-en", HTML, extract.from_html, 2),
    ("developers-reference", HTML, extract.from_html, 2),
    ("doc-debian", r".*\.txt(\.gz)?$", extract.plain, 2),
    ("aptitude-doc-en", HTML, extract.from_html, 1),
    ("vim-doc", HTML, extract.from_html, 5),
    ("cmake-doc", r".*/_sources/.*\.txt$|.*\.html$", extract.from_html, 3),
    ("erlang-doc", HTML, extract.from_html, 6),
    ("octave-doc", HTML, extract.from_html, 3),
    ("maxima-doc", HTML, extract.from_html, 3),
    ("exim4-doc-html", HTML, extract.from_html, 2),
    ("zsh-doc", HTML, extract.from_html, 2),
    ("bash-doc", HTML, extract.from_html, 2),
    ("libreoffice-help-en-us", HELP, extract.from_html, 5),
    ("gnome-user-docs", r"usr/share/help/C/.*\.page$", extract.from_html, 3),
    ("dict-foldoc", r".*\.dict\.dz$", extract.from_dictionary, 5),
    ("dict-jargon", r".*\.dict\.dz$", extract.from_dictionary, 2),
    ("fortunes-min", r"usr/share/games/fortunes/[^.]*$", extract.from_fortunes, 2),
    ("fortunes", r"usr/share/games/fortunes/[^.]*$", extract.from_fortunes, 3),
]

CODE = [
    ("golang-1.19-src", r".*\.go$", extract.plain, 9),
    ("rust-src", r".*\.rs$", extract.plain, 8),
    ("glibc-source", r".*\.(c|h|S)$", extract.plain, 8),
    ("libboost1.74-dev", r".*\.(hpp|ipp)$", extract.plain, 7),
    ("libpython3.11-stdlib", r".*\.py$", extract.plain, 5),
    ("python3-sympy", r".*\.py$", extract.plain, 6),
    ("python3-django", r".*\.py$", extract.plain, 4),
    ("python3-twisted", r".*\.py$", extract.plain, 3),
    ("ansible", r".*\.(py|yml|yaml)$", extract.plain, 4),
    ("openjdk-17-source", r".*\.java$", extract.plain, 8),
    ("wordpress", r".*(?<!\.min)\.(php|js|css)$", extract.plain, 6),
    ("node-typescript", r".*/lib/(tsc|typescript|lib\..*\.d)\.(js|ts)$", extract.plain, 4),
    ("perl-modules-5.36", r".*\.p[ml]$", extract.plain, 3),
    ("libruby3.1", r".*\.rb$", extract.plain, 3),
    ("emacs-el", r".*\.el\.gz$", extract.plain, 3),
]

HELP_LANGUAGES = (
    "ca cs da de el es et eu fi fr hi hu it ja km ko nl pl pt-br ru sl sv tr vi zh-cn zh-tw".split()
)
MAN_LANGUAGES = "de fr es it pl ru uk ja zh pt-br ro nl tr cs".split()
CATALOGUE_LANGUAGES = "ar he fa th bn ta te mr ka am ug kk mn be ne si hi".split()


def multilingual():
    """Help pages and manual pages: prose; catalogues of messages for languages that have no such prose."""
    # What is not translated stands there in English: the English pages come first and are only marked as seen.
    yield "libreoffice-help-en-us", HELP, extract.from_html, 0
    for language in HELP_LANGUAGES:
        yield f"libreoffice-help-{language}", HELP, extract.from_html, 1.4
    for language in MAN_LANGUAGES:
        folders = {"zh": "zh_CN|zh_TW", "pt-br": "pt_BR"}.get(language, language)
        yield f"manpages-{language}", MAN.format(folders), extract.from_man, 0.9
    yield "installation-guide-amd64", r".*/(?!en)[a-z]{2}(_[A-Z]+)?/.*\.html$", extract.from_html, 3
    yield "debian-handbook", r".*/html/(?!en)[a-z]{2}-[A-Z]+/.*\.html$", extract.from_html, 3
    yield "gnome-user-docs", r"usr/share/help/(?!C/).*\.page$", extract.from_html, 6
    for language in "ru zh bg de es it pl cs".split():
        yield f"fortunes-{language}", r"usr/share/games/fortunes/.*[^.]*$", extract.from_fortunes, 0.5
    for language in CATALOGUE_LANGUAGES:
        yield f"libreoffice-l10n-{language}", r".*\.mo$", extract.from_catalogue, 0.8


# Libraries differ in what they do with a control token that stands in the text; documents with one are left out.
CONTROL_TOKENS = re.compile(
    r"</?s>|</?unk>|<pad>|<mask>|</?think>|<\|[A-Za-z0-9_ ]+\|>|<\uff5c|<SPECIAL_|<0x[0-9A-F]{2}>"
    r"|\[/?(UNK|CLS|SEP|PAD|MASK|INST|IMG|IMG_BREAK|IMG_END|PREFIX|MIDDLE|SUFFIX|SYSTEM_PROMPT|TOOL_CALLS"
    r"|TOOL_RESULTS|TOOL_CONTENT|AVAILABLE_TOOLS)\]"
)

# Translated pages repeat short headings, and leave short sentences in English: there, less is let through.
SHORTEST_REPEAT = {"english": 80, "code": 80, "multilingual": 24}

CORPORA = {"english": ENGLISH, "code": CODE, "multilingual": list(multilingual())}


class Packages:
    """Debian packages as archives on disk; fetched when they are not there yet."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, name):
        return sorted(self.folder.glob(f"{name}_*.deb"))

    def fetch(self, names):
        missing = [name for name in names if not self.find(name)]
        if missing:
            print(f"fetching {len(missing)} packages", file=sys.stderr)
            if subprocess.run(["apt-get", "download", "-qq", *missing], cwd=self.folder, stderr=subprocess.DEVNULL).returncode:
                for name in missing:  # one that is unknown would hold up all the others
                    subprocess.run(["apt-get", "download", "-qq", name], cwd=self.folder, stderr=subprocess.DEVNULL)
        return [name for name in names if not self.find(name)]

    def members(self, name, pattern):
        """Yields (path, bytes) of the files whose paths match, those inside source archives and zip files too, sorted."""
        inner = re.compile(pattern)
        unpacked = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(self.find(name)[-1])], check=True, stdout=subprocess.PIPE
        ).stdout
        found = []
        with tarfile.open(fileobj=io.BytesIO(unpacked)) as archive:
            for member in archive:
                path = member.name.removeprefix("./")
                if not member.isfile():
                    continue
                if re.search(r"\.tar\.(xz|gz|bz2)$", path):
                    with tarfile.open(fileobj=io.BytesIO(archive.extractfile(member).read())) as nested:
                        for entry in nested:
                            if entry.isfile() and inner.match(entry.name):
                                found.append((entry.name, nested.extractfile(entry).read()))
                elif path.endswith("src.zip"):
                    with zipfile.ZipFile(io.BytesIO(archive.extractfile(member).read())) as nested:
                        for entry in nested.namelist():
                            if inner.match(entry):
                                found.append((entry, nested.read(entry)))
                elif inner.match(path):
                    found.append((path, archive.extractfile(member).read()))
        # Not by name: a package whose share is smaller than itself gives a sample of all it holds.
        return sorted(found, key=lambda item: hashlib.sha256(item[0].encode()).digest())


def pieces(text, smallest=1_000, largest=48_000):
    """Cuts a long text at blank lines, or at line ends, into documents of 1 to 48 kB, of many sizes."""
    chooser = random.Random(len(text))
    current, size = [], 0
    limit = largest if len(text.encode()) <= largest else chooser.randint(4_000, largest)
    for block in re.split(r"(?<=\n)\n+", text):
        for part in [block] if len(block) < 20_000 else re.findall(r"(?:.*\n){1,200}|.+$", block):
            length = len(part.encode()) + 1
            if length > largest:
                continue  # generated: one line of data
            if size + length > limit:
                if size >= smallest:
                    yield "\n".join(current)
                current, size = [], 0
                limit = chooser.randint(4_000, largest)
            current.append(part)
            size += length
    if size >= smallest:
        yield "\n".join(current)


def without_repeats(text, seen, shortest):
    """The text without paragraphs of so many characters and more that were there before; `seen` grows."""
    kept = []
    for block in re.split(r"\n\s*\n", text):
        if len(block) >= shortest:
            digest = hashlib.blake2b(re.sub(r"\s+", " ", block).encode(), digest_size=8).digest()
            if digest in seen:
                continue
            seen.add(digest)
        kept.append(block)
    return "\n\n".join(kept)


def build(name, packages, megabytes):
    """The documents of a corpus, shuffled by content, and how many bytes each package gave."""
    sources = CORPORA[name]
    missing = packages.fetch([source[0] for source in sources])
    seen, documents, report = set(), {}, {}
    for package, pattern, convert, share in sources:
        if package in missing:
            continue
        taken = 0
        for path, data in packages.members(package, pattern):
            if share and taken >= share * 1e6:
                break
            text = convert(data) if convert is extract.from_catalogue else extract.opened(data)
            if text is None:
                continue
            if convert is not extract.from_catalogue:
                text = convert(text)
            text = without_repeats(text, seen, SHORTEST_REPEAT[name])
            if not share:
                continue
            for document in pieces(text):
                if CONTROL_TOKENS.search(document):
                    continue
                data = document.encode("utf-8")
                digest = hashlib.sha256(data).digest()
                if digest not in documents and taken < share * 1e6:
                    documents[digest] = data
                    taken += len(data)
        report[packages.find(package)[-1].stem] = report.get(packages.find(package)[-1].stem, 0) + taken
    ordered, total = [], 0
    for digest in sorted(documents):
        if total + len(documents[digest]) > megabytes * 1_000_000:
            break
        ordered.append(documents[digest])
        total += len(documents[digest])
    return ordered, report, missing


def write(path, data):
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def described(documents, report, missing):
    text = b"\n".join(documents).decode()
    words = re.findall(r"\w+", text)
    sizes = sorted(map(len, documents))
    return {
        "bytes": sum(sizes),
        "documents": len(documents),
        "median_document_bytes": sizes[len(sizes) // 2],
        "largest_document_bytes": sizes[-1],
        "words": len(words),
        "distinct_words": len(set(words)),
        "characters": len(text),
        "sha256": hashlib.sha256(b"\0".join(documents)).hexdigest(),
        "packages": report,
        "missing_packages": missing,
    }


def worst_inputs(size=400_000):
    """Inputs without a break, each about 400 kB of UTF-8."""
    chooser = random.Random(7)
    ideographs = "".join(chr(chooser.randint(0x4E00, 0x9FA5)) for _ in range(size // 3))
    faces = [chr(code) for code in range(0x1F600, 0x1F650)]
    joined = "\U0001F468\u200D\U0001F469\u200D\U0001F467"
    return {
        "one-letter": "a" * size,
        "random-letters": "".join(chooser.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(size)),
        "digits": "".join(chooser.choice("0123456789") for _ in range(size)),
        "blanks": " " * size,
        "newlines": "\n" * size,
        "ab": "ab" * (size // 2),
        "ideographs": ideographs,
        "emoji": "".join(chooser.choice([*faces, joined]) for _ in range(size // 5)),
        "punctuation": "".join(chooser.choice("!?.,;:-=#*/") for _ in range(size)),
    }


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=root / ".deps" / "corpora")
    parser.add_argument("--size", type=float, default=50, help="megabytes of each corpus, at most")
    parser.add_argument("--only", default="english,code,multilingual,worst")
    parser.add_argument("--force", action="store_true", help="build anew what is there")
    options = parser.parse_args()
    folder = options.into
    (folder / "worst").mkdir(parents=True, exist_ok=True)
    packages = Packages(folder / "packages")
    for name in options.only.split(","):
        if name == "worst":
            for kind, text in worst_inputs().items():
                write(folder / "worst" / f"{kind}.txt", text.encode())
            continue
        if (folder / f"{name}.json").exists() and not options.force:
            continue
        documents, report, missing = build(name, packages, options.size)
        summary = described(documents, report, missing)
        write(folder / f"{name}.txt", b"\0".join(documents))
        write(folder / f"{name}.json", json.dumps(summary, indent=1).encode())
        print(f"{name}: " + ", ".join(f"{k} {v}" for k, v in summary.items() if k not in ("packages", "sha256")))


if __name__ == "__main__":
    main()
