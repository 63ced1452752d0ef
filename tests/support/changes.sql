-- Kinds of change to what everything.sql makes. Above each stands what a fingerprint says of it:
--   sees: an object that the logical hash has differently     notes: one that only the exact hash has
--   blind: why neither has it
-- and, where there is need, what is to be done first, and since which server it works. A blank line ends a change.

-- sees: schema more
create schema more;

-- sees: grant schema app to pg_monitor
grant usage on schema app to pg_monitor;

-- sees: comment schema app
comment on schema app is 'Other.';

-- notes: owner schema app
alter schema app owner to pg_monitor;

-- Tables

-- sees: table app.more
create table more (id int);

-- sees: table app.cache
drop table cache;

-- sees: table app.store
alter table cache rename to store;

-- sees: view app.cache
drop table cache; create view cache as select 1 as one;

-- sees: table app.cache
alter table cache set logged;

-- sees: table app.users
alter table users set (fillfactor = 80);

-- sees: table app.users
alter table users reset (autovacuum_enabled);

-- sees: table app.users
alter table users set (toast.autovacuum_enabled = off);

-- sees: table app.users
alter table users disable row level security;

-- sees: table app.users
alter table users force row level security;

-- sees: table app.users
alter table users replica identity full;

-- sees: table app.users
alter table users replica identity nothing;

-- sees: index app.users_email
alter table users replica identity using index users_email;

-- sees: table app.derived
alter table derived no inherit base;

-- sees: table app.more
-- first: create table more (like base);
alter table more inherit base;

-- sees: table app.measures_2021
alter table measures detach partition measures_2021;

-- sees: table app.measures_2021
alter table measures detach partition measures_2021;
alter table measures attach partition measures_2021 for values from ('2022-01-01') to ('2023-01-01');

-- sees: table app.more
-- first: create table more (a int) partition by list (a);
drop table more; create table more (a int) partition by hash (a);

-- sees: table app.cache
-- first: create type line as (key text, value jsonb);
alter table cache of app.line;

-- sees: table app.more
-- first: create table more (a int);
create access method other type table handler heap_tableam_handler;
drop table more; create table more (a int) using other;

-- notes: owner table app.cache
alter table cache owner to pg_monitor;

-- sees: grant table app.users to pg_monitor
grant delete on users to pg_monitor;

-- sees: grant table app.users to pg_monitor
grant select on users to pg_monitor with grant option;

-- sees: grant table app.users to pg_monitor
revoke insert on users from pg_monitor;

-- sees: grant table app.users to public
grant select on users to public;

-- sees: grant table app.users to its owner
revoke delete on users from current_user;

-- sees: comment table app.users
comment on table users is 'Folk.';

-- sees: comment table app.users
comment on table users is null;

-- Columns

-- sees: column app.users.more
alter table users add more text;

-- sees: column app.users.home
alter table users drop home;

-- sees: column app.users.house
alter table users rename home to house;

-- sees: column app.cache.key
alter table cache alter key type varchar(30);

-- sees: column app.users.born
alter table users alter born set not null;

-- sees: column app.users.feels
alter table users alter feels drop not null;

-- sees: column app.users.born
alter table users alter born set default '1970-01-03';

-- sees: column app.users.born
alter table users alter born drop default;

-- sees: column app.users.id
alter table users alter id set generated always;

-- sees: column app.users.id
alter table users alter id drop identity;

-- sees: column app.users.doubled
alter table users alter doubled drop expression;

-- sees: column app.users.doubled
alter table users drop doubled, add doubled int generated always as (price * 3) stored;

-- sees: column app.users.doubled
-- since: 18
alter table users drop doubled, add doubled int generated always as (price * 2) virtual;

-- notes: column order app.users
alter table users drop doubled, add doubled int generated always as (price * 2) stored;

-- sees: column app.users.note
alter table users alter note type text collate german;

-- sees: column app.users.note
alter table users alter note set storage main;

-- sees: column app.users.note
-- since: 14
alter table users alter note set compression pglz;

-- sees: column app.users.note
alter table users alter note set statistics 70;

-- sees: column app.users.group_id
alter table users alter group_id set (n_distinct = 6);

-- sees: column app.derived.b
alter table only base drop b;

-- sees: grant column app.users.nick to pg_monitor
grant select (nick) on users to pg_monitor;

-- sees: comment column app.users.email
comment on column users.email is 'Other.';

-- sees: column app.people.born
alter view people alter born drop default;

-- Constraints

-- sees: constraint app.users.more
alter table users add constraint more check (price < 1000);

-- sees: constraint app.users.users_price_check
alter table users drop constraint users_price_check;

-- sees: constraint app.users.more
alter table users rename constraint users_price_check to more;

-- sees: constraint app.users.users_price_check
alter table users drop constraint users_price_check, add constraint users_price_check check (price > 0);

-- sees: constraint app.users.users_luck
alter table users validate constraint users_luck;

-- sees: constraint app.users.users_price_check
alter table users drop constraint users_price_check, add constraint users_price_check check (price >= 0) no inherit;

-- sees: constraint app.users.users_group
alter table users alter constraint users_group initially deferred;

-- sees: constraint app.users.users_group
alter table users drop constraint users_group,
    add constraint users_group foreign key (group_id) references groups deferrable;

-- sees: constraint app.users.users_group
-- since: 18
alter table users alter constraint users_group not enforced;

-- sees: constraint app.users.users_group
alter table users disable trigger all;

-- sees: column app.users.email
-- since: 18
alter table users rename constraint users_email_not_null to more;

-- sees: column app.users.price
-- since: 18
-- first: alter table users alter price set not null;
alter table users alter price drop not null, add constraint users_price_not_null not null price not valid;

-- sees: column app.base.b
-- since: 18
-- first: alter table base alter b set not null;
alter table base alter constraint base_b_not_null no inherit;

-- sees: comment not-null constraint app.users.email
-- since: 18
comment on constraint users_email_not_null on users is 'Other.';

-- sees: constraint app.users.more
alter table users add constraint more exclude using gist (int4range(0, price) with &&);

-- sees: constraint app.users.more
-- first: alter table users drop constraint users_pkey;
alter table users add constraint more primary key (id);

-- sees: constraint app.users.users_email
-- since: 15
alter table users drop constraint users_email, add constraint users_email unique nulls not distinct (email);

-- sees: comment constraint app.users.users_email
comment on constraint users_email on users is null;

-- Indexes

-- sees: index app.more
create index more on users (price);

-- sees: index app.users_born
drop index users_born;

-- sees: index app.more
alter index users_born rename to more;

-- sees: index app.users_born
drop index users_born; create index users_born on users (born nulls last) include (nick) where price > 1;

-- sees: index app.users_born
drop index users_born; create index users_born on users (born desc nulls last) include (nick) where price > 2;

-- sees: index app.users_born
drop index users_born; create index users_born on users (born desc nulls last) where price > 1;

-- sees: index app.users_lower
alter index users_lower set (fillfactor = 90);

-- sees: index app.users_email
alter index users_email set (fillfactor = 90);

-- sees: index app.users_seen
alter index users_seen alter column 2 set statistics 60;

-- sees: index app.users_born
update pg_catalog.pg_index set indisvalid = false where indexrelid = 'users_born'::regclass;

-- sees: index app.users_pkey
cluster users using users_pkey;

-- sees: index app.measures_value
drop index measures_value; create index measures_value on only measures (value);

-- sees: index app.more
create index more on cache using hash (key);

-- sees: index app.more
create index more on cache (key text_pattern_ops);

-- sees: comment index app.users_born
comment on index users_born is 'Other.';

-- sees: statistics app.users_stats
drop statistics users_stats;

-- sees: statistics app.users_stats
drop statistics users_stats; create statistics users_stats (mcv) on group_id, price from users;

-- sees: statistics app.users_stats
alter statistics users_stats set statistics 77;

-- Sequences

-- sees: sequence app.more
create sequence more;

-- sees: sequence app.tickets
alter sequence tickets increment 6;

-- sees: sequence app.tickets
alter sequence tickets maxvalue 2000;

-- sees: sequence app.tickets
alter sequence tickets start 15;

-- sees: sequence app.tickets
alter sequence tickets as bigint;

-- sees: sequence app.tickets
alter sequence tickets no cycle;

-- sees: sequence app.tickets
alter sequence tickets cache 1;

-- sees: sequence app.groups_id_seq
alter sequence groups_id_seq owned by none;

-- sees: sequence app.tickets
-- since: 15
alter sequence tickets set unlogged;

-- sees: grant sequence app.tickets to pg_monitor
revoke usage on sequence tickets from pg_monitor;

-- Views and rules

-- sees: view app.people
create or replace view people as select id, email, born from users where born > date '1981-01-02';

-- sees: view app.people
alter view people set (security_barrier = false);

-- sees: view app.people
-- since: 15
alter view people set (security_invoker = true);

-- sees: view app.people
alter view people reset (check_option);

-- sees: materialized view app.crowd
drop materialized view crowd;
create materialized view crowd as select group_id, count(id) as many from users group by 1;

-- sees: rule app.people.people_gone
drop rule people_gone on people;

-- sees: rule app.people.people_gone
create or replace rule people_gone as on delete to people do instead nothing;

-- sees: rule app.people.more
alter rule people_gone on people rename to more;

-- sees: rule app.cache.more
create rule more as on insert to cache do instead nothing;

-- sees: rule app.cache.more
-- first: create rule more as on insert to cache do instead nothing;
alter table cache disable rule more;

-- sees: comment rule app.people.people_gone
comment on rule people_gone on people is null;

-- notes: owner view app.people
alter view people owner to pg_monitor;

-- Triggers and policies

-- sees: trigger app.users.more
create trigger more after delete on users for each statement execute function touch();

-- sees: trigger app.users.users_touch
drop trigger users_touch on users;

-- sees: trigger app.users.users_touch
alter table users disable trigger users_touch;

-- sees: trigger app.users.users_touch
alter table users enable always trigger users_touch;

-- sees: trigger app.users.users_touch
alter table users enable replica trigger users_touch;

-- sees: trigger app.users.more
alter trigger users_touch on users rename to more;

-- sees: trigger app.measures_2020.measures_touch
alter table measures_2020 disable trigger measures_touch;

-- sees: comment trigger app.users.users_touch
comment on trigger users_touch on users is 'Other.';

-- sees: policy app.users.more
create policy more on users using (price > 1);

-- sees: policy app.users.own
drop policy own on users;

-- sees: policy app.users.own
alter policy own on users using (price > 1);

-- sees: policy app.users.narrow
alter policy narrow on users with check (price < 8);

-- sees: policy app.users.own
alter policy own on users to public;

-- sees: policy app.users.narrow
drop policy narrow on users; create policy narrow on users for update using (true) with check (price < 9);

-- sees: comment policy app.users.own
comment on policy own on users is null;

-- Routines

-- sees: function app.more()
create function more() returns int language sql as 'select 1';

-- sees: function app.tell(text,integer)
drop function tell(text, int);

-- sees: function app.tell(integer)
create or replace function tell(who int) returns int language sql immutable as 'select who + 1';

-- sees: function app.tell(integer)
alter function tell(int) stable;

-- sees: function app.tell(integer)
alter function tell(int) security definer;

-- sees: function app.tell(integer)
alter function tell(int) strict;

-- sees: function app.tell(integer)
alter function tell(int) parallel safe;

-- sees: function app.tell(integer)
alter function tell(int) cost 7;

-- sees: function app.tell(integer)
alter function tell(int) leakproof;

-- sees: function app.tell(integer)
alter function tell(int) set search_path = app;

-- sees: function app.tell(text,integer)
create or replace function tell(who text, often int default 3) returns text language sql stable parallel safe
    set search_path = app, public as $$select repeat(who, often)$$;

-- sees: function app.tell(integer)
drop function tell(int); create function tell(whom int) returns int language sql immutable as 'select whom';

-- sees: procedure app.tidy()
create or replace procedure tidy() language sql as 'delete from app.base';

-- sees: aggregate app.total(integer)
drop aggregate total(int); create aggregate total (int) (sfunc = add_up, stype = int, initcond = '1');

-- sees: aggregate app.total(integer)
alter aggregate total(int) rename to sum_up;
create aggregate total (int) (sfunc = int4mul, stype = int, initcond = '0');

-- sees: grant function app.tell(integer) to public
grant execute on function tell(int) to public;

-- sees: grant function app.tell(integer) to pg_monitor
grant execute on function tell(int) to pg_monitor;

-- sees: comment function app.touch()
comment on function touch() is 'Later.';

-- notes: owner function app.touch()
alter function touch() owner to pg_monitor;

-- Types

-- sees: type app.mood
alter type mood add value 'glad';

-- sees: label order app.mood
-- first: alter type mood add value 'glad' before 'sad'; alter type mood add value 'mad';
alter type mood rename value 'glad' to 'x'; alter type mood rename value 'mad' to 'glad';
alter type mood rename value 'x' to 'mad';

-- sees: type app.mood
alter type mood rename value 'ok' to 'fine';

-- sees: type app.feeling
alter type mood rename to feeling;

-- sees: attribute app.place.country
alter type place add attribute country text;

-- sees: attribute app.place.road
alter type place rename attribute street to road;

-- sees: attribute app.more.a
-- first: create type more as (a int);
alter type more alter attribute a type bigint;

-- notes: column order app.more
-- first: create type more as (a int, b text);
alter type more drop attribute a, add attribute a int;

-- sees: domain app.positive
alter domain positive set default 2;

-- sees: domain app.positive
alter domain positive set not null;

-- sees: constraint app.positive.above_zero
alter domain positive drop constraint above_zero;

-- sees: constraint app.positive.more
alter domain positive add constraint more check (value < 5) not valid;

-- sees: domain app.more
-- first: create domain more as text;
drop domain more; create domain more as varchar(9);

-- sees: type app.span
drop type span; create type span as range (subtype = float8);

-- sees: type app.more
-- first: create type more;
create function more_in(cstring) returns more language internal immutable strict as 'int4in';
create function more_out(more) returns cstring language internal immutable strict as 'int4out';
create type more (input = more_in, output = more_out, like = int4);

-- sees: grant type app.mood to public
revoke usage on type mood from public;

-- sees: comment type app.mood
comment on type mood is 'Other.';

-- sees: collation app.more
create collation more (locale = 'C');

-- sees: collation app.german
-- first: drop collation german cascade; create collation german (locale = 'C');
drop collation german; create collation german (lc_collate = 'C', lc_ctype = 'POSIX');

-- Operators, casts, conversions, text search

-- sees: operator app.<!>(app.place,app.place)
drop operator <!> (place, place);

-- sees: operator app.<!>(app.place,app.place)
alter operator <!> (place, place) set (restrict = neqsel);

-- sees: operator class app.odd using btree
drop operator class odd using btree;

-- sees: operator class app.more using btree
alter operator class odd using btree rename to more;

-- sees: operator family app.ints using btree
alter operator family ints using btree add function 1 (int, bigint) btint48cmp(int, bigint);

-- sees: cast (app.place as text)
drop cast (place as text);

-- sees: cast (app.place as text)
drop cast (place as text); create cast (place as text) with function as_text(place) as implicit;

-- sees: conversion app.latin
drop conversion latin;

-- sees: text search configuration app.words
alter text search configuration words drop mapping for word;

-- sees: text search configuration app.words
alter text search configuration words alter mapping for word with pg_catalog.simple, plain;

-- sees: text search dictionary app.plain
alter text search dictionary plain (accept = true);

-- sees: text search parser app.more
create text search parser more (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);

-- sees: text search template app.more
create text search template more (lexize = dsimple_lexize);

-- Foreign data

-- sees: foreign table app.remote
alter foreign table remote options (set path '/other');

-- sees: column app.remote.id
alter foreign table remote alter id options (set name 'other');

-- sees: foreign-data wrapper nowhere
alter foreign data wrapper nowhere options (set quiet 'no');

-- sees: server away
alter server away options (set host 'near');

-- sees: server away
alter server away version '2';

-- sees: grant server away to pg_monitor
revoke usage on foreign server away from pg_monitor;

-- sees: user mapping public on away
drop user mapping for public server away;

-- blind: a mapping's options are secrets, which only its owner may read
alter user mapping for public server away options (set password 'other');

-- The database

-- sees: extension hstore
create extension hstore schema app;

-- sees: extension citext
drop extension citext cascade;

-- sees: extension citext
alter extension citext set schema app;

-- notes: extension version citext
update pg_catalog.pg_extension set extversion = '1.0' where extname = 'citext';

-- sees: event trigger watching
drop event trigger watching;

-- sees: event trigger watching
alter event trigger watching disable;

-- sees: publication news
alter publication news add table groups;

-- sees: publication news
alter publication news set (publish = 'insert');

-- sees: publication news
-- since: 15
alter publication news set table users (id, email);

-- sees: publication news
-- since: 15
alter publication news set table users where (id > 5);

-- sees: publication news
-- since: 15
alter publication news add tables in schema app;

-- sees: language more
create language more handler plpgsql_call_handler;

-- sees: transform for app.place language plpgsql
create function place_in(internal) returns internal language internal immutable as 'int4in';
create transform for place language plpgsql (from sql with function place_in(internal));

-- sees: grant default privileges of postgres in schema app on tables to pg_monitor
alter default privileges in schema app revoke select on tables from pg_monitor;

-- sees: grant default privileges of postgres in schema app on sequences to pg_monitor
alter default privileges in schema app grant usage on sequences to pg_monitor;

-- sees: grant default privileges of postgres on functions to public
alter default privileges grant execute on functions to public;

-- notes: settings database
do $$begin execute format('alter database %I set work_mem = ''8MB''', current_database()); end$$;

-- blind: what belongs to the database as a whole, a dump of it hasn't
do $$begin execute format('comment on database %I is ''Other.''', current_database()); end$$;

-- blind: what belongs to the database as a whole, a dump of it hasn't
do $$begin execute format('grant connect on database %I to pg_monitor', current_database()); end$$;

-- blind: a subscription is known to the server's superusers alone, and its address is a secret
create subscription more connection 'dbname=nowhere' publication news with (connect = false, slot_name = none);

-- blind: a large object is data
select pg_catalog.lo_create(0);

-- blind: roles belong to the server
create role more_or_less;

-- blind: who granted is not what is granted
-- first: grant usage on schema app to pg_monitor; grant select on users to pg_read_all_stats, pg_monitor with grant option;
set local role pg_monitor; grant select on users to pg_read_all_stats with grant option; reset role;

-- More of the same kinds

-- sees: table app.users
-- first: create schema more;
alter table users set schema more;

-- sees: table app.measures_rest
drop table measures_rest;

-- sees: table app.more
-- first: create table more (a int, b int) partition by range (a);
drop table more; create table more (a int, b int) partition by range (a, b);

-- sees: table app.more
create table more (like users including all);

-- sees: table app.more
create table more as select id, email from users;

-- sees: table app.measures_2020
alter table measures_2020 set (fillfactor = 50);

-- sees: table app.derived
-- first: create table more (c int);
alter table derived inherit more;

-- sees: index app.users_pkey
-- first: cluster users using users_pkey;
alter table users set without cluster;

-- sees: column app.users.note
alter table users alter note type text collate "C";

-- sees: column app.users.score
alter table users alter score type numeric(10, 2);

-- sees: column app.users.score
-- first: alter table users alter score type numeric(10, 2);
alter table users alter score type numeric(12, 2);

-- sees: column app.users.seen
alter table users alter seen type timestamp;

-- sees: column app.users.luck
alter table users alter luck type int;

-- sees: column app.users.more
-- first: alter table users add more int[];
alter table users alter more type bigint[];

-- sees: column app.users.raw
alter table users alter raw set default '\x01';

-- sees: column app.users.pause
alter table users alter pause set default '1 year 2 mons 4 days';

-- sees: column app.derived.a
alter table base alter a set default 1;

-- sees: column app.users.email
alter table users alter email set statistics -1;

-- sees: column app.groups.id
alter table groups alter id drop default;

-- sees: sequence app.users_id_seq
alter table users alter id set increment by 5;

-- sees: grant column app.users.nick to pg_monitor
revoke update (nick) on users from pg_monitor;

-- sees: constraint app.users.users_group
alter table users drop constraint users_group,
    add constraint users_group foreign key (group_id) references groups on delete set null deferrable;

-- sees: constraint app.users.users_group
alter table users drop constraint users_group,
    add constraint users_group foreign key (group_id) references groups on update cascade on delete cascade deferrable;

-- sees: constraint app.users.users_group
alter table users drop constraint users_group,
    add constraint users_group foreign key (group_id) references groups on delete cascade deferrable not valid;

-- sees: constraint app.users.users_group
alter table users alter constraint users_group not deferrable;

-- sees: constraint app.users.users_group
-- since: 18
alter table users alter constraint users_group not enforced;

-- sees: constraint app.users.more
-- first: alter table users add constraint more unique (group_id, email);
alter table users drop constraint more, add constraint more unique (email, group_id);

-- sees: constraint app.users.more
-- first: alter table users add constraint more unique (group_id);
alter table users drop constraint more, add constraint more unique (group_id) include (email);

-- sees: constraint app.more.more_span
-- since: 18
-- first: create table more (a int4range, b int4range, constraint more_span unique (a, b));
alter table more drop constraint more_span, add constraint more_span unique (a, b without overlaps);

-- sees: comment constraint app.positive.above_zero
comment on constraint above_zero on domain positive is 'Other.';

-- sees: index app.users_lower
drop index users_lower; create index users_lower on users (lower(nick)) with (fillfactor = 80);

-- sees: index app.users_lower
drop index users_lower; create unique index users_lower on users (upper(nick)) with (fillfactor = 80);

-- sees: index app.users_born
drop index users_born; create index users_born on users (born desc nulls last) include (nick, note) where price > 1;

-- sees: index app.more
-- first: create index more on users (email);
drop index more; create index more on users (email collate "C");

-- sees: index app.more
-- first: create index more on cache using gin (value);
drop index more; create index more on cache using gin (value jsonb_path_ops);

-- sees: index app.more
-- first: create index more on users using brin (born);
drop index more; create index more on users using brin (born) with (pages_per_range = 16);

-- sees: index app.more
-- since: 15
-- first: create unique index more on users (price);
drop index more; create unique index more on users (price) nulls not distinct;

-- sees: index app.more_2020
-- first: create index more on only measures (value); create index more_2020 on measures_2020 (value);
alter index more attach partition more_2020;

-- sees: statistics app.users_stats
drop statistics users_stats; create statistics users_stats (dependencies, ndistinct) on group_id, born from users;

-- sees: statistics app.more
-- first: create statistics more on (price + 1) from users;
drop statistics more; create statistics more on (price + 2) from users;

-- sees: sequence app.tickets
alter sequence tickets minvalue 4;

-- sees: sequence app.tickets
alter sequence tickets owned by cache.key;

-- sees: comment sequence app.tickets
comment on sequence tickets is null;

-- sees: column app.people.birth
alter view people rename column born to birth;

-- sees: view app.people
create or replace view people with (security_barrier = true) as
    select id, email, born, nick from users where born > date '1980-01-02' with local check option;

-- sees: view app.people
create or replace view people with (security_barrier = true) as
    select id, email, born from users where born > date '1980-01-02' with cascaded check option;

-- sees: materialized view app.crowd
alter materialized view crowd set (fillfactor = 50);

-- sees: index app.crowd_group
drop index crowd_group;

-- sees: trigger app.users.users_touch
drop trigger users_touch on users; create trigger users_touch after update of nick on users for each row
    when (old.nick is not null) execute function touch();

-- sees: trigger app.users.users_touch
drop trigger users_touch on users; create trigger users_touch before update of nick on users for each row
    when (old.nick is null) execute function touch();

-- sees: trigger app.users.users_touch
drop trigger users_touch on users; create trigger users_touch before update of nick on users for each row
    when (old.nick is not null) execute function touch('now');

-- sees: trigger app.users.more
-- first: create trigger more after insert on users for each statement execute function touch();
drop trigger more on users;
create trigger more after insert on users referencing new table as fresh for each statement execute function touch();

-- sees: trigger app.groups.groups_later
drop trigger groups_later on groups; create constraint trigger groups_later after insert on groups
    deferrable initially immediate for each row execute function touch();

-- sees: policy app.users.own
drop policy own on users; create policy own on users for all to pg_monitor using (price > 0);

-- sees: policy app.users.more
alter policy own on users rename to more;

-- sees: function app.tell(integer)
alter function tell(int) parallel restricted;

-- sees: function app.tell(integer)
drop function tell(int); create function tell(who int) returns bigint language sql immutable as 'select who';

-- sees: function app.more()
-- first: create function more() returns setof int language sql as 'select 1';
alter function more() rows 7;

-- sees: function app.more()
-- first: create function more() returns int language sql begin atomic select 1; end;
create or replace function more() returns int language sql begin atomic select 2; end;

-- sees: function app.more()
-- first: create function more() returns table (a int) language sql as 'select 1';
drop function more(); create function more() returns table (b int) language sql as 'select 1';

-- sees: function app.tell(text,integer)
alter function tell(text, int) reset search_path;

-- sees: procedure app.tidy()
alter procedure tidy() security definer;

-- sees: aggregate app.total(integer)
drop aggregate total(int);
create aggregate total (int) (sfunc = add_up, stype = int, initcond = '0', combinefunc = add_up, parallel = safe);

-- sees: domain app.positive
alter domain positive drop default;

-- sees: constraint app.positive.above_zero
alter domain positive drop constraint above_zero; alter domain positive add constraint above_zero check (value > 1);

-- sees: attribute app.place.street
alter type place drop attribute street;

-- sees: type app.more
-- first: create type more as range (subtype = text, collation = "C");
drop type more; create type more as range (subtype = text, collation = "POSIX");

-- sees: event trigger watching
drop event trigger watching;
create event trigger watching on ddl_command_end when tag in ('CREATE TABLE') execute function watch();

-- sees: publication news
alter publication news set (publish_via_partition_root = true);

-- sees: publication more
create publication more for all tables;

-- sees: grant default privileges of postgres in schema app on tables to pg_monitor
alter default privileges in schema app grant insert on tables to pg_monitor;

-- notes: settings role postgres
do $$begin execute format('alter role postgres in database %I set work_mem = ''8MB''', current_database()); end$$;

-- sees: cast (app.mood as integer)
create function as_number(mood) returns int language sql immutable as 'select 1';
create cast (mood as int) with function as_number(mood);

-- sees: text search dictionary app.plain
alter text search dictionary plain rename to more;
create text search dictionary plain (template = pg_catalog.simple, accept = true);

-- sees: foreign table app.remote
alter foreign table remote options (add more 'x');

-- sees: server away
alter server away options (drop port);
