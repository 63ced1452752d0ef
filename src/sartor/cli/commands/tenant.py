"""`sartor tenant create` and `sartor tenant drop`: a schema for each tenant."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated

import typer

import sartor
from sartor import Settings, Tenant, TenantContents, TenantRole
from sartor.cli import options, output, prompts
from sartor.cli.command import execute, on_each, run, settled
from sartor.cli.declaration import Text, argument, command, option
from sartor.cli.program import current
from sartor.cli.results.run import report_json
from sartor.cli.results.tenant import contents_json, contents_line, dropped_lines, tenant_json, tenant_lines
from sartor.domain.destination import Destination, parse_schema
from sartor.domain.plan import Direction
from sartor.domain.report import Observer, Report
from sartor.errors import RefusedError, UsageError

Name = Annotated[str, argument("NAME", "The tenant's name: that of its schema.")]
Release = Annotated[Text, option("--release TARGET", "A version, `latest` or `next`. [default: latest]")]
Role = Annotated[
    Text,
    option(
        "--role NAME",
        "Create this role for the tenant's application: it may use the schema and the rows of its tables, and no other"
        " tenant's.",
    ),
]
Owner = Annotated[
    bool, option("--owner", "The role owns the schema and all that is in it, so that it can deploy there by itself.")
]
Login = Annotated[
    bool, option("--login", "The role may log in, with the password of SARTOR_TENANT_PASSWORD where there is one.")
]
OldRole = Annotated[Text, option("--role NAME", "Drop this role too: the tenant's, which owns nothing elsewhere.")]
Confirm = Annotated[
    Text, option("--confirm NAME", "The tenant's name once more, in place of the question; required in production.")
]


@command(
    "tenant create tenant_a --role tenant_a --db-url postgresql://ops@db.example.com/app",
    options.database_alone,
    options.sources,
    options.patience,
    codes=(0, 1, 2, 3, 4, 5, 6, 130),
    said={3: "the tenant exists, and something is pending there"},
)
def create(
    context: typer.Context,
    name: Name,
    release: Release = None,
    role: Role = None,
    owner: Owner = False,
    login: Login = False,
) -> int:
    """Create a tenant: a schema at a release, with its role.

    Nobody else may use the schema. Interrupted, the same command goes on. A tenant that exists is left as it is.
    """
    for flag, is_given in {"--owner": owner, "--login": login}.items():
        if is_given and role is None:
            raise UsageError(f"{flag} needs --role", hint="add --role NAME")
    password = sartor.load_tenant_password(product=current().product) if login else None
    output.keep_secret([password] if password else [])
    made = role and TenantRole(role, owns=owner, logs_in=login, password=password)
    call = partial(sartor.create_tenant, target=release or sartor.LATEST, role=made or None)
    with _named(context, name) as settings:

        def action(destination: Destination) -> Tenant:
            return execute(call, destination, settings)

        nothing = Report(direction=Direction.DEPLOY, target=None)
        (found,) = on_each(settings, action, lines=tenant_lines, as_json=tenant_json, no_run=report_json(nothing))
        return 3 if found.pending and not found.made else 0


@command(
    "tenant drop tenant_a --role tenant_a --confirm tenant_a",
    options.database_alone,
    options.patience,
    codes=(0, 2, 5, 6, 130),
)
def drop(context: typer.Context, name: Name, role: OldRole = None, confirm: Confirm = None) -> None:
    """Drop a tenant: its schema with all data.

    Refused where objects of other schemas depend on it. On a terminal, asks for the tenant's name.
    """
    with _named(context, name, ships=False) as settings:

        def action(destination: Destination) -> TenantContents:
            found = run(sartor.find_tenant(destination, role_name=role))
            typed = confirm if confirm is not None else _ask(found, settings)
            return execute(partial(_drop, confirm=typed, role=role), destination, settings)

        on_each(settings, action, lines=dropped_lines, as_json=contents_json, no_run=contents_json(None))


async def _drop(
    destination: Destination,
    _sources: object,
    *,
    confirm: str,
    role: str | None,
    limits: sartor.Limits,
    observer: Observer,
) -> TenantContents:
    return await sartor.drop_tenant(destination, confirm=confirm, role_name=role, limits=limits, observer=observer)


@contextmanager
def _named(context: typer.Context, name: str, *, ships: bool = True) -> Iterator[Settings]:
    """Yields the settings with the schema of this name, whatever schemas they name. Raises SettingsError."""
    context.obj["schema"] = [parse_schema(name, origin="the tenant's name")]
    with settled(context, ships=ships) as settings:
        first, *others = settings.destinations
        if others:
            said = f"`tenant {context.info_name}` needs one database, but there are {len(others) + 1}"
            raise UsageError(said, hint=f"name one: --db-url {first.bare_url}")
        yield settings


def _ask(found: TenantContents, settings: Settings) -> str:
    """Tells what would be lost, and returns the name that is typed. Raises RefusedError where nobody may be asked."""
    name = found.destination.schema
    hint = f"to confirm: --confirm {shlex.quote(name)}"
    output.tell(f"This drops {contents_line(found)}.")
    if sartor.is_production(settings.environment):
        raise RefusedError(f"the environment is {settings.environment}; nothing was dropped", hint=hint)
    if not output.is_terminal():
        raise RefusedError("`tenant drop` destroys data, and there is no terminal to ask on", hint=hint)
    return prompts.type_name(f"To continue, type the name of the tenant, {name}:")
