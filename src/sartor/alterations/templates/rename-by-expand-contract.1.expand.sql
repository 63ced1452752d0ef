-- A column gets another name, and the version that is running goes on with the old one. Expand: the new column arrives,
-- and a trigger keeps both in step, whichever of them is written.

-- sartor: up
alter table {table} add column {to} {type};

create function {table}_{to}_in_step() returns trigger language plpgsql set search_path from current as $$
begin
    if tg_op = 'INSERT' then
        new.{to} := coalesce(new.{to}, new.{column});
        new.{column} := new.{to};
    elsif new.{to} is distinct from old.{to} then
        new.{column} := new.{to};
    else
        new.{to} := new.{column};
    end if;
    return new;
end
$$;
create trigger {table}_{to}_in_step before insert or update on {table}
    for each row execute function {table}_{to}_in_step();

-- sartor: down
drop trigger {table}_{to}_in_step on {table};
drop function {table}_{to}_in_step();
alter table {table} drop column {to};
