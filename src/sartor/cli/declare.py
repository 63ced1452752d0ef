"""Declares commands and their options once: a plain command line is parsed here, any other by Typer.

Importing Typer and building its tree costs as much as all the rest of a command. So `parse` reads the usual command
line, its options spelled out; Typer does help, abbreviations, completion and every error (`app.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from sartor.cli import results


class Option:
    """The declaration of an option, in the `Annotated` type of a command's parameter; `min` bounds an integer."""

    __slots__ = ("flags", "help", "metavar", "min")

    def __init__(self, *flags: str, help: str, metavar: str | None = None, min: int | None = None) -> None:  # noqa: A002 - Typer's
        self.flags, self.help, self.metavar, self.min = flags, help, metavar, min


class Argument:
    """The declaration of an argument, in the `Annotated` type of a command's parameter."""

    __slots__ = ("help", "metavar")

    def __init__(self, *, help: str, metavar: str) -> None:  # noqa: A002 - Typer's
        self.help, self.metavar = help, metavar


class Group:
    """Options that commands share: the attributes of a subclass, declared as a command's own parameters are."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)


Action = Callable[..., int | None]
"""A function that runs a command and returns its exit code; None is 0."""


class Command(NamedTuple):
    """A command: its name, the function that runs it, and the end of its help."""

    name: str
    function: Action
    epilog: str


class Parameter(NamedTuple):
    """A command's parameter, read from its annotation: `kind` is bool, int, str or list.

    `group` is the name of the command's parameter that it is an attribute of, None for one of its own.
    """

    name: str
    kind: type
    type: Any
    declared: Option | Argument
    default: Any
    group: str | None


Register = Callable[[Action], Action]


def command_in(commands: dict[str, Command], name: str, *, epilog: str) -> Register:
    """Returns a decorator that adds the command of this name to `commands`."""

    def register(function: Action) -> Action:
        commands[name] = Command(name, function, epilog)
        return function

    return register


def parameters(function: Action) -> list[Parameter]:
    """Returns a command's parameters in order, including those of its groups."""
    found = []
    for name, hint in _hints(function).items():
        if _is_group(hint):
            found += [_parameter(field, inner, getattr(hint, field), name) for field, inner in _hints(hint).items()]
        elif name != "return":
            found.append(_parameter(name, hint, (function.__kwdefaults__ or {})[name], None))
    return found


def call(function: Action, values: Mapping[str, Any]) -> int:
    """Runs a command with these values of its parameters, and defaults for the others; returns its exit code."""
    results.keep()
    given: dict[str | None, dict[str, Any]] = {None: {}}
    for parameter in parameters(function):
        own = given.setdefault(parameter.group, {})
        if parameter.name in values:
            own[parameter.name] = values[parameter.name]
    groups = {name: hint(**given[name]) for name, hint in _hints(function).items() if _is_group(hint)}
    return function(**given[None], **groups) or 0


@cache
def _hints(of: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(of, include_extras=True)


def _is_group(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Group)


def _parameter(name: str, hint: Any, default: Any, group: str | None) -> Parameter:
    annotated, declared = get_args(hint)
    return Parameter(name, _kind(annotated), annotated, declared, default, group)


def _kind(annotated: Any) -> type:
    """Returns the type itself of `T`, `T | None`, `list[T] | None`."""
    proper: Any = next((t for t in get_args(annotated) or (annotated,) if t is not type(None)), str)
    kind: type = get_origin(proper) or proper
    return kind


def parse(function: Action, words: Sequence[str]) -> dict[str, Any] | None:
    """Returns the values that `words` give the parameters of `function`; None where only Typer can parse them."""
    known = parameters(function)
    flags = {flag: p for p in known if isinstance(p.declared, Option) for flag in p.declared.flags}
    arguments = [p for p in known if isinstance(p.declared, Argument)]
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, text = word.partition("=")
        if word.startswith("-"):
            if (parameter := flags.get(flag)) is None:
                return None
            given = text if equals else None if parameter.kind is bool else next(rest, None)
            if (value := _value(parameter, given)) is None:
                return None
        elif arguments:
            parameter, value = arguments[0], word
            if parameter.kind is not list:
                arguments.pop(0)
        else:
            return None
        values[parameter.name] = [*values.get(parameter.name, []), value] if parameter.kind is list else value
    return values


def _value(parameter: Parameter, text: str | None) -> Any:
    """Returns the value of an option's text, or None where it isn't plainly one."""
    if parameter.kind is bool:
        return True if text is None else None
    if parameter.kind is not int or text is None:
        return text
    least = parameter.declared.min if isinstance(parameter.declared, Option) else None
    if not (text.isascii() and text.isdigit()) or (least is not None and int(text) < least):
        return None
    return int(text)
