"""Makes docs/api.md of the public API's signatures and docstrings.

    .venv/bin/python scripts/docs/api_page.py

A test says that the page is up to date.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import sartor

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"
SOURCE = ROOT / "src" / "sartor"

HEAD = """<!-- Made of docstrings by scripts/docs/api_page.py: change those. -->

# The Python API

"""
FURTHER = """
`sartor.Connection` is asyncpg's, for the types of scripts.

`import sartor` loads a name when it is used, and the driver when a function needs it. What is below `sartor`, such as
`sartor.domain`, is private and changes without notice. All of it is typed, for `mypy --strict` too.
"""
ERRORS = """
## Errors

Each error has a `code` (its class's name, as `kind` in [`--json`](json.md#error-what-else-can-end-a-command)), an
[`exit_code`](operate.md#exit-codes) (that of the command), and a `hint`, which may be empty. `about` has the
identities of the alterations that it is about, `report` what a run had done before. No text has a password in it.

| code | is a | exit code | |
|---|---|---|---|
"""
LOGGING = """
## Logging

The logger `sartor` is silent until the application configures `logging`. At DEBUG it has connections, statements with
the milliseconds that they took and the server's process number, waits for locks with who is in the way, and retries;
at WARNING a script that blocks the event loop, and what `warn_if_pending` finds; at ERROR the first error of an
observer. No password is in it, no parameter or row of a statement, and no literal of a statement that may hold a
secret. `--verbose` shows the same on stderr.

```python
import logging

logging.basicConfig()
logging.getLogger("sartor").setLevel(logging.DEBUG)
```
"""


def page() -> str:
    """Returns the page."""
    exported = [(name, module) for module, names in _homes() for name in names]
    functions = [(name, module) for name, module in exported if inspect.isfunction(getattr(sartor, name))]
    errors = [name for name, module in exported if module == "errors"]
    others = [(n, m) for n, m in exported if (n, m) not in functions and n not in errors]
    parts = [
        HEAD + _markdown(inspect.cleandoc(sartor.__doc__ or "")) + "\n" + FURTHER,
        "## Functions",
        *[_function(name, module) for name, module in sorted(functions)],
        "## Types and events",
        *[_type(name, module) for name, module in sorted(others, key=lambda each: each[0].lower())],
        ERRORS.strip() + "\n" + "\n".join(_error(name) for name in sorted(errors, key=_family)),
        LOGGING.strip(),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _homes() -> Iterator[tuple[str, list[str]]]:
    """Yields the modules of the stub with their names."""
    tree = ast.parse((SOURCE / "__init__.pyi").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sartor."):
            yield node.module.removeprefix("sartor."), [alias.name for alias in node.names]


@functools.cache
def _tree(module: str) -> ast.Module:
    found = SOURCE.joinpath(*module.split("."))
    # A package itself imports the name from one of its modules.
    files = sorted(found.glob("*.py")) if found.is_dir() else [found.with_suffix(".py")]
    return ast.Module([node for file in files for node in ast.parse(file.read_text("utf-8")).body], [])


def _function(name: str, module: str) -> str:
    node = next(
        n for n in _tree(module).body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name
    )
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    arguments = _code(node.args).split(", ")
    lines = "".join(f"    {argument},\n" for argument in _joined(arguments))
    decorated = "".join(f"@{_code(each)}\n" for each in node.decorator_list)
    signature = f"{decorated}{keyword} {name}(\n{lines}) -> {_code(node.returns) if node.returns else 'None'}: ..."
    return f"### `{name}`\n\n```python\n{signature}\n```\n\n{_markdown(_doc(node))}"


def _joined(arguments: list[str]) -> Iterator[str]:
    """Yields arguments whole: those that hold a comma themselves were split at it."""
    whole = ""
    for part in arguments:
        whole = f"{whole}, {part}" if whole else part
        if whole.count("[") == whole.count("]") and whole.count("(") == whole.count(")"):
            yield whole.replace("=", " = ", 1).replace("NO_LIMITS", "Limits()").replace("NO_FLAGS", "Flags()")
            whole = ""


def _type(name: str, module: str) -> str:
    for node, said in _said(_tree(module).body):
        if isinstance(node, ast.ClassDef) and node.name == name:
            fields = "\n".join(_fields(node))
            block = f"```python\n{fields}\n```\n\n" if fields else ""
            return f"### `{name}`\n\n{_markdown(_doc(node))}\n\n{block}" + "\n".join(_members(node))
        if isinstance(node, ast.AnnAssign | ast.Assign) and node.value and _target(node) == name:
            return f"### `{name}`\n\n{said}\n\n```python\n{name} = {_code(node.value)}\n```"
    raise LookupError(name)


def _said(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """Yields statements, each with the docstring behind it."""
    for node, after in zip(body, [*body[1:], None], strict=True):
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        yield node, text if isinstance(text, str) else ""


def _target(node: ast.AnnAssign | ast.Assign) -> str:
    return _code(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """Yields the lines of a class's fields, or an enum's members, with what is said of each."""
    for part, said in _said(node.body):
        if isinstance(part, ast.AnnAssign | ast.Assign) and not _target(part).startswith("_"):
            yield from (f"# {line.strip()}" for line in said.splitlines() if line.strip())
            yield _code(part)


def _members(node: ast.ClassDef) -> Iterator[str]:
    """Yields an item for each property and method."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("_") and (text := ast.get_docstring(part)):
            calls = "" if any("property" in _code(each) for each in part.decorator_list) else "()"
            yield f"- `{part.name}{calls}`: {' '.join(text.split())}"


def _error(name: str) -> str:
    found = getattr(sartor, name)
    text = " ".join((inspect.getdoc(found) or "").split("\n\n")[0].split())
    return f"| `{found.code}` | `{found.__base__.__name__}` | {found.exit_code} | {text} |"


def _family(name: str) -> tuple[str, ...]:
    return tuple(each.__name__ for each in reversed(getattr(sartor, name).__mro__))


def _code(node: ast.AST) -> str:
    """Returns code as the formatter has it, with double quotes."""
    return re.sub(r"""'([^'"\\]*)'""", r'"\1"', ast.unparse(node))


def _doc(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.get_docstring(node) or ""


def _markdown(text: str) -> str:
    """Returns a docstring with its indented example as a block of Python."""
    return re.sub(r"(?m)(?:^ {4}.*\n(?:\n(?= {4}))?)+", lambda found: _block(found[0]), text + "\n").rstrip()


def _block(text: str) -> str:
    return "```python\n" + inspect.cleandoc(f"\n{text}") + "\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
