"""What a configuration is: one tokenizer or kind of stage, its reference, and a source of cases."""

import base64
import random

from .corpus import corpus
from .trained import sentencepiece_file
from .vocabularies import sentencepiece_proto

LINES = []


def lines():
    if not LINES:
        LINES.extend(corpus())
    return LINES


CHARSMAPS = []


def charsmaps():
    if not CHARSMAPS:
        for name in ("unigram-nmt", "unigram-loose", "bpe-nfkc"):
            spec = sentencepiece_proto(sentencepiece_file(name)).normalizer_spec
            CHARSMAPS.append(base64.b64encode(spec.precompiled_charsmap).decode())
    return CHARSMAPS


class Configuration:
    """`verbs` maps a verb to the arguments of the command; `case` draws (verb, line) pairs."""

    def __init__(self, name, seed):
        self.name = name
        self.random = random.Random(f"{seed} {name}")
        self.verbs = {}
        # A folder for tokenizers that failed, when they are not files that stay.
        self.keep = None

    def tolerates(self, verb, line):
        """Whether the reference is known to be wrong on this line, so that only a crash counts."""
        return False

    def group(self, line):
        """What failures are counted by, besides their reason."""
        return ""

    def open(self):
        """Makes the files and the reference; called once, before the first case."""

    def case(self):
        raise NotImplementedError

    def describe(self, verb, line):
        """What a failure report needs beyond the line."""
        return " ".join(self.verbs[verb])
