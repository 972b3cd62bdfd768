//! What clients see when something around the server fails, and when it goes itself.

mod descriptors;
mod leaving;
mod world;
