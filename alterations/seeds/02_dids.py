"""A DID for each demo user."""

import json
from uuid import UUID

import asyncpg

DEFAULT_TENANT = UUID("00000000-0000-4000-8000-000000000001")

# The DID, and whose it is.
DIDS = [
    ("did:web:ida.local", "admin@ida.local"),
    ("did:web:issuer.example.com", "issuer@example.com"),
    ("did:web:verifier.example.com", "verifier@example.com"),
    ("did:web:example.com:users:alice", "alice@example.com"),
]


def document(did: str) -> str:
    return json.dumps({"@context": "https://www.w3.org/ns/did/v1", "id": did, "verificationMethod": []})


async def seed(conn: asyncpg.Connection) -> None:
    await conn.executemany(
        """
        insert into dids (did, user_id, document, tenant_id)
        select $1, id, $2, $3 from users where lower(email) = $4
        on conflict (did) do nothing
        """,
        [(did, document(did), DEFAULT_TENANT, email) for did, email in DIDS],
    )


async def reset(conn: asyncpg.Connection) -> None:
    await conn.execute("delete from dids where did = any($1)", [did for did, _ in DIDS])
