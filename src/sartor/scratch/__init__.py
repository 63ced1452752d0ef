"""Scratch databases: created beside a destination, filled with a clone of it, and dropped whatever happens."""
