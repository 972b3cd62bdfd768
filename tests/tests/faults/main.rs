//! What clients see when something around the server fails, and when it goes itself.

mod caches;
mod database;
mod descriptors;
mod disk;
mod engine;
#[allow(dead_code)] // the registry's tests also lose connections for ever
#[path = "../../../registry/tests/store/gate.rs"]
mod gate;
mod leaving;
#[allow(dead_code)] // the registry's tests also look at what it keeps
#[path = "../../../registry/tests/store/object_server.rs"]
mod object_server;
mod store;
mod world;
