//! What functions are for, by their names.

/// What a part of a request is called, and what marks its functions: the first part that knows a name has it.
pub const GROUPS: [(&str, &[&str]); 11] = [
    ("taking and giving back memory", &["mi_", "_mi_", "mimalloc", "malloc", "__rust_alloc", "__rustc", "realloc"]),
    ("copying and comparing bytes", &["memcpy", "memmove", "memset", "memcmp", "bcmp"]),
    ("the forest", &["servoir_kernels::trees", "servoir_runtime::engine::trees"]),
    ("counting for the drift", &["servoir_kernels::bins", "servoir_monitor", "monitoring"]),
    ("reading JSON, and writing the answer", &["servoir_codec", "zmij", "lexical", "itoa", "ryu", "serde"]),
    ("SHA-256 of the key (callgrind lacks the processor's own instructions)", &["sha2", "sha256"]),
    ("headers: making the map, and looking things up in it", &["http::header", "HeaderMap", "HeaderName"]),
    ("Servoir's runtime: admission, the run, statistics", &["servoir_runtime"]),
    ("Servoir's server: routing, authentication, metrics, the answer", &["servoir"]),
    ("hyper, parsing and writing HTTP/1.1", &["hyper", "httparse", "httpdate", "http::", "http_body", "bytes::"]),
    ("tokio: tasks, timers, sockets", &["tokio", "mio::", "slab"]),
];

/// The rest: the standard library, hashes, the C library's calls to the system.
pub const REST: &str = "hashes, clocks, calls to the system, and the rest";

/// What a function is for.
pub fn group(function: &str) -> &'static str {
    let knows = |(_, marks): &&(&str, &[&str])| marks.iter().any(|mark| function.contains(mark));
    GROUPS.iter().find(knows).map_or(REST, |(name, _)| name)
}
