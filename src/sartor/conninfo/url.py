"""A database URL, split into libpq's keywords, and built again in one form.

A URL, a keyword string (`host=db dbname=app`) and libpq's environment all become keywords: a mapping of libpq's own
names to plain, decoded texts. Parameters that only steer another client are dropped, those that mean something are
translated or refused (`libpq`), and any other is a server setting (`options` among them: a server takes it, some
transaction poolers refuse it). `schema`, `lock_timeout` and `statement_timeout` stay, for `Destination`.

No message here holds any part of the input: a broken URL may have its password anywhere.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, unquote_to_bytes

from sartor.conninfo import parameters
from sartor.conninfo.parameters import TIMEOUTS, take_timeouts
from sartor.errors import SettingsError

_ALIASES = {"database": "dbname", "username": "user", "currentSchema": "schema", "ApplicationName": "application_name"}
_SSL_WORDS = {"true": "require", "1": "require", "no-verify": "require", "false": "disable", "0": "disable"}
_OTHERS = {
    "Prisma": "connection_limit pgbouncer pool_timeout single_use_connections socket_timeout",
    "SQLAlchemy": "async_fallback command_timeout max_cached_statement_lifetime prepare_threshold"
    " prepared_statement_cache_size prepared_statement_name_func statement_cache_size",
    "Rails": "adapter checkout_timeout encoding idle_timeout pool prepared_statements reaping_frequency timeout",
    "Go": "binary_parameters default_query_exec_mode description_cache_capacity disable_prepared_binary_result"
    " pool_health_check_period pool_max_conn_idle_time pool_max_conn_lifetime pool_max_conn_lifetime_jitter"
    " pool_max_conns pool_min_conns pool_min_idle_conns statement_cache_capacity",
    "Node": "max supa uselibpqcompat workaround",
    "JDBC": "binaryTransfer defaultRowFetchSize loadBalanceHosts loginTimeout prepareThreshold reWriteBatchedInserts"
    " socketTimeout stringtype tcpKeepAlive",
}
"""Other clients' parameters, by client; each steers the client that it was written for, and is no server setting."""

_CLIENT_SIDE = frozenset(name for names in _OTHERS.values() for name in names.split())
KNOWN = {"schema", "ssl", *TIMEOUTS, *parameters.NAMES, *_ALIASES, *_CLIENT_SIDE}
"""Every parameter that isn't a setting of the server."""

_SCHEME = re.compile(r"postgres(?:ql)?(?:\+\w+)?://", re.IGNORECASE)
_PLACE = re.compile(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_PARAMETER = re.compile(r"[A-Za-z_][\w.$-]*", re.ASCII)
_PAIR = r"(?s)(\w+)\s*=\s*('(?:\\.|[^'\\])*'|(?:(?:\\.|[^\s'\\])(?:\\.|[^\s\\])*)?)(?=\s|$)"

_AS_URL = "write postgresql://user@host:5432/database, without quotes around it"
_ENCODE = (
    "in the user, the password and the database name, write %40 for @, %2F for /, %3F for ?, %23"
    " for #, %25 for % and %20 for a space; or give the password unencoded in SARTOR_PASSWORD"
)


def parse_url(text: str, *, origin: str) -> dict[str, str]:
    """Returns the keywords of a URL or a keyword string.

    Raises SettingsError, which names `origin` and quotes nothing.
    """
    with _blaming(origin):
        return _clean(_split(text.strip()))


def parse_pairs(pairs: Mapping[str, str], *, origin: str) -> dict[str, str]:
    """Returns the keywords of parameters that are split already. Raises SettingsError, as `parse_url` does."""
    with _blaming(origin):
        return _clean({key: value for key, value in pairs.items() if value})


def parse_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the keywords that libpq's variables give. Raises SettingsError, which names the variable."""
    found: dict[str, str] = {}
    for keyword, variable in {**parameters.VARIABLES, **parameters.SESSION_VARIABLES}.items():
        if text := environ.get(variable):
            with _blaming(variable):
                _check_texts([text])
                parameters.check_values({keyword: text})
                found[keyword] = text
    with _blaming(", ".join(parameters.VARIABLES[key] for key in found if key in parameters.VARIABLES)):
        return _clean(found)


def complete(keywords: Mapping[str, str], *defaults: Mapping[str, str]) -> dict[str, str]:
    """Returns keywords completed from `defaults`, the nearest first: a service, then the environment.

    Raises SettingsError where they contradict each other.
    """
    merged = dict(keywords)
    for layer in defaults:
        merged = {**_fitting(layer, merged), **merged}
    with _blaming("the database's address"):
        _check_places(merged)
        parameters.check_together(merged)
    return merged


def _fitting(layer: Mapping[str, str], merged: Mapping[str, str]) -> dict[str, str]:
    """Returns what of a layer may fill gaps.

    Lists of ports and of addresses belong to the list of hosts beside them.
    """
    apart = set()
    if "host" in merged and "," in layer.get("port", ""):
        apart.add("port")
    # A socket is nearer than any address: a layer that names a socket means that one.
    if merged.get("host", "").startswith("/"):
        apart.add("hostaddr")
    return {key: value for key, value in layer.items() if key not in apart}


def build_url(keywords: Mapping[str, str]) -> str:
    """Returns the URL of keywords.

    Each text in it is encoded, as asyncpg splits at the first `@` and `:` that it finds.
    """
    user, password = (quote(keywords.get(key, ""), safe="") for key in ("user", "password"))
    userinfo = f"{user}:{password}@" if password else f"{user}@" if user else ""
    apart = {"user", "password", "dbname", "host"} | ({"port"} if "host" in keywords else set())
    query = "&".join(f"{quote(key)}={quote(value, safe='')}" for key, value in keywords.items() if key not in apart)
    places = ",".join(quote(host, safe="") + (port and f":{port}") for host, port in places_of(keywords))
    path = quote(keywords.get("dbname", ""), safe="")
    return f"postgresql://{userinfo}{places}" + (path and f"/{path}") + (query and f"?{query}")


def places_of(keywords: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns hosts (or addresses) and ports, "" where none is given; [] where a local server is to be looked for."""
    named = keywords.get("host") or keywords.get("hostaddr")
    hosts = named.split(",") if named else []
    ports = keywords.get("port", "").split(",")
    return list(zip(hosts, ports if len(ports) > 1 else ports * len(hosts), strict=True))


def is_text(text: str) -> bool:
    """Returns whether Postgres can hold a text: no NUL, and no lone surrogate.

    Python has those for bytes that aren't UTF-8.
    """
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


@contextmanager
def _blaming(origin: str) -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{origin} can't be used: {error}", hint=error.hint) from None


def _split(text: str) -> dict[str, str]:
    if not text:
        raise SettingsError("the value is empty", hint=_AS_URL)
    if text.lower().startswith("jdbc:"):
        raise SettingsError("a JDBC URL isn't supported", hint=f"remove JDBC's own parameters and {_AS_URL}")
    if scheme := _SCHEME.match(text):
        return _split_url(text[scheme.end() :])
    if re.match(r"\w+\s*=", text):
        return _split_pairs(text)
    raise SettingsError("it isn't a Postgres URL", hint=_AS_URL)


def _split_url(rest: str) -> dict[str, str]:
    head, _, query = rest.partition("?")
    authority, _, path = head.partition("/")
    if re.search(r"[\s#]", rest) or authority.count("@") > 1 or "@" in path:
        raise SettingsError("it contains a character that must be percent-encoded", hint=_ENCODE)
    userinfo, _, places = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    named = {"user": _decode(user), "password": _decode(password), "dbname": _decode(path), **_split_places(places)}
    return {key: value for key, value in (*named.items(), *_split_query(query)) if value}


def _split_places(text: str) -> dict[str, str]:
    places = [_PLACE.fullmatch(place) for place in text.split(",")]
    found = [place for place in places if place]
    if len(found) < len(places):
        hint = f"a port is a number, and an IPv6 address is in [brackets]; {_ENCODE}"
        raise SettingsError("invalid host or port", hint=hint)
    ports = [place["port"] or "" for place in found]
    hosts = [_decode(place["ipv6"] or place["name"] or "") for place in found]
    return {"host": ",".join(hosts), "port": ",".join(ports) if any(ports) else ""}


def _split_query(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        # An @ after an unknown name comes from a password with a ?, as in `user:half?other=half@host`.
        if not equals or not _PARAMETER.fullmatch(key) or ("@" in value and key not in KNOWN):
            raise SettingsError("invalid parameters after the ?", hint=f"write name=value; {_ENCODE}")
        yield _ALIASES.get(key, key), _decode(value)


def _split_pairs(text: str) -> dict[str, str]:
    pairs = re.findall(_PAIR, text)
    unknown = [key for key, _ in pairs if key not in KNOWN]
    if re.sub(_PAIR, "", text).strip() or unknown:
        near = parameters.nearest_parameter(unknown[0]) if unknown else None
        hint = r"write host=... dbname=... user=..., and a value with spaces or quotes as 'it\'s one'"
        raise SettingsError("unknown connection parameter", hint=f"did you mean {near}?" if near else hint)
    return {_ALIASES.get(key, key): plain for key, value in pairs if (plain := _unquote(value))}


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1] if value[:1] == "'" else value, flags=re.DOTALL)


def _decode(text: str) -> str:
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise SettingsError("a % isn't followed by two hexadecimal digits", hint=_ENCODE)
    try:
        return unquote_to_bytes(text).decode()
    except ValueError:  # its own message would quote the text
        raise SettingsError("the percent-encoded text isn't UTF-8", hint=_ENCODE) from None


def _clean(raw: Mapping[str, str]) -> dict[str, str]:
    _check_texts(raw.values())
    named = dict(raw)
    _translate_ssl(named)
    parameters.check_values(named)
    _check_names(named)
    _check_places(named)
    take_timeouts(named)
    dropped = _CLIENT_SIDE | parameters.HARMLESS.keys() | parameters.LIMITED.keys() - {"sslcertmode"}
    return {key: value for key, value in named.items() if key not in dropped and not key.startswith("x-")}


def _check_texts(texts: Iterable[str]) -> None:
    if not all(map(is_text, texts)):
        hint = "remove them: Postgres accepts neither"
        raise SettingsError("it contains a NUL character, or bytes that aren't UTF-8", hint=hint)


def _check_names(named: Mapping[str, str]) -> None:
    """Raises SettingsError for a misspelt parameter, which would be passed as a setting of the server."""
    for key in named:
        if key not in KNOWN and (near := parameters.nearest_parameter(key)):
            raise SettingsError("unknown connection parameter", hint=f"did you mean {near}?")


def _translate_ssl(named: dict[str, str]) -> None:
    """Translates the other ways to ask for TLS: `ssl=true`, `requiressl=1`, `sslmode=no-verify`."""
    ssl = named.pop("ssl", "")
    if (required := named.pop("requiressl", "")) and not ssl:
        ssl = "require" if required.startswith("1") else "prefer"
    if mode := named.get("sslmode") or ssl:
        named["sslmode"] = _SSL_WORDS.get(mode, mode)


def _is_address(text: str) -> bool:
    try:
        return not text or bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _check_places(named: Mapping[str, str]) -> None:
    hosts, addresses, ports = (named.get(key, "").split(",") for key in ("host", "hostaddr", "port"))
    if len(hosts) > 1 and not all(hosts):
        raise SettingsError("a host is missing before or after a comma", hint="write host1:5432,host2:5432")
    if "hostaddr" in named and "host" in named and len(addresses) != len(hosts):
        hint = "give one hostaddr for each host"
        raise SettingsError("the numbers of hosts and of hostaddr values differ", hint=hint)
    if not all(map(_is_address, addresses)):
        hint = "write an IP address, such as 10.0.0.1; a host name belongs in host"
        raise SettingsError("hostaddr isn't an IP address", hint=hint)
    count = max(len(hosts), len(addresses))
    if len(ports) > 1 and len(ports) != count:
        raise SettingsError("the numbers of hosts and of ports differ", hint="give one port, or one for each host")
    if not all(re.fullmatch("[0-9]{0,5}", port) and int(port or 1) in range(1, 65536) for port in ports):
        raise SettingsError("the port isn't a number from 1 to 65535", hint=_ENCODE)
