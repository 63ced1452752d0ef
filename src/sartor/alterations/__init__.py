"""Alterations on disk: found, read, and loaded as scripts."""
