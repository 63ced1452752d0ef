-- Nobody has missed the table: it goes, with its rows. Ship this one a release later, and take a backup first.

-- sartor: up
drop table {table}_unused;

-- sartor: irreversible the rows of {table} are deleted
