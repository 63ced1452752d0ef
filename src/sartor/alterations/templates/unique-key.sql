-- A unique key. Its index is built while others read and write; then it becomes the key's, at once. A value that is
-- there twice stops it, by name.

-- sartor: before_up
create unique index concurrently if not exists {table}_{column}_key on {table} ({column});

-- sartor: up
alter table {table} add constraint {table}_{column}_key unique using index {table}_{column}_key;

-- sartor: down
alter table {table} drop constraint {table}_{column}_key;
