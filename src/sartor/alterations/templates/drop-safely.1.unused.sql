-- A table is to go. First it gets another name: whoever still uses it fails, and has it back at once with a rollback.

-- sartor: up
alter table {table} rename to {table}_unused;

-- sartor: down
alter table {table}_unused rename to {table};
