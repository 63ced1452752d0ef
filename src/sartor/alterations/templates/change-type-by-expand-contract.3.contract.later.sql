-- Contract: the new column takes the name. Ship this one when the version that is running bears the new type. Keys,
-- indexes, defaults and `not null` of the old column are to be made on the new one first.

-- sartor: up
drop trigger {table}_{column}_in_step on {table};
drop function {table}_{column}_in_step();
alter table {table} drop column {column};
alter table {table} rename column {column}_new to {column};

-- sartor: irreversible the values of {table}.{column} have their new type
