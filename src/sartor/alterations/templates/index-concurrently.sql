-- An index, built while others read and write. That can't be done in a transaction; an interrupted build is found,
-- cleaned up and done again by the next run.

-- sartor: transaction off

-- sartor: up
create index concurrently if not exists {table}_{column}_idx on {table} ({column});

-- sartor: down
drop index concurrently if exists {table}_{column}_idx;
