-- A column that is nullable, or has a constant default, comes at once: no row is read or written.

-- sartor: up
alter table {table} add column {column} {type};

-- sartor: down
alter table {table} drop column {column};
