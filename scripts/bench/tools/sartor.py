"""Sartor, with scripts in SQL and in Python, and one by one."""

from __future__ import annotations

from pathlib import Path

from measure import SARTOR
from tools.source import Here
from tools.tool import Call, Site, Tool
from workload import alteration, down, query


class SartorSql(Tool):
    """Sartor with scripts in SQL."""

    name = "Sartor, .sql"
    source = Here(SARTOR, "--version")
    manner = "the three statements in a `.sql` script; no settings"
    ending = "sql"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "alterations").mkdir()
        for i in range(count):
            file = scripts / "alterations" / f"1.0.0-{1_700_000_000 + i}-t{i}.{self.ending}"
            file.write_text(self.script(i))

    def script(self, i: int) -> str:
        """The text of the script `i`."""
        return f"-- sartor: up\n{query(i)}\n-- sartor: down\n{down(i)};\n"

    def deploy(self, site: Site) -> Call:
        return self._call(site, "deploy", "latest")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "rollback", "0.9.0", "--yes")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        return Call((SARTOR, "db", "alteration", *words, "--db-url", site.url, "--alterations", "alterations"))


class SartorApart(SartorSql):
    """The same, each statement by itself."""

    name = "Sartor, .sql, one by one"
    manner = "the same with `--no-batch`"

    def deploy(self, site: Site) -> Call:
        return self._call(site, "deploy", "latest", "--no-batch")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "rollback", "0.9.0", "--yes", "--no-batch")


class SartorPython(SartorSql):
    """Sartor with scripts in Python."""

    name = "Sartor, .py"
    manner = "an `await conn.execute(...)` for each of the three statements in a `.py` script; no settings"
    ending = "py"

    def script(self, i: int) -> str:
        return alteration(i)
