"""Loads scripts in either language."""

from __future__ import annotations

from sartor.catalogue.files import read_script, script_blocks
from sartor.catalogue.python_script import load_python
from sartor.catalogue.script import Script
from sartor.catalogue.sql_script import load_sql
from sartor.catalogue.straight import read_straight
from sartor.domain.alteration import Alteration


def load_script(alteration: Alteration) -> Script:
    """Loads an alteration's script; checks that the file is as it was listed. Raises ScriptError, CatalogueError."""
    if alteration.is_sql:
        return load_sql(alteration, script_blocks(alteration))
    content = read_script(alteration)
    return read_straight(alteration, content) or load_python(alteration, content)
