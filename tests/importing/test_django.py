from typing import Any

from sartor.importing.django import connection_settings, from_answer, interpret


def migration(name: str, **more: Any) -> dict[str, Any]:
    sql = {"sql": "--\n-- Create\n--\nselect 1;", "unwritten": []}
    return {
        "app": "shop",
        "name": name,
        "atomic": True,
        "replaces": [],
        "path": f"{name}.py",
        "up": sql,
        "down": sql,
        **more,
    }


def answer(*migrations: dict[str, Any], vendor: str = "postgresql") -> dict[str, Any]:
    return {"vendor": vendor, "migrations": list(migrations)}


def test_migrations_become_scripts() -> None:
    """A migration that isn't atomic runs outside a transaction; one without a way back says why."""
    a, b, c, d = from_answer(
        answer(
            migration("a"),
            migration("b", atomic=False),
            migration("c", down={"irreversible": "no"}),
            migration("d", up={"sql": "--\n-- (no-op)", "unwritten": []}, down={"sql": "--", "unwritten": []}),
        )
    ).scripts
    assert (a.version, a.slug, a.transaction_up, a.irreversible) == ("shop.a", "shop-a", None, None)
    assert (b.transaction_up, b.transaction_down) == (False, False)
    assert (c.down, c.irreversible) == (None, "no")
    assert (d.up, d.down, d.irreversible) == ("", "", None)


def test_what_is_no_sql_is_told() -> None:
    """A Python operation is noted by name; a migration whose SQL isn't to be had is to be written by hand."""
    python = {"sql": "--\nselect 1;", "unwritten": ["Raw Python operation"]}
    reading = from_answer(answer(migration("a", up=python), migration("b", up={"error": "ValueError: x"})))
    assert "'Raw Python operation'" in reading.notes[0]
    assert reading.notes[0].startswith("a.py: ")
    assert reading.scripts[1].by_hand == "Django doesn't print its SQL: ValueError: x"
    assert "mysql" in from_answer(answer(vendor="mysql")).refused[0]


def test_a_squashed_migration_stands_for_those_that_it_replaces() -> None:
    """It was run where all that it replaces were; where some were, that is refused."""
    scripts = from_answer(answer(migration("s", replaces=[["shop", "a"], ["shop", "b"]]), migration("c"))).scripts
    rows = [{"app": "shop", "name": each} for each in "abc"]
    assert interpret(rows, scripts).versions == {"shop.s", "shop.c"}
    assert interpret([{"app": "shop", "name": "s"}], scripts).versions == {"shop.s"}
    assert "shop.s" in interpret(rows[:1], scripts).refused[0]
    assert "gone.x" in interpret([*rows, {"app": "gone", "name": "x"}], scripts).notes[0]


def test_the_scratch_database_is_given_as_django_has_it() -> None:
    """A URL becomes the settings of Django's connection, its other parameters among the options."""
    settings = connection_settings("postgresql://u:p%40@[::1]:5433/d?sslmode=require")
    assert settings == {
        "HOST": "::1",
        "PORT": "5433",
        "USER": "u",
        "PASSWORD": "p@",
        "NAME": "d",
        "OPTIONS": {"sslmode": "require"},
    }
