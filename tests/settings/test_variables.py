"""Where the values of psql's variables come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sartor.errors import SettingsError
from sartor.settings.flags import Flags
from sartor.settings.load import load_sources

FILE = '[tool.sartor.variables]\nregion = "eu"\nTier = "gold"\n'


def found(directory: Path, *flags: str, toml: str = FILE, **environ: str) -> dict[str, str]:
    """What a lineage's scripts are given."""
    (directory / "pyproject.toml").write_text(toml)
    (source,) = load_sources(Flags(variables=flags), environ=environ, directory=directory)
    return dict(source.given.variables)


def test_which_counts(tmp_path: Path) -> None:
    """A flag counts before a secret file, that before a variable of the environment, that before the file."""
    assert found(tmp_path) == {"region": "eu", "Tier": "gold"}
    environ = {"SARTOR_VAR_REGION": "us", "SARTOR_VAR_TIER": "iron", "SARTOR_VAR_NEW_ONE": "1"}
    assert found(tmp_path, **environ) == {"region": "us", "Tier": "iron", "new_one": "1"}
    (secrets := tmp_path / "secrets").mkdir()
    (secrets / "SARTOR_VAR_REGION").write_text("secret\n")
    environ["SARTOR_SECRETS_DIR"] = str(secrets)
    assert found(tmp_path, **environ)["region"] == "secret"
    assert found(tmp_path, "region=a=b", "other=", **environ)["region"] == "a=b"
    assert found(tmp_path, "other=")["other"] == ""


@pytest.mark.parametrize(
    ("toml", "flag", "reason"),
    [
        ('[tool.sartor]\nvariables = "region"\n', "a=1", "variables in .* must be a table of strings"),
        ("[tool.sartor.variables]\nregion = 1\n", "a=1", "variables in .* must be a table of strings"),
        ('[tool.sartor.variables]\n"a-b" = "1"\n', "a=1", "'a-b' isn't a valid name of a variable"),
        ('[tool.sartor.variables]\na = "\\u0000"\n', "a=1", "the value of a contains a NUL"),
        (FILE, "region", "--var region: there is no value"),
        (FILE, "1a=1", "--var: '1a' isn't a valid name of a variable"),
    ],
)
def test_what_is_none(tmp_path: Path, toml: str, flag: str, reason: str) -> None:
    """What can't be a variable is refused, by the place where it stands."""
    with pytest.raises(SettingsError, match=reason):
        found(tmp_path, flag, toml=toml)


def test_a_value_isnt_shown(tmp_path: Path) -> None:
    """A source shows no value, which may be a secret."""
    (tmp_path / "pyproject.toml").write_text(FILE)
    assert "eu" not in repr(load_sources(environ={}, directory=tmp_path))
