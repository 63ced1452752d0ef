"""Statements that may hold a secret: CREATE ROLE, user mappings, servers, subscriptions, dblink, and similar ones."""

import re
from collections.abc import Iterator

from sartor.sql.lexer import Token, tokens

_MAY_HOLD = r"(?i)passw|secret|token|credential|conninfo|connection|dblink|user\s+mapping|api_?key|crypt\s*\("


def without_secrets(statement: str) -> str:
    """Returns a statement, with the literals hidden where one of them may be a secret.

    Each of their characters becomes a `*`, so that a position that the server reports stays valid.
    """
    return "".join(map(_hide, tokens(statement))) if re.search(_MAY_HOLD, statement) else statement


def _hide(token: Token) -> str:
    if token.quoted is None:
        return token.text
    (start, end), literal = token.quoted, token.literal or ""
    hidden = without_secrets(literal) if token.text[0] == "$" else re.sub(r"[^\n]", "*", literal)
    return token.text[:start] + hidden + token.text[end:]


def secret_literals(statement: str) -> Iterator[str]:
    """Yields the texts of a statement's literals, also those in a block of code, where one of them may be a secret."""
    if not re.search(_MAY_HOLD, statement):
        return
    for token in tokens(statement):
        if literal := token.literal:
            if token.text[0] != "$":
                yield literal
            yield from secret_literals(token.code or "")  # it may be a statement itself
