-- Runs over a fleet: what is done, with which destination, in which wave, and how it ended.
--
-- A destination is `waiting` until its wave begins, `queued` until a worker claims it, `running` until that worker says
-- how it ended: `done`, `failed`, or set `aside`. Its own ledger makes the work exactly once; these rows needn't.

-- sartor: up

create table fleet_run (
    id bigint generated always as identity primary key,
    names text[] not null default '{}',
    carrier text not null default 'shards' check (carrier in ('shards', 'queue')),
    verb text not null check (verb in ('deploy', 'rollback')),
    target text,
    options jsonb not null default '{}',
    state text not null default 'running' check (state in ('running', 'paused', 'done', 'stopped', 'cancelled')),
    wave int not null default -1,
    waves int not null,
    total int not null,
    budget int check (budget >= 0),
    canary boolean not null default false,
    jobs_per_server int not null default 4 check (jobs_per_server > 0),
    approve boolean not null default false,
    approved_by text,
    approved timestamptz,
    who text not null,
    version text not null,
    began timestamptz not null default clock_timestamp(),
    ended timestamptz
);
comment on table fleet_run is 'Runs of Sartor over many destinations.';
comment on column fleet_run.names is 'The names that its starters gave it: one that starts again joins it by such a name.';
comment on column fleet_run.wave is 'The wave that is at work, from 0; -1 before the first.';
comment on column fleet_run.budget is 'The failures that it may have; with more, nothing new is begun. Null: any number.';
comment on column fleet_run.approve is 'Whether it goes on behind canaries of which none failed, without anybody''s approval.';
comment on column fleet_run.jobs_per_server is 'How many destinations of a server are at work at once.';
comment on column fleet_run.canary is 'Whether it pauses behind wave 0 until somebody approves.';

create index fleet_run_names on fleet_run using gin (names);
create index fleet_run_open on fleet_run (id) where state in ('running', 'paused');

create table fleet_destination (
    run bigint not null references fleet_run on delete cascade,
    destination text not null,
    url text not null,
    schema text not null,
    server text not null,
    lane bigint not null,
    wave int not null,
    state text not null default 'waiting'
        check (state in ('waiting', 'queued', 'running', 'done', 'failed', 'aside')),
    attempts int not null default 0,
    worker text,
    error text,
    began timestamptz,
    ended timestamptz,
    primary key (run, destination)
) with (fillfactor = 80);
comment on table fleet_destination is 'What became of each destination of a run.';
comment on column fleet_destination.url is 'How it is reached, without a password.';
comment on column fleet_destination.lane is 'A number that is the same for all destinations of a server: its CRC-32.';
comment on column fleet_destination.attempts is 'How often it was claimed: a worker that dies has claimed it, too.';

create index fleet_destination_open on fleet_destination (run, wave, state)
    where state in ('waiting', 'queued', 'running');
create index fleet_destination_failed on fleet_destination (run) where state = 'failed';

-- Opens the next wave of a run where the one at work is over, nobody has to approve first, and the budget holds.
-- Returns the destinations whose turn it is now. As long as others of the wave are queued, one that ends later calls
-- this again, so the run isn't locked: only those that end last wait for each other, and so one of them sees the end.
create function fleet_next_wave(of_run bigint)
returns setof fleet_destination language plpgsql set search_path from current as $$
declare
    run fleet_run;
    next_wave int;
begin
    select * into run from fleet_run f where f.id = of_run;
    if run.state is distinct from 'running' then
        return;
    end if;
    if fleet_failures(of_run, run.budget) <= run.budget is not false and exists (
        select from fleet_destination d where d.run = of_run and d.wave = run.wave and d.state = 'queued'
    ) then
        return;
    end if;
    select * into run from fleet_run f where f.id = of_run for update;
    if run.state <> 'running' then
        return;
    end if;
    if fleet_failures(of_run, run.budget) > run.budget then
        update fleet_run f set state = 'stopped', ended = clock_timestamp() where f.id = of_run;
        return;
    end if;
    if exists (
        select from fleet_destination d where d.run = of_run and d.wave = run.wave and d.state in ('queued', 'running')
    ) then
        return;
    end if;
    select min(d.wave) into next_wave from fleet_destination d
        where d.run = of_run and d.wave > run.wave and d.state = 'waiting';
    if next_wave is null then
        update fleet_run f set state = 'done', ended = clock_timestamp() where f.id = of_run;
    elsif run.canary and run.wave = 0 and run.approved is null and not (run.approve and fleet_failures(of_run, 0) = 0)
    then
        update fleet_run f set state = 'paused' where f.id = of_run;
    else
        update fleet_run f set wave = next_wave where f.id = of_run;
        return query update fleet_destination d set state = 'queued'
            where d.run = of_run and d.wave = next_wave and d.state = 'waiting' returning d.*;
    end if;
end
$$;

-- Counts the failures of a run, as far as its budget and one more: null where it may have any number.
create function fleet_failures(of_run bigint, budget int)
returns bigint language sql stable set search_path from current as $$
    select case when budget is not null then (select count(*) from (
        select from fleet_destination d where d.run = of_run and d.state = 'failed' limit budget + 1
    ) failed) end
$$;

-- sartor: down

drop function fleet_next_wave(bigint);
drop function fleet_failures(bigint, int);
drop table fleet_destination;
drop table fleet_run;
