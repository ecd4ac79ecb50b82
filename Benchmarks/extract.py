"""Plain text out of the forms in which packages carry it: manual pages, HTML, compressed text, catalogues, POD, info."""

import gzip
import html
import io
import re
import struct

HIDDEN = re.compile(r"<(script|style|head|nav|svg|math)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
BREAK = re.compile(r"</?(p|div|li|ul|ol|dl|dt|dd|tr|table|h[1-6]|pre|br|section|article|blockquote|td|th|note|item)\b[^>]*>", re.I)
TAG = re.compile(r"<[^<>]*>")
BLANKS = re.compile(r"[ \t\u00a0]+")
ROFF_ESCAPES = [
    (re.compile(r"\\f(\[[^\]]*\]|\(..|.)"), ""),
    (re.compile(r"\\s[-+]?\d+"), ""),
    (re.compile(r"\\m\[[^\]]*\]"), ""),
    (re.compile(r"\\\((?:lq|rq|dq|Lq|Rq)"), '"'),
    (re.compile(r"\\\((?:aq|oq|cq)"), "'"),
    (re.compile(r"\\\((?:em|en|hy|mi)"), "-"),
    (re.compile(r"\\\(bu"), "\u2022"),
    (re.compile(r"\\\(co"), "\u00a9"),
    (re.compile(r"\\\(.."), ""),
    (re.compile(r"\\\[[^\]]*\]"), ""),
    (re.compile(r"\\\*(\[[^\]]*\]|\(..|.)"), ""),
    (re.compile(r"\\[&|^/,:%)c]"), ""),
    (re.compile(r"\\[ ~0]"), " "),
    (re.compile(r"\\-"), "-"),
    (re.compile(r"\\e"), r"\\"),
    (re.compile(r"\\(['`])"), r"\1"),
    (re.compile(r'\\".*'), ""),
]
ROFF_TEXT = {"B", "I", "BR", "RB", "BI", "IB", "IR", "RI", "SM", "SB", "Nm", "Fl", "Ar", "Pa", "Em", "Sy", "Dq", "Pq", "Op", "Xr"}
ROFF_HEADS = {"SH", "SS", "Sh", "Ss"}
ROFF_BREAKS = {"PP", "P", "LP", "TP", "IP", "Pp", "HP", "It", "Bl", "El", "sp"}


def opened(data):
    """The text of bytes, unpacked when they are compressed; None when they are no UTF-8."""
    if data[:2] == b"\x1f\x8b":
        data = gzip.GzipFile(fileobj=io.BytesIO(data)).read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text.replace("\r\n", "\n").replace("\0", "")


def plain(text):
    return text


def from_html(text):
    """Paragraphs of a page, without markup and navigation."""
    text = HIDDEN.sub("\n", text)
    parts = re.split(r"(<pre\b.*?</pre\s*>)", text, flags=re.S | re.I)
    for index, part in enumerate(parts):
        if index % 2 == 0:
            part = BREAK.sub("\n\n", part.replace("\n", " "))
        parts[index] = html.unescape(TAG.sub("", part))
    lines = []
    for line in "\n".join(parts).split("\n"):
        line = BLANKS.sub(" ", line) if not line.startswith("  ") else line
        lines.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def from_man(text):
    """The running text of a manual page: macros that carry words give them, the others structure."""
    out = []
    for line in text.split("\n"):
        for pattern, replacement in ROFF_ESCAPES:
            line = pattern.sub(replacement, line)
        if line[:1] not in (".", "'"):
            out.append(line)
            continue
        name, _, rest = line[1:].strip().partition(" ")
        words = rest.replace('"', "")
        if name in ROFF_HEADS:
            out += ["", words, ""]
        elif name in ROFF_BREAKS:
            out.append("")
        elif name in ROFF_TEXT and words:
            out.append(words)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def from_pod(text):
    """Paragraphs of Perl's documentation, without its commands and formatting codes."""
    text = re.sub(r"^=(?:over|back|cut|pod|for|begin|end|encoding)\b.*$", "", text, flags=re.M)
    text = re.sub(r"^=(?:item|head\d)\s+", "", text, flags=re.M)
    for _ in range(3):
        text = re.sub(r"\b[BCFILSX]<([^<>]*)>", r"\1", text)
    return text.replace("E<lt>", "<").replace("E<gt>", ">")


def from_dictionary(text):
    """Entries of a dictionary in DICT form; the header of the file is left out."""
    return text[4096:]


def from_fortunes(text):
    return re.sub(r"^%$", "", text, flags=re.M)


def from_catalogue(data):
    """The translations of a compiled message catalogue, one a line; those equal to their original are left out."""
    magic = struct.unpack("<I", data[:4])[0]
    order = "<" if magic == 0x950412DE else ">"
    count, originals, translations = struct.unpack(order + "III", data[8:20])
    out = []
    for index in range(count):
        length, start = struct.unpack_from(order + "II", data, originals + 8 * index)
        original = data[start : start + length]
        length, start = struct.unpack_from(order + "II", data, translations + 8 * index)
        translation = data[start : start + length]
        if original and translation != original:
            try:
                out.append(translation.replace(b"\0", b"\n").decode("utf-8"))
            except UnicodeDecodeError:
                return None
    return "\n".join(out)
