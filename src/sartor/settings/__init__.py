"""Combines flags, secret files, environment variables and a toml file into one frozen value: what a run is to do.

    Settings   <-  load_settings(flags, environ=..., directory=...)
    Destination <- load_destination(url, ...)   for the URL of another database
    sources    <-  load_sources(...)            for commands that need no database

Each setting comes from the first of: its flag, its secret file, its environment variable, the toml file.
"""

from sartor.settings.lineages import LineageSource, parse_sources
from sartor.settings.load import Flags, Settings, load_destination, load_ignored, load_settings, load_sources

__all__ = [
    "Flags",
    "LineageSource",
    "Settings",
    "load_destination",
    "load_ignored",
    "load_settings",
    "load_sources",
    "parse_sources",
]
