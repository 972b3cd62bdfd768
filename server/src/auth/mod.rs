//! Who is calling and what they may do.

mod authenticator;
mod jwt;
mod keys;
mod principal;
pub mod scope;

pub use authenticator::{Authenticator, DEFAULT_ORGANIZATION};
pub use principal::{AnyScope, Caller, Credential, Principal};
