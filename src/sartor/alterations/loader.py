"""Loads scripts in either language."""

from __future__ import annotations

from sartor.alterations.files import read_script, script_blocks
from sartor.alterations.python_module import load_python
from sartor.alterations.script import Script
from sartor.alterations.sql_file import load_sql
from sartor.alterations.static_sql import read_static
from sartor.domain.alteration import Alteration


def load_script(alteration: Alteration) -> Script:
    """Loads an alteration's script; checks that the file is as it was listed. Raises ScriptError, CatalogueError."""
    if alteration.is_sql:
        return load_sql(alteration, script_blocks(alteration))
    content = read_script(alteration)
    return read_static(alteration, content) or load_python(alteration, content)
