"""Makes the SQL that `pg_dump` writes independent of the schema and the role that it was read from; pure.

In such SQL, `:"schema"` stands for the schema's name, as in psql, and `:'schema'` for that name as a literal. In a
literal that names an object, `':"schema".users_id_seq'`, it stands for the schema's name, too.
"""

from collections.abc import Iterable, Iterator

from sartor.sql.lexer import Token, tokens
from sartor.sql.quoting import quote_identifier, quote_if_needed, quote_literal

NAME, LITERAL = ':"schema"', ":'schema'"

_PREAMBLE = frozenset(
    """
    statement_timeout lock_timeout idle_in_transaction_session_timeout transaction_timeout client_encoding
    standard_conforming_strings check_function_bodies xmloption client_min_messages row_security
    """.split()  # noqa: SIM905 - ten words
)
"""The settings with which each dump begins."""
_PATH = "SELECT pg_catalog.set_config('search_path', '', false)"
_PLAIN = ("SET default_tablespace = ''", "SET default_table_access_method = heap")
_WITH_ROLES = ("GRANT ", "REVOKE ", "ALTER DEFAULT PRIVILEGES ")


def cleaned(statements: Iterable[str], *, schema: str, role: str) -> list[str | None]:
    """Returns a dump's statements for a place where `schema` exists, and `role` runs them and owns what they make.

    None stands for those that are left out. Where objects belong to another role, that stays. Settings are those of one
    transaction.
    """
    found = [None if _is_left_out(each, schema, role) else each for each in statements]
    plain = all(each in _PLAIN for each in found if each and each.startswith("SET default_"))
    return [None if each is None or (plain and each in _PLAIN) else _of_anyone(_local(each), role) for each in found]


def _is_left_out(statement: str, schema: str, role: str) -> bool:
    if statement.startswith("SET "):
        return statement.split(None, 2)[1] in _PREAMBLE
    if statement.startswith("ALTER ") and statement.endswith(f" OWNER TO {quote_if_needed(role)}"):
        return True
    # The comment of an extension comes with it, and only its owner may set it.
    return statement.startswith((_PATH, "COMMENT ON EXTENSION ")) or _names(statement) == ["create", "schema", schema]


def _names(statement: str) -> list[str | None]:
    return [token.name for token in tokens(statement) if not token.is_blank] if len(statement) < 200 else []


def _local(statement: str) -> str:
    return "SET LOCAL " + statement.removeprefix("SET ") if statement.startswith("SET default_") else statement


def _of_anyone(statement: str, role: str) -> str:
    """Returns a statement about rights with the role that runs it in the place of `role`."""
    if not statement.startswith(_WITH_ROLES):
        return statement
    return "".join("CURRENT_USER" if token.name == role else token.text for token in tokens(statement))


def relative(sql: str, schema: str) -> str:
    """Returns SQL in which `:"schema"` stands for `schema`; so each name that equals it must be that schema's."""
    return "".join(_relative(token, schema) for token in tokens(sql)) if schema in sql else sql


def _relative(token: Token, schema: str) -> str:
    if token.name == schema:
        return NAME
    if token.kind != "string" or not token.text.startswith("'"):
        return token.text
    if token.code == schema:
        return LITERAL
    for quoted in {quote_if_needed(schema), quote_identifier(schema)}:
        if token.text.startswith(start := "'" + quoted.replace("'", "''") + "."):
            return f"'{NAME}." + token.text.removeprefix(start)
    return token.text


def placed(sql: str, schema: str) -> str:
    """Returns SQL in which `schema` stands in each place that `relative` has marked."""
    return "".join(_placed(sql, schema)) if NAME in sql or LITERAL in sql else sql


def _placed(sql: str, schema: str) -> Iterator[str]:
    name, before = quote_identifier(schema), ""
    if schema == "public":  # a path that begins with the product's schema and ends with `public` has that only once
        sql = sql.replace(f"{LITERAL}, 'public'", LITERAL)
    for token in tokens(sql):
        if before.endswith(":") and token.text in {NAME[1:], LITERAL[1:]}:
            yield before[:-1]
            before = name if token.text == NAME[1:] else quote_literal(schema)
        else:
            yield before
            before = token.text
            if before.startswith(f"'{NAME}."):
                before = "'" + name.replace("'", "''") + before.removeprefix(f"'{NAME}")
    yield before
