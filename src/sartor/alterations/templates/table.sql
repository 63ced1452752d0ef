-- A new table. Nobody waits for it: no one has it yet.

-- sartor: up
create table {table} (
    id bigint generated always as identity primary key,
    created_at timestamptz not null default now()
);

-- sartor: down
drop table {table};
