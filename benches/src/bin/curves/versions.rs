//! By versions of a model in the registry, in process, on SQLite.

use anyhow::Result;
use servoir_benches::registry::{Filled, ORGANIZATION};
use servoir_benches::report::spread;
use servoir_registry::Window;
use std::time::Instant;
use tokio::runtime::Runtime;

const VERSIONS: [i64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// Versions of a page.
const PAGE: i64 = 50;
/// The least of so many calls is shown.
const CALLS: usize = 30;

/// 1 to 1,000,000 versions.
pub fn by_versions() -> Result<()> {
    println!("\nby versions of a model, registry on SQLite in process, least of {CALLS} calls, µs\n");
    println!("| versions | one version | newest {PAGE} | {PAGE} in the middle | publish one more |");
    println!("|---:|---:|---:|---:|---:|");
    let runtime = Runtime::new()?;
    for count in VERSIONS {
        let filled = runtime.block_on(Filled::new())?;
        runtime.block_on(filled.fill_to(count))?;
        let (registry, model) = (&filled.registry, &filled.model);
        let page = |offset| registry.versions(ORGANIZATION, model, Window { limit: PAGE, offset });
        let one = least(&runtime, async || registry.version(ORGANIZATION, model, count / 2 + 1).await.map(drop))?;
        let newest = least(&runtime, async || page(0).await.map(drop))?;
        let middle = least(&runtime, async || page(count / 2).await.map(drop))?;
        let publish = least(&runtime, async || filled.publish().await.map(drop))?;
        println!("| {count} | {one:.0} | {newest:.0} | {middle:.0} | {publish:.0} |");
    }
    Ok(())
}

/// The least time of a call in microseconds.
fn least<E: Into<anyhow::Error>>(runtime: &Runtime, call: impl AsyncFn() -> Result<(), E>) -> Result<f64> {
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let start = Instant::now();
        runtime.block_on(call()).map_err(Into::into)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(spread(&times).0)
}
