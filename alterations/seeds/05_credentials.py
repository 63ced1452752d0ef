"""A credential or two for each demo user; one of Alice's is revoked, so that every page has something to show."""

import json
from uuid import UUID

import asyncpg

DEFAULT_TENANT = UUID("00000000-0000-4000-8000-000000000001")
ISSUER = "did:web:issuer.example.com"
ALICE = "did:web:example.com:users:alice"

KYC = {"given_name": "Alice", "family_name": "Holder", "country": "IE"}
REVOKED = UUID("c0000000-0000-4000-8000-000000000006")

# id, holder, schema, claims
CREDENTIALS: list[tuple[UUID, str, str, dict[str, str]]] = [
    (
        UUID("c0000000-0000-4000-8000-000000000001"),
        "did:web:ida.local",
        "EmploymentVC",
        {"employer": "IDA", "title": "Administrator", "since": "2023-02-13"},
    ),
    (
        UUID("c0000000-0000-4000-8000-000000000002"),
        ISSUER,
        "KYC_LightVC",
        {"given_name": "Example", "family_name": "University", "country": "IE"},
    ),
    (
        UUID("c0000000-0000-4000-8000-000000000003"),
        "did:web:verifier.example.com",
        "KYC_LightVC",
        {"given_name": "Example", "family_name": "Bank", "country": "IE"},
    ),
    (
        UUID("c0000000-0000-4000-8000-000000000004"),
        ALICE,
        "EducationDegreeVC",
        {"university": "Example University", "degree": "MSc", "year": "2025"},
    ),
    (UUID("c0000000-0000-4000-8000-000000000005"), ALICE, "KYC_LightVC", KYC),
    (REVOKED, ALICE, "KYC_LightVC", KYC | {"country": "FR"}),
]


async def seed(conn: asyncpg.Connection) -> None:
    await conn.executemany(
        """
        insert into credentials (id, schema_id, issuer_did, holder_did, claims, issued_at, expires_at, tenant_id)
        select $1, schemas.id, $2, $3, $5, '2026-01-15T00:00:00Z', '2031-01-15T00:00:00Z', $6
        from schemas where name = $4 and version = '1.0' and tenant_id = $6
        on conflict (id) do nothing
        """,
        [
            (credential_id, ISSUER, holder, schema, json.dumps(claims), DEFAULT_TENANT)
            for credential_id, holder, schema, claims in CREDENTIALS
        ],
    )
    await conn.execute(
        """
        insert into revocations (credential_id, revoked_by_did, reason, note)
        values ($1, $2, 'claims_changed', 'Moved to another country')
        on conflict (credential_id) do nothing
        """,
        REVOKED,
        ISSUER,
    )


async def reset(conn: asyncpg.Connection) -> None:
    # Whatever touches a demo DID or a demo schema, as neither could be deleted otherwise.
    await conn.execute(
        """
        delete from credentials
        where issuer_did = any($1) or holder_did = any($1)
            or schema_id in (select id from schemas where author_did = $2)
        """,
        [ISSUER, *(holder for _, holder, _, _ in CREDENTIALS)],
        ISSUER,
    )
