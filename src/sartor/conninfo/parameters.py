"""libpq's connection parameters, and how each is treated (the manual's chapter 34.1.2, servers 14 to 18).

Each is honoured, changes nothing here (HARMLESS, with the reason), or is refused by name. None is dropped silently, as
a security setting that counts in `psql` and not here is worse than none. No message holds a value.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sartor.errors import SettingsError

_WHOLE = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
"""Those whose values are whole numbers."""
HONOURED = (
    *_WHOLE,
    *("host", "hostaddr", "port", "user", "password", "dbname", "service", "passfile", "options", "connect_timeout"),
    *("target_session_attrs", "load_balance_hosts", "sslmode", "requiressl", "sslnegotiation"),
    *("sslcert", "sslkey", "sslpassword", "sslcertmode", "sslrootcert", "sslcrl", "sslcrldir", "sslkeylogfile"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
)
"""The parameters that count here as in `psql`."""

HARMLESS = {
    **dict.fromkeys(("application_name", "fallback_application_name"), "Sartor sets the name of its sessions"),
    "client_encoding": "the driver always uses UTF-8",
    "sslcompression": "TLS compression is no longer supported, and libpq ignores it",
    "max_protocol_version": "the driver uses protocol 3.0, the lowest version",
}
"""The parameters that change nothing here, with the reason."""


class Limited(NamedTuple):
    """A parameter of which only some values can be honoured: these, why no others can, and what to do instead."""

    values: str
    reason: str
    hint: str


_VERIFIED = "sslmode=verify-full&sslrootcert=system (or sslrootcert=FILE) verifies the server by its certificate"
_SCRAM = Limited("", "the driver authenticates with a password, not with SCRAM keys", "give the password")
_NO_OAUTH = "authenticate with a password (SCRAM), a client certificate or Kerberos"
_OAUTH = Limited("", "the driver doesn't support OAuth", _NO_OAUTH)

LIMITED = {
    "channel_binding": Limited(
        "disable prefer",
        "the driver doesn't support channel binding",
        f"leave channel_binding out, or write channel_binding=prefer; {_VERIFIED}",
    ),
    "require_auth": Limited(
        "",
        "the driver uses the authentication method that the server asks for",
        f"leave require_auth out; {_VERIFIED}, and pg_hba.conf sets the method",
    ),
    "gssencmode": Limited(
        "disable prefer",
        "the driver doesn't support GSSAPI encryption",
        "encrypt with TLS: gssencmode=disable&sslmode=verify-full",
    ),
    "gssdelegation": Limited("0", "the driver doesn't delegate credentials", "leave gssdelegation out"),
    "requirepeer": Limited(
        "",
        "the driver doesn't check the operating-system user of the server process",
        "leave requirepeer out, and use a socket in a folder that only the server's account can write to",
    ),
    "sslcertmode": Limited(
        "disable allow",
        "the driver doesn't report whether the server asked for a certificate",
        "leave sslcertmode out; to require a certificate, use `hostssl ... cert` in pg_hba.conf",
    ),
    "sslsni": Limited("1", "the driver always sends the host name to the server (SNI)", "leave sslsni out"),
    "replication": Limited("0 off no false", "scripts can't run on a replication connection", "leave replication out"),
    "min_protocol_version": Limited(
        "3.0", "the driver uses protocol 3.0", "leave min_protocol_version out, or write 3.0"
    ),
    **dict.fromkeys(("scram_client_key", "scram_server_key"), _SCRAM),
    **dict.fromkeys(("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"), _OAUTH),
    "sslaccept": Limited(
        "accept_invalid_certs", "it is a parameter of Prisma that asks for a certificate check", _VERIFIED
    ),
    "sslidentity": Limited("", "it is a parameter of Prisma", "give sslcert=FILE and sslkey=FILE"),
    "sslfactory": Limited("", "it is a parameter of JDBC that names a Java class", _VERIFIED),
}
"""The parameters that can't all be honoured. The last three belong to other clients, and are about security too."""

NAMES = frozenset({*HONOURED, *HARMLESS, *LIMITED})

_WITHOUT_VARIABLE = frozenset({
    *("fallback_application_name", "replication", "sslpassword", "sslkeylogfile", "sslaccept", "sslidentity"),
    *("sslfactory", "scram_client_key", "scram_server_key", *_WHOLE),
    *("oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"),
})  # fmt: skip
_ODD = {"application_name": "PGAPPNAME", "connect_timeout": "PGCONNECT_TIMEOUT", "dbname": "PGDATABASE"}
VARIABLES = {
    name: _ODD.get(name, "PG" + name.replace("_", "").upper())
    for name in (*HONOURED, *HARMLESS, *LIMITED)
    if name not in _WITHOUT_VARIABLE
}
"""libpq's variable for each keyword that has one."""

SESSION_VARIABLES = {"datestyle": "PGDATESTYLE", "timezone": "PGTZ", "geqo": "PGGEQO"}
"""The variables that libpq turns into settings of the session."""

_CHOICES = {
    "sslmode": "disable allow prefer require verify-ca verify-full",
    "sslnegotiation": "postgres direct",
    "target_session_attrs": "any read-write read-only primary standby prefer-standby",
    "load_balance_hosts": "disable random",
    "ssl_min_protocol_version": "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
    "ssl_max_protocol_version": "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
    "gsslib": "gssapi sspi",
}
_SETTINGS = {"tcp_keepalives_count", "tcp_keepalives_idle", "tcp_keepalives_interval"}
"""Settings of the server whose names are similar to parameters."""

TIMEOUTS = ("lock_timeout", "statement_timeout")
"""The timeouts that a run sets itself: a URL's values count where no nearer setting gives them."""

_UNITS = {"us": 0.000001, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "": 0.001}
_WORD = re.compile(r"(?:-c\s+)?(?:\\.|[^\s\\])+", re.DOTALL)
_NAMED = re.compile(r"(?:-c\s*|--)([\w.-]+)=(.*)", re.DOTALL)


def check_values(keywords: Mapping[str, str]) -> None:
    """Raises SettingsError for the first parameter whose value is invalid, or can't be honoured; it is named."""
    for key, value in keywords.items():
        limited = LIMITED.get(key)
        if limited and value.lower() not in limited.values.split():
            raise SettingsError(f"{key} isn't supported with this value: {limited.reason}", hint=limited.hint)
        if key in _CHOICES and value not in _CHOICES[key].split():
            known = ", ".join(_CHOICES[key].split())
            raise SettingsError(f"invalid value for {key}", hint=f"use one of {known}")
        if key in _WHOLE and not re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", value):
            raise SettingsError(f"{key} isn't a whole number", hint=f"write {key}=30, or leave {key} out")
        if key == "connect_timeout" and not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]*)?", value):
            raise SettingsError("connect_timeout isn't a number", hint="write seconds, such as connect_timeout=10")


def check_together(keywords: Mapping[str, str]) -> None:
    """Raises SettingsError where parameters contradict each other, as libpq does."""
    mode = keywords.get("sslmode")
    if keywords.get("sslrootcert") == "system" and mode not in {None, "verify-full"}:
        weak = f"sslmode={mode} is too weak for sslrootcert=system"
        why = "a public authority gives a certificate to every server"
        raise SettingsError(f"{weak}: {why}", hint="write sslmode=verify-full")
    if keywords.get("sslnegotiation") == "direct" and mode in {"disable", "allow", "prefer", None}:
        weak = f"sslmode={mode or 'prefer'} is too weak for sslnegotiation=direct"
        raise SettingsError(weak, hint="write sslmode=require or a stronger mode")
    low, high = (keywords.get(f"ssl_{end}_protocol_version", "") for end in ("min", "max"))
    if low and high and low > high:
        raise SettingsError("ssl_min_protocol_version is above ssl_max_protocol_version", hint="swap the two values")


def ssl_mode(keywords: Mapping[str, str]) -> str:
    """Returns the `sslmode` in force."""
    return keywords.get("sslmode") or ("verify-full" if keywords.get("sslrootcert") == "system" else "prefer")


def nearest_parameter(name: str) -> str | None:
    """Returns the parameter that a name probably means, None where it is similar to none."""
    return None if name in _SETTINGS else nearest(name.lower(), NAMES)


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.8) -> str | None:
    """Returns the known name that is most similar, None where none is as similar as `cutoff` (0 to 1)."""
    import difflib  # noqa: PLC0415 - only on the way to an error

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def take_timeouts(keywords: dict[str, str]) -> None:
    """Moves the timeouts in `options` to keywords of their own. Raises SettingsError where one isn't a duration."""
    left, taken = [], {}
    for word in _WORD.findall(keywords.get("options", "")):
        named = _NAMED.fullmatch(word)
        if named and (key := named[1].replace("-", "_").lower()) in TIMEOUTS:
            taken[key] = re.sub(r"\\(.)", r"\1", named[2], flags=re.DOTALL)
        else:
            left.append(word)
    if taken:
        # Of a timeout given twice in `options` the server takes the last; a separate parameter is nearer.
        keywords |= {**taken, **keywords, "options": " ".join(left)}
        if not left:
            del keywords["options"]
    for key in TIMEOUTS:
        if key in keywords:
            seconds(key, keywords[key])


def seconds(key: str, text: str) -> float:
    """Returns a timeout in seconds, read as the server does: a bare number is in milliseconds, 0 is no limit.

    Raises SettingsError where it isn't a duration.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *(us|ms|s|min|h|d)?", text.strip())
    if found is None:
        raise SettingsError(f"{key} isn't a duration", hint=f"write {key}=5s, or {key}=5000 for milliseconds")
    return float(found[1]) * _UNITS[found[2] or ""]
