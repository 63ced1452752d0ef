"""Combines flags, secret files, environment variables and a toml file into one frozen value: what a run is to do.

    Settings   <-  load_settings(flags, environ=..., directory=...)
    Destination <- load_destination(url, ...)   for the URL of another database
    sources    <-  load_sources(...)            for commands that need no database

Each setting comes from the first of: its flag, its secret file, its environment variable, a provider, the toml file,
the toml file that an import package of alterations carries.
"""
