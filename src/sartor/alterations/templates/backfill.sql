-- Rows get a value, a batch at a time, in the order of the key, each batch in a transaction of its own: no lock is held
-- for long. What is filled is passed over, so a run that was cut short goes on where it stood.

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
        update {table} set {column} = {expression} where {key} between first and last and {column} is null;
        commit;
        exit when last = first or last is null;
        first := last;
    end loop;
end
$$;

-- sartor: down
select 'the values stay';
