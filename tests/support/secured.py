"""A server that asks for passwords and speaks TLS, with certificates of its own, and the `psql` beside it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sartor.embedded.cluster import Account
from support.memory import open_folder
from support.servers import closed_port

PASSWORD = r"pa:ss\wo%rd"  # noqa: S105 - a test's own, and awkward in every file
HBA = """local all all trust
host open all 127.0.0.1/32 trust
hostssl encrypted all 127.0.0.1/32 scram-sha-256
hostnossl plain all 127.0.0.1/32 scram-sha-256
hostssl certified,restored all 127.0.0.1/32 cert
host clear all 127.0.0.1/32 password
host shop all 127.0.0.1/32 scram-sha-256
host postgres all 127.0.0.1/32 trust
"""
AUTHORITY = """[ca]
default_ca = own
[own]
database = {folder}/index.txt
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 2
"""
"""What `openssl ca` wants to know for a list of revoked certificates."""
DATABASES = ("open", "encrypted", "plain", "certified", "clear", "shop")


@dataclass(frozen=True)
class Secured:
    """The server's binaries, its port, the folder of its socket, and the folder of the certificates."""

    bin: Path
    port: int
    socket: Path
    certificates: Path


def find_binaries() -> Path | None:
    """A server that can speak TLS, with its `psql`, as distributions have them."""
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin"):
        for folder in sorted(Path("/").glob(pattern), reverse=True):
            if all((folder / name).exists() for name in ("initdb", "pg_ctl", "psql")) and shutil.which("openssl"):
                return folder
    return None


@contextmanager
def secured_server(binaries: Path) -> Iterator[Secured]:
    """The server, for as long as the block lasts."""
    account = Account.of_the_server()
    with open_folder() as root:
        data, port = root / "data", closed_port()
        data.mkdir()
        (root / "run").mkdir()
        make_certificates(root)
        for path in (data, root / "run", root / "server.key"):
            shutil.chown(path, account.uid, account.gid)
        data.chmod(0o700)
        assert account.run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync") == 0
        (data / "pg_hba.conf").write_text(HBA)
        options = f"-p {port} -k {root / 'run'} -c listen_addresses=127.0.0.1 -c fsync=off -c ssl=on"
        for key, name in {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "ca.crt"}.items():
            options += f" -c {key}={root / name}"
        assert account.run(binaries / "pg_ctl", "start", "-w", "-s", "-D", data, "-o", options) == 0
        try:
            found = Secured(binaries, port, root / "run", root)
            role = rf"create role app login password '{PASSWORD}'"
            psql: list[str | Path] = [binaries / "psql", "-qX", "-h", found.socket, "-p", str(port), "-U", "postgres"]
            for statement in (role, *(f"create database {name}" for name in DATABASES)):
                subprocess.run([*psql, "-d", "postgres", "-c", statement], check=True)
            yield found
        finally:
            account.run(binaries / "pg_ctl", "stop", "-m", "immediate", "-D", data)


def make_certificates(folder: Path) -> None:
    """`ca.crt`, `server.crt` of localhost, `client.crt` of the role app, their keys; another authority, `other.crt`.

    Of `locked.key`, the client's, the password is `secret`; `revoked.crl` revokes the server, `none-revoked.crl` no
    certificate.
    """
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ca", "-days", "2",
             "-keyout", folder / "ca.key", "-out", folder / "ca.crt")  # fmt: skip
    _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other", "-days", "2",
             "-keyout", folder / "other.key", "-out", folder / "other.crt")  # fmt: skip
    for name, subject in {"server": "localhost", "client": "app"}.items():
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{subject}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}",
                 "-keyout", folder / f"{name}.key", "-out", request)  # fmt: skip
        _openssl("x509", "-req", "-in", request, "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key",
                 "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", folder / f"{name}.crt")  # fmt: skip
        (folder / f"{name}.key").chmod(0o600)
    _openssl("pkcs8", "-topk8", "-in", folder / "client.key", "-passout", "pass:secret", "-out", folder / "locked.key")
    (folder / "locked.key").chmod(0o600)
    _revoke(folder, "none-revoked")
    _openssl("ca", "-config", folder / "ca.cnf", "-revoke", folder / "server.crt")
    _revoke(folder, "revoked")


def _revoke(folder: Path, name: str) -> None:
    """Writes the authority's list of revoked certificates, as it is now."""
    (folder / "ca.cnf").write_text(AUTHORITY.format(folder=folder))
    (folder / "index.txt").touch()
    _openssl("ca", "-config", folder / "ca.cnf", "-gencrl", "-out", folder / f"{name}.crl")


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)  # noqa: S607
