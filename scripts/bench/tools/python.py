"""Peers in Python."""

from __future__ import annotations

from pathlib import Path

from tools.source import Pip, program
from tools.tool import Call, Site, Tool
from workload import down, query

ALEMBIC_INI = "[alembic]\nscript_location = migrations\n"
ALEMBIC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
DJANGO_MANAGE = """
import os, sys
from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
DJANGO_SETTINGS = """
import os
from urllib.parse import urlsplit

url = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
    "PASSWORD": url.password or "", "HOST": url.hostname, "PORT": url.port,
}}
INSTALLED_APPS = ["workload"]
USE_TZ = True
"""


def _text(i: int) -> str:
    """The script's SQL as a literal of Python."""
    return repr(query(i))


class Alembic(Tool):
    """A chain of revisions."""

    name = "Alembic"
    source = Pip("alembic", "psycopg2-binary")
    manner = "one `op.execute` of the three statements; `transaction_per_migration`, psycopg2, no pool, no logging"

    def write(self, scripts: Path, count: int) -> None:
        versions = scripts / "migrations" / "versions"
        versions.mkdir(parents=True)
        (scripts / "alembic.ini").write_text(ALEMBIC_INI)
        (scripts / "migrations" / "env.py").write_text(ALEMBIC_ENV)
        for i in range(count):
            before = f"{i - 1:06}" if i else None
            (versions / f"{i:06}_t{i}.py").write_text(
                f"from alembic import op\n\nrevision = '{i:06}'\ndown_revision = {before!r}\n\n\n"
                f"def upgrade():\n    op.execute({_text(i)})\n\n\n"
                f"def downgrade():\n    op.execute({down(i)!r})\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "upgrade", "head")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "downgrade", "base")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        return Call((program(site.prefix, "alembic"), *words), {"DATABASE_URL": site.scheme("postgresql+psycopg2")})


class Django(Tool):
    """A chain of migrations of one app."""

    name = "Django"
    source = Pip("django", "psycopg2-binary")
    manner = "one `RunSQL` of the three statements, atomic as it is by default; no other app, no checks, psycopg2"

    def write(self, scripts: Path, count: int) -> None:
        migrations = scripts / "workload" / "migrations"
        migrations.mkdir(parents=True)
        for file in (scripts / "workload" / "__init__.py", migrations / "__init__.py"):
            file.touch()
        (scripts / "manage.py").write_text(DJANGO_MANAGE)
        (scripts / "settings.py").write_text(DJANGO_SETTINGS)
        for i in range(count):
            before = [("workload", f"{i - 1:06}_t{i - 1}")] if i else []
            (migrations / f"{i:06}_t{i}.py").write_text(
                "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
                f"    dependencies = {before!r}\n    operations = [migrations.RunSQL({_text(i)}, {down(i)!r})]\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "workload")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "workload", "zero")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        command = (program(site.prefix, "python"), "manage.py", "migrate", *words)
        return Call((*command, "--no-input", "--skip-checks", "--verbosity", "0"), {"DATABASE_URL": site.url})


class Yoyo(Tool):
    """Independent migrations, in the order of their names."""

    name = "yoyo"
    source = Pip("yoyo-migrations", "psycopg2-binary", "setuptools<81")
    manner = "one `step` of the three statements in a script in Python, without `depends`; psycopg2, batch mode"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        for i in range(count):
            (scripts / "migrations" / f"{i:06}_t{i}.py").write_text(
                f"from yoyo import step\n\nsteps = [step({_text(i)}, {down(i)!r})]\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "apply")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "rollback", "--all")

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        settings = ("--batch", "--no-config-file", "--database", site.scheme("postgresql"))
        return Call((program(site.prefix, "yoyo"), *words, *settings, "migrations"))


class Pogo(Tool):
    """A chain of migrations over the same driver as Sartor's."""

    name = "pogo-migrate"
    source = Pip("pogo-migrate")
    manner = "one `db.execute` of the three statements in a script in Python: a `.sql` one would be taken apart first"

    def write(self, scripts: Path, count: int) -> None:
        (scripts / "migrations").mkdir()
        (scripts / "pyproject.toml").write_text(
            '[tool.pogo]\nmigrations = "migrations"\ndatabase_config = "{DATABASE_URL}"\n'
        )
        for i in range(count):
            before = [f"20260101_{i:06}_t-t{i - 1}"] if i else []
            (scripts / "migrations" / f"20260101_{i + 1:06}_t-t{i}.py").write_text(
                f"__depends__ = {before!r}\n\n\nasync def apply(db):\n    await db.execute({_text(i)})\n\n\n"
                f"async def rollback(db):\n    await db.execute({down(i)!r})\n"
            )

    def deploy(self, site: Site) -> Call:
        return self._call(site, "apply")

    def rollback(self, site: Site) -> Call | None:
        return self._call(site, "rollback", "--count", str(site.count))

    @staticmethod
    def _call(site: Site, *words: str) -> Call:
        return Call((program(site.prefix, "pogo"), *words), {"DATABASE_URL": site.url})
