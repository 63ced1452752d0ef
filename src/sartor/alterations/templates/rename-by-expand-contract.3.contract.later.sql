-- Contract: the old column leaves. Ship this one when no version that reads or writes it is running any more.

-- sartor: up
drop trigger {table}_{to}_in_step on {table};
drop function {table}_{to}_in_step();
alter table {table} drop column {column};

-- sartor: irreversible {table}.{column} has gone; {table}.{to} has its values
