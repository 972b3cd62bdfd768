//! Path parameters, with refusals in our own words.

use crate::error::ApiError;
use crate::http::query::{NoParameters, Query};
use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

/// The parameters of a path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        let path = path.map_err(|error| ApiError::malformed("malformed-path", error.body_text()))?;
        Ok(Self(path.0))
    }
}

/// The parameters of a path that stands alone: query parameters are refused.
pub struct OnlyPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for OnlyPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(path) = Path::from_request_parts(parts, state).await?;
        Query::<NoParameters>::from_request_parts(parts, state).await?;
        Ok(Self(path))
    }
}
