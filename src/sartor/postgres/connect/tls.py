"""TLS as in libpq: what each `sslmode` tries and checks (the manual's chapter 34.19)."""

import ssl
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sartor.conninfo.parameters import ssl_mode
from sartor.errors import SettingsError, Unreachable
from sartor.postgres.target_server import Place

_HOME_FILES = {"sslrootcert": "root.crt", "sslcrl": "root.crl", "sslcert": "postgresql.crt", "sslkey": "postgresql.key"}

_NO_TLS = "rejected SSL upgrade"
"""The driver's words where the server's answer was that it has no TLS. A connection that broke says nothing of that."""
_WITHOUT: ContextVar[set[Place] | None] = ContextVar("without", default=None)


@contextmanager
def remembering_answers() -> Iterator[None]:
    """Has a server that says it has no TLS asked once while the block lasts: an answer costs it a process.

    It is for many connections in a row, and for `sslmode=prefer` alone: the others don't do without TLS.
    """
    token = _WITHOUT.set(set())
    try:
        yield
    finally:
        _WITHOUT.reset(token)


def remember_answer(place: Place, error: Exception) -> None:
    """Remembers, in such a block, what a failed attempt with TLS says of the server."""
    if (without := _WITHOUT.get()) is not None and type(error) is ConnectionError and _NO_TLS in str(error):
        without.add(place)


class Encryption(ssl.SSLContext):
    """A TLS context that knows the server by the name that was given, whichever of its addresses is connected to."""

    host: str = ""

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**kwargs, "server_hostname": self.host or None})


def attempts(keywords: Mapping[str, str], place: Place) -> list[Encryption | None]:
    """Returns what to try in turn: TLS with a context, or None for plain text. Raises SettingsError, Unreachable."""
    mode = ssl_mode(keywords)
    if place.is_socket or mode == "disable" or (mode == "prefer" and place in (_WITHOUT.get() or ())):
        return [None]
    context = _context(keywords, mode, place.host or place.address)
    return {"allow": [None, context], "prefer": [context, None]}.get(mode, [context])


def failure(error: ssl.SSLError, keywords: Mapping[str, str], host: str) -> tuple[str, str]:
    """Returns why a TLS connection to a host failed, and what to do about it; names the files and settings."""
    mode, root = ssl_mode(keywords), _file(keywords, "sslrootcert")
    trusted = "this computer" if keywords.get("sslrootcert") == "system" else f"sslrootcert, {root}"
    match error:
        case ssl.SSLCertVerificationError(verify_code=62 | 64):
            hint = "give the name in the certificate as `host`, and the address as `hostaddr`"
            return f"TLS failed: the server's certificate isn't for {host}, as sslmode={mode} requires", hint
        case ssl.SSLCertVerificationError(verify_code=10 | 9):
            return "TLS failed: the server's certificate has expired or isn't valid yet", "renew it, or check the clock"
        case ssl.SSLCertVerificationError():
            reason = f"the server's certificate isn't signed by an authority of {trusted} ({error.verify_message})"
            return f"TLS failed: {reason}", "give the certificate of the server's authority with sslrootcert=FILE"
        case _:
            return f"TLS failed: {error.reason or error}", check_own(keywords)


def check_own(keywords: Mapping[str, str]) -> str:
    """Returns what to check where a server ends a connection by TLS: it may not accept the client's certificate."""
    if certificate := _file(keywords, "sslcert"):
        return f"check that the server accepts sslcert, {certificate}"
    return "check sslmode; if the server asks for a certificate, give one with sslcert=FILE and sslkey=FILE"


def _context(keywords: Mapping[str, str], mode: str, host: str) -> Encryption:
    context = Encryption(ssl.PROTOCOL_TLS_CLIENT)
    context.host = host
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _trust(context, keywords, mode)
    if keywords.get("sslcertmode") != "disable":
        _identify(context, keywords)
    context.minimum_version = _version(keywords.get("ssl_min_protocol_version", "TLSv1.2"))
    if highest := keywords.get("ssl_max_protocol_version"):
        context.maximum_version = _version(highest)
    if keylog := keywords.get("sslkeylogfile"):
        context.keylog_filename = keylog
    context.set_alpn_protocols(["postgresql"])
    return context


def _version(name: str) -> ssl.TLSVersion:
    return ssl.TLSVersion[name.replace(".", "_")]


def _trust(context: Encryption, keywords: Mapping[str, str], mode: str) -> None:
    """Has the server's certificate checked: always with `verify-*`, with any other mode where an authority is named."""
    if keywords.get("sslrootcert") == "system":
        context.load_default_certs()
    elif root := _file(keywords, "sslrootcert"):
        _load(lambda: context.load_verify_locations(cafile=root), "sslrootcert", root)
    elif mode not in {"verify-ca", "verify-full"}:
        return
    else:
        raise Unreachable(
            "the server's certificate can't be verified: there is no root certificate file ~/.postgresql/root.crt",
            hint="give the root certificate with sslrootcert=FILE, or trust those of this computer: sslrootcert=system",
        )
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = mode == "verify-full"
    crl, folder = _file(keywords, "sslcrl"), keywords.get("sslcrldir")
    if crl or folder:
        _load(lambda: context.load_verify_locations(cafile=crl, capath=folder), "sslcrl", crl or folder or "")
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _identify(context: Encryption, keywords: Mapping[str, str]) -> None:
    """Loads the client's own certificate, where there is one. Raises SettingsError."""
    certificate = _file(keywords, "sslcert")
    if certificate is None:
        return
    key = _file(keywords, "sslkey")
    if key is None:
        raise SettingsError(
            f"there is no private key for sslcert {certificate}",
            hint="give the key with sslkey=FILE, or put it into ~/.postgresql/postgresql.key",
        )
    _load(lambda: _require_private(key), "sslkey", key)
    _load(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(certificate), "sslcert", certificate)
    secret = keywords.get("sslpassword", "")
    try:
        context.load_cert_chain(certificate, key, password=lambda: secret)
    except ssl.SSLError as error:
        raise _key_error(error, certificate, key, secret) from error


def _key_error(error: ssl.SSLError, certificate: str, key: str, secret: str) -> SettingsError:
    """Returns the error for a key that can't be used with its certificate, which can be read."""
    if error.reason == "KEY_VALUES_MISMATCH":
        hint = "give the key that the certificate was made for"
        return SettingsError(f"sslkey, {key}, doesn't belong to sslcert, {certificate}", hint=hint)
    if b"ENCRYPTED" not in Path(key).read_bytes():
        hint = "the file must contain a private key in PEM format"
        return SettingsError(f"sslkey, {key}, can't be used: it isn't a private key", hint=hint)
    reason = "can't be decrypted with the password in sslpassword" if secret else "is encrypted: it needs a password"
    return SettingsError(f"sslkey, {key}, {reason}", hint="give the password of the key with sslpassword")


def _file(keywords: Mapping[str, str], key: str) -> str | None:
    """Returns the file of a parameter, else the one in `~/.postgresql` where that exists, else None."""
    if given := keywords.get(key):
        return given
    try:
        found = Path.home() / ".postgresql" / _HOME_FILES[key]
        return str(found) if found.exists() else None
    except (RuntimeError, OSError):
        return None


def _load(load: Any, key: str, path: str) -> None:
    try:
        load()
    except ssl.SSLError as error:
        reason = (error.reason or "invalid content").replace("_", " ").lower()
        hint = "the file must contain certificates in PEM format"
        raise SettingsError(f"{key}, {path}, can't be used: {reason}", hint=hint) from error
    except OSError as error:
        raise SettingsError(f"{key}, {path}, can't be read: {error.strerror}", hint=f"give a readable {key}") from error


def _require_private(key: str) -> None:
    """Raises SettingsError where others may read a key, as libpq refuses it.

    A key that belongs to root may be read by its group.
    """
    found = Path(key).stat()
    closed = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO | (stat.S_IRGRP if found.st_uid else 0)
    if found.st_mode & closed:
        mode = stat.S_IMODE(found.st_mode)
        raise SettingsError(f"sslkey, {key}, can be read by other users (mode {mode:04o})", hint=f"chmod 600 {key}")
