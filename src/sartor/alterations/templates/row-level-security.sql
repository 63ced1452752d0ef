-- Rows are shown to those whom a policy lets see them. The table's owner still sees all of them, without
-- `force row level security`.

-- sartor: up
create policy {table}_own on {table} using ({condition}) with check ({condition});
alter table {table} enable row level security;

-- sartor: down
alter table {table} disable row level security;
drop policy {table}_own on {table};
