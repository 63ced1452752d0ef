"""The demo schemas, published by the demo issuer."""

import json
from uuid import UUID

import asyncpg

DEFAULT_TENANT = UUID("00000000-0000-4000-8000-000000000001")
AUTHOR = "did:web:issuer.example.com"

# Its name, and the claims that it asks for.
SCHEMAS = {
    "EmploymentVC": ["employer", "title", "since"],
    "EducationDegreeVC": ["university", "degree", "year"],
    "KYC_LightVC": ["given_name", "family_name", "country"],
}


def document(name: str, claims: list[str]) -> str:
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": name,
            "type": "object",
            "properties": {claim: {"type": "string"} for claim in claims},
            "required": claims,
        }
    )


async def seed(conn: asyncpg.Connection) -> None:
    await conn.executemany(
        """
        insert into schemas (name, version, author_did, status, document, published_at, tenant_id)
        values ($1, '1.0', $2, 'published', $3, '2026-01-01T00:00:00Z', $4)
        on conflict (tenant_id, name, version) do nothing
        """,
        [(name, AUTHOR, document(name, claims), DEFAULT_TENANT) for name, claims in SCHEMAS.items()],
    )


async def reset(conn: asyncpg.Connection) -> None:
    await conn.execute("delete from schemas where author_did = $1", AUTHOR)
