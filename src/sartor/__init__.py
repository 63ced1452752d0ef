"""Sartor: versioned alteration scripts for Postgres."""

__version__ = "0.1.0"
