-- User acceptance testing: a feature is switched on for a share of all DIDs, or for single DIDs in the sandbox.

-- sartor: up

create table feature_flags (
    key text not null,
    description text not null,
    enabled boolean not null default false,
    rollout_percent smallint not null default 100,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint feature_flags_pkey primary key (key),
    constraint feature_flags_key_form check (key ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$'),
    constraint feature_flags_rollout_percent_range check (rollout_percent between 0 and 100)
);
comment on table feature_flags is 'Features that can be switched without a release.';
comment on column feature_flags.rollout_percent is 'The share of DIDs that see it while it is enabled.';

create trigger feature_flags_touch_updated_at before update on feature_flags
    for each row execute function touch_updated_at();

create table sandbox_flags (
    feature_key text not null,
    did text not null,
    enabled boolean not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint sandbox_flags_pkey primary key (feature_key, did),
    constraint sandbox_flags_feature_key_fkey
        foreign key (feature_key) references feature_flags (key) on delete cascade,
    constraint sandbox_flags_did_fkey foreign key (did) references dids (did) on delete cascade,
    constraint sandbox_flags_expire_after_creation check (expires_at > created_at)
);
comment on table sandbox_flags is 'Exceptions to a feature flag for one DID, until they expire.';

create index sandbox_flags_did_idx on sandbox_flags (did);

-- sartor: down

drop table sandbox_flags;
drop table feature_flags;
