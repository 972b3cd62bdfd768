//! Where a model stands. It is computed, not kept: it cannot disagree with what it is computed from.

super::words! {
    /// Where a model stands in the Studio.
    StudioStatus of "status of a model" {
        /// Nothing has come of it yet.
        Draft = "draft",
        /// A run is queued or running.
        Training = "training",
        /// It has a version that is ready.
        Ready = "ready",
        /// It has no version, and its last run failed.
        Failed = "failed",
        /// It is put away.
        Archived = "archived",
    }
}

/// The status of a row of `models`, as SQL.
macro_rules! studio_status {
    () => {
        "case when models.status = 'archived' then 'archived' \
         when exists (select 1 from runs where runs.model = models.id and runs.status in ('queued', 'running')) \
         then 'training' \
         when exists (select 1 from versions where versions.model = models.id and versions.state = 'ready') then 'ready' \
         when (select runs.status from runs where runs.model = models.id \
         order by runs.created_at desc, runs.id desc limit 1) = 'failed' then 'failed' \
         else 'draft' end"
    };
}
pub(super) use studio_status;
