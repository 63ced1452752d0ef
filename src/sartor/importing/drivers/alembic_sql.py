"""Writes the SQL of each revision of an Alembic project as JSON; run by the project's own Python, never imported.

Its arguments: the configuration file, and the file to write. It runs the project's `env.py` in offline mode
(`context.is_offline_mode()`), as `alembic upgrade base:heads --sql` does, twice: all revisions up, in the order of
`ScriptDirectory.iterate_revisions`, and all down. What a revision prints stands between the moments at which Alembic
calls it and it returns (`MigrationContext.run_migrations`), so the statements on `alembic_version` aren't in it. A
revision that fails, as one that needs a connection does, is told, and the next one goes on.
"""

import datetime
import io
import json
import os
import re
import sys

sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory


def _name_parameters(configure):
    """Makes parameters named and values literal, whatever `env.py` asks: so no `%%` and no placeholder is printed."""

    def configured(*args, **options):
        options["dialect_opts"] = {**(options.get("dialect_opts") or {}), "paramstyle": "named"}
        options["opts"] = {**(options.get("opts") or {}), "literal_binds": True}
        return configure(*args, **options)

    return configured


def _recorded(step, buffer, results):
    call = step.migration_fn

    def run(**options):
        start = buffer.tell()
        result = results.setdefault(step.revision.revision, {})
        try:
            call(**options)
        except NotImplementedError as error:
            result["not_implemented"] = str(error)
        except Exception as error:  # Whatever the script raises: the others go on.
            result["error"] = "{}: {}".format(type(error).__name__, error)
        buffer.seek(start)
        result["sql"] = buffer.read()

    step.migration_fn = run
    return step


def _created(revision):
    """Returns the line `Create Date` that Alembic's template writes, in Unix seconds; None where it isn't there."""
    found = re.search(r"^Create Date: (.+)$", revision.module.__doc__ or "", re.MULTILINE)
    try:
        moment = datetime.datetime.fromisoformat(found.group(1).strip()) if found else None
    except ValueError:
        return None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp())


def _print_all(config, script, revisions, make, starting):
    buffer, results = io.StringIO(), {}

    def steps(_heads, context):
        results["dialect"] = context.dialect.name
        results["version_table"] = context.version_table
        results["version_table_schema"] = context.version_table_schema
        return [_recorded(make(script.revision_map, each), buffer, results) for each in revisions]

    with EnvironmentContext(
        config, script, fn=steps, as_sql=True, starting_rev=starting, destination_rev="heads", output_buffer=buffer
    ):
        script.run_env()
    return results


def main(ini, target):
    config = Config(ini)
    script = ScriptDirectory.from_config(config)
    revisions = list(script.walk_revisions())
    MigrationContext.configure = _name_parameters(MigrationContext.configure)
    ups = _print_all(config, script, revisions[::-1], MigrationStep.upgrade_from_script, "base")
    downs = _print_all(config, script, revisions, MigrationStep.downgrade_from_script, "heads")
    answer = {
        "dialect": ups.pop("dialect", None),
        "version_table": ups.pop("version_table", None),
        "version_table_schema": ups.pop("version_table_schema", None),
        "revisions": [
            {
                "revision": each.revision,
                "down_revisions": list(each._all_down_revisions),
                "message": each.doc,
                "created": _created(each),
                "path": each.path,
                "up": ups.get(each.revision),
                "down": downs.get(each.revision),
            }
            for each in revisions[::-1]
        ],
    }
    with open(target, "w", encoding="utf-8") as file:
        json.dump(answer, file)


main(sys.argv[1], sys.argv[2])
