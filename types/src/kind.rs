//! What went wrong, as the closed set that every protocol's status codes are chosen from.

/// The kind of a failure. Crates classify their errors with it; the server alone maps it to HTTP and gRPC codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed: not JSON, an unknown field, a value of the wrong type or out of range.
    Malformed,
    /// No credential came, or it is not valid.
    Unauthenticated,
    /// The credential lacks a scope.
    Forbidden,
    /// The object does not exist, or belongs to another organization.
    NotFound,
    /// The state of the object, or a name already taken, forbids the operation.
    Conflict,
    /// The caller's `If-Match` names a version of the object that is no longer current.
    Stale,
    /// A body, file or message is over its limit.
    TooLarge,
    /// The body's media type is not one that the route takes.
    UnsupportedMedia,
    /// The range of bytes asked for lies beyond the end.
    OutOfRange,
    /// The request is well-formed and cannot be done: wrong for this model, or an artifact that cannot be served.
    Unprocessable,
    /// A queue is full or a rate limit is reached; the caller may try again later.
    Overloaded,
    /// Models hold so much memory that this one has no room.
    NoMemory,
    /// Not ready, draining, or a dependency (database, store) is away.
    Unavailable,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// The route exists and not with this method.
    MethodNotAllowed,
    /// The caller stopped sending in the middle of a body.
    BodyTimeout,
    /// The engine failed on this input, or something in the server broke.
    Internal,
}
