//! Who may make which call: what the same request over HTTP needs.

use super::call::Call;
use crate::auth::scope::{InferenceInvoke, RegistryWrite, Scope as _};
use crate::error::ApiError;

/// Refuses a caller that may not make this call, before a byte of its message is read.
///
/// # Errors
/// 401, 403.
pub fn check(method: &str, call: &Call) -> Result<(), ApiError> {
    let scope = match method {
        "ServerLive" | "ServerReady" | "ServerMetadata" => return Ok(()),
        "RepositoryModelLoad" | "RepositoryModelUnload" => RegistryWrite::NAME,
        _ => InferenceInvoke::NAME,
    };
    call.principal()?.require(scope)
}
