"""The verifier of a password, which the server keeps in its place (RFC 5802, RFC 7677): no log has the password."""

import hashlib
import hmac
import secrets
from base64 import b64encode

ITERATIONS = 4096
"""The number of the server's own default, `scram_iterations`."""


def scram_verifier(password: str, *, salt: bytes | None = None) -> str:
    """Returns the text that CREATE ROLE takes for the password; `password` is ASCII."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    keys = f"{b64encode(stored).decode()}:{b64encode(server).decode()}"
    return f"SCRAM-SHA-256${ITERATIONS}:{b64encode(salt).decode()}${keys}"
