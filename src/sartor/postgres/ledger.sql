-- The ledger's tables, made by the first deploy. No name of anybody's stands in a comment.

create table {schema}.{prefix}_fingerprint (
    other boolean primary key default false check (not other),
    seq bigint not null,
    at timestamptz not null default pg_catalog.clock_timestamp(),
    by_user text not null,
    host text not null,
    sartor text not null,
    packed jsonb not null,
    catalog_version text not null,
    adopted_at timestamptz
);

comment on table {schema}.{prefix}_fingerprint is
    'Sartor: what this schema should look like, as of the journal''s event `seq`.';

create table {schema}.{prefix}_journal (
    seq bigint primary key,
    prev bigint not null,
    token text not null,
    open boolean constraint {prefix}_journal_open_fkey references {schema}.{prefix}_fingerprint deferrable initially deferred,
    kind text not null,
    lineage text,
    id text,
    release text,
    name text,
    checksum text,
    at timestamptz not null default pg_catalog.clock_timestamp(),
    duration_ms double precision,
    by_user text not null,
    host text not null,
    sartor text not null,
    format int not null,
    detail jsonb not null default '{{}}'
);

comment on table {schema}.{prefix}_journal is
    'Sartor: every deployment, rollback, failure and repair. Rows are only ever added.';

create table {schema}.{prefix}_ledger (
    lineage text not null,
    id text not null,
    release text,
    name text not null,
    checksum text not null,
    state text not null check (state in ('deployed', 'started', 'again')),
    deployed_at timestamptz not null,
    duration_ms double precision,
    deployed_by text not null,
    host text not null,
    sartor text not null,
    seq bigint not null,
    format int not null,
    down text,
    primary key (lineage, id)
);

comment on table {schema}.{prefix}_ledger is
    'Sartor: one row for each alteration that is deployed in this schema, and for each repeatable script that has run, which has no release; `again` after a rollback.';

insert into {schema}.{prefix}_journal (seq, prev, token, kind, by_user, host, sartor, format)
values (0, -1, {token}, 'created', session_user, {host}, {version}, {format});

-- What default privileges gave to others is theirs no longer.
{revoking}
