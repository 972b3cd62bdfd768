-- The Studio's side of the catalog. A model of the Registry API and one of the Studio are the same row of models, and each
-- has one row here, for what only the Studio keeps of it. All of it goes with the model; the audit stays.

create table studio_models (
    model text not null primary key references models (id) on delete cascade,
    model_type text not null check (model_type in ('auto', 'custom')),
    task_type text check (task_type in ('classification', 'regression')),
    config text not null,
    settings text not null,
    private bigint not null check (private in (0, 1)),
    promoted_version bigint
);

insert into studio_models (model, model_type, config, settings, private) select id, 'custom', '{}', '{}', 0 from models;

-- Who may do what with a model, beside its owner (models.owner).
create table collaborators (
    model text not null references models (id) on delete cascade,
    subject text not null,
    role text not null check (role in ('viewer', 'editor', 'admin')),
    added_by text not null,
    added_at bigint not null,
    primary key (model, subject)
);

create table datasets (
    id text not null primary key,
    organization text not null,
    name text not null,
    search_text text not null,
    format text not null check (format in ('csv', 'parquet')),
    compression text check (compression in ('gzip', 'zstd')),
    dialect text,
    row_count bigint not null,
    column_count bigint not null,
    columns text not null,
    problems text not null,
    preview text not null,
    size_bytes bigint not null,
    digest text not null references artifacts (digest),
    created_by text not null,
    created_at bigint not null,
    unique (organization, name)
);

create index datasets_by_digest on datasets (digest);

create table dataset_links (
    model text not null primary key references models (id) on delete cascade,
    dataset text not null references datasets (id),
    schema_validated bigint not null check (schema_validated in (0, 1)),
    linked_by text not null,
    linked_at bigint not null
);

create index dataset_links_by_dataset on dataset_links (dataset);

-- A run of training, here or elsewhere (external = 1). `node` runs it and renews `heartbeat_at`; `last_frame` is the number of
-- the newest row of run_frames. A run that ended has `finished_at`.
create table runs (
    id text not null primary key,
    model text not null references models (id) on delete cascade,
    external bigint not null check (external in (0, 1)),
    status text not null check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
    label text,
    priority bigint not null check (priority between 0 and 2),
    timeout_seconds bigint not null,
    config text not null,
    dataset text,
    dataset_digest text,
    node text,
    heartbeat_at bigint,
    last_frame bigint not null,
    version bigint,
    failure_code text,
    failure_message text,
    details text not null,
    created_by text not null,
    created_at bigint not null,
    started_at bigint,
    finished_at bigint
);

create index runs_by_model on runs (model, created_at, id);
create index runs_waiting on runs (status, priority, created_at);
-- One run at a time.
create unique index runs_active on runs (model) where status in ('queued', 'running');

create table run_frames (
    run text not null references runs (id) on delete cascade,
    sequence bigint not null,
    at bigint not null,
    kind text not null,
    -- Of a line of the log: 0 debug, 1 info, 2 warning, 3 error.
    level bigint check (level between 0 and 3),
    body text not null,
    primary key (run, sequence)
);

-- How a version came to be, when it was trained here.
create table trainings (
    model text not null,
    version bigint not null,
    run text not null,
    algorithm text not null,
    hyperparameters text not null,
    config text not null,
    dataset text,
    dataset_digest text not null,
    duration_ms bigint not null,
    primary key (model, version),
    foreign key (model, version) references versions (model, version) on delete cascade
);

-- A version's artifact in another form (the learner's own, beside the ONNX model).
create table version_files (
    model text not null,
    version bigint not null,
    format text not null,
    size_bytes bigint not null,
    digest text not null references artifacts (digest),
    primary key (model, version, format),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index version_files_by_digest on version_files (digest);

-- What evaluation found, read by every chart: `split` is train, validation, test, or importance.
create table evaluations (
    model text not null,
    version bigint not null,
    split text not null,
    body text not null,
    created_at bigint not null,
    primary key (model, version, split),
    foreign key (model, version) references versions (model, version) on delete cascade
);

-- Profiles that what a version is asked is compared with; one of them is active.
create table baselines (
    id text not null primary key,
    model text not null,
    version bigint not null,
    source text not null,
    body text not null,
    active bigint not null check (active in (0, 1)),
    created_by text not null,
    created_at bigint not null,
    foreign key (model, version) references versions (model, version) on delete cascade
);

create unique index baselines_active on baselines (model, version) where active = 1;

create table custom_assets (
    id text not null primary key,
    model text not null references models (id) on delete cascade,
    asset_type text not null check (asset_type in ('script', 'weights', 'requirements', 'config', 'other')),
    name text not null,
    size_bytes bigint not null,
    digest text not null references artifacts (digest),
    version bigint,
    created_by text not null,
    created_at bigint not null
);

create index custom_assets_by_model on custom_assets (model, created_at, id);
create index custom_assets_by_digest on custom_assets (digest);

-- What this installation signs its own links with; all nodes share it.
create table signing_keys (
    purpose text not null primary key,
    secret text not null,
    created_at bigint not null
);
create index audit_by_age on audit (organization, at);
