"""The examples for Compose, GitLab and GitHub are files of their kind, and the commands in them work as they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from support.command import Command
from support.database import Database
from support.dockerfile import Image
from support.runner import Runner
from support.shipped import DEPLOY, boxed, write_alterations

NEXT = "-- sartor: up\ncreate table pins (id int primary key);\n-- sartor: down\ndrop table pins;\n"


def example(name: str) -> Any:
    """An example's content; what YAML 1.1 takes for a truth, `on`, is a key."""
    return yaml.safe_load((DEPLOY / name).read_text())


@pytest.fixture
def runner(image: Image, sartor: Command, tmp_path: Path) -> Runner:
    """A machine with the product's repository: three released alterations and a further one, all proved."""
    write_alterations(tmp_path / "project" / "alterations")
    (tmp_path / "project" / "alterations" / "next-1700000009-pins.sql").write_text(NEXT)
    sartor("prove", "--all", "--alterations", str(tmp_path / "project" / "alterations"))
    return Runner(image, tmp_path)


def test_compose(image: Image, database: Database, tmp_path: Path) -> None:
    """The service `schema` deploys, with its password in a secret's file, before the application starts."""
    services = example("compose.yaml")["services"]
    schema = services["schema"]
    assert schema["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["application"]["depends_on"] == {"schema": {"condition": "service_completed_successfully"}}
    (secret,) = schema["secrets"]
    assert secret["source"] in services["database"]["secrets"]
    assert secret["source"] in example("compose.yaml")["secrets"]
    assert schema["read_only"]
    assert schema["cap_drop"] == ["ALL"]
    (tmp_path / secret["target"]).write_text("swordfish\n")
    environment = dict(schema["environment"])
    environment["DB_CONNECTION_URI"] = environment["DB_CONNECTION_URI"].replace(
        "postgresql://acme@database:5432/acme", database.url
    )
    box = boxed(image, (tmp_path / secret["target"], f"/run/secrets/{secret['target']}"), **environment)
    for _ in range(2):
        done = box.run([*image.entrypoint, *schema["command"]])
        assert done.code == 0, done.err
    assert database.tables() == {"tailors", "thimbles", "needles"}


def test_gitlab(runner: Runner, database: Database) -> None:
    """The jobs check, plan and deploy: a plan that has something in it may end with its exit code, and no other."""
    jobs = example("gitlab-ci.yml")
    checked = [line for line in jobs["alterations"]["script"] if not line.startswith("pip install")]
    assert len(checked) == len(jobs["alterations"]["script"]) - 1
    done = runner.shell("\n".join(checked), SARTOR_DB_URL=database.url)
    assert done.code == 0, done.out + done.err
    assert database.tables() == {"tailors", "thimbles", "needles"}
    database.run("drop schema public cascade", "create schema public")
    for job in ("plan", "deploy"):
        assert jobs[job]["extends"] == ".production"
        done = runner.shell("\n".join(jobs[job]["script"]), directory="/", SARTOR_DB_URL=database.url)
        assert done.code in {0, *jobs[job].get("allow_failure", {"exit_codes": []})["exit_codes"]}, done.err
    assert database.tables() == {"tailors", "thimbles", "needles"}
    assert jobs["deploy"]["retry"]["exit_codes"] == [5, 6]
    assert {jobs[job]["stage"] for job in ("alterations", "plan", "deploy")} == set(jobs["stages"])


def test_github(runner: Runner, database: Database) -> None:
    """The workflow's steps go through, with the action's commands, and a tag's job deploys."""
    jobs = example("github-workflow.yml")["jobs"]
    for step in (step for name in ("alterations", "deploy") for step in jobs[name]["steps"]):
        if "run" in step:
            done = runner.shell(step["run"], SARTOR_DB_URL=database.url)
            assert done.code == 0, done.err
        elif step["uses"] == "./.github/actions/sartor":
            inputs = {name: text for name, text in step["with"].items() if name != "requirements"}
            if inputs.get("arguments", "").startswith("${{"):
                inputs.pop("arguments")  # of a pull request alone
            ended = runner.use(**inputs, url=database.url)
            assert ended.code == 0, ended.log
            assert ended.summary.startswith(f"### Sartor: {inputs['command']}\n")
    assert database.tables() == {"tailors", "thimbles", "needles"}
    assert jobs["deploy"]["concurrency"]["cancel-in-progress"] is False
    assert example("github-workflow.yml")["permissions"] == {"contents": "read"}
