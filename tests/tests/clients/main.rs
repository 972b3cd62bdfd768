//! The clients of others, as they are published, against a whole server: nothing of theirs is changed or stood in for.

mod http2;
mod python;
mod tls;
mod world;
