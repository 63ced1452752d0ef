-- The foreign key is checked for the rows that were there before it, while others read and write. A row without its
-- counterpart stops it, by name.

-- sartor: up
alter table {table} validate constraint {table}_{column}_fkey;

-- sartor: down
alter table {table}
    drop constraint {table}_{column}_fkey,
    add constraint {table}_{column}_fkey foreign key ({column}) references {references} not valid;
