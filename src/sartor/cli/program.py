"""The program whose command line runs: `sartor`, or a maker's own, below which Sartor's commands are mounted."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

from sartor import Product, __version__
from sartor.api.requests import is_installed
from sartor.errors import UsageError

_NAME = re.compile(r"\bSartor\b(?='s\b| [a-z])|(?<=version of )Sartor\b")
"""Sartor's name in a sentence, as messages have it; a name in somebody's data stands in quotes or parentheses."""

WRITING = frozenset({"new", "import", "release", "prove", "snapshot", "squash", "watch"})
"""The commands that write to a folder of alterations, or follow it: those of contributors."""


class Program(NamedTuple):
    """What a command line is called by, and what its users read: all of it speaks of the product."""

    product: Product = Product()
    path: str = "sartor db"
    """The words before `alteration`, as users type them."""
    shortcuts: Mapping[str, str] = MappingProxyType({})
    """Commands that stand for several words of the others, `{"upgrade": "alteration deploy latest"}`."""

    @property
    def is_own(self) -> bool:
        """True for `sartor` itself."""
        return self.product.name == Product().name

    @property
    def commands(self) -> tuple[str, ...]:
        """The beginnings of commands in messages, which go on to the end of the line."""
        return f"{self.path} ", f"export {self.product.prefix}"

    @property
    def version(self) -> str:
        """What `--version` prints: the product's version is that of its distribution, where it has one."""
        if self.is_own:
            return f"sartor {__version__}"
        return " ".join(filter(None, [self.product.name, self._distributed(), f"(Sartor {__version__})"]))

    @property
    def is_shipped(self) -> bool:
        """True where the maker's alterations are installed: nobody writes any there."""
        return bool(self.product.alterations) and is_installed(self.product.alterations)

    def in_its_words(self, text: str) -> str:
        """Returns a text with this program's commands and name in place of Sartor's."""
        if (self.is_own and self.path == Program().path) or "artor" not in text:
            return text
        return _NAME.sub(self.product.title, self.with_commands(text))

    def with_commands(self, text: str) -> str:
        """Returns a text with this program's commands in place of Sartor's."""
        return (
            text.replace("sartor db ", f"{self.path} ")
            .replace("sartor config ", f"{self.path} config ")
            .replace("sartor fleet ", f"{self.path} fleet ")
            .replace("sartor tenant ", f"{self.path} tenant ")
        )

    def configured(self, file: str | None) -> "Program":
        """Returns this program with a settings file that a flag names, where it does."""
        return self if file is None else self._replace(product=self.product._replace(config=file))

    def with_variables(self, text: str) -> str:
        """Returns advice with this program's variables and alterations in place of Sartor's."""
        if self.is_own:
            return text
        text = text.replace("[default: alterations]", f"[default: {', '.join(self.product.alterations)}]")
        return text.replace("SARTOR_", self.product.prefix)

    def expanded(self, arguments: list[str]) -> list[str]:
        """Returns the arguments with the words that a shortcut stands for."""
        if arguments and arguments[0] in self.shortcuts:
            return [*self.shortcuts[arguments[0]].split(), *arguments[1:]]
        return arguments

    def _distributed(self) -> str | None:
        from importlib import metadata

        try:
            return metadata.version(self.product.name)
        except metadata.PackageNotFoundError:
            packages = {text.rpartition("=")[2].partition(".")[0] for text in self.product.alterations}
            owners = metadata.packages_distributions()
            found = [owner for package in sorted(packages) for owner in owners.get(package, ())]
            return metadata.version(found[0]) if found else None


_running = [Program()]


def current() -> Program:
    return _running[-1]


@contextmanager
def running(program: Program) -> Iterator[None]:
    """Makes `program` the current one while the block runs."""
    _running.append(program)
    try:
        yield
    finally:
        _running.pop()


_one_at_a_time = threading.Lock()
"""Held while a command runs: streams, signals, and the program that it speaks for are the process's."""


@contextmanager
def alone() -> Iterator[None]:
    """Raises UsageError where another command runs in this process: on another thread, or around this call."""
    if not _one_at_a_time.acquire(blocking=False):  # to wait for a command that waits for this call would never end
        hint = "run one after the other, or each in a process, or call the functions of the API"
        raise UsageError("another command runs in this process, and it runs one at a time", hint=hint)
    try:
        yield
    finally:
        _one_at_a_time.release()
