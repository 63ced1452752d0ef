"""Commands, their options and their help, as Typer reads them: with the locked version, and with any newer one."""

from __future__ import annotations

import re

import pytest

from support.command import Command, finish
from support.folder import Folder

NAMES = "deploy rollback fresh check rehearse list status history lint verify repair baseline"
COMMANDS = ["db alteration " + name for name in NAMES.split()]


@pytest.mark.parametrize("command", [*COMMANDS, "db seed", "db backup", "db restore"])
def test_help(sartor: Command, command: str) -> None:
    """Every command's help has an example of it, and says what its exit codes mean."""
    help_text = sartor.run(*command.split(), "--help").out
    assert f"Example:\n    sartor {command}" in help_text
    codes = re.search(r"Exit codes:\n((?:    \d+ +.+\n)+)", help_text)
    assert codes
    runs_none = command.endswith(("list", "status", "history", "backup", "restore", "verify", "repair"))
    assert ("1" in re.findall(r"^    (\d+)", codes[1], re.MULTILINE)) != runs_none
    assert "--json" in help_text


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("baseline", "an alteration can't be loaded"),
        ("check", "an alteration can't be loaded"),
        ("rehearse", "an alteration failed, or its hazard is worse than --max-hazard"),
    ],
)
def test_what_exit_code_1_means(sartor: Command, command: str, said: str) -> None:
    """A command that deploys nothing says what its own failure is."""
    assert f"    1    {said}" in sartor(command, "--help").out


@pytest.mark.parametrize("words", ["", "db", "db alteration", "db alt"])
def test_a_command_that_is_missing(sartor: Command, words: str) -> None:
    """A group alone shows what there is, and is an error in a pipeline."""
    done = sartor.run(*words.split(), expect=2)
    assert "Commands:" in done.err
    assert "error: no command is given" in done.err
    assert done.out == ""


@pytest.mark.parametrize("words", ["list --", "deploy -- 1.0.0", "deploy --steps 1 --", "status --", "check -- latest"])
def test_arguments_may_stand_behind_two_dashes(sartor: Command, words: str) -> None:
    """What Typer accepts isn't a bug of Sartor's: `--` ends the options, whether or not something follows."""
    assert "unexpected" not in sartor(*words.split(), expect=None).err


@pytest.mark.parametrize(
    ("line", "offered"), [("sartor db alteration de", "deploy"), ("sartor db alteration list --al", "--alterations")]
)
def test_completion(sartor: Command, line: str, offered: str) -> None:
    """The shell's completion script is there, and offers commands and options."""
    assert "_SARTOR_COMPLETE=complete_bash" in sartor.run("--show-completion", "bash").out
    words = line.split()
    env = {"_SARTOR_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    assert offered in sartor.run(env=env).out.split()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--debug", "db", "alteration", "status"], "Unreachable"),
        (["db", "--debug", "alteration", "status"], "Unreachable"),
        (["db", "alteration", "--debug", "status"], "Unreachable"),
        (["db", "alteration", "status", "--debug"], "Unreachable"),
        (["--debug", "db", "alteration", "status", "--nope"], "UsageError"),
        (["--debug", "db", "alteration", "status", "--lock-timeout", "x"], "UsageError"),
        (["--debug", "db", "alteration", "deploy", "1", "--lock-timeout", "x"], "SettingsError"),
        (["--debug", "db", "nope"], "UsageError"),
        (["--debug"], "UsageError"),
    ],
)
def test_debug_is_for_every_error(sartor: Command, folder: Folder, words: list[str], error: str) -> None:
    """Wherever it stands, `--debug` shows the traceback, of errors of the command line and the settings too.

    No password is in it.
    """
    env = {"SARTOR_DB_URL": "postgresql://u:s3cret@127.0.0.1:1/d", "SARTOR_PASSWORD": "s3cret"}
    folder.table("1.0.0-1-a.py")
    done = finish(sartor.launch(*words, env=env))
    assert done.code in {2, 6}
    assert "Traceback (most recent call last)" in done.err
    assert f"sartor.errors.{error}: " in done.err
    assert "s3cret" not in done.err


def test_debug_and_version(sartor: Command) -> None:
    """`--debug` stands beside any other option."""
    assert sartor.run("--debug", "--version").out == sartor.run("--version").out
