"""The manifests are what Kubernetes takes, at its strictest standard for pods, and their containers deploy and wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from sartor.errors import ControlLost, DestinationError, FleetStopped, Interrupted, RunHeld, UsageError
from support.command import Command, Finished
from support.database import Database
from support.dockerfile import Image
from support.roles import temporary_role
from support.shipped import DEPLOY, boxed

VERSIONS = ("1.29", "1.34")
"""The first whose schema has a rule without conditions of pods right, and the last that the validator knows."""
FILES = (
    "job.yaml",
    "init-container.yaml",
    "helm/templates/schema.yaml",
    "fleet-job.yaml",
    "fleet-workers.yaml",
)


def manifest(name: str) -> dict[str, Any]:
    """A manifest; a template is filled as Helm does."""
    text = (DEPLOY / name).read_text()
    values = yaml.safe_load((DEPLOY / "helm" / "values.yaml").read_text())
    chart = yaml.safe_load((DEPLOY / "helm" / "Chart.yaml").read_text())
    known = {f".Values.{key}": value for key, value in values.items()}
    known |= {".Release.Name": "acme", ".Chart.AppVersion": chart["appVersion"]}
    found: dict[str, Any] = yaml.safe_load(re.sub(r"{{ (\S+) }}", lambda match: str(known[match[1]]), text))
    return found


def pods(name: str) -> dict[str, Any]:
    """The pods that a manifest makes."""
    found: dict[str, Any] = manifest(name)["spec"]["template"]["spec"]
    return found


def containers(name: str) -> Iterator[dict[str, Any]]:
    """The containers of its pods."""
    pod = pods(name)
    yield from [*pod.get("initContainers", []), *pod["containers"]]


def as_kubelet(image: Image, name: str, folder: Path, secret: dict[str, str]) -> Finished:
    """Runs the first container of a manifest, with a Secret's files as Kubernetes lays them out."""
    container, pod = next(containers(name)), pods(name)
    (volume,), (mount,) = pod["volumes"], container["volumeMounts"]
    assert volume["name"] == mount["name"]
    hidden = folder / "..2026_11_29"
    hidden.mkdir(parents=True)
    (folder / "..data").symlink_to(hidden.name)
    for key, text in secret.items():
        (hidden / key).write_text(text)
        (folder / key).symlink_to(f"..data/{key}")
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == image.user
    box = boxed(image, (folder, mount["mountPath"]), **environment)
    return box.run([*container.get("command", image.entrypoint), *container["args"]])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("version", VERSIONS)
def test_valid(name: str, version: str) -> None:
    """Each manifest holds only what its kind has, in types that fit."""
    kubernetes_validate.validate(manifest(name), version, strict=True)


@pytest.mark.parametrize("name", FILES)
def test_restricted(name: str) -> None:
    """The pods fit the `restricted` standard, and have no token, no variables of services, and limits."""
    pod = pods(name)
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(name):
        confined = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["securityContext"] == confined
        assert container["resources"]["limits"].keys() == {"memory"}  # a limit of CPU makes each start slow
        assert not [each for each in container.get("env", []) if "PASSWORD" in each["name"] or "URL" in each["name"]]


@pytest.mark.parametrize("name", [FILES[0], FILES[2]])
def test_a_job(name: str, image: Image, database: Database, tmp_path: Path) -> None:
    """The Job deploys, and stops at the exit codes that another try can't change."""
    done = as_kubelet(image, name, tmp_path / "a", {"SARTOR_DB_URL": database.url, "SARTOR_PASSWORD": "none"})
    assert (done.code, "Deployed 3 alterations" in done.out) == (0, True), done.err
    spec = manifest(name)["spec"]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    stops = spec["podFailurePolicy"]["rules"][0]["onExitCodes"]
    assert stops == {"containerName": next(containers(name))["name"], "operator": "In", "values": [1, 2, 4]}
    nowhere = {"SARTOR_DB_URL": "postgresql://acme@127.0.0.1:1/acme", "SARTOR_PASSWORD": "none"}
    assert as_kubelet(image, name, tmp_path / "b", nowhere).code not in {0, *stops["values"]}


def test_pods_wait(image: Image, database: Database, tmp_path: Path) -> None:
    """The init container ends well once the Job has deployed, as a role that may read the ledger and nothing else."""
    deployed = as_kubelet(image, FILES[0], tmp_path / "a", {"SARTOR_DB_URL": database.url})
    assert deployed.code == 0, deployed.err
    with temporary_role(database) as role:
        database.run(f"grant usage on schema public to {role.name}", f"grant select on sartor_ledger to {role.name}")
        done = as_kubelet(image, FILES[1], tmp_path / "b", {"SARTOR_DB_URL": role.url})
    assert (done.code, "3 deployed, 0 pending" in done.out) == (0, True), done.err


def test_a_hook_of_helm() -> None:
    """The hook runs before an installation and an upgrade, and its Job ends before Helm's own patience does."""
    found = manifest(FILES[2])["metadata"]["annotations"]
    assert found == {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation"}
    assert manifest(FILES[2])["spec"]["activeDeadlineSeconds"] < 35 * 60
    assert "--timeout 35m" in (DEPLOY / "kubernetes.md").read_text()


def test_pods_that_share_a_run() -> None:
    """All parts of the Job run at once, know their run by the Job's number, and end as their exit codes ask for."""
    spec, (container,) = manifest("fleet-job.yaml")["spec"], containers("fleet-job.yaml")
    assert spec["completionMode"] == "Indexed"
    arguments = container["args"]
    given = dict(pairwise(arguments))
    assert spec["completions"] == spec["parallelism"] == int(given["--shard"])
    (name,) = (each["name"] for each in container["env"] if "valueFrom" in each)
    assert given["--run"] == f"$({name})"
    job, part, _ = spec["podFailurePolicy"]["rules"]
    assert (job["action"], job["onExitCodes"]["values"]) == ("FailJob", [UsageError.exit_code, FleetStopped.exit_code])
    assert part["action"] == "FailIndex"
    repeated = {RunHeld.exit_code, DestinationError.exit_code, ControlLost.exit_code, Interrupted.exit_code}
    assert not repeated & {*job["onExitCodes"]["values"], *part["onExitCodes"]["values"]}
    assert spec["podReplacementPolicy"] == "Failed"


@pytest.mark.parametrize("name", ["fleet-job.yaml", "fleet-workers.yaml"])
def test_the_options_of_the_fleets_pods(name: str, sartor: Command) -> None:
    """The containers' options are those of the command that they run."""
    (container,) = containers(name)
    command = container.get("command", ["sartor", "db", "alteration"])[1:]
    words = [*command, *([container["args"][0]] if "command" not in container else [])]
    text = sartor.run(*words, "--help").out
    options = [word for word in container["args"] if word.startswith("--")]
    assert options
    assert [word for word in options if f"{word} " not in text] == []
