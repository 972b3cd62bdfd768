//! One call, as far as our own layers know it: tonic's answers have no room for that.

use super::messages::{Held, Messages};
use super::status;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::room::{Full, Room};
use crate::telemetry::metrics::{Protocol, Served};
use axum::body::Body;
use axum::response::Response;
use http::Request;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Who called, and what came of it.
pub struct Call {
    principal: Result<Principal, ApiError>,
    is_prediction: bool,
    error: OnceLock<ApiError>,
    served: OnceLock<Served>,
    messages: Mutex<Messages>,
}

impl Call {
    /// The call of a request, whose messages take room there; handlers find it in the request's extensions.
    pub fn enter(request: &mut Request<Body>, room: Room) -> Arc<Self> {
        let principal = request.extensions().get::<Result<Principal, ApiError>>().cloned();
        let unknown = || Err(ApiError::internal("a call was reached without passing authentication"));
        let is_prediction = request.uri().path().ends_with("/ModelInfer");
        let call = Arc::new(Self::new(principal.unwrap_or_else(unknown), is_prediction, room));
        request.extensions_mut().insert(Arc::clone(&call));
        call
    }

    /// The call that a handler answers.
    pub fn of<T>(request: &tonic::Request<T>) -> Arc<Self> {
        let call = request.extensions().get::<Arc<Self>>().cloned();
        call.unwrap_or_else(|| {
            Arc::new(Self::new(Err(ApiError::internal("a call lost its caller")), false, Room::new(0)))
        })
    }

    fn new(principal: Result<Principal, ApiError>, is_prediction: bool, room: Room) -> Self {
        let messages = Mutex::new(Messages::new(room));
        Self { principal, is_prediction, error: OnceLock::new(), served: OnceLock::new(), messages }
    }

    /// These bytes of its messages have come.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn see(&self, bytes: &[u8]) -> Result<(), Full> {
        self.messages().see(bytes)
    }

    /// The room of the next message, for as long as this is kept. Its length is asked for where what has come of it does not tell.
    ///
    /// # Errors
    /// 429 `bodies-too-large`.
    pub fn next_message(&self, length: impl FnOnce() -> usize) -> Result<Option<Held>, ApiError> {
        Ok(self.messages().next(length)?)
    }

    /// Why a message could not be read, when it had no room.
    pub fn without_room(&self) -> Option<ApiError> {
        self.messages().refused().map(ApiError::from)
    }

    fn messages(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who called.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn principal(&self) -> Result<&Principal, ApiError> {
        self.principal.as_ref().map_err(ApiError::clone)
    }

    /// Notes why the call failed; the first reason stays.
    pub fn fail(&self, error: ApiError) -> tonic::Status {
        let status = status::of(&error);
        let _first_stays = self.error.set(error);
        status
    }

    /// What a handler found, as tonic wants it.
    ///
    /// # Errors
    /// As `found`, which is noted.
    pub fn answer<T>(&self, found: Result<T, ApiError>) -> Result<tonic::Response<T>, tonic::Status> {
        found.map(tonic::Response::new).map_err(|error| self.fail(error))
    }

    /// Why the call failed, when a handler said so.
    pub fn error(&self) -> Option<ApiError> {
        self.error.get().cloned()
    }

    /// A prediction that this call makes, to be counted however it ends.
    pub fn counted(self: &Arc<Self>) -> Counted {
        Counted { call: Arc::clone(self), served: unserved() }
    }

    /// Leaves what is counted in an answer.
    pub fn leave_in(&self, response: &mut Response) {
        if self.is_prediction {
            response.extensions_mut().insert(self.served.get().cloned().unwrap_or_else(unserved));
        }
    }
}

/// A prediction of which nothing is known yet.
pub const fn unserved() -> Served {
    Served::nothing(Protocol::Grpc)
}

/// What is known of a prediction; noted in its call when this is dropped, be it by a deadline.
pub struct Counted {
    call: Arc<Call>,
    served: Served,
}

impl Deref for Counted {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl DerefMut for Counted {
    fn deref_mut(&mut self) -> &mut Served {
        &mut self.served
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let _once = self.call.served.set(self.served.clone());
    }
}
