"""A destination: the database and the schema of a run, what of it may be shown, and how long a run waits there."""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import quote, quote_plus

from sartor.conninfo.parameters import TIMEOUTS, seconds
from sartor.conninfo.url import build_url, complete, is_text, parse_url, places_of
from sartor.domain.table_names import DEFAULT_PREFIX, parse_prefix
from sartor.errors import SettingsError
from sartor.sql.quoting import LONGEST_NAME, shows_itself

DEFAULT_SCHEMA = "public"

_SECRET_KEYWORDS = ("password", "sslpassword")


class Destination(NamedTuple):
    """A database and a schema.

    `url` holds all that is known of how to connect. `settled` is True where the settings have completed it from service
    file and environment; otherwise the rest of the environment counts. `password_from` and `statement_timeout_from`
    name the places where the password and that timeout are set. `scratch` is True for a scratch database, in which no
    script may change what would outlast it. `stands_for` is the database that scripts there are told to be in; "" for
    this one itself. `search_path` are further schemas of a script's search path, between `schema` and `public`;
    `withheld` are further texts that must never be shown, such as variables from secret files. `require_tls`
    refuses each connection without TLS, except through a socket of this computer. `tables` is the prefix of Sartor's
    own tables; `tables_chosen` says that the user gave it, so that a schema may hold another history too.
    `labels` are what its owner says of it, such as its region; messages show it by its `label`.
    """

    url: str
    schema: str = DEFAULT_SCHEMA
    settled: bool = False
    password_from: str = "the URL"  # noqa: S105 - a place
    statement_timeout_from: str = "the URL's statement_timeout"
    scratch: bool = False
    stands_for: str = ""
    search_path: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    require_tls: bool = False
    tables: str = DEFAULT_PREFIX
    tables_chosen: bool = False
    labels: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Destination({self.label!r})"

    @classmethod
    def parse(cls, url: str, *, schema: str | None = None, tables: str | None = None, origin: str = "the URL") -> Self:
        """Returns the destination of a URL; `tables` is the prefix of Sartor's own, such as `acme`.

        Raises SettingsError, which names `origin` and shows nothing of the URL.
        """
        keywords = parse_url(url, origin=origin)
        name = keywords.get("schema", DEFAULT_SCHEMA) if schema is None else schema
        made = cls.of(complete(keywords), schema=parse_schema(name, origin=f"the schema for {origin}"))
        return made if tables is None else made.with_tables(tables, origin="the prefix of the tables")

    @classmethod
    def of(cls, keywords: Mapping[str, str], *, schema: str) -> Self:
        """Returns the destination of `parse_url`'s keywords.

        Raises SettingsError where the database's name can't be shown.
        """
        if not (is_text(name := keywords.get("dbname", "")) and shows_itself(name)):
            raise SettingsError(
                f"the database name {name!r} contains characters that can't be displayed",
                hint="give the name as `psql --list` shows it; if the database really has such a name, rename the"
                " database",
            )
        return cls(url=build_url({key: value for key, value in keywords.items() if key != "schema"}), schema=schema)

    @property
    def keywords(self) -> Mapping[str, str]:
        return _keywords(self.url)

    @property
    def label(self) -> str:
        """The destination as shown to people, without a password: `app@db.example.com:5432/app, schema public`."""
        text = f"{_server(self.keywords)}, schema {self.schema}"
        return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)

    @property
    def server(self) -> str:
        """The server as text, host and port: what destinations of the same server have in common."""
        return _host(self.keywords)

    @property
    def place(self) -> tuple[str, ...]:
        """What two destinations have in common that are the same database and schema, whoever connects."""
        keywords = self.keywords
        port = "" if places_of(keywords) else keywords.get("port", "5432")  # sockets of this computer
        return (self.server, port, self.database or "", self.schema)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown, plain and as a URL holds them."""
        own = (self.keywords[key] for key in _SECRET_KEYWORDS if key in self.keywords)
        return self.hidden((*own, *self.withheld))

    def hidden(self, passwords: Iterable[str]) -> tuple[str, ...]:
        """Returns the forms of passwords that must never be shown, plain and as a URL holds them.

        A password that is also the user's, the database's or the schema's name is left out: each message shows those.
        """
        shown = {self.keywords.get("user"), self.keywords.get("dbname"), self.schema}
        found = [password for password in passwords if password not in shown]
        return tuple(dict.fromkeys(form for secret in found for form in _forms(secret)))

    @property
    def database(self) -> str | None:
        """The database's name, None where the URL leaves it to the server or to a service file."""
        return self.keywords.get("dbname") or self.keywords.get("user")

    @property
    def bare_url(self) -> str:
        """The URL without secrets, for a command that a user may copy."""
        return self.without(*_SECRET_KEYWORDS).url

    @property
    def timeouts(self) -> dict[str, float]:
        """The `lock_timeout` and the `statement_timeout` that the URL gives, in seconds."""
        return {key: seconds(key, self.keywords[key]) for key in TIMEOUTS if key in self.keywords}

    def called(self, application: str) -> str:
        """Returns the name of a session in `pg_stat_activity`, for `sartor deploy 7@host`: a product has its own."""
        program, space, rest = application.partition(" ")
        return f"{self.tables}{space}{rest}"[:63] if program == DEFAULT_PREFIX else application

    def in_schemas_of(self, other: Self) -> Self:
        """Returns this database with another destination's schema, search path and names of tables."""
        return self._replace(
            schema=other.schema,
            search_path=other.search_path,
            withheld=other.withheld,
            tables=other.tables,
            tables_chosen=other.tables_chosen,
        )

    def with_tables(self, prefix: str, *, origin: str) -> Self:
        """Returns this place with a prefix of Sartor's tables that was given. Raises SettingsError for `origin`."""
        return self._replace(tables=parse_prefix(prefix, origin=origin), tables_chosen=True)

    def without(self, *keys: str) -> Self:
        return self._replace(url=build_url({key: text for key, text in self.keywords.items() if key not in keys}))

    def with_options(self, options: str) -> Self:
        """Returns this place with other options of the server's command line, such as `-c role=app`."""
        return self._replace(url=build_url({**self.keywords, "options": options}))

    def at(self, database: str) -> Self:
        """Returns another database on the same server."""
        return self._replace(url=build_url({**self.keywords, "dbname": database}))


@lru_cache
def _keywords(url: str) -> Mapping[str, str]:
    return parse_url(url, origin="the URL")


def once_each(destinations: Iterable[Destination]) -> tuple[Destination, ...]:
    """Returns the destinations, each place once: the first that names it."""
    found: dict[tuple[str, ...], Destination] = {}
    for each in destinations:
        found.setdefault(each.place, each)
    return tuple(found.values())


def parse_schema(text: str, *, origin: str) -> str:
    """Returns a schema's name that Sartor may use. Raises SettingsError, naming `origin`, for any other."""
    if not text or not is_text(text):
        reason = "the name is empty, contains a NUL character, or isn't UTF-8"
    elif len(text.encode()) > LONGEST_NAME:
        reason = "the name is longer than 63 bytes, the limit of Postgres"
    elif text.startswith("pg_") or text == "information_schema":
        reason = "information_schema and names that begin with pg_ are reserved by Postgres"
    elif not shows_itself(text):
        reason = f"{text!r} contains characters that can't be displayed"
    else:
        return text
    raise SettingsError(f"{origin} can't be used: {reason}", hint="give another schema, such as public")


def _forms(secret: str) -> tuple[str, ...]:
    """Returns a secret as it is, as URLs hold it, and as Python writes it."""
    return secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]


def _server(keywords: Mapping[str, str]) -> str:
    if "service" in keywords and "host" not in keywords:
        return f"service {keywords['service']}"
    user, database = keywords.get("user", ""), keywords.get("dbname") or keywords.get("user", "")
    return (user and f"{user}@") + _host(keywords) + (database and f"/{database}")


def _host(keywords: Mapping[str, str]) -> str:
    if "service" in keywords and "host" not in keywords:
        return f"service {keywords['service']}"
    return ",".join(_place(*place) for place in places_of(keywords)) or "local"


def _place(host: str, port: str) -> str:
    return (f"[{host}]" if ":" in host or host.startswith("/") else host) + f":{port or 5432}"


class Existing(Enum):
    """What becomes of a first deployment to a schema that holds objects already: a note, or a refusal."""

    NOTE = "note"
    REFUSE = "refuse"


class Limits(NamedTuple):
    """The times that a run waits, in seconds, and how much it does at a time.

    `lock_timeout`: for one lock, before the script is rolled back and tried again (0: without end); `lock_budget`: for
    all tries of a script; `wait`: for another run; `statement_timeout`: for one statement (0: without end). `batch`:
    send straight scripts together; `fingerprint`: record at the end what the schema should be; `ignore_objects`:
    patterns of names that don't count where schemas are compared; `scratch_bootstrap`: a file of SQL that goes into a
    scratch database before the alterations; `existing`: what becomes of a first deployment to a schema that isn't
    empty. `statement_timeout_from` names the place where that timeout is set.
    """

    lock_timeout: float = 0.3
    lock_budget: float = 60.0
    wait: float = 60.0
    statement_timeout: float = 0.0
    statement_timeout_from: str = "the run's statement_timeout"
    batch: bool = True
    fingerprint: bool = True
    ignore_objects: tuple[str, ...] = ()
    scratch_bootstrap: str | None = None
    existing: Existing = Existing.NOTE

    def at(self, destination: Destination) -> Self:
        """Returns the limits of a run at a destination: a timeout in its URL counts where none was asked for."""
        own, given = Limits(), destination.timeouts
        found = self
        if "lock_timeout" in given and self.lock_timeout == own.lock_timeout:
            found = found._replace(lock_timeout=given["lock_timeout"])
        if "statement_timeout" in given and self.statement_timeout == own.statement_timeout:
            found = found._replace(
                statement_timeout=given["statement_timeout"], statement_timeout_from=destination.statement_timeout_from
            )
        return found

    @property
    def overtime(self) -> str:
        if self.statement_timeout:
            return f"the statement ran longer than {self.statement_timeout_from} allows"
        return "the statement ran longer than a statement_timeout that the script, or a function that it calls, has set"
