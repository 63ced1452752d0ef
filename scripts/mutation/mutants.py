"""Runs mutmut over pure modules, in a copy, and prints a table of what the tests notice.

    scripts/mutants                       everything: about a quarter of an hour
    scripts/mutants domain/plan sql       a module, a package
    scripts/mutants execution/retry:Retries   a class or function of a module
    scripts/mutants --minutes 5 --diff    what five minutes are enough for, with the survivors' differences

A mutant is killed by a test that fails or doesn't end, and survives where all pass. Survivors that no test could kill
stand in `explained.toml`, with the reason. Only functions are changed: tables and patterns of a module aren't, nor the
words of messages.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from undecorated import undecorated

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HOUSE = Path("src", "sartor")
JUDGED = (
    "conninfo",
    "domain",
    "execution/ledger:repeat_while_stale",
    "execution/ledger:_unsound",
    "execution/outcome",
    "execution/retry:Retries",
    "execution/retry:delay",
    "execution/units:Prefetch",
    "execution/units:Unit",
    "execution/units:compile_records",
    "execution/units:compile_unit",
    "sql",
)
JUDGES = {  # of a package, the folders of tests
    "conninfo": ("conninfo", "settings"),
    "domain": ("alterations", "domain"),
    "execution": ("execution",),
    "sql": ("linter", "sql"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one function, and what became of it: mutmut's word for it."""

    module: str
    name: str
    status: str
    difference: str = ""

    @property
    def changed(self) -> tuple[str, ...]:
        """The lines taken and given, without what stands around them."""
        lines = [line for line in self.difference.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        return tuple(f"{line[0]} {line[1:].strip()}" for line in lines)

    @property
    def says_nothing(self) -> bool:
        """True where only `strict=False` of a `zip` is another or gone, which it is by default."""
        taken, *given = [re.sub(r",\s*(strict=\w+)?\s*\)", ")", line[2:]) for line in self.changed] or [""]
        return given == [taken] and "strict=False" in self.difference


@dataclass(slots=True)
class Row:
    """A module's line of the table."""

    killed: int = 0
    explained: int = 0
    unknown: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    def count(self, mutant: Mutant, explained: set[tuple[str, tuple[str, ...]]]) -> None:
        """Counts a mutant. One that no test reaches survives."""
        if mutant.status in ("killed", "timeout", "segfault", "suspicious"):
            self.killed += 1
        elif mutant.status in ("not checked", "check was interrupted by user"):
            self.unknown += 1
        elif mutant.says_nothing or (mutant.module, mutant.changed) in explained:
            self.explained += 1
        else:
            self.survivors.append(mutant)

    def cells(self) -> list[str]:
        judged = self.killed + len(self.survivors)
        share = f"{100 * self.killed / judged:.0f} %" if judged else "-"
        numbers = (judged + self.explained + self.unknown, self.killed, len(self.survivors), self.explained)
        return [*map(str, numbers), str(self.unknown), share]


def main() -> int:
    """Runs the command line. Returns 1 where a mutant survives unexplained."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended, and the copy removed
    chosen = [(module, name) for name in options.modules or JUDGED for module in _modules(name)]
    modules = sorted({module for module, _ in chosen})
    names = [_pattern(module, name) for module, name in chosen]
    with tempfile.TemporaryDirectory(prefix="sartor-mutants-") as directory:
        copy = Path(directory)
        _copy(copy, modules)
        _mutate(copy, names, options)
        found = [mutant for mutant in _found(copy) if any(fnmatchcase(mutant.name, name) for name in names)]
    rows = _count(found, _explained())
    _print(rows)
    survivors = [mutant for row in rows.values() for mutant in row.survivors]
    if options.diff:
        for mutant in survivors:
            print(f"\n{mutant.name} ({mutant.status})\n{mutant.difference}")
    return 1 if survivors else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a module or a package, as in `domain/plan`")
    parser.add_argument("--minutes", type=float, help="stop after so many minutes, and show what is known by then")
    parser.add_argument("--one-in", type=int, default=1, metavar="N", help="run a sample: one of N mutants")
    parser.add_argument("--processes", type=int, default=2, help="how many mutants run at a time, 2 by default")
    parser.add_argument("--diff", action="store_true", help="show the difference that each survivor makes")
    return parser.parse_args()


def _modules(name: str) -> list[Path]:
    """The files of a module or a package, relative to the root."""
    path = HOUSE / name.partition(":")[0].removeprefix(f"{HOUSE}/").removesuffix(".py")
    files = sorted((ROOT / path).rglob("*.py")) or [ROOT / path.with_suffix(".py")]
    if not files[0].is_file() or path.parts[len(HOUSE.parts)] not in JUDGES:
        sys.exit(f"error: {name} is no module of {', '.join(JUDGES)}")
    return [file.relative_to(ROOT) for file in files]


def _pattern(module: Path, name: str) -> str:
    """The pattern of mutmut's names for the mutants of a module; `name` may end with a class or function of it."""
    part = name.partition(":")[2]
    return ".".join((*module.relative_to("src").with_suffix("").parts, f"x?{part}[_ǁ]*" if part else "*"))


def _copy(copy: Path, modules: Iterable[Path]) -> None:
    """Copies what the tests need to `copy`, with `modules` and a configuration as mutmut wants them."""
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("src", "tests", "scripts", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for module in modules:
        (copy / module).write_text(undecorated((ROOT / module).read_text()))
    judges = {f"tests/{judge}" for module in modules for judge in JUDGES[module.parts[len(HOUSE.parts)]]}
    settings = {
        "source_paths": ["src"],
        "only_mutate": modules,
        "also_copy": ["scripts", "docs"],
        "pytest_add_cli_args": ["-p", "pure", "-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": sorted(judges),
        "use_git_change_detection": ["false"],
        "track_dependencies": ["false"],
    }
    text = "".join(f"{key} =\n" + "".join(f"    {value}\n" for value in values) for key, values in settings.items())
    (copy / "setup.cfg").write_text("[mutmut]\n" + text)


def _mutate(copy: Path, names: Iterable[str], options: argparse.Namespace) -> None:
    """Runs mutmut in `copy`, for as long as the options allow."""
    command = [sys.executable, str(HERE / "without_words.py"), str(options.one_in), "run"]
    command += ["--max-children", str(options.processes), *names]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    log = copy / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            status = process.wait(None if options.minutes is None else 60 * options.minutes)
        except subprocess.TimeoutExpired:
            print(f"stopped after {options.minutes:g} minutes", file=sys.stderr)
            status = 0
        finally:
            _end(process)
    if status != 0:
        sys.exit("error: mutmut failed\n" + log.read_text()[-4000:])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it has started, where it is still at work."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _found(copy: Path) -> Iterator[Mutant]:
    """Reads the results of mutmut in `copy`."""
    os.chdir(copy)
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.file_utils import walk_mutatable_files

    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        module = str(path.relative_to(HOUSE).with_suffix(""))
        for name, code in data.exit_code_by_key.items():
            status = status_by_exit_code[code]
            difference = get_diff_for_mutant(name, path=path) if status in ("survived", "no tests") else ""
            yield Mutant(module=module, name=name, status=status, difference=difference)
    os.chdir(ROOT)


def _explained() -> set[tuple[str, tuple[str, ...]]]:
    """The changes that `explained.toml` knows: the module, and the lines taken and given."""
    entries = tomllib.loads((HERE / "explained.toml").read_text()).get("explained", [])
    return {(entry["module"], tuple(entry["change"].strip().splitlines())) for entry in entries}


def _count(found: Iterable[Mutant], explained: set[tuple[str, tuple[str, ...]]]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for mutant in found:
        rows.setdefault(mutant.module, Row()).count(mutant, explained)
    return rows


def _print(rows: dict[str, Row]) -> None:
    whole = Row()
    for row in rows.values():
        whole.killed += row.killed
        whole.explained += row.explained
        whole.unknown += row.unknown
        whole.survivors += row.survivors
    head = ["module", "mutants", "killed", "survived", "explained", "not run", "share"]
    table = [head, *([name, *row.cells()] for name, row in sorted(rows.items())), ["all", *whole.cells()]]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *cells in table:
        print(name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)))


if __name__ == "__main__":
    sys.exit(main())
