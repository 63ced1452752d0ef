"""Just enough of SQL's lexical rules to separate statements, as `psql` does (its `psqlscan.l` is the model).

Nothing here understands a statement: the server does. See the manual's chapter 4.1, Lexical Structure.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_TAG = r"[^\x00-/:-@\[-^`{-\x7f]"
_IN_WORD = r"[^\x00-\#%-/:-@\[-^`{-\x7f]"
_IN_NUMBER = r"[^\x00-\-/:-@\[-^`{-\x7f]"
_PLAIN = r"[\x00-\x20!\#%&*+,.:<=>?@\[\]^`{|}~\x7f]"
"""Plain characters. The four classes before it are written as the ASCII that they exclude.

Ranges up to the last of all characters would take `re` 10 ms to compile.
"""

_QUOTED = rf"""
      (?P<line_comment> --[^\r\n]* )
    | (?P<block_comment> /\* )
    | (?P<escaped> [eE]' )
    | (?P<string> (?:[uU]&(?=['"]))? (?: '(?:[^']|'')*+' | "(?:[^"]|"")*+" ) )
    | (?P<open> '.*+ | ".*+ )
    | (?P<dollar> \$(?:{_LETTER}{_IN_TAG}*)?\$ )
    | (?P<backslash> \\[^\r\n]* )
"""
_WORDS = rf"""
    | (?P<word> {_LETTER}{_IN_WORD}* )
    | (?P<number> \$?[0-9]{_IN_NUMBER}* )
    | (?P<space> [ \t\n\r\f\v]+ )
    | (?P<mark> . )
"""
"""Words as the server's `scan.l` has them: any character beyond ASCII is a letter, even an arrow or a no-break space.

Like the expressions below, it is compiled at its first use, as most commands read no SQL.
"""

_RUNS = rf"""
    | (?P<run> (?: (?! [eE]' ) {_LETTER}{_IN_WORD}*+
        | \$?[0-9]{_IN_NUMBER}*+ | {_PLAIN}++ | - (?! - ) | / (?! \* )
        | \( (?: [^'"$/;()\\-]++ | \( [^'"$/;()\\-]*+ \) | (?!) )*+ \) | (?!) )++ )
    | (?P<mark> . )
"""
"""The words of `_WORDS` in one match, up to the next quote, comment, semicolon or parenthesis: ten times as fast.

Parentheses that hold nothing but words, and such parentheses, are among the words. The last alternative, `(?!)`, fails
where it stands: after any other, Python 3.11.0 to 3.11.4 goes on behind what that has read, behind a comment's `--`.
"""

_FINE, _COARSE = f"(?xs){_QUOTED}{_WORDS}", f"(?xs){_QUOTED}{_RUNS}"
_SOLID = rf"(?xs) [ \t\n\r\f\v]*+ (?: {_QUOTED}{_WORDS} )"
"""Without the spaces before it: half of the tokens."""

_COMMENTS = frozenset({"line_comment", "block_comment", "open_comment"})
_SPACE = " \t\n\r\f\v"
_ESCAPED_END = r"(?s)(?:[^'\\]|\\.|'')*+'"
_CONTINUED = r"(?:[ \t\f\v]|--[^\r\n]*)*+[\r\n](?:[ \t\r\n\f\v]|--[^\r\n]*[\r\n])*+'"
"""The text between the parts of a string that continues after a newline: blanks, and comments to a line's end."""
_ATOMIC = r"(?i)\batomic\b"
_COMMENT_MARK = r"/\*|\*/"
_CODE_POINT = r"\\(?:([0-9a-fA-F]{4})|\+([0-9a-fA-F]{6})|\\)"
_FOLDED = str.maketrans({chr(upper): chr(upper + 32) for upper in range(ord("A"), ord("Z") + 1)})


class Token(NamedTuple):
    """A piece of SQL: its kind (`line_comment`, `block_comment`, `string`, `word`, `mark`, ...) and its offset.

    A string or a quoted name that never ends is of the kind `open`, such a comment an `open_comment`. A `backslash`
    outside of quotes is psql's, with the rest of its line: the server knows none.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_blank(self) -> bool:
        return self.kind in _COMMENTS or not self.text.strip(_SPACE)

    @property
    def word(self) -> str:
        """The text, a word's in lower case as the server has it: letters beyond ASCII stay."""
        if self.kind != "word":
            return self.text
        return self.text.lower() if self.text.isascii() else self.text.translate(_FOLDED)

    @property
    def name(self) -> str | None:
        """The name that it is, as the catalogue has it; None where it can't be one."""
        if self.kind == "word":
            return self.word
        if self.kind != "string" or not self.text.endswith('"'):
            return None
        before, _, quoted = self.text[:-1].partition('"')
        plain = quoted.replace('""', '"')
        return re.sub(_CODE_POINT, lambda at: chr(int(at[1] or at[2] or "5c", 16)), plain) if before else plain

    @property
    def quoted(self) -> tuple[int, int] | None:
        """Where in the text what a literal's quotes hold begins and ends, also of one that never ends; else None."""
        if self.kind not in {"string", "open"}:
            return None
        start = next(at for at, character in enumerate(self.text) if character in "'\"$")
        if self.text[start] == '"':
            return None
        end = start + 1 if self.text[start] == "'" else self.text.index("$", 1) + 1
        return end, len(self.text) - (end - start if self.kind == "string" else 0)

    @property
    def literal(self) -> str | None:
        """The text between a literal's quotes, as it is written; else None."""
        return None if self.quoted is None else self.text[slice(*self.quoted)]

    @property
    def code(self) -> str | None:
        """The content of a literal, as it may be SQL itself: doubled quotes are single ones; else None."""
        literal = self.literal
        return literal if literal is None or self.text[0] == "$" else literal.replace("''", "'")


def tokens(sql: str, position: int = 0) -> Iterator[Token]:
    return _scan(sql, _FINE, position)


def runs(sql: str) -> Iterator[Token]:
    """Yields the tokens of `sql`, with what is between quotes, comments and semicolons in one token, a `run`.

    A run includes parentheses, except those that hold any of these, or others that are nested deeper.
    """
    return _scan(sql, _COARSE)


def _scan(sql: str, lexeme: str, position: int = 0) -> Iterator[Token]:
    pattern = re.compile(lexeme)
    while match := pattern.match(sql, position):
        kind = match.lastgroup or "mark"
        start, end = match.span(kind)
        if kind == "block_comment":
            kind, end = ("open_comment", len(sql)) if (found := _comment_end(sql, end)) < 0 else (kind, found)
        elif kind == "escaped":
            kind, end = ("open", len(sql)) if (found := _escaped_end(sql, end)) < 0 else ("string", found)
        elif kind == "dollar":
            found = sql.find(tag := match["dollar"], end)
            kind, end = ("open", len(sql)) if found < 0 else ("string", found + len(tag))
        yield Token(kind, sql[start:end], start)
        position = end


def _comment_end(sql: str, position: int) -> int:
    """Returns where a block comment ends that was opened before `position`, -1 where it doesn't end. Comments nest."""
    depth, mark = 1, re.compile(_COMMENT_MARK)
    while depth and (match := mark.search(sql, position)):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
    return -1 if depth else position


def _escaped_end(sql: str, position: int) -> int:
    """Returns where a string ends that `E'` opened before `position`, -1 where it doesn't end.

    It may continue after a newline with another quote, and has its escapes there as well.
    """
    while match := re.compile(_ESCAPED_END).match(sql, position):
        continued = re.compile(_CONTINUED).match(sql, match.end())
        if continued is None:
            return match.end()
        position = continued.end()
    return -1


def pieces(sql: str) -> Iterator[Token]:
    """Returns the tokens of `sql`, as large as separating its statements allows."""
    # Only a routine's body in SQL makes semicolons depend on words.
    return tokens(sql) if re.search(_ATOMIC, sql) else runs(sql)


def meaning(sql: str) -> list[Token]:
    return [token for token in _scan(sql, _SOLID) if token.kind not in _COMMENTS]


def layers(sql: str) -> Iterator[list[Token]]:
    """Yields the `meaning` of `sql` and of every literal in it, as code may execute what these say."""
    found = meaning(sql)
    yield found
    for token in found:
        if len((code := token.code or "").split(None, 1)) > 1:
            yield from layers(code)


def has_phrase(sql: str, phrases: Iterable[str]) -> bool:
    """Returns whether SQL, or a literal in it, has one of these phrases, which are one word or two."""
    for layer in layers(sql):
        words = [token.word for token in layer]
        if not {*words, *map(" ".join, itertools.pairwise(words))}.isdisjoint(phrases):
            return True
    return False


def all_words(text: str) -> frozenset[str]:
    """Returns the words of a text of any kind, whatever quotes or comments they stand in."""
    return frozenset(re.findall(r"\w+", text))
