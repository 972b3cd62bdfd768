//! Tests that a machine cannot run are counted, not passed over in silence.
//!
//! This file is also a part of suites that do not depend on this crate: it uses the standard library alone.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Counts the test that calls this as skipped, and says why: `what` is what it needs, such as `gpu`, and `why` the reason that
/// it is not there. The test then returns. `cargo xtask test` says at its end how many there were.
///
/// # Panics
/// When it is a GPU that is not there and `REQUIRE_CUDA` is 1, or when the skip cannot be counted.
pub fn skipped(what: &str, why: &str) {
    let required = std::env::var("REQUIRE_CUDA").is_ok_and(|value| value == "1");
    assert!(!(required && what == "gpu"), "REQUIRE_CUDA is 1, but {why}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test without a name");
    println!("skipped: {test} ({what}: {why})");
    if let Some(folder) = std::env::var_os("SERVOIR_TEST_SKIPS") {
        let program = std::env::args().next().unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        (program, test, what).hash(&mut hasher);
        let name = format!("{}-{:016x}", test.replace("::", "-"), hasher.finish());
        let path = std::path::Path::new(&folder).join(name);
        std::fs::write(&path, format!("{what}: {why}\n"))
            .unwrap_or_else(|error| panic!("{}: could not count a skipped test: {error}", path.display()));
    }
}
