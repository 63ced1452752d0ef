-- A column gets another type, and nobody waits while its rows are written again. Expand: a column of the new type
-- arrives, and a trigger fills it whenever a row is written.

-- sartor: up
alter table {table} add column {column}_new {type};

create function {table}_{column}_in_step() returns trigger language plpgsql set search_path from current as $$
begin
    new.{column}_new := new.{column};
    return new;
end
$$;
create trigger {table}_{column}_in_step before insert or update on {table}
    for each row execute function {table}_{column}_in_step();

-- sartor: down
drop trigger {table}_{column}_in_step on {table};
drop function {table}_{column}_in_step();
alter table {table} drop column {column}_new;
