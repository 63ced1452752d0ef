"""Finds mistakes in alterations without a database."""
