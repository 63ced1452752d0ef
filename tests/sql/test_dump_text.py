"""A dump's SQL, independent of the schema and of the role that it was read from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.sql.dump_text import cleaned, placed, relative
from sartor.sql.quoting import quote_identifier, quote_literal

MARKED = """CREATE TABLE :"schema".t (
    id integer DEFAULT nextval(':"schema".t_id_seq'::regclass),
    mood :"schema".mood DEFAULT 'ok':::"schema".mood, said text DEFAULT 'of own, and "own".x'
);
CREATE FUNCTION :"schema".f() RETURNS text LANGUAGE sql SET search_path TO :'schema', 'public'
    AS $$ select own.x, 'own', $1[1:"schema"] $$;
GRANT USAGE ON SCHEMA :"schema" TO reader"""

shown = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])


@given(st.text(shown, max_size=20).map("zz{}".format))
def test_a_marked_text_has_any_schema(name: str) -> None:
    """Every mark becomes the schema's name, quoted for its place, and that name becomes the mark again."""
    text = placed(MARKED, name)
    assert f"CREATE TABLE {quote_identifier(name)}.t (" in text
    assert f"GRANT USAGE ON SCHEMA {quote_identifier(name)} TO reader" in text
    assert f"search_path TO {quote_literal(name)}, 'public'" in text
    assert "$$ select own.x, 'own', $1[1:\"schema\"] $$" in text
    if "\\" not in name:
        assert placed(relative(text, name), name) == text


def test_the_path_of_a_product_in_public() -> None:
    """A path that begins with the product's schema and goes on with `public` has that once where they are the same."""
    assert placed("SET search_path TO :'schema', 'public'", "public") == "SET search_path TO 'public'"


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("SET statement_timeout = 0", None),
        ("SELECT pg_catalog.set_config('search_path', '', false)", None),
        ("SET default_tablespace = ''", None),
        ("CREATE SCHEMA own", None),
        ("CREATE SCHEMA other", "CREATE SCHEMA other"),
        ("ALTER TABLE own.t OWNER TO me", None),
        ("ALTER TABLE own.t OWNER TO reader", "ALTER TABLE own.t OWNER TO reader"),
        ("REVOKE ALL ON TABLE own.t FROM me", "REVOKE ALL ON TABLE own.t FROM CURRENT_USER"),
        ("GRANT SELECT ON TABLE own.t TO reader", "GRANT SELECT ON TABLE own.t TO reader"),
        ("COMMENT ON EXTENSION citext IS 'text'", None),
        ("COMMENT ON TABLE own.t IS 'me'", "COMMENT ON TABLE own.t IS 'me'"),
    ],
)
def test_what_is_left_of_a_dump(statement: str, left: str | None) -> None:
    """What would change the session, and what is true of whoever runs it, is left out; what else is said, stays."""
    assert cleaned([statement], schema="own", role="me") == [left]


def test_settings_that_count() -> None:
    """Where a table has a place or an access method of its own, all such settings stay, for the transaction alone."""
    dumped = ["SET default_tablespace = ''", "SET default_tablespace = fast"]
    assert cleaned(dumped, schema="own", role="me") == [each.replace("SET", "SET LOCAL") for each in dumped]
