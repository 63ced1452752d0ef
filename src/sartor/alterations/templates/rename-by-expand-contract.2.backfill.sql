-- The rows from before the trigger get their value, a batch at a time, each in a transaction of its own. An update of a
-- row is all that it takes: the trigger fills the new column. What is filled is passed over.

-- sartor: transaction off

-- sartor: up
do $$
declare
    first {table}.{key}%type;
    last {table}.{key}%type;
begin
    select {key} into first from {table} order by {key} limit 1;
    loop
        select {key} into last from (
            select {key} from {table} where {key} >= first order by {key} limit 5000
        ) as batch order by {key} desc limit 1;
        update {table} set {to} = {column} where {key} between first and last and {to} is null and {column} is not null;
        commit;
        exit when last = first or last is null;
        first := last;
    end loop;
end
$$;

-- sartor: down
select 'the values leave with their column';
