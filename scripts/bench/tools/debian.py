"""Peers that Debian packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools.bare import PSQL
from tools.source import Debian
from tools.tool import Call, Site, Tool
from workload import down, query

SQITCH_CONF = """
[core]
    engine = pg
[user]
    name = Bench
    email = bench@example.com
[engine "pg"]
    client = {psql}
"""
SQL_MIGRATE_CONFIG = "development:\n  dialect: postgres\n  datasource: ${DATABASE_URL}\n  dir: migrations\n"


class SqlMigrate(Tool):
    """A program in Go."""

    name = "sql-migrate"
    source = Debian("sql-migrate")
    manner = (
        "the three statements as one (`StatementBegin`), `binary_parameters` for its driver; Debian's build of its"
        " sources of December 2019"
    )

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        (scripts / "dbconfig.yml").write_text(SQL_MIGRATE_CONFIG)
        for i in range(count):
            whole = f"-- +migrate StatementBegin\n{query(i)}-- +migrate StatementEnd\n"
            (scripts / "migrations" / f"{i:06}_t{i}.sql").write_text(
                f"-- +migrate Up\n{whole}\n-- +migrate Down\n{down(i)};\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "up")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "down", "-limit=0")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        program = site.prefix / "tree" / "usr" / "bin" / "sql-migrate"
        return Call((str(program), *words, "-config=dbconfig.yml"), {"DATABASE_URL": site.for_go})


class Sqitch(Tool):
    """A program in Perl, which runs psql for each script."""

    name = "sqitch"
    source = Debian("sqitch")
    manner = (
        "a transaction in each script, as its own templates have it; nothing verified; psql without a wrapper; Debian's"
        " build of October 2022's release"
    )

    def write(self, scripts: Path, count: int) -> None:
        for folder in ("deploy", "revert"):
            (scripts / folder).mkdir()
        plan = "".join(f"t{i} 2026-01-01T00:00:00Z Bench <bench@example.com> # t{i}\n" for i in range(count))
        (scripts / "sqitch.plan").write_text(f"%syntax-version=1.0.0\n%project=workload\n\n{plan}")
        (scripts / "sqitch.conf").write_text(SQITCH_CONF.format(psql=PSQL))
        for i in range(count):
            (scripts / "deploy" / f"t{i}.sql").write_text(f"begin;\n{query(i)}commit;\n")
            (scripts / "revert" / f"t{i}.sql").write_text(f"begin;\n{down(i)};\ncommit;\n")

    def deploy(self, site: Site) -> Call:
        return self._call(site, "deploy", "--no-verify")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "revert", "-y")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        """Its script is given to perl by name: the options of its first line count there."""
        usr = site.prefix / "tree" / "usr"
        perl = shutil.which("perl") or "/usr/bin/perl"
        libraries = [usr / "share" / "perl5", *sorted(usr.glob("lib/*/perl5/*"))]
        variables = {
            "PERL5LIB": os.pathsep.join(map(str, libraries)),
            "LD_LIBRARY_PATH": os.pathsep.join(map(str, usr.glob("lib/*-linux-*"))),
        }
        target = site.scheme("db:pg")
        return Call((perl, "-CAS", "-w", str(usr / "bin" / "sqitch"), *words, target), variables)
