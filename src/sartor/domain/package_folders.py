"""Finds the folders of an import package, whose parents' code runs for that."""

import importlib.util

from sartor.errors import BrokenInto, SartorError, said


def package_folders(package: str, failure: type[SartorError]) -> tuple[str, ...]:
    """Returns the folders of an import package such as `acme.alterations`; none where there is no such package.

    Python imports `acme` for that. Raises `failure` where it can't: what it lacks isn't the package that is sought.
    """
    if not all(part.isidentifier() for part in package.split(".")):
        return ()
    try:
        spec = importlib.util.find_spec(package)
    except (KeyboardInterrupt, BrokenInto):
        raise
    except BaseException as error:  # it is a product's code, which may do anything
        if isinstance(error, ModuleNotFoundError) and f"{package}.".startswith(f"{error.name}."):
            return ()
        reason = f"{type(error).__name__}: {said(error)}"
        raise failure(
            f"the package {package} can't be found, as what is above it can't be imported: {reason}",
            hint=f"--debug shows where; to see it in Python: import {package}",
        ) from error
    return tuple((spec and spec.submodule_search_locations) or ())
