"""Source text without decorators over functions."""

from __future__ import annotations

import ast


def undecorated(source: str) -> str:
    """Returns `source` with each single decorator of a function written as a call under it.

    The mutation tester leaves decorated functions alone, and most of a value's decisions are properties. A cache is
    left out: what it holds from before a mutant is at work would hide the mutant.
    """
    lines = source.splitlines()
    for function in sorted(_functions(source), key=lambda found: found.lineno, reverse=True):
        (decorator,) = function.decorator_list
        written = ast.unparse(decorator)
        if not written.startswith("lru_cache"):
            end = function.end_lineno or function.lineno
            lines.insert(end, f"{' ' * function.col_offset}{function.name} = {written}({function.name})")
        del lines[decorator.lineno - 1 : decorator.end_lineno]
    return "\n".join(lines) + "\n"


def _functions(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and [ast.unparse(each) for each in node.decorator_list] not in ([], ["staticmethod"], ["classmethod"])
        and len(node.decorator_list) == 1
    ]
