//! Who needs an artifact, in the database: the one place where publishing and sweeping meet.
//!
//! Bytes are put under a claim and removed under a mark, both on the artifact's row. A row with claims or uses cannot be
//! marked, and a marked one cannot be claimed, so no sweep takes away what a publish, on this node or another, counts on.

use crate::database::Connection;
use crate::error::{RegistryError, Result};
use servoir_types::{Digest, Timestamp};

/// A sweep that has been removing bytes for so long has died with its server: S3 requests give up far sooner.
const SWEEP_ABANDONED_SECONDS: i64 = 900;

/// Claims an artifact for a publish. `false`: it is being swept away just now. Claims made before `stale` are those of
/// servers that died.
pub(crate) async fn claim(
    connection: &mut Connection,
    digest: Digest,
    now: Timestamp,
    stale: Timestamp,
) -> Result<bool> {
    let claimed = sqlx::query(
        "insert into artifacts (digest, uses, claims, claimed_at, sweeping_since) values ($1, 0, 1, $2, 0) \
         on conflict (digest) do update set claimed_at = $2, sweeping_since = 0, \
         claims = case when artifacts.claimed_at < $3 then 1 else artifacts.claims + 1 end \
         where artifacts.sweeping_since < $4",
    )
    .bind(digest.to_hex())
    .bind(now.as_millis())
    .bind(stale.as_millis())
    .bind(abandoned_before(now))
    .execute(connection)
    .await?;
    Ok(claimed.rows_affected() > 0)
}

/// Gives a claim back.
pub(crate) async fn release(connection: &mut Connection, digest: Digest) -> Result<()> {
    sqlx::query("update artifacts set claims = claims - 1 where digest = $1 and claims > 0")
        .bind(digest.to_hex())
        .execute(connection)
        .await?;
    Ok(())
}

/// Turns a claim into a version's use.
pub(crate) async fn claim_to_use(connection: &mut Connection, digest: Digest) -> Result<()> {
    let used = sqlx::query(
        "update artifacts set uses = uses + 1, claims = case when claims > 0 then claims - 1 else 0 end \
         where digest = $1 and sweeping_since = 0",
    )
    .bind(digest.to_hex())
    .execute(connection)
    .await?;
    if used.rows_affected() == 0 {
        return Err(RegistryError::Store("the artifact was swept away while it was being published; try again".into()));
    }
    Ok(())
}

/// Ends one use for each of these, and leaves each artifact in the list once.
pub(crate) async fn drop_uses(connection: &mut Connection, digests: &mut Vec<Digest>) -> Result<()> {
    // Every transaction locks artifacts in this order, so that no two wait for one another.
    digests.sort_unstable();
    for digest in digests.iter() {
        sqlx::query("update artifacts set uses = uses - 1 where digest = $1")
            .bind(digest.to_hex())
            .execute(&mut *connection)
            .await?;
    }
    digests.dedup();
    Ok(())
}

/// Marks an artifact that nobody needs. `false`: somebody does, or another sweep has it.
pub(super) async fn mark(
    connection: &mut Connection,
    digest: Digest,
    now: Timestamp,
    stale: Timestamp,
) -> Result<bool> {
    let marked = sqlx::query(
        "update artifacts set sweeping_since = $2 where digest = $1 and uses = 0 \
         and (claims = 0 or claimed_at < $3) and sweeping_since < $4",
    )
    .bind(digest.to_hex())
    .bind(now.as_millis())
    .bind(stale.as_millis())
    .bind(abandoned_before(now))
    .execute(connection)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Forgets a marked artifact whose bytes are gone.
pub(super) async fn forget(connection: &mut Connection, digest: Digest, marked: Timestamp) -> Result<()> {
    sqlx::query("delete from artifacts where digest = $1 and sweeping_since = $2")
        .bind(digest.to_hex())
        .bind(marked.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

fn abandoned_before(now: Timestamp) -> i64 {
    now.plus_seconds(-SWEEP_ABANDONED_SECONDS).as_millis().max(1)
}
