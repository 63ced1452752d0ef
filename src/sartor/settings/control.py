"""Finds the control database: where processes that share a run over a fleet keep what is done."""

from sartor.conninfo.url import parse_url
from sartor.domain.destination import Destination, parse_schema
from sartor.domain.table_names import prefix_of
from sartor.settings.destinations import find_destinations
from sartor.settings.lookup import Found, Lookup, parse_switch


def find_control(lookup: Lookup, flag: str | None) -> Destination | None:
    """Returns the control database; None where none is given. Its schema is the URL's, else `sartor_fleet`.

    Raises SettingsError.
    """
    found = Found(flag, "--control") if flag is not None else lookup.setting("control")
    if found is None:
        return None
    product = prefix_of(lookup.product.name)
    keywords = parse_url(found.text, origin=found.origin)
    schema = parse_schema(keywords.get("schema", f"{product}_fleet"), origin=f"the schema in {found.origin}")
    (place,) = find_destinations(lookup, db_url=(found.text,), schema=(schema,), origin=found.origin)
    required = lookup.setting("require-tls")
    return place._replace(
        tables=product,
        tables_chosen=False,
        search_path=(),
        require_tls=required is not None and parse_switch(required),
    )
