-- A column that is filled becomes `not null`. A check that is validated while others read and write spares the scan
-- under the strong lock. First fill the rows, in an earlier alteration: see the template `backfill`.

-- sartor: before_up
alter table {table}
    drop constraint if exists {table}_{column}_present,
    add constraint {table}_{column}_present check ({column} is not null) not valid;
alter table {table} validate constraint {table}_{column}_present;

-- sartor: up
alter table {table} alter column {column} set not null;
alter table {table} drop constraint {table}_{column}_present;

-- sartor: down
alter table {table} alter column {column} drop not null;
