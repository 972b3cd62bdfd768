-- What became of versions after they went live.

-- by_rollback is 1 when the primary came back instead of coming in: it is not compared with what it replaced. rolled_back
-- says which version the server took down by itself, and why (JSON); the next decision of a person clears it.
alter table deployments add column by_rollback bigint not null default 0 check (by_rollback in (0, 1));
alter table deployments add column rolled_back text;
