"""A database as `pg_dump` writes it: statements and rows, so that two replays, and a snapshot, can be compared."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from sartor.alterations.files import file_blocks
from sartor.alterations.script import Fragment
from sartor.alterations.sql_file import read_statements
from sartor.archive.plain import dump_plain
from sartor.archive.temporary import temporary_folder
from sartor.domain.visible import visible_line
from sartor.postgres.session import Session
from sartor.sql.dump_text import cleaned, placed, relative
from sartor.sql.lexer import tokens

SHOWN = 100
"""Characters of a statement that are shown at most."""

_VALUE = "SELECT pg_catalog.setval("

Table = tuple[str, ...]
"""A table's names, as the catalogue has them: its schema's and its own."""


class TableRows(NamedTuple):
    """Rows of a table, in lines as COPY has them; `head` and `columns` are written as SQL.

    Their text has them sorted: the order in which a table holds its rows means nothing, and may change.
    """

    head: str
    columns: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        columns = f" ({', '.join(self.columns)})" if self.columns else " "
        return (
            f"COPY {self.head}{columns} FROM stdin;\n" + "".join(f"{line}\n" for line in sorted(self.lines)) + "\\.\n"
        )

    def name_of(self, at: int) -> str:
        """Returns the name of a column, given its place, from 0."""
        return next(tokens(self.columns[at])).name or ""

    @property
    def table(self) -> Table:
        return tuple(token.name for token in tokens(self.head) if token.name is not None)


class Dump(NamedTuple):
    """What `pg_dump` writes of a database, in order, made independent of who it belongs to."""

    items: tuple[str | TableRows, ...]

    @property
    def statements(self) -> Counter[str]:
        return Counter(item for item in self.items if isinstance(item, str))

    @property
    def sequences(self) -> Counter[str]:
        """The statements that set the values of sequences."""
        return Counter(item for item in self.items if isinstance(item, str) and item.startswith(_VALUE))

    @property
    def rows(self) -> dict[Table, TableRows]:
        """The rows by table, where there are any."""
        return {item.table: item for item in self.items if isinstance(item, TableRows)}

    @property
    def text(self) -> str:
        return "\n".join(f"{item};\n" if isinstance(item, str) else item.text for item in self.items)

    def relative(self, schema: str) -> "Dump":
        """Returns it with `:"schema"` in place of a schema's name."""
        return Dump(tuple(_moved(item, lambda text: relative(text, schema)) for item in self.items))

    def placed(self, schema: str) -> "Dump":
        """Returns it with a schema's name in the places that `relative` has marked."""
        return Dump(tuple(_moved(item, lambda text: placed(text, schema)) for item in self.items))


def _moved(item: str | TableRows, change: Callable[[str], str]) -> str | TableRows:
    return change(item) if isinstance(item, str) else item._replace(head=change(item.head))


async def read_dump(session: Session, *, without: Iterable[str], lock_wait: float) -> Dump:
    """Reads the database of a session, without Sartor's tables and the schemas `without`. Raises BackupFailed."""
    with TemporaryDirectory(dir=temporary_folder()) as folder:
        file = str(Path(folder, "dump.sql"))
        await dump_plain(session, file, without=without, lock_wait=lock_wait)
        fragments = read_statements("the dump", file, file_blocks(file))
        texts = cleaned((each.text for each in fragments), schema=session.schema, role=session.facts.role)
        return Dump(tuple(_items(fragments, texts)))


def _items(fragments: Iterable[Fragment], texts: Iterable[str | None]) -> Iterator[str | TableRows]:
    for fragment, text in zip(fragments, texts, strict=True):
        if fragment.rows is not None and text is not None:
            lines = b"".join(fragment.rows.read()).decode().split("\n")[:-1]
            if lines:
                yield TableRows(*_head(text), tuple(lines))
        elif text is not None:
            yield text


def _head(copy: str) -> tuple[str, tuple[str, ...]]:
    """Returns the table and the columns of `COPY s.t (a, "b c") FROM stdin`, as they are written."""
    words = [token for token in tokens(copy.removeprefix("COPY ")) if not token.is_blank]
    opening = next((at for at, token in enumerate(words) if token.text == "("), len(words) - 2)
    columns = [token.text for token in words[opening + 1 : -3] if token.text != ","]
    return "".join(token.text for token in words[:opening]), tuple(columns)


def first_difference(one: Dump, other: Dump) -> str:
    """Returns the first statement that only one of two dumps has, "" where there is none."""
    odd = (one.statements - other.statements) or (other.statements - one.statements)
    return next((visible_line(" ".join(each.split())[:SHOWN]) for each in odd), "")
