"""Characters that look like others: letters of another alphabet in a Latin word, and invisible ones."""

import re
import unicodedata
from collections.abc import Iterator

from sartor.sql import lexer

_ALIKE = {"ARMENIAN", "CHEROKEE", "CYRILLIC", "FULLWIDTH", "GREEK", "MATHEMATICAL"}
"""Alphabets with letters that look Latin, by the first word of their characters' names."""

_WORD = re.compile(r"[^\W\d_]+")

_TURNING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
"""Characters that reverse the direction of what follows: SQL then reads differently from how it runs."""


def in_word(name: str) -> str | None:
    """Returns the first character of a name that looks like another one, or is invisible; None where there is none.

    A name may be in any language: what counts is a letter of another alphabet within a Latin word.
    """
    if name.isascii():
        return None
    if unseen := next((c for c in name if unicodedata.category(c) in {"Cf", "Cc"}), None):
        return unseen
    if not unicodedata.is_normalized("NFC", name):  # one letter has two spellings, which other systems distinguish
        return next((c for c in name if unicodedata.combining(c)), name[0])
    return next((c for word in _WORD.findall(name) for c in _foreign(word)), None)


def _foreign(word: str) -> list[str]:
    alphabets = [unicodedata.name(character, "").partition(" ")[0] for character in word]
    return [c for c, alphabet in zip(word, alphabets, strict=True) if alphabet in _ALIKE and "LATIN" in alphabets]


def in_sql(text: str) -> Iterator[tuple[str, int]]:
    """Yields such characters in SQL, each with its offset: in names, between them, and the reversing ones anywhere."""
    if text.isascii():
        return
    for token in lexer.tokens(text):
        if found := _in_token(token):
            yield found, token.start


def _in_token(token: lexer.Token) -> str | None:
    if turning := next((c for c in token.text if c in _TURNING), None):
        return turning
    if token.kind == "word" and (odd := next((c for c in token.text if not _is_of_words(c)), None)):
        return odd  # to the server it is a letter, not a space
    if token.kind == "word" or token.text.startswith('"'):
        return in_word(token.text)
    return None


def _is_of_words(character: str) -> bool:
    if not unicodedata.category(character).startswith("M"):
        return character.isascii() or character.isalnum()
    # Marks belong to a word, as vowel signs do, except those that nobody can see.
    return character != "\u034f" and "VARIATION SELECTOR" not in unicodedata.name(character, "")


def describe(character: str) -> str:
    """Returns a character's name for a message: `U+0435 CYRILLIC SMALL LETTER IE`."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
