"""Has Sartor take over from other tools: each makes a database for real, and Sartor then imports and adopts it.

A tool that isn't on the path is named and passed over. Databases are made on the server of SARTOR_TEST_DB_URL.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from histories import database
from sartor.errors import UsageError
from sartor.importing.team_python import find_python

LIMIT = 300
"""Seconds that one command may take."""
TABLE = "create table customers (id bigint primary key, name text not null default 'a;b');\n"
INDEX = "create index concurrently customers_name_idx on customers (name);\n"
VIEW = "create or replace view customer_names as select id, name from customers;\n"
FUNCTION = "create function one() returns int language sql as $$\r\n select 1 $$"
DROP, DROP_INDEX = "drop table customers;\n", "drop index concurrently customers_name_idx;\n"


class Absent(Exception):
    """A tool that isn't at hand."""


class Project(NamedTuple):
    """A tool's project: its files, how the tool is run on it, what `import` is told, and how many can be undone."""

    files: Mapping[str, str]
    run: Callable[[Path, str], None]
    path: str
    undone: int = 0
    more: tuple[str, ...] = ()


def main() -> None:
    """Takes over from each tool that is named, or from all."""
    server = os.environ.get("SARTOR_TEST_DB_URL")
    if not server:
        sys.exit("give a server: scripts/with-postgres /usr/lib/postgresql/15/bin scripts/imports")
    failed = []
    for tool in sys.argv[1:] or PROJECTS:
        with tempfile.TemporaryDirectory(prefix="sartor-imports-") as work, database(server, None) as url:
            try:
                print(f"{tool}: {take_over(tool, PROJECTS[tool], Path(work), url)}")
            except Absent as reason:
                print(f"{tool}: not at hand: {reason}")
            except subprocess.CalledProcessError as error:
                failed.append(tool)
                print(f"{tool}: FAILED: {' '.join(error.cmd)}\n{error.stdout}\n{error.stderr}")
    if failed:
        sys.exit(1)


def take_over(tool: str, project: Project, folder: Path, url: str) -> str:
    """Runs a tool, imports its project and adopts its database; undoes what can be undone and deploys it again."""
    for name, text in project.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    project.run(folder, url)
    words = ("import", tool, project.path, "--release", "1.0.0", "--baseline", "--yes", *project.more)
    sartor(folder, url, *words)
    sartor(folder, url, "deploy", "latest")
    status = sartor(folder, url, "status")
    sartor(folder, url, "verify")
    sartor(folder, url, "verify", "--against-replay")
    if project.undone:
        sartor(folder, url, "rollback", "--steps", str(project.undone), "--yes")
        sartor(folder, url, "deploy", "latest")
        sartor(folder, url, "verify", "--against-replay")
    return status.splitlines()[0].rpartition(": ")[2]


def sartor(folder: Path, url: str, *words: str) -> str:
    program = str(Path(sys.executable).with_name("sartor"))
    return call(folder, program, "db", "alteration", *words, env={"SARTOR_DB_URL": url})


def call(folder: Path, *command: str, env: Mapping[str, str] | None = None) -> str:
    """Returns what a command prints. Raises CalledProcessError, Absent."""
    found = shutil.which(command[0])
    if found is None:
        raise Absent(command[0])
    done = subprocess.run(
        [found, *command[1:]],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )
    return done.stdout


URL = "{url}"


def program(*command: str) -> Callable[[Path, str], None]:
    """Returns how a program is run whose only argument that isn't known yet is the URL."""

    def run(folder: Path, url: str) -> None:
        call(folder, *(f"{url}?sslmode=disable" if word == URL else word for word in command))

    return run


def run_alembic(folder: Path, url: str) -> None:
    call(folder, sys.executable, "-m", "alembic", "init", "-t", "async", "migrations")
    ini = folder / "alembic.ini"
    there = url.replace("postgresql:", "postgresql+asyncpg:")
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", there))
    head = "from alembic import op\nrevision = '{}'\ndown_revision = {!r}\n"
    (folder / "migrations/versions/a1_customers.py").write_text(
        f'"""customers"""\n{head.format("a1", None)}def upgrade():\n    op.execute({TABLE!r})\n'
        f"def downgrade():\n    op.execute({DROP!r})\n"
    )
    (folder / "migrations/versions/b2_index.py").write_text(
        f'"""index"""\n{head.format("b2", "a1")}def upgrade():\n    with op.get_context().autocommit_block():\n'
        f"        op.execute({INDEX!r})\ndef downgrade():\n    with op.get_context().autocommit_block():\n"
        f"        op.execute({DROP_INDEX!r})\n"
    )
    call(folder, sys.executable, "-m", "alembic", "upgrade", "heads")


SETTINGS = """
from siteproject.settings import *
from urllib.parse import urlsplit
import os
there = urlsplit(os.environ["LIVE"])
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": there.path[1:], "USER": there.username,
    "PASSWORD": there.password or "", "HOST": there.hostname, "PORT": there.port}}
INSTALLED_APPS += ["shop"]
"""
SHOP = {
    "__init__.py": "",
    "models.py": "",
    "migrations/__init__.py": "",
    "migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Customer", [
        ("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20, unique=True))])]
""",
    "migrations/0002_not_unique.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AlterField("Customer", "name", models.CharField(max_length=30)),
        migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)]
""",
    "migrations/0003_index.py": """
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_not_unique")]
    operations = [AddIndexConcurrently("customer", models.Index(fields=["name"], name="customer_name"))]
""",
}


def run_django(folder: Path, url: str) -> None:
    try:
        python = find_python("django", folder, None)
    except UsageError as error:
        raise Absent("a Python with Django") from error
    call(folder, python, "-m", "django", "startproject", "siteproject", ".")
    (folder / "siteproject" / "live.py").write_text(SETTINGS)
    manage = folder / "manage.py"
    manage.write_text(manage.read_text().replace("siteproject.settings", "siteproject.live"))
    os.environ["LIVE"] = url
    call(folder, python, "manage.py", "migrate")


def run_flyway(folder: Path, url: str) -> None:
    there = urlsplit(url)
    call(
        folder,
        "flyway",
        f"-url=jdbc:postgresql://{there.hostname}:{there.port}{there.path}",
        f"-user={there.username}",
        f"-locations=filesystem:{folder}/db",
        "-postgresql.transactional.lock=false",  # else it waits for itself at CONCURRENTLY
        "migrate",
    )


def run_prisma(folder: Path, url: str) -> None:
    call(folder, "prisma", "migrate", "deploy", env={"DATABASE_URL": url})


def run_psql(folder: Path, url: str) -> None:
    for name in ("001_customers.up.sql", "002_index.up.sql"):
        call(folder, "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", f"migrations/{name}", url)
    table = "create table ran as select unnest(array['001_customers', '002_index']) as name"
    call(folder, "psql", "-qX", "-c", table, url)


PRISMA = {
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n}\n',
    "prisma.config.ts": "export default { schema: 'prisma/schema.prisma',"
    " datasource: { url: process.env.DATABASE_URL } }",
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
}
PAIRS = {
    "migrations/001_customers.up.sql": TABLE,
    "migrations/001_customers.down.sql": DROP,
    "migrations/002_index.up.sql": INDEX,
    "migrations/002_index.down.sql": DROP_INDEX,
}
PROJECTS = {
    "alembic": Project({}, run_alembic, ".", 2, ("--python", sys.executable)),
    "dbmate": Project(
        {
            "db/migrations/20240102030405_customers.sql": f"-- migrate:up\n{TABLE}{FUNCTION};\n"
            f"-- migrate:down\n{DROP}drop function one();\n",
            "db/migrations/20240310120000_index.sql": f"-- migrate:up transaction:false\n{INDEX}"
            f"-- migrate:down transaction:false\n{DROP_INDEX}",
        },
        program("dbmate", "--url", URL, "--no-dump-schema", "up"),
        ".",
        2,
    ),
    "django": Project({f"shop/{name}": text for name, text in SHOP.items()}, run_django, ".", 3),
    "flyway": Project(
        {
            "db/V1__customers.sql": TABLE,
            "db/V1_2__index.sql": INDEX,
            "db/R__names.sql": VIEW,
            "db/U1_2__index.sql": DROP_INDEX,
        },
        run_flyway,
        "db",
        1,
    ),
    "golang-migrate": Project(
        PAIRS,
        program("migrate", "-path", "migrations", "-database", URL, "up"),
        "migrations",
        2,
    ),
    "goose": Project(
        {
            "migrations/001_customers.sql": f"-- +goose Up\n-- +goose StatementBegin\n{FUNCTION}\n"
            f"-- +goose StatementEnd\n{TABLE}-- +goose Down\n{DROP}drop function one();\n",
            "migrations/002_index.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{INDEX}-- +goose Down\n{DROP_INDEX}",
        },
        program("goose", "-dir", "migrations", "postgres", URL, "up"),
        "migrations",
        2,
    ),
    "pairs": Project(
        {**PAIRS, "sartor.toml": 'ignore-objects = ["public.ran"]\n'},
        run_psql,
        "migrations",
        2,
        ("--ledger-table", "ran:name"),
    ),
    "prisma": Project(
        {
            **PRISMA,
            "prisma/migrations/20240102030405_customers/migration.sql": TABLE,
            "prisma/migrations/20240310120000_index/migration.sql": INDEX,
        },
        run_prisma,
        ".",
    ),
    "sqlx": Project(
        {
            "migrations/1_customers.up.sql": TABLE,
            "migrations/1_customers.down.sql": DROP,
            "migrations/2_index.up.sql": f"-- no-transaction\n{INDEX}",
            "migrations/2_index.down.sql": f"-- no-transaction\n{DROP_INDEX}",
        },
        program("sqlx", "migrate", "run", "--source", "migrations", "--database-url", URL),
        "migrations",
        2,
    ),
}

if __name__ == "__main__":
    main()
