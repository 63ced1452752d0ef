"""Runs mutmut with the arguments given, and leaves the words of messages alone.

A text with a blank in it is for a reader: documents and acceptance tests show these. Texts without one are keys and
keywords, and are changed.
"""

from __future__ import annotations

from collections.abc import Iterable

import libcst
from mutmut.__main__ import cli
from mutmut.mutation import file_mutation, mutators


def _keywords_only(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
    worded = isinstance(node, libcst.SimpleString) and " " in node.value
    return () if worded else mutators.operator_string(node)


if __name__ == "__main__":
    file_mutation.__dict__["mutation_operators"] = [
        (kind, _keywords_only if change is mutators.operator_string else change)
        for kind, change in mutators.mutation_operators
    ]
    cli()
