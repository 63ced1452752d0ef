"""What a schema looks like, as `pg_dump` writes it."""

from __future__ import annotations

import subprocess

from sartor.postgres.embedded import binaries


def dump(url: str, schema: str) -> str:
    """A schema's definition, Sartor's own tables left out."""
    options = ("--schema-only", "--no-owner", "--restrict-key=none", f"--schema={schema}", "--exclude-table=*.sartor_*")
    done = subprocess.run(
        [binaries() / "pg_dump", *options, url], check=True, capture_output=True, text=True, timeout=60
    )
    assert "sartor_ledger" not in done.stdout
    return done.stdout
