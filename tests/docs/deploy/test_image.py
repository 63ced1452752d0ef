"""The image deploys and exits: a user without a name, a read-only file system, the first process of its container."""

from __future__ import annotations

import os
import shlex
import signal
from pathlib import Path

import psutil

from support.container import Box
from support.database import Database
from support.dockerfile import Build, Image, instructions
from support.markdown import read_blocks
from support.servers import closed_port
from support.sessions import backend_waiting, until
from support.shipped import DEPLOY, Registry, boxed

PLACE = "postgresql://deployer@db.example.com/app"
LINES = [
    line
    for block in read_blocks(DEPLOY / "docker.md")
    for line in block.text.splitlines()
    if line.startswith("docker run")
]
SLOW = "-- sartor: up\ncreate table pins ();\nselect pg_sleep(600);\n-- sartor: down\ndrop table pins;\n"


def docker_run(line: str, image: Image, folder: Path, url: str) -> tuple[Box, list[str]]:
    """The container that a line of docker.md starts, and its program."""
    words = shlex.split(line.replace(PLACE, url))
    place = words.index("example/acme:1.2.0")
    options, arguments = words[2:place], words[place + 1 :]
    environment = dict(options[at + 1].split("=", 1) for at, word in enumerate(options) if word == "-e")
    mounts = [options[at + 1].split(":") for at, word in enumerate(options) if word == "-v"]
    binds = [(folder / source, target) for source, target, _ in mounts]
    return boxed(image, *binds, **environment), [*image.entrypoint, *(arguments or image.command)]


def test_what_docker_md_shows(image: Image, database: Database, tmp_path: Path) -> None:
    """Each `docker run` of the document works: the first deploys, the last finds its database in secret files."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "SARTOR_DB_URL").write_text(database.url)
    (secrets / "SARTOR_PASSWORD").write_text("of-no-use")
    found = []
    for line in LINES:
        box, program = docker_run(line, image, tmp_path, database.url)
        done = box.run(program)
        assert done.code == 0, f"{line}\n{done.out}\n{done.err}"
        found.append(done.out + done.err)
        if line == LINES[0]:
            assert database.tables() == {"tailors", "thimbles", "needles"}
    assert len(found) == 6
    assert "Deployed 3 alterations" in found[0]
    assert "release 1.2.0" in found[1]
    assert "Found 0 alteration" in found[2]
    assert "Rolled back 1 alteration" in found[3]
    assert database.tables() == {"tailors", "thimbles", "needles"}
    assert database.value("select count(*) from sartor_ledger") == 3


def test_again_and_elsewhere(image: Image, database: Database) -> None:
    """Without a database the exit code is 2, without a server 6, and what was deployed isn't deployed again."""
    program = [*image.entrypoint, *image.command]
    nowhere = f"postgresql://deployer@127.0.0.1:{closed_port()}/app"
    assert boxed(image, DB_CONNECTION_URI=nowhere).run(program).code == 6
    none = boxed(image).run(program)
    assert (none.code, "set DB_CONNECTION_URI" in none.err) == (2, True)
    nameless = boxed(image, DB_CONNECTION_URI=database.url.replace("postgres@", "")).run(program)
    assert nameless.code == 2
    assert "user number 65532" in nameless.err
    for text in ("Deployed 3 alterations", "Found 0 alteration to deploy"):
        done = boxed(image, DB_CONNECTION_URI=database.url).run(program)
        assert (done.code, text in done.out) == (0, True), done.err


def test_two_at_once(image: Image, database: Database) -> None:
    """Of two containers that start at once, one deploys, and both end well."""
    box = boxed(image, DB_CONNECTION_URI=database.url)
    both = [box.start([*image.entrypoint, *image.command]) for _ in range(2)]
    ended = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert database.value("select count(*) from sartor_journal where kind = 'deployed'") == 3


def test_stopped(image: Image, database: Database, tmp_path: Path) -> None:
    """SIGTERM to the first process rolls the script back and ends with 130; before a run, too, and nothing is left."""
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "1.3.0-1700000003-slow.sql").write_text(SLOW)
    box = boxed(image, (slow, "/app/alterations"), DB_CONNECTION_URI=database.url)
    process = box.start([*image.entrypoint, "deploy", "latest"])
    until(lambda: backend_waiting(database, "PgSleep"))
    first(process.pid).send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "rolled back" in err) == (130, True), err
    assert database.tables() == set()


def test_stopped_early(image: Image, tmp_path: Path) -> None:
    """SIGTERM is heard before a run has begun, though the system gives the first process no default for it."""
    folder = tmp_path / "services"
    folder.mkdir()
    os.mkfifo(folder / "pg_service.conf")  # it is read until somebody has written it
    box = boxed(image, (folder, "/services"), PGSERVICE="app", PGSERVICEFILE="/services/pg_service.conf")
    process = box.start([*image.entrypoint, *image.command])

    opened: list[int] = []

    def reads() -> bool:
        try:
            opened.append(os.open(folder / "pg_service.conf", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    until(reads)
    first(process.pid).send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    os.close(opened[0])
    assert (process.returncode, err) == (130, "error: interrupted; no run was in progress\n")


def first(outside: int) -> psutil.Process:
    """The first process of a container, whose parent is this one."""
    (child,) = psutil.Process(outside).children()
    return child


def test_file_system(image: Image) -> None:
    """The program's user can write nowhere, has no capability, and what the build was given stays out of the image."""
    look = (
        "import os, sys; print(os.getpid(), os.getuid(), os.access('/app', os.W_OK), os.access('/tmp', os.W_OK));"
        "print([line for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd', 'NoNewPrivs'))]);"
        "print(os.path.getsize('/bin/sh'))"
    )
    done = boxed(image).run(["/opt/venv/bin/python", "-c", look])
    assert done.out.startswith("1 65532 False False\n"), done.err
    assert done.out.endswith("\n0\n")
    held = [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in held if path.name in {".env", "requirements.txt", "pip.conf"}]
    assert not [path for path in held if path.stat().st_size < 10**6 and b"token-1f2e" in path.read_bytes()]
    assert (image.root / "app" / "sartor.toml").stat().st_mode & 0o777 == 0o755
    assert not (image.root / "app" / "alterations" / ".sartor").exists()


def test_temporary_files(image: Image, tmp_path: Path) -> None:
    """A command that needs a folder for temporary files says so where there is none, and takes one at /tmp."""
    program = ["/opt/venv/bin/python", "-c", "from sartor.archive.temporary import temporary_folder as f; print(f())"]
    refused = boxed(image).run(program)
    assert "no folder for temporary files" in refused.err
    tmp_path.chmod(0o777)
    assert boxed(image, (tmp_path, "/tmp:rw")).run(program).out == "/tmp\n"  # noqa: S108


def test_a_product_in_a_wheel(built: Build, registry: Registry, database: Database, tmp_path: Path) -> None:
    """A product that ships its alterations in a wheel leaves a line out of the Dockerfile, and names its package."""
    settings = built.context / "sartor.toml"
    before, steps = settings.read_text(), (built.context / "Dockerfile").read_text().splitlines()
    left = [line for line in steps if not line.startswith("COPY --chmod=755 alterations")]
    assert len(left) == len(steps) - 1
    try:
        settings.write_text(before.replace('"alterations"', '"acme.alterations"'))
        build = registry.build(built.context, tmp_path, {"packages": built.stages["packages"]})
        image = build.run("\n".join(left))
    finally:
        settings.write_text(before)
    assert not (image.root / "app" / "alterations").exists()
    done = boxed(image, DB_CONNECTION_URI=database.url).run([*image.entrypoint, *image.command])
    assert (done.code, "Deployed 3 alterations" in done.out) == (0, True), done.err


def test_instructions() -> None:
    """The image runs as no root and has no secret among its variables, and signals reach the program itself."""
    steps = list(instructions((DEPLOY / "Dockerfile").read_text()))
    assert [rest for word, rest in steps if word == "USER"] == ["65532:65532"]
    assert all(rest.startswith("[") for word, rest in steps if word in {"ENTRYPOINT", "CMD"})
    assert not [rest for word, rest in steps if word in {"ENV", "ARG"} and "PASSWORD" in rest]
    assert not [word for word, _ in steps if word == "ADD"]
