from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sartor.importing.alembic import from_answer, interpret, plain_sql

STATEMENTS = st.lists(
    st.sampled_from(["select 1", "create table a (b int)", "select 'COMMIT; BEGIN;'", "do $$begin commit; end$$"])
)


def revision(name: str, *parents: str, **more: Any) -> dict[str, Any]:
    told = {
        "up": {"sql": "select 1;"},
        "down": {"sql": "select 2;"},
        "message": name,
        "path": f"{name}.py",
        "created": None,
    }
    return {"revision": name, "down_revisions": list(parents), **told, **more}


def answer(*revisions: dict[str, Any], dialect: str = "postgresql") -> dict[str, Any]:
    return {"dialect": dialect, "revisions": list(revisions)}


@given(STATEMENTS, STATEMENTS)
def test_what_switches_the_transaction_is_no_part_of_a_revision(before: list[str], inside: list[str]) -> None:
    """An autocommit block is a revision outside a transaction, without the BEGIN and COMMIT around it."""
    texts = [f"{each};" for each in before]
    assert plain_sql("\n\n".join(texts)) == ("\n\n".join(texts), True)
    block = [f"{each};" for each in inside]
    sql, is_inside = plain_sql("\n\n".join([*texts, "COMMIT;", *block, "BEGIN;\n\n"]))
    assert not is_inside
    assert sql == "\n\n".join([*texts, *block])


def test_revisions_become_scripts() -> None:
    """A revision has its message as its name, its date as its timestamp, and says why it can't be undone."""
    reading = from_answer(
        answer(
            revision("a", created=1700000000),
            revision("b", "a", down={"sql": ""}),
            revision("c", "b", down={"sql": "", "not_implemented": ""}),
            revision("d", "c", down={"sql": "", "error": "AttributeError: x"}),
            revision("e", "d", up={"sql": ""}, down={"sql": ""}),
        )
    )
    a, b, c, d, e = reading.scripts
    assert (a.timestamp, a.down, a.irreversible) == ("1700000000", "select 2;", None)
    assert (b.timestamp, b.down) == ("2", None)
    assert all(each.irreversible for each in (b, c, d))
    assert "AttributeError" in str(d.irreversible)
    assert (e.up, e.down, e.irreversible) == ("", "", None)


@pytest.mark.parametrize("failure", ["error", "not_implemented"])
def test_a_revision_that_needs_a_connection_is_to_be_written_by_hand(failure: str) -> None:
    """A revision that fails without a connection isn't carried over, and says why."""
    reading = from_answer(answer(revision("a", up={"sql": "", failure: "no connection"})))
    assert (
        reading.scripts[0].by_hand == "its upgrade() fails in offline mode, where it has no connection (no connection)"
    )


def test_the_table_may_have_a_name_of_its_own() -> None:
    """The table that `env.py` names is the ledger; the usual one needs no name."""
    named = {**answer(), "version_table": "alembic_version", "version_table_schema": None}
    assert from_answer(named).ledger is None
    assert from_answer({**named, "version_table_schema": "acme"}).ledger == "acme.alembic_version"


def test_another_database_is_refused() -> None:
    """A project for another database isn't imported."""
    assert "mysql" in from_answer(answer(dialect="mysql")).refused[0]


def test_heads_stand_for_all_before_them() -> None:
    """A head counts with its ancestors, through merges and on several branches; one that isn't known is refused."""
    revisions = [revision("a"), revision("b", "a"), revision("x"), revision("m", "b", "x"), revision("n", "m")]
    scripts = from_answer(answer(*revisions)).scripts
    assert interpret([{"version_num": "m"}], scripts).versions == {"a", "b", "x", "m"}
    assert interpret([{"version_num": "b"}, {"version_num": "x"}], scripts).versions == {"a", "b", "x"}
    assert interpret([], scripts).versions == frozenset()
    assert "zz" in interpret([{"version_num": "zz"}], scripts).refused[0]
