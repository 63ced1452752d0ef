"""Fingerprints of schemas, and how two of them differ."""
