-- Versions that somebody forced on callers, whatever they answer.

-- 1 when the version that answers, or the canary, was put live with force: what it answers is not held against it.
alter table deployments add column primary_forced bigint not null default 0 check (primary_forced in (0, 1));
alter table deployments add column canary_forced bigint not null default 0 check (canary_forced in (0, 1));
