-- A foreign key to the key of another table, and the index that its checks need. It arrives without looking at the rows
-- that are there, and holds for what is written from now on.

-- sartor: before_up
create index concurrently if not exists {table}_{column}_idx on {table} ({column});

-- sartor: up
alter table {table}
    add constraint {table}_{column}_fkey foreign key ({column}) references {references} not valid;

-- sartor: down
alter table {table} drop constraint {table}_{column}_fkey;
drop index {table}_{column}_idx;
