"""Finds the folder for temporary files, which a read-only file system may lack."""

import tempfile

from sartor.errors import SettingsError


def temporary_folder() -> str:
    """Returns the folder for temporary files: that of TMPDIR, else the system's. Raises SettingsError."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError as error:  # an OSError, which a session takes for a lost connection
        raise SettingsError(
            "there is no folder for temporary files that this user can write to",
            hint="name one with the variable TMPDIR; in a container, mount one at /tmp",
        ) from error
