-- What is kept of the traffic of versions: counts, samples, labels, and what they came to. All of it goes with the version,
-- or with the model; the audit stays.

-- How many rows a baseline was made from, and which (JSON).
alter table baselines add column row_count bigint not null default 0;
alter table baselines add column origin text;

-- How a model is monitored, when somebody has said how (JSON; the server reads it).
create table monitoring_settings (
    model text not null primary key references models (id) on delete cascade,
    body text not null,
    revision bigint not null,
    updated_by text not null,
    updated_at bigint not null
);

-- Counts of five minutes on one run of one node. `baseline` is the one whose bins they are in, '' when the version had none.
-- Written again, whole, while its five minutes last; nobody else writes the row.
create table monitoring_buckets (
    model text not null,
    version bigint not null,
    baseline text not null,
    start bigint not null,
    node text not null,
    -- Rows that were counted, and the requests and their latencies (JSON).
    counted_rows bigint not null,
    service text not null,
    -- Counts of columns, base64; '' without a baseline.
    counts text not null,
    primary key (model, version, start, baseline, node),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index monitoring_buckets_by_age on monitoring_buckets (start);

-- Samples of inputs and outputs, when a model's settings ask for them: one reservoir an hour, version and run of a node.
create table recordings (
    model text not null,
    version bigint not null,
    start bigint not null,
    node text not null,
    -- Rows that the sample stands for, and rows in it.
    seen_rows bigint not null,
    kept_rows bigint not null,
    body text not null,
    primary key (model, version, start, node),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index recordings_by_age on recordings (start);

-- Predictions that named an entity, until labels for it come. A prediction's id says what was predicted.
create table predictions (
    model text not null,
    entity text not null,
    prediction text not null,
    version bigint not null,
    predicted_at bigint not null,
    primary key (model, entity, predicted_at, prediction),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index predictions_by_age on predictions (predicted_at);

-- Labels, each beside the prediction that it belongs to. Classes are in `predicted` and `actual`, numbers in the columns with
-- that name; `score` is the probability of the positive class, or of the predicted one.
create table actuals (
    model text not null,
    prediction text not null,
    version bigint not null,
    predicted_at bigint not null,
    predicted text,
    predicted_number double precision,
    score double precision,
    actual text,
    actual_number double precision,
    actual_at bigint not null,
    recorded_at bigint not null,
    primary key (model, prediction),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index actuals_by_time on actuals (model, version, predicted_at);
create index actuals_by_age on actuals (recorded_at);

-- What windows came to, newest by `at`.
create table analyses (
    model text not null,
    version bigint not null,
    window_length text not null,
    at bigint not null,
    window_start bigint not null,
    window_end bigint not null,
    status text not null,
    drift_score double precision,
    sample_size bigint not null,
    body text not null,
    primary key (model, version, window_length, at),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index analyses_by_age on analyses (at);

-- When a model is analysed next; a node takes the turn by moving it on.
create table analysis_turns (
    model text not null primary key references models (id) on delete cascade,
    next_at bigint not null
);

-- What alerts are about, between analyses: the state of raising and clearing (JSON).
create table alert_states (
    model text not null,
    version bigint not null,
    subject text not null,
    body text not null,
    primary key (model, version, subject),
    foreign key (model, version) references versions (model, version) on delete cascade
);

create table alerts (
    id text not null primary key,
    model text not null,
    version bigint not null,
    subject text not null,
    severity text not null check (severity in ('low', 'medium', 'high')),
    status text not null check (status in ('raised', 'acknowledged', 'cleared')),
    value double precision,
    threshold double precision,
    message text not null,
    raised_at bigint not null,
    acknowledged_at bigint,
    acknowledged_by text,
    cleared_at bigint,
    foreign key (model, version) references versions (model, version) on delete cascade
);

create index alerts_by_model on alerts (model, raised_at, id);
create index alerts_by_status on alerts (status);

-- Messages of alerts. A node takes one by moving `next_at` on; one that is delivered or given up has none.
create table webhook_deliveries (
    id text not null primary key,
    model text not null references models (id) on delete cascade,
    alert text not null references alerts (id) on delete cascade,
    webhook text not null,
    event text not null,
    body text not null,
    attempts bigint not null,
    next_at bigint,
    created_at bigint not null,
    delivered_at bigint,
    last_error text
);

create index webhook_deliveries_by_turn on webhook_deliveries (next_at);
create index webhook_deliveries_by_alert on webhook_deliveries (alert);
