//! The registry on SQLite: publishing, reading and listing versions.

use anyhow::Result;
use servoir_benches::registry::{Filled, ORGANIZATION};
use servoir_benches::rounds::{Subject, measure};
use servoir_registry::Window;
use std::hint::black_box;

const VERSIONS: i64 = 1_000;
const PAGE: i64 = 50;

/// Measures one call of each kind.
pub fn measure_all() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let filled = runtime.block_on(Filled::new())?;
    runtime.block_on(filled.fill_to(VERSIONS))?;
    println!("registry on SQLite, a model with {VERSIONS} versions: ns per call\n");
    let Filled { registry, model, .. } = &filled;
    let subjects = vec![
        Subject::new("one version", || {
            drop(black_box(runtime.block_on(registry.version(ORGANIZATION, model, VERSIONS / 2))));
        }),
        Subject::new("the newest 50 versions", || {
            let window = Window { limit: PAGE, offset: 0 };
            drop(black_box(runtime.block_on(registry.versions(ORGANIZATION, model, window))));
        }),
        Subject::new("publish a version", || {
            runtime.block_on(filled.publish()).expect("the registry goes on publishing");
        }),
    ];
    measure(subjects, 1);
    Ok(())
}
