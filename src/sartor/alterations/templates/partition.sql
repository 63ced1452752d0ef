-- One more partition of a table that is partitioned by range. It is made aside and attached: others go on reading and
-- writing. If the table has a default partition, that one is read meanwhile: give it a check that excludes the range.

-- sartor: up
create table {partition} (like {table} including defaults including constraints);
alter table {partition} add constraint {partition}_range
    check ({column} is not null and {column} >= {lower} and {column} < {upper});
alter table {table} attach partition {partition} for values from ({lower}) to ({upper});
alter table {partition} drop constraint {partition}_range;

-- sartor: down
alter table {table} detach partition {partition};
drop table {partition};
