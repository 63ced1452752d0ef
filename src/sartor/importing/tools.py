"""The tools whose migrations can be imported, by name."""

from collections.abc import Mapping
from importlib import import_module

from sartor.conninfo.parameters import nearest
from sartor.errors import UsageError
from sartor.importing.tool import Tool

TOOLS: Mapping[str, str] = {
    "alembic": "alembic",
    "dbmate": "dbmate",
    "django": "django",
    "flyway": "flyway",
    "golang-migrate": "golang_migrate",
    "goose": "goose",
    "logto": "logto",
    "pairs": "pairs",
    "prisma": "prisma",
    "sql": "sql_folder",
    "sqlx": "sqlx",
}
"""The module of each tool in this package, by the tool's name; its `TOOL` says the rest."""


def find_tool(name: str) -> Tool:
    """Returns the tool of a name. Raises UsageError."""
    if name not in TOOLS:
        near = nearest(name.lower(), TOOLS, cutoff=0.6)
        known = f"the tools are {', '.join(TOOLS)}"
        raise UsageError(f"there is no tool {name!r} to import from", hint=f"did you mean {near}?" if near else known)
    tool: Tool = import_module(f"sartor.importing.{TOOLS[name]}").TOOL
    return tool
