-- One text for SQLite and PostgreSQL. Columns are text, bigint or double precision: flags are 0 or 1, times are
-- milliseconds since the Unix epoch, lists and maps are JSON.

-- name_order and search_text are made from name and description by the writer, so that order and case mean the same on
-- both databases, whatever the collation.
create table models (
    id text not null primary key,
    organization text not null,
    workspace text,
    name text not null,
    name_order text not null,
    search_text text not null,
    description text not null,
    owner text not null,
    framework text not null,
    source text not null,
    tags text not null,
    status text not null check (status in ('registered', 'deployed', 'archived')),
    latest_version bigint not null,
    versions_made bigint not null check (versions_made >= latest_version),
    created_at bigint not null,
    updated_at bigint not null,
    revision bigint not null,
    unique (organization, name)
);

create index models_by_age on models (organization, created_at, id);

-- The same tags as models.tags, to filter by.
create table model_tags (
    model text not null references models (id),
    tag text not null,
    primary key (model, tag)
);

-- One row per artifact that the store has or is getting. Row and store agree because both are changed only under this
-- row: claims are publishes under way, uses are versions, sweeping_since is not 0 while the bytes are being removed.
create table artifacts (
    digest text not null primary key,
    uses bigint not null check (uses >= 0),
    claims bigint not null check (claims >= 0),
    claimed_at bigint not null,
    sweeping_since bigint not null
);

create table versions (
    model text not null references models (id),
    version bigint not null check (version >= 1),
    description text not null,
    metrics text not null,
    format text not null,
    size_bytes bigint not null,
    digest text not null references artifacts (digest),
    signature text,
    state text not null check (state in ('pending', 'ready', 'rejected')),
    reason text,
    created_at bigint not null,
    created_by text not null,
    primary key (model, version)
);

create index versions_by_digest on versions (digest);

create table deployments (
    model text not null primary key references models (id),
    generation bigint not null,
    primary_version bigint not null,
    primary_spec text not null,
    previous_version bigint,
    previous_spec text,
    canary_version bigint,
    canary_spec text,
    canary_percent bigint check (canary_percent between 1 and 99),
    shadow_version bigint,
    shadow_spec text,
    deployed_at bigint not null,
    foreign key (model, primary_version) references versions (model, version),
    foreign key (model, previous_version) references versions (model, version),
    foreign key (model, canary_version) references versions (model, version),
    foreign key (model, shadow_version) references versions (model, version)
);

create table deployment_generation (
    id bigint not null primary key check (id = 1),
    value bigint not null
);
insert into deployment_generation (id, value) values (1, 0);

create table node_states (
    node text not null,
    model text not null references models (id),
    generation bigint not null,
    state text not null,
    reason text,
    engine text,
    updated_at bigint not null,
    primary key (node, model)
);

create index node_states_by_model on node_states (model);

create table api_keys (
    id text not null primary key,
    organization text not null,
    name text not null,
    prefix text not null,
    hash text not null unique,
    scopes text not null,
    created_by text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint
);

create index api_keys_by_age on api_keys (organization, created_at, id);

create table audit (
    sequence bigint not null primary key,
    at bigint not null,
    organization text not null,
    actor text not null,
    credential text not null,
    address text,
    action text not null,
    target text not null,
    state_before text,
    state_after text,
    request_id text not null,
    hash text not null
);

create index audit_by_target on audit (organization, target, sequence);

-- How many entries there are, and the last one's hash: an entry taken from the end leaves a gap too.
create table audit_head (
    id bigint not null primary key check (id = 1),
    sequence bigint not null,
    hash text not null
);
insert into audit_head (id, sequence, hash)
values (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- A row without a status is a request that is being worked on.
create table idempotency (
    caller text not null,
    key text not null,
    fingerprint text not null,
    started_at bigint not null,
    finished_at bigint,
    status bigint,
    headers text,
    body text,
    primary key (caller, key)
);

create index idempotency_by_age on idempotency (started_at);
