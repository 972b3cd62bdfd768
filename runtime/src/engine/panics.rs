//! Panics of an engine, turned into words: one model's failure must not end a thread that others need.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic in it is given back as its message.
///
/// What `work` was changing may be half changed afterwards: the caller throws it away.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(caught(|| 3), Ok(3));
        assert_eq!(caught(|| -> u8 { panic!("plain") }), Err("plain".into()));
        assert_eq!(caught(|| -> u8 { panic!("with {}", 1) }), Err("with 1".into()));
        assert_eq!(caught(|| -> u8 { std::panic::panic_any(7u8) }), Err("no message".into()));
    }
}
