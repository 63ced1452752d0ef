"""What commands print with `--json`, held against the schemas in tests/acceptance/schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from support.command import Finished

SCHEMAS = Path(__file__).parents[1] / "acceptance" / "schemas"


def check(done: Finished, name: str) -> Any:
    """The JSON that a command printed, and nothing else, after finding that it fits the schema of this name."""
    shape = json.loads(done.out)
    validator(name).validate(shape)
    return shape


def check_lines(done: Finished, name: str) -> tuple[list[Any], Any]:
    """The lines that a command printed for several destinations, and what the last one says of all of them.

    Each fits the schema of this name.
    """
    *lines, last = map(json.loads, done.out.splitlines())
    for shape in (*lines, last):
        validator(name).validate(shape)
    return lines, last["fleet"]


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a schema."""
    resources = [(file.name, Resource.from_contents(read(file.stem))) for file in SCHEMAS.glob("*.json")]
    return Draft202012Validator(read(name), registry=Registry().with_resources(resources))


def read(name: str) -> dict[str, Any]:
    """A schema."""
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return found
