"""Scripts with psql's variables, deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command import Command
from support.database import Database
from support.folder import Folder
from support.psql import psql

NAME = "1.0.0-1700000000-a.sql"


@pytest.fixture(autouse=True)
def _script(folder: Folder) -> None:
    folder.write(
        NAME,
        """
        -- sartor: variables
        -- sartor: up
        create table :"table" (region text default :'region');
        insert into :"table" (region) values (:'region'), (':region');

        -- sartor: down
        drop table :"table";
        """,
    )


def test_values(sartor: Command, database: Database) -> None:
    """They come from the settings, whichever command runs the script; other values are no edit."""
    (sartor.directory / "sartor.toml").write_text('[variables]\nregion = "e\'u"\ntable = "Regions"\n')
    sartor("rehearse", "latest")
    sartor("prove", "--pending")
    file = sartor.directory / "plan.sql"
    sartor("check", "latest", "--sql", str(file), "--var", "table=t ü", expect=3)
    psql(database.url, file)
    assert database.rows('select region from "t ü"') == [("e'u",), (":region",)]
    environ = {"SARTOR_VAR_TABLE": "t ü", "SARTOR_VAR_REGION": "us"}
    assert "edited" not in sartor("status", env=environ).out
    sartor("rollback", "0", "--yes", env=environ)
    sartor("deploy", "latest", env=environ)
    assert database.value('select region from "t ü" limit 1') == "us"


def test_a_secret_file(sartor: Command, database: Database, tmp_path: Path) -> None:
    """The value of a secret file is hidden in what is printed and in the journal, as a password is."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "SARTOR_VAR_REGION").write_text("hunter2-in-a-file")
    (sartor.directory / "alterations" / NAME).write_text(
        "-- sartor: variables\n-- sartor: up\nselect :'region'::int;\n-- sartor: down\nselect 1;\n"
    )
    environ = {"SARTOR_SECRETS_DIR": str(tmp_path / "secrets")}
    for options in ([], ["--json"], ["--verbose", "--no-batch"]):
        failed = sartor("deploy", "latest", *options, env=environ, expect=1)
        assert "hunter2" not in failed.out + failed.err
        assert "***" in failed.out + failed.err
    assert "hunter2" not in str(database.rows("select detail from sartor_journal"))


def test_no_value(sartor: Command, database: Database) -> None:
    """Nothing runs while a variable isn't defined; lint needs no values."""
    failed = sartor("deploy", "latest", "--var", "table=t", expect=1)
    assert f"error: {NAME}, line 3: the variable `region` isn't defined" in failed.err
    assert "SARTOR_VAR_REGION" in failed.err
    assert "with --var" in failed.err
    assert database.tables() == set()
    assert sartor("lint").out.startswith("Found no mistakes")
    resumed = sartor("deploy", "latest", "--var", "table=t", "--var", "region=\nx", env={"SARTOR_VAR_NEW": "x"})
    assert "isn't a setting" not in resumed.err
    assert database.value("select region from t limit 1") == "\nx"
