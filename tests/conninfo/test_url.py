"""What is read from a URL, what the one built of it says, and what is never said about it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sartor.conninfo import parameters
from sartor.conninfo.url import build_url, complete, parse_environment, parse_pairs, parse_url
from sartor.errors import SettingsError

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
HOSTS = st.lists(
    st.one_of(st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True), st.ip_addresses().map(str), st.just("/run/a b")),
    min_size=1,
    max_size=3,
)


def _parse(text: str) -> dict[str, str]:
    return parse_url(text, origin="--db-url")


@given(user=TEXTS, password=TEXTS, database=TEXTS, hosts=HOSTS, port=st.integers(1, 65535))
def test_what_was_meant_is_read_back(user: str, password: str, database: str, hosts: list[str], port: int) -> None:
    """Any user, password and database survive in a URL, with hosts, addresses and sockets alike."""
    names = {"user": user, "password": password, "dbname": database, "host": ",".join(hosts), "sslmode": "disable"}
    url = build_url({**names, "port": str(port)})
    assert _parse(url) == {**names, "port": ",".join([str(port)] * len(hosts))}
    assert build_url(_parse(url)) == url


@given(user=TEXTS, password=TEXTS, database=TEXTS)
def test_an_encoded_url_is_read_back(user: str, password: str, database: str) -> None:
    """What a URL percent-encodes is what was meant, a plus sign included."""
    encoded = (quote(text, safe="") for text in (user, password, database))
    url = "postgres://{}:{}@db/{}?sslpassword={password}".format(*encoded, password=quote(password, safe="+"))
    assert _parse(url) == {
        "user": user,
        "password": password,
        "dbname": database,
        "host": "db",
        "sslpassword": password,
    }


@given(values=st.dictionaries(st.sampled_from(["user", "password", "dbname", "host", "options"]), TEXTS))
def test_a_keyword_string_is_read_back(values: dict[str, str]) -> None:
    """A keyword string, quoted as libpq wants it, says the same."""
    assume(values and "," not in values.get("host", ""))
    pairs = (
        f"{key} = '{value.replace(chr(92), chr(92) * 2).replace(chr(39), chr(92) + chr(39))}'"
        for key, value in values.items()
    )
    assert _parse(" ".join(pairs)) == values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://", {}),
        ("postgresql:///app", {"dbname": "app"}),
        ("  postgresql://db/app\n", {"host": "db", "dbname": "app"}),
        ("postgresql+asyncpg://db", {"host": "db"}),
        ("postgresql+psycopg://db", {"host": "db"}),
        ("POSTGRES://db", {"host": "db"}),
        ("postgresql://app@db:/", {"user": "app", "host": "db"}),
        ("postgresql://app:a:b@db", {"user": "app", "password": "a:b", "host": "db"}),
        ("postgresql://[::1]:6432/app", {"host": "::1", "port": "6432", "dbname": "app"}),
        ("postgresql://[fe80::1%25eth0]", {"host": "fe80::1%eth0"}),
        ("postgresql://%2Frun%2Fpg/app", {"host": "/run/pg", "dbname": "app"}),
        ("postgresql:///app?host=/run/pg&port=6432", {"host": "/run/pg", "port": "6432", "dbname": "app"}),
        ("postgresql://a:1,b,[::1]:3/app", {"host": "a,b,::1", "port": "1,,3", "dbname": "app"}),
        ("postgresql://a,b/app", {"host": "a,b", "dbname": "app"}),
        ("password=\ud7ff\ue000", {"password": "\ud7ff\ue000"}),
        ("postgresql://db:65535", {"host": "db", "port": "65535"}),
        ("postgresql://:6432/app", {"port": "6432", "dbname": "app"}),
        (
            "postgresql://ignored/x?host=db&database=app&user=me@tenant",
            {"host": "db", "dbname": "app", "user": "me@tenant"},
        ),
        ("host=db dbname = 'my app' user=o\\'hara", {"host": "db", "dbname": "my app", "user": "o'hara"}),
        ("service=prod", {"service": "prod"}),
    ],
)
def test_the_forms_of_an_address(text: str, expected: dict[str, str]) -> None:
    """Each form that libpq takes means here what it means to libpq."""
    assert _parse(text) == expected


_SETTINGS = {"search_path": "a", "work_mem": "1MB", "tcp_keepalives_idle": "9", "geqo": "off"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sslmode=require&channel_binding=prefer", {"sslmode": "require"}),
        ("pgbouncer=true&connection_limit=1&pool_timeout=0&sslaccept=accept_invalid_certs", {}),
        ("application_name=a&fallback_application_name=b&client_encoding=LATIN1", {}),
        ("keepalives=1&tcp_user_timeout=9", {"keepalives": "1", "tcp_user_timeout": "9"}),
        ("gssencmode=disable&sslsni=1&x-migrations-table=m", {}),
        ("statement_timeout=5s&options=-clock_timeout%3D1", {"statement_timeout": "5s", "lock_timeout": "1"}),
        ("connect_timeout=10&schema=tenant", {"connect_timeout": "10", "schema": "tenant"}),
        ("currentSchema=tenant", {"schema": "tenant"}),
        ("options=-csearch_path%3Dx", {"options": "-csearch_path=x"}),
        ("options=endpoint=cool-name", {"options": "endpoint=cool-name"}),
        ("ssl=true", {"sslmode": "require"}),
        ("ssl=true&sslmode=verify-full", {"sslmode": "verify-full"}),
        ("requiressl=1", {"sslmode": "require"}),
        ("requiressl=0", {"sslmode": "prefer"}),
        ("requiressl=1&ssl=false", {"sslmode": "disable"}),
        ("sslcertmode=disable", {"sslcertmode": "disable"}),
        ("sslmode=no-verify&uselibpqcompat=true", {"sslmode": "require"}),
        ("hostaddr=10.0.0.1", {"hostaddr": "10.0.0.1"}),
        ("role=owner&app.tenant=7&application_name=", {"role": "owner", "app.tenant": "7"}),
        ("search_path=a&work_mem=1MB&tcp_keepalives_idle=9&geqo=off", _SETTINGS),
        ("&&sslmode=prefer&", {"sslmode": "prefer"}),
    ],
)
def test_the_parameters_of_providers(query: str, expected: dict[str, str]) -> None:
    """Another client's parameters break nothing; those that mean something here are kept, in asyncpg's words."""
    assert _parse(f"postgresql:///?{query}") == expected


BROKEN = [
    ("", "the value is empty"),
    ("db.example.com:5432/hunter2", "it isn't a Postgres URL"),
    ('"postgresql://app:hunter2@db/app"', "it isn't a Postgres URL"),
    ("jdbc:postgresql://db/app?password=hunter2", "a JDBC URL isn't supported"),
    ("mysql://app:hunter2@db/app", "it isn't a Postgres URL"),
    ("postgresql://app:hunter2@x@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:hunter2/x@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:5432/hunter2@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:hunter2?x@db/app", "invalid host or port"),
    ("postgresql://app:5432?hunter2=x@db/app", "invalid parameters after the ?"),
    ("postgresql://app:5432?x=1&hunter2@db/app", "invalid parameters after the ?"),
    ("postgresql://app:hunter2#x@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:hunter2%@db/app", "a % isn't followed by two hexadecimal digits"),
    ("postgresql://app:hunter2%zz@db/app", "a % isn't followed by two hexadecimal digits"),
    ("postgresql://app:hunter2%ff@db/app", "the percent-encoded text isn't UTF-8"),
    ("postgresql://app:hunter2%00@db/app", "it contains a NUL character, or bytes that aren't UTF-8"),
    ("postgresql://app:hunter2 x@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:hunter2\n@db/app", "it contains a character that must be percent-encoded"),
    ("postgresql://app:hunter2", "invalid host or port"),
    ("postgresql://db:hunter2/app", "invalid host or port"),
    ("postgresql://db:99999/hunter2", "the port isn't a number from 1 to 65535"),
    ("postgresql://::1/hunter2", "invalid host or port"),
    ("postgresql://a,,b/hunter2", "a host is missing before or after a comma"),
    ("postgresql://a,b/hunter2?port=1,2,3", "the numbers of hosts and of ports differ"),
    ("postgresql://db/hunter2?port=x", "the port isn't a number from 1 to 65535"),
    ("postgresql://db/hunter2?sslmode=hunter2", "invalid value for sslmode"),
    ("postgresql://db/hunter2?connect_timeout=hunter2", "connect_timeout isn't a number"),
    ("postgresql://a,b/hunter2?hostaddr=10.0.0.1", "the numbers of hosts and of hostaddr values differ"),
    ("postgresql://db/?hostaddr=hunter2.example.com", "hostaddr isn't an IP address"),
    ("postgresql://db/?statement_timeout=hunter2", "statement_timeout isn't a duration"),
    ("postgresql://db/?keepalives_idle=hunter2", "keepalives_idle isn't a whole number"),
    ("password=hunter2 host='db", "unknown connection parameter"),
    ("password=hunter2 passwrod=x", "unknown connection parameter"),
    ("host=db hunter2", "unknown connection parameter"),
    ("postgresql://app:hunter2\udcff@db", "the percent-encoded text isn't UTF-8"),
    ("password=hunter2\udcff", "it contains a NUL character, or bytes that aren't UTF-8"),
    ("password=hunter2\ud800", "it contains a NUL character, or bytes that aren't UTF-8"),
    ("password=hunter2\udfff", "it contains a NUL character, or bytes that aren't UTF-8"),
    ("postgresql://a/hunter2?port=1,2", "the numbers of hosts and of ports differ"),
    ("postgresql://a,b,c/hunter2?port=1,2", "the numbers of hosts and of ports differ"),
    ("postgresql://db:65536/hunter2", "the port isn't a number from 1 to 65535"),
    ("postgresql://db:0/hunter2", "the port isn't a number from 1 to 65535"),
    ("postgresql://db?hunter2", "invalid parameters after the ?"),
    ("postgresql://db?1hunter2=x", "invalid parameters after the ?"),
    ("host=db work_mem=hunter2", "unknown connection parameter"),
]


@pytest.mark.parametrize(("text", "told"), BROKEN)
def test_a_broken_url_is_never_quoted(text: str, told: str) -> None:
    """The error says where the URL came from and what to write, and holds nothing of it; nor does its cause."""
    with pytest.raises(SettingsError) as caught:
        _parse(text)
    assert str(caught.value) == f"--db-url can't be used: {told}"
    assert caught.value.hint
    assert "None" not in caught.value.hint
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(text=st.text(st.sampled_from("@:/?#%&=,[] a0ü\0\n"), max_size=30), scheme=st.sampled_from(["postgresql://", ""]))
def test_any_text_is_read_or_refused(text: str, scheme: str) -> None:
    """No text makes anything but keywords or a SettingsError; and keywords make a URL that says the same again."""
    try:
        keywords = _parse(scheme + text)
    except SettingsError:
        return
    assert _parse(build_url(keywords)) == keywords


@given(password=st.text(st.characters(exclude_characters="%"), min_size=1))
@example("p@ss/w?rd#")
def test_a_raw_password_is_taken_whole_or_not_at_all(password: str) -> None:
    """A password with raw special characters is an error, never half a password and another host."""
    try:
        keywords = _parse(f"postgresql://app:{password}@db.example.com/app")
    except SettingsError:
        return
    assert keywords == {"user": "app", "password": password, "host": "db.example.com", "dbname": "app"}


def test_every_text_is_encoded() -> None:
    """In a URL that is built, no text holds a character that separates its parts."""
    keywords = {"user": "a/b", "password": "c@d", "host": "/run", "dbname": "e/f", "options": "g/h&i"}
    assert build_url(keywords) == "postgresql://a%2Fb:c%40d@%2Frun/e%2Ff?options=g%2Fh%26i"
    assert build_url({"port": "1", "dbname": "d"}) == "postgresql:///d?port=1"


def test_the_environment_fills_what_a_url_leaves_open() -> None:
    """As with libpq, PG* variables fill the gaps of a URL, and an empty variable is none."""
    environ = {"PGHOST": "other", "PGPORT": "6432", "PGUSER": "app", "PGPASSWORD": "secret", "PGDATABASE": ""}
    merged = complete(_parse("postgresql://db/app"), parse_environment(environ))
    assert merged == {"host": "db", "port": "6432", "user": "app", "password": "secret", "dbname": "app"}


def test_ports_of_other_hosts_are_not_taken() -> None:
    """A list of ports in the environment belongs to the hosts there."""
    merged = complete(_parse("postgresql://db"), parse_environment({"PGHOST": "a,b", "PGPORT": "1,2"}))
    assert build_url(merged) == "postgresql://db"


def test_a_service_outranks_the_environment() -> None:
    """Where a service is named, only the URL may speak before it does."""
    environ = {"PGSERVICE": "prod", "PGHOST": "other", "PGPASSWORD": "other", "PGCONNECT_TIMEOUT": "5"}
    merged = complete(_parse("postgresql:///app"), {"host": "db", "password": "its"}, parse_environment(environ))
    assert (merged["dbname"], merged["host"], merged["password"]) == ("app", "db", "its")
    assert merged["connect_timeout"] == "5"


def test_a_broken_variable_is_named() -> None:
    """A wrong PGPORT is found before anything connects, and the error names the variables."""
    with pytest.raises(SettingsError, match=r"^PGHOST, PGPORT can't be used: the port isn't a number"):
        parse_environment({"PGHOST": "db", "PGPORT": "tcp://10.0.0.1:5432"})


@pytest.mark.parametrize("name", [*parameters.LIMITED])
def test_what_cannot_be_honoured_is_refused(name: str) -> None:
    """A security setting that the driver hasn't is refused by name, from a URL and from a variable; never dropped."""
    with pytest.raises(
        SettingsError, match=rf"^--db-url can't be used: {name} isn't supported with this value"
    ) as caught:
        _parse(f"postgresql://db?{name}=hunter2")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint == parameters.LIMITED[name].hint
    if variable := parameters.VARIABLES.get(name):
        with pytest.raises(SettingsError, match=rf"^{variable} can't be used: {name}"):
            parse_environment({variable: "hunter2"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sslmod", "sslmode"),
        ("channelbinding", "channel_binding"),
        ("ssl_mode", "sslmode"),
        ("requireauth", "require_auth"),
    ],
)
def test_a_misspelt_parameter_is_told(written: str, meant: str) -> None:
    """What is nearly a parameter isn't sent to the server as a setting; the error names the one that is meant."""
    for text in (f"postgresql://db?{written}=require", f"host=db {written}=require"):
        with pytest.raises(SettingsError) as caught:
            _parse(text)
        assert caught.value.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    ("query", "told", "hint"),
    [
        (
            "sslrootcert=system&sslmode=require",
            "sslmode=require is too weak for sslrootcert=system",
            "sslmode=verify-full",
        ),
        (
            "sslnegotiation=direct",
            "sslmode=prefer is too weak for sslnegotiation=direct",
            "sslmode=require or a stronger mode",
        ),
        ("sslnegotiation=direct&sslmode=prefer", "sslmode=prefer is too weak", "sslmode=require or a stronger mode"),
        ("sslnegotiation=direct&sslmode=allow", "sslmode=allow is too weak", "sslmode=require or a stronger mode"),
        ("sslnegotiation=direct&sslmode=disable", "sslmode=disable is too weak", "sslmode=require or a stronger mode"),
        (
            "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
            "ssl_min_protocol_version is above ssl_max_protocol_version",
            "swap the two values",
        ),
    ],
)
def test_parameters_that_contradict_each_other(query: str, told: str, hint: str) -> None:
    """What libpq takes to be too weak together is refused here as well."""
    with pytest.raises(SettingsError, match=f"^the database's address can't be used: {told}") as caught:
        complete(_parse(f"postgresql://db?{query}"))
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "query",
    [
        "sslrootcert=system&sslmode=verify-full",
        "sslrootcert=system",
        "sslrootcert=FILE&sslmode=require",
        "sslnegotiation=direct&sslmode=require",
        "sslnegotiation=postgres",
        "ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=TLSv1.2",
        "ssl_min_protocol_version=TLSv1.3",
        "ssl_max_protocol_version=TLSv1.2",
    ],
)
def test_parameters_that_fit_each_other(query: str) -> None:
    """What libpq takes together is taken here as well."""
    keywords = _parse(f"postgresql://db?{query}")
    assert complete(keywords) == keywords


def test_a_socket_is_nearer_than_an_address() -> None:
    """A URL that names a socket means that one, whatever address the environment has; a host may have it."""
    layer = {"hostaddr": "10.0.0.1", "user": "app"}
    assert complete({"host": "/run"}, layer) == {"host": "/run", "user": "app"}
    assert complete({"host": "db"}, layer) == {"host": "db", **layer}


def test_pairs_are_parameters_of_a_url() -> None:
    """The parameters of a service are read as those of a URL are; an empty one is none; errors name the file."""
    assert parse_pairs({"host": "db", "user": "", "requiressl": "1"}, origin="f") == {
        "host": "db",
        "sslmode": "require",
    }
    with pytest.raises(SettingsError, match=r"^f can't be used: the port isn't a number"):
        parse_pairs({"port": "x"}, origin="f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host=db database=app username=me", {"host": "db", "dbname": "app", "user": "me"}),
        ("password='a\\\nb'", {"password": "a\nb"}),
        ("postgresql://db?hostname=x", {"host": "db", "hostname": "x"}),
    ],
)
def test_names_and_values(text: str, expected: dict[str, str]) -> None:
    """Other clients' names for a keyword are read, a backslash keeps any character, another name is a setting."""
    assert _parse(text) == expected
