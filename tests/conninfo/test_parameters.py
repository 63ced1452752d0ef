"""libpq's parameters: Sartor knows each that the libpq at hand knows, by the same variable."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

import pytest

from sartor.conninfo import parameters
from sartor.embedded.server import binaries


class Parameter(ctypes.Structure):
    """`PQconninfoOption` of libpq-fe.h."""

    _fields_ = (
        *((name, ctypes.c_char_p) for name in ("keyword", "variable", "default", "value", "label", "shown")),
        ("size", ctypes.c_int),
    )


def known_to(library: str) -> dict[str, str]:
    """The parameters that a libpq knows, each with its variable."""
    loaded = ctypes.CDLL(library)
    loaded.PQconndefaults.restype = ctypes.POINTER(Parameter)
    found: dict[str, str] = {}
    for option in loaded.PQconndefaults():
        if option.keyword is None:
            break
        found[option.keyword.decode()] = (option.variable or b"").decode()
    return found


def libraries() -> list[str]:
    """Every libpq at hand: the embedded server's, and the machine's own."""
    folder = binaries().parent / "lib"
    found = [*folder.glob("libpq.so.5"), *folder.glob("libpq.5.dylib"), *Path("/").glob("usr/lib/*/libpq.so.5")]
    return [str(path) for path in found] or list(filter(None, [ctypes.util.find_library("pq")]))


@pytest.mark.parametrize("library", libraries())
def test_every_parameter_is_known(library: str) -> None:
    """No parameter is dropped because a newer libpq came to know it; its variable counts as well."""
    known = known_to(library)
    assert len(known) > 30
    assert {name: variable for name, variable in known.items() if name not in parameters.NAMES} == {}
    assert {name: parameters.VARIABLES.get(name, "") for name in known} == known
