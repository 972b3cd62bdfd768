//! How a child's want of memory shows.

use crate::ending::ABORTED;

/// What the parent sets in the environment of the child: the allocator then takes memory as it is used, and not a gigabyte
/// ahead, which would count against the limit.
pub const ENVIRONMENT: [(&str, &str); 1] = [("MIMALLOC_ARENA_EAGER_COMMIT", "0")];

/// What Rust's runtime writes to standard error, with the size, before it aborts because memory was refused.
pub const OUT_OF_MEMORY: &str = "memory allocation of ";

/// What the C++ runtime writes there in the same case, when nobody catches it.
const BAD_ALLOC: &str = "std::bad_alloc";

/// Whether a process that ended by this signal, with these last words, had asked for more memory than it may have.
pub fn is_out_of_memory(signal: Option<i32>, standard_error: &str) -> bool {
    signal == Some(ABORTED) && [OUT_OF_MEMORY, BAD_ALLOC].iter().any(|words| standard_error.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abort_tells_its_reason_in_words() {
        for (signal, said, expected) in [
            (Some(6), "memory allocation of 1099511627776 bytes failed", true),
            (Some(6), "terminate called after throwing an instance of 'std::bad_alloc'", true),
            (Some(6), "thread 'main' has overflowed its stack", false),
            (Some(11), "memory allocation of 8 bytes failed", false),
            (None, "memory allocation of 8 bytes failed", false),
        ] {
            assert_eq!(is_out_of_memory(signal, said), expected, "{signal:?} {said}");
        }
    }
}
