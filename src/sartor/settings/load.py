"""Brings flags, secret files, variables and a toml file together."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sartor.domain.destination import Destination, Existing, Limits
from sartor.domain.discovery import LONGEST, Discovery
from sartor.errors import SettingsError
from sartor.settings.control import find_control
from sartor.settings.destinations import find_destinations
from sartor.settings.flags import NO_FLAGS, Flags
from sartor.settings.fleet import find_fleet
from sartor.settings.lineages import MAIN, LineageSource, make_sources, parse_sources, shipped_sources
from sartor.settings.lookup import Found, Lookup, check_names, make_lookup, parse_duration, parse_switch, with_providers
from sartor.settings.owners import require_own
from sartor.settings.product import SARTOR, Product
from sartor.settings.toml_file import find_toml, refuse, shipped_toml
from sartor.settings.variables import find_variables, secret_values

if TYPE_CHECKING:
    from sartor.domain.hazards.hazard import Verdict

UNITS = {"lock_timeout": "ms", "lock_budget": "s", "wait": "s", "statement_timeout": "s"}
"""The units that bare numbers count in; Postgres's own lock_timeout counts milliseconds."""


class Settings(NamedTuple):
    """The settings of a run. A destination keeps its own timeouts where no setting overrides them.

    `control` is the control database of runs that several processes share; `notes` are for the user. `discovery` is
    what a server has to be asked for: then there are no `destinations` until `find_destinations` has asked.
    """

    destinations: tuple[Destination, ...]
    sources: tuple[LineageSource, ...]
    environment: str | None = None
    limits: Limits = Limits()
    strict_order: bool = False
    notes: tuple[str, ...] = ()
    control: Destination | None = None
    discovery: Discovery | None = None

    @property
    def places(self) -> tuple[Destination, ...]:
        """The destinations; where a server has to be asked for them, the places where it is asked."""
        return self.discovery.places if self.discovery else self.destinations


def load_settings(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> Settings:
    """Returns the settings that the command line would have: of variables, secret files and the settings file.

        settings = sartor.load_settings()
        for destination in settings.destinations:
            await sartor.deploy(destination, settings.sources, limits=settings.limits)

    - `flags`: settings that take the place of all others, as texts.
    - `environ`: the variables; by default those of the process.
    - `directory`: where the settings file is looked for and relative paths begin; by default the working directory.
    - `product`: whose variables count; `Product("acme")` reads ACME_DB_URL in place of SARTOR_DB_URL.

    Raises SettingsError where a setting can't be used, or no database is given.
    """
    lookup, directory = find_lookup(environ, directory, product, flags), directory or Path.cwd()
    notes = check_names(lookup)
    environment, base = lookup.setting("environment"), flags.scratch_bootstrap
    given = dict(_given(lookup, flags))
    durations: dict[str, Any] = {name: parse_duration(found, unit=UNITS[name]) for name, found in given.items()}
    limits = Limits(
        fingerprint=_switch(lookup, "fingerprint", None, default=True),
        ignore_objects=lookup.toml.texts("ignore-objects"),
        scratch_bootstrap=str(directory / base) if base else lookup.toml.file("scratch-bootstrap"),
        existing=_existing(lookup),
    )
    if timeout := given.get("statement_timeout"):
        limits = limits._replace(statement_timeout_from=timeout.origin)
    fleet, discovery, told = find_fleet(lookup, flags, directory)
    withheld, required = secret_values(lookup), _switch(lookup, "require-tls", flags.require_tls, default=False)

    def finished(destinations: tuple[Destination, ...]) -> tuple[Destination, ...]:
        plain = (each.without(*durations) if durations else each for each in destinations)
        return tuple(each._replace(withheld=withheld, require_tls=required) for each in plain)

    control = find_control(lookup, flags.control)
    if discovery:
        longest = durations.get("statement_timeout") or LONGEST
        discovery = discovery._replace(places=finished(discovery.places), longest=longest, control=control)
    return Settings(
        destinations=finished(fleet),
        sources=_sources(lookup, flags, directory),
        environment=(environment.text.strip() or None) if environment else None,
        limits=limits._replace(**durations),
        strict_order=_switch(lookup, "strict-order", flags.strict_order, default=False),
        notes=(*notes, *told),
        control=control,
        discovery=discovery,
    )


def load_destination(
    url: str,
    *,
    origin: str = "the URL",
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> Destination:
    """Returns the database at a `url`, which may leave user and password to the settings, or name a service.

        replica = sartor.load_destination("postgresql:///?service=replica")

    - `origin`: what messages call the URL.
    - `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError.
    """
    lookup = find_lookup(environ, directory, product)
    required = _switch(lookup, "require-tls", None, default=False)
    return find_destinations(lookup, db_url=(url,), origin=origin)[0]._replace(require_tls=required)


def load_control(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> Destination:
    """Returns the control database of runs over a fleet that several processes share.

        standing = await sartor.fleet_status(sartor.load_control())

    - `flags`, `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError where none is given.
    """
    lookup = find_lookup(environ, directory, product, flags)
    check_names(lookup)
    if (found := find_control(lookup, flags.control)) is None:
        name = product.variable("control")
        raise SettingsError("no control database is given", hint=f"give --control URL, or set {name}")
    return found


def load_sources(
    flags: Flags = NO_FLAGS,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> tuple[LineageSource, ...]:
    """Returns where the settings say that the alterations are, where no database is needed.

        print(len(list(sartor.list_alterations(sartor.load_sources()))))

    - `flags`, `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError.
    """
    lookup, directory = find_lookup(environ, directory, product, flags, asks=False), directory or Path.cwd()
    check_names(lookup)
    return _sources(lookup, flags, directory)


def load_ignored(
    *, environ: Mapping[str, str] | None = None, directory: Path | None = None, product: Product = SARTOR
) -> tuple[str, ...]:
    """Returns the codes of the rules that the settings file leaves out, for `lint`.

        found = sartor.lint("alterations", ignored=sartor.load_ignored())

    - `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError.
    """
    return find_lookup(environ, directory, product, asks=False).toml.texts("lint-ignore")


def load_max_hazard(
    flag: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
    product: Product = SARTOR,
) -> "Verdict | None":
    """Returns the worst hazard that the settings allow, for `release` and `rehearse`; None where they have no limit.

        sartor.release("alterations", "1.2.0", max_hazard=sartor.load_max_hazard(), cache=Path(".sartor"))

    - `flag`: the text of a verdict, which takes the place of the setting.
    - `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError.
    """
    lookup = find_lookup(environ, directory, product, asks=False)
    given = Found(flag, "--max-hazard") if flag is not None else lookup.setting("max-hazard")
    return None if given is None else parse_max_hazard(given)


def parse_max_hazard(given: Found) -> "Verdict":
    """Returns the verdict of a text. Raises SettingsError."""
    from sartor.domain.hazards.hazard import Verdict  # noqa: PLC0415 - most commands need none, and start-up counts

    known = {verdict.value: verdict for verdict in Verdict if verdict is not Verdict.NOT_REHEARSED}
    if given.text not in known:
        raise SettingsError(f"invalid value {given.quoted} for {given.origin}; use one of {', '.join(known)}")
    return known[given.text]


def find_lookup(
    environ: Mapping[str, str] | None,
    directory: Path | None,
    product: Product,
    flags: Flags = NO_FLAGS,
    *,
    asks: bool = True,
    unknown: Callable[[SettingsError], None] = refuse,
) -> Lookup:
    """Returns the places to look in; the file that an import package of alterations carries comes last.

    Where it `asks`, the providers are asked: what needs no database needs none of them. `unknown` gets an error for
    each setting of a file that there isn't.
    """
    environ = os.environ if environ is None else environ
    folder = (directory or Path.cwd()).absolute()
    lookup = make_lookup(environ, find_toml(folder, environ, product, unknown), product)
    packages = (each.location for each in _find_sources(lookup, flags, folder))
    base = shipped_toml((each for each in packages if not Path(each).is_absolute()), product, unknown)
    if base is not None:
        lookup = lookup._replace(toml=lookup.toml.over(base))
    return with_providers(lookup) if asks else lookup


def _given(lookup: Lookup, flags: Flags) -> Iterator[tuple[str, Found]]:
    """Yields the durations that are given, with their names in `Settings`."""
    for name in UNITS:
        key = name.replace("_", "-")
        flag: str | None = getattr(flags, name)
        found = Found(text=flag, origin=f"--{key}") if flag is not None else lookup.setting(key)
        if found:
            yield name, found


def _switch(lookup: Lookup, key: str, flag: bool | None, *, default: bool) -> bool:  # noqa: FBT001 - a value
    if flag is not None:
        return flag
    found = lookup.setting(key)
    return parse_switch(found) if found else default


def _existing(lookup: Lookup) -> Existing:
    """Returns what becomes of a first deployment to a schema that isn't empty. Raises SettingsError."""
    found = lookup.setting("existing")
    if found is None:
        return Existing.NOTE
    known = {each.value: each for each in Existing}
    if found.text not in known:
        raise SettingsError(f"invalid value {found.quoted} for {found.origin}; use one of {', '.join(known)}")
    return known[found.text]


def _sources(lookup: Lookup, flags: Flags, directory: Path) -> tuple[LineageSource, ...]:
    """Returns the lineages, with what their scripts are given."""
    variables, folders = find_variables(lookup, flags.variables), _import_path(lookup, directory)
    found = _find_sources(lookup, flags, directory)
    return tuple(source._replace(variables=variables, import_path=folders) for source in found)


def _import_path(lookup: Lookup, directory: Path) -> tuple[str, ...]:
    """Returns the folders from which scripts may import: those of a variable or a secret file, else of the file."""
    if found := lookup.named(lookup.variable("import-path")):
        return tuple(str(directory.absolute() / text) for text in found.text.split(os.pathsep) if text)
    toml = lookup.toml
    return tuple(str(toml.place("import-path").parent / text) for text in toml.texts("import-path"))


def _find_sources(lookup: Lookup, flags: Flags, directory: Path) -> tuple[LineageSource, ...]:
    base = directory.absolute()
    if flags.alterations:
        return parse_sources(flags.alterations, base=base, origin="--alterations")
    if found := lookup.named(lookup.variable("alterations")):
        return parse_sources(found.text.split(os.pathsep), base=base, origin=found.origin)
    toml, key = lookup.toml, "alterations"
    if isinstance(table := toml.table.get(key), dict):
        return make_sources(toml.named_texts(key), base=toml.place(key).parent, origin=toml.origin(key))
    if table is not None:
        return parse_sources(toml.texts(key), base=toml.place(key).parent, origin=toml.origin(key))
    if lookup.product.alterations:
        return shipped_sources(lookup.product.alterations)
    found_here = base / "alterations"
    if found_here.is_dir():
        require_own(found_here, lookup.environ, lookup.product)
    return (LineageSource(name=MAIN, location=str(found_here)),)
