"""Differential fuzz of the text tokenizers: the command `tessera` against the reference libraries."""
