"""The names of Sartor's own tables in a schema: a prefix, and what each table is.

A product whose makers ship Sartor under their own name has tables such as `acme_ledger`.
"""

import string
from typing import NamedTuple

from sartor.errors import SettingsError
from sartor.sql.quoting import quote_identifier

DEFAULT_PREFIX = "sartor"
KINDS = ("fingerprint", "journal", "ledger")
"""What the tables are, in the order in which they are made."""
LONGEST_PREFIX = 45
"""The most characters of a prefix: with them the longest name, that of a constraint, has 63 bytes."""
_ALLOWED = frozenset(string.ascii_lowercase + string.digits + "_")


class OwnTables(NamedTuple):
    """Sartor's own tables in a schema. `ledger` and the like are their names as SQL, with the schema's."""

    schema: str
    prefix: str = DEFAULT_PREFIX

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tables, without the schema's."""
        return tuple(map(self.name, KINDS))

    @property
    def ledger(self) -> str:
        return self.named("ledger")

    @property
    def journal(self) -> str:
        return self.named("journal")

    @property
    def fingerprint(self) -> str:
        return self.named("fingerprint")

    def name(self, kind: str) -> str:
        return f"{self.prefix}_{kind}"

    def named(self, kind: str) -> str:
        """Returns the name of a table as SQL: a prefix and what it is never need quotes."""
        return f"{quote_identifier(self.schema)}.{self.prefix}_{kind}"


def parse_prefix(text: str, *, origin: str) -> str:
    """Returns a prefix of the tables' names. Raises SettingsError, naming `origin`, where it can't be one."""
    if not (text[:1] in set(string.ascii_lowercase) and set(text) <= _ALLOWED):
        reason = "it isn't lower-case letters, digits and underscores that begin with a letter"
    elif len(text) > LONGEST_PREFIX:
        reason = f"it has more than {LONGEST_PREFIX} characters"
    elif text.startswith("pg_"):
        reason = "names that begin with pg_ are Postgres's own"
    else:
        return text
    raise SettingsError(f"{origin} can't be used: {reason}", hint="give the beginning of names, such as acme")


def prefix_of(product: str) -> str:
    """Returns the prefix of the tables of a product, by its command's name: `acme_id` of Acme-ID."""
    text = "".join(each if each in _ALLOWED else "_" for each in product.lower())
    return (text if text[:1] in set(string.ascii_lowercase) else f"{DEFAULT_PREFIX}_{text}")[:LONGEST_PREFIX]
