-- Texts that Postgres writes in other words once it has read its own.
create domain word as varchar(20) default 'x' check (value in ('x', 'y'));
create domain needed as int not null;
create type pair as (a varchar, b int);
create table t (
    id int primary key, a varchar(20), b varchar, c cidr, d word, n numeric(10, 2), s smallint, i bigint, w char(3),
    at timestamp(3) default now(), tags text[],
    "odd ] name" varchar,
    constraint one check (a in ('x', 'it''s', E'back\\slash', 'a,b', '(ARRAY[''q''])::text[]')),
    constraint two check (a not in ('x', b, upper(b))),
    constraint three check (c in ('10.0.0.0/8', '192.168.0.0/16')),
    constraint four check ("odd ] name" in ('x', 'y') or (a in ('p', 'q') and s in (1, 2) and n in (1, 2))),
    constraint five check (i in (1, 3000000000) and w in ('a', 'b') and d in ('x', 'y') and at > '2020-01-01'),
    constraint six check (tags && array['x'::varchar, 'y']::text[]),
    g text generated always as (case when a in ('x', 'y') then 'known' else b end) stored,
    f boolean default ('x'::varchar in ('x', 'y'))
);
create index part on t (id) where a in ('x', 'y') and b not in ('p');
create index expr on t ((a in ('x', 'y')));
create unique index only_some on t (lower(a)) where b = any (array['x', 'y']);
create statistics stats on (a in ('x', 'y')), (lower(b)) from t;
create view seen as select a, case b when 'x' then 1 end as k from t
    where a in ('x', 'y') or b like any (array['x', 'y']);
create materialized view kept as select count(*) as many from t where a in ('x', 'y');
create table other (a varchar);
create rule forward as on insert to other where new.a in ('x', 'y') do also insert into t (id, a) values (1, new.a);
create function wake() returns trigger language plpgsql as $$begin return (ARRAY['x'])::text[]; end$$;
create trigger waking before update on t for each row when (new.a in ('x', 'y')) execute function wake();
alter table t enable row level security;
create policy mine on t using (a in ('x', 'y')) with check (b in ('x', 'y'));
create function atomic(v varchar) returns boolean language sql begin atomic select v in ('x', 'y'); end;
create table parts (id int, at timestamp(3) default now(), name varchar(9) default 'x', n int default 1)
    partition by range (id);
create table part_1 (like parts);
alter table parts attach partition part_1 for values from (0) to (10);
create table listed (a varchar) partition by list (a);
create table listed_1 partition of listed for values in ('x', 'y');
