"""Finds the password of a tenant's new role: a secret file, a variable or a provider has it, and no settings file."""

from collections.abc import Mapping
from pathlib import Path

from sartor.domain.tenant import parse_password
from sartor.settings.load import find_lookup
from sartor.settings.product import SARTOR, Product

KEY = "tenant-password"


def load_tenant_password(
    *, environ: Mapping[str, str] | None = None, directory: Path | None = None, product: Product = SARTOR
) -> str | None:
    """Returns the password that the settings have for a tenant's new role, SARTOR_TENANT_PASSWORD; None for none.

        role = sartor.TenantRole("tenant_a", logs_in=True, password=sartor.load_tenant_password())

    - `environ`, `directory`, `product`: as in `load_settings`.

    Raises SettingsError.
    """
    found = find_lookup(environ, directory, product).named(product.variable(KEY))
    return None if found is None else parse_password(found.text, origin=found.origin)
