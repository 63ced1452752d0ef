"""Writes the SQL of each migration of a Django project as JSON; run by the project's own Python, never imported.

Its arguments: `manage.py`, and the file to write. Standard input has the scratch database to use, as the settings of
Django's connection in JSON. `manage.py` is run as it is, so that it finds its settings; the command that it would
carry out is replaced. The order is that of `manage.py showmigrations --plan`, the SQL that of `manage.py sqlmigrate`
(`MigrationLoader.collect_sql`), each from the state of the schema before it: operations that look up a constraint's
name in the database need that. So each migration is applied to the scratch database after its SQL is collected, and
what undoes it is collected then.
"""

import json
import os
import runpy
import sys
import traceback

sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]

_NO_SQL = "-- THIS OPERATION CANNOT BE WRITTEN AS SQL"


def _collected(loader, node, backwards):
    barred = [each.describe() for each in node.operations if not each.reversible]
    if backwards and barred:
        return {"irreversible": "Django can't undo the operation {!r}".format(barred[0])}
    try:
        lines = loader.collect_sql([(node, backwards)])
    except Exception as error:  # Whatever it raises: the others go on.
        return {"error": "{}: {}".format(type(error).__name__, error)}
    unwritten = [lines[at - 2][3:] for at, line in enumerate(lines) if line == _NO_SQL]
    return {"sql": "\n".join(lines), "unwritten": unwritten}


def _described(node):
    module = sys.modules.get(type(node).__module__)
    return {
        "app": node.app_label,
        "name": node.name,
        "atomic": node.atomic,
        "replaces": [list(each) for each in node.replaces],
        "path": getattr(module, "__file__", None),
    }


def _plan(loader):
    plan = {}
    for leaf in sorted(loader.graph.leaf_nodes()):
        for key in loader.graph.forwards_plan(leaf):
            plan.setdefault(key, loader.graph.nodes[key])
    return plan.items()


def _print_all(target, scratch):
    import django
    from django.db import DEFAULT_DB_ALIAS, connections
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    connection = connections[DEFAULT_DB_ALIAS]
    answer = {"vendor": connection.vendor, "migrations": []}
    if connection.vendor == "postgresql":
        connection.settings_dict.update(scratch)
        executor = MigrationExecutor(connection)
        loader = executor.loader
        loader.connection = connection
        for key, node in _plan(loader):
            described = _described(node)
            answer["migrations"].append(described)
            described["up"] = _collected(loader, node, False)
            try:
                executor.apply_migration(loader.project_state(key, at_end=False), node)
            except Exception as error:  # Nothing behind it can be told.
                described["up"] = {"error": "{}: {}".format(type(error).__name__, error)}
                break
            described["down"] = _collected(loader, node, True)
        connection.close()
    with open(target, "w", encoding="utf-8") as file:
        json.dump(answer, file)


def main(manage, target):
    scratch = json.load(sys.stdin)
    from django.core import management

    def instead(*_args, **_options):
        _print_all(target, scratch)

    management.execute_from_command_line = instead
    sys.argv = [manage, "sqlmigrate"]
    sys.path.insert(0, os.path.dirname(os.path.abspath(manage)))
    try:
        runpy.run_path(manage, run_name="__main__")
    except BaseException:
        traceback.print_exc()
        sys.exit(1)


main(*sys.argv[1:])
