"""Runs mutmut over one in so many mutants, and leaves the words of messages alone.

    without_words.py ONE_IN ARGUMENT...

A text with a blank in it is for a reader: documents and acceptance tests show these. Texts without one are keys and
keywords, and are changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import libcst
from mutmut.__main__ import cli
from mutmut.mutation import file_mutation, mutators


def _keywords_only(node: libcst.BaseString) -> Iterable[libcst.BaseString]:
    worded = isinstance(node, libcst.SimpleString) and " " in node.value
    return () if worded else mutators.operator_string(node)


def _sampled(filename: str, code: str, *arguments: Any) -> tuple[Any, ...]:
    module, mutations, *ignored = ALL(filename, code, *arguments)
    return module, mutations[::ONE_IN], *ignored


if __name__ == "__main__":
    ALL, ONE_IN = file_mutation.create_mutations, int(sys.argv.pop(1))
    operators = [
        (kind, _keywords_only if change is mutators.operator_string else change)
        for kind, change in mutators.mutation_operators
    ]
    vars(file_mutation).update(create_mutations=_sampled, mutation_operators=operators)
    cli()
