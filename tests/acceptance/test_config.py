"""`config show`: what counts, and where it comes from."""

from __future__ import annotations

from pathlib import Path

from support.command import Command


def test_each_setting_has_its_place(sartor: Command, tmp_path: Path) -> None:
    """A setting's value is shown with where it comes from, and nothing of a secret."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in (("SARTOR_PASSWORD", "gehe1m"), ("SARTOR_VAR_TOKEN", "t0ken"), ("SARTOR_USER", "app")):
        (secrets / name).write_text(text)
    (tmp_path / "sartor.toml").write_text('schema = "acme"\nignore-objects = ["a", "b"]\nwait = 5\n')
    env = {
        "SARTOR_SECRETS_DIR": str(secrets),
        "SARTOR_DB_URL": "postgresql://me:pass1@db.example.com/app",
        "SARTOR_LOCK_TIMEOUT": "1s",
    }
    done = sartor.run("config", "show", "--wait", "7s", env=env)
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.out.splitlines() if line}
    assert rows["db-url"] == ["postgresql://me:***@db.example.com/app", "SARTOR_DB_URL"]
    assert rows["wait"] == ["7s", "--wait"]
    assert rows["lock-timeout"] == ["1s", "SARTOR_LOCK_TIMEOUT"]
    assert rows["schema"] == ["acme", f"schema in {tmp_path / 'sartor.toml'}"]
    assert rows["password"] == ["***", str(secrets / "SARTOR_PASSWORD")]
    assert rows["variables"] == ["***", str(secrets / "SARTOR_VAR_TOKEN")]
    assert rows["strict-order"] == ["false", "default"]
    assert "database: app@db.example.com:5432/app, schema acme" in done.out
    as_json = sartor.run("config", "show", "--json", env=env)
    for secret in ("gehe1m", "t0ken", "pass1"):
        assert secret not in done.out + done.err + as_json.out
    assert {"key": "wait", "value": "5", "origin": f"wait in {tmp_path / 'sartor.toml'}"} in as_json.json["settings"]


def test_what_is_wrong_is_told(sartor: Command, tmp_path: Path) -> None:
    """What can't be used is named with the way out, all else is shown, and the exit code is 2."""
    named = tmp_path / "other.toml"
    named.write_text('wait = "soon"\n')
    shown = sartor.run("config", "show", "--config", str(named), env={"SARTOR_LOCK_TIMEOT": "1s"}, expect=2)
    assert "did you mean SARTOR_LOCK_TIMEOUT?" in shown.err
    assert "lock-timeout" in shown.out
    broken = sartor.run("config", "show", "--config", str(named), "--json", expect=2).json
    assert [each["message"].partition(":")[2] for each in broken["problems"]] == [" 'soon' isn't a duration"]
    missing = sartor("status", "--config", "none.toml", expect=2)
    assert "none.toml isn't there" in missing.err
