"""For whom settings are read: for Sartor, or for a product whose makers ship Sartor as a command of their own."""

import re
from typing import NamedTuple


class Product(NamedTuple):
    """A product, by its command's name: `acme-id` reads its settings from variables such as ACME_ID_DB_URL."""

    name: str = "sartor"
    config: str | None = None
    """The settings file that is read in place of those that are searched for."""
    alterations: tuple[str, ...] = ()
    """The import packages of its alterations, each of them `PACKAGE` or `NAME=PACKAGE`: where no setting names any."""

    @property
    def prefix(self) -> str:
        """The beginning of the names of its variables and secret files."""
        return re.sub(r"\W", "_", self.name).upper() + "_"

    def variable(self, key: str) -> str:
        """Returns the name of a setting as a variable and as a secret file."""
        return self.prefix + key.upper().replace("-", "_")

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name.title() if self.name == SARTOR.name else self.name

    @property
    def safe_directory(self) -> str:
        """The variable that lists trusted folders of other users, as PATH lists folders; `*` trusts all."""
        return self.variable("safe-directory")


SARTOR = Product()
"""Sartor itself."""
