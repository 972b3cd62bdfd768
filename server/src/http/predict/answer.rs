//! Dispatch: who may call, with which method, and which protocol answers.

use super::call::Call;
use super::target::{Aspect, SharedMemory, Target};
use super::{model_document, names, v1, v2};
use crate::app::SharedApp;
use crate::auth::scope::{InferenceInvoke, RegistryWrite, Scope as _};
use crate::auth::{Caller, Principal};
use crate::error::ApiError;
use crate::http::body::Received;
use crate::http::head::Head;
use crate::http::origin::Origin;
use crate::http::outermost::Asker;
use crate::http::reply::Reply;
use crate::telemetry::metrics::{Protocol, Served};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Method, Request, header};
use servoir_types::Kind;
use std::time::Instant;

/// Answers a prediction.
pub async fn answer(app: &SharedApp, target: Target, (head, body): (Head<'_>, impl Received), asker: &Asker) -> Reply {
    let takes = target.methods();
    let mut served = Served::nothing(match target {
        Target::Predict(_) => Protocol::V1,
        _ => Protocol::V2,
    });
    let outcome = match &asker.principal {
        Ok(principal) => {
            let call = Call { app, principal, started: asker.started, served: &mut served };
            predict(call, Asked::Path(target), head, body).await
        }
        Err(error) => Err(error.clone()),
    };
    allowing(takes, Reply::served(outcome, served))
}

/// Answers a request of the data plane that is no prediction. Who asks is in its extensions.
pub async fn describe(app: &SharedApp, target: Target, request: Request<Body>) -> Reply {
    let described = description(app, &target, request).await;
    allowing(target.methods(), described.into())
}

/// Names the methods that a path takes where another came.
fn allowing(takes: &[Method], mut reply: Reply) -> Reply {
    if reply.error.as_ref().is_some_and(|error| error.kind == Kind::MethodNotAllowed)
        && let Ok(takes) = HeaderValue::from_str(&listed(takes))
    {
        reply.response.headers_mut().insert(header::ALLOW, takes);
    }
    reply
}

/// Answers a prediction that came to the Registry API's own path, as `/v1/predict/{model}` does. What is counted is left
/// in the answer's extensions, whether it succeeded or failed.
pub async fn registry_twin(app: &SharedApp, model: &str, request: Request<Body>) -> Response {
    let mut served = Served::nothing(Protocol::V1);
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let outcome = match principal(&parts) {
        Ok(principal) => {
            let call = Call { app, principal, started, served: &mut served };
            predict(call, Asked::Name(model), Head::of(&parts), body).await
        }
        Err(error) => Err(error),
    };
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(served);
    response
}

/// How a prediction says which model it means.
enum Asked<'a> {
    Path(Target),
    Name(&'a str),
}

async fn predict(call: Call<'_>, asked: Asked<'_>, head: Head<'_>, body: impl Received) -> Result<Response, ApiError> {
    call.principal.require(InferenceInvoke::NAME)?;
    match asked {
        Asked::Name(model) => v1::predict(call, model, head, body).await,
        Asked::Path(target) => {
            check_method(&target, head.method)?;
            let path = head.uri.path();
            match target {
                Target::Predict(model) => v1::predict(call, &names::decode(&path[model])?, head, body).await,
                Target::Model { model, version, aspect: _ } => {
                    let version = version.map(|version| version_in(&path[version])).transpose()?;
                    v2::infer(call, &names::decode(&path[model])?, version, head, body).await
                }
                _ => Err(ApiError::internal("a path that predicts nothing was taken for a prediction")),
            }
        }
    }
}

/// Answers what is not a prediction.
async fn description(app: &SharedApp, target: &Target, request: Request<Body>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let (path, method) = (parts.uri.path(), &parts.method);
    match target {
        Target::Unknown => {
            let detail = format!("there is nothing at {path}; /v2 names the extensions that are there");
            return Err(ApiError::new(Kind::NotFound, "no-such-route", detail));
        }
        Target::Trace => return Err(v2::trace_is_not_here()),
        _ => {}
    }
    if let Some(scope) = target.scope(method) {
        principal(&parts)?.require(scope)?;
    }
    check_method(target, method)?;
    match target {
        Target::Live => v2::health::live(),
        Target::Ready => v2::health::ready(app),
        Target::Server => v2::metadata::server(),
        Target::Index => v2::repository::index(app, principal(&parts)?, body).await,
        Target::Repository { model, load } => {
            let caller = Caller::<RegistryWrite>::of(&parts.extensions)?;
            let model = names::decode(&path[model.clone()])?;
            match load {
                true => v2::repository::answer_load(app, &caller, &model, body).await,
                false => v2::repository::answer_unload(app, &caller, &model, body).await,
            }
        }
        Target::Statistics => v2::json(&v2::statistics::of_all(app, &principal(&parts)?.organization)),
        Target::Logging if *method == Method::POST => v2::logging::answer_change(app, body).await,
        Target::Logging => v2::json(&v2::logging::settings()),
        Target::SharedMemory(SharedMemory::Status) => v2::shared_memory::status(),
        Target::SharedMemory(SharedMemory::Unregister) => v2::shared_memory::unregister(),
        Target::SharedMemory(SharedMemory::RegionStatus) => Err(v2::shared_memory::no_such_region()),
        Target::SharedMemory(SharedMemory::Register) => Err(v2::shared_memory::cannot_register()),
        Target::Model { model, version, aspect } => {
            names::no_query(&parts.uri)?;
            let model = names::decode(&path[model.clone()])?;
            let version = version.clone().map(|version| version_in(&path[version])).transpose()?;
            let organization = &principal(&parts)?.organization;
            match aspect {
                Aspect::OpenApi => {
                    let (_, deployment) = v2::metadata::find(app, organization, (&model, version))?;
                    let origin = Origin::of(&parts, app.config.tls.certificate.is_some());
                    model_document::write(&deployment, &origin).map(json_body)
                }
                _ => v2::metadata::answer(app, organization, (&model, version), *aspect),
            }
        }
        Target::Predict(_) | Target::Trace | Target::Unknown => {
            Err(ApiError::internal("a path reached the wrong handler"))
        }
    }
}

/// A version in a path; what is no number is a version that does not exist.
fn version_in(part: &str) -> Result<u64, ApiError> {
    let version = names::version(&names::decode(part)?);
    version.map_err(|error| ApiError { kind: Kind::NotFound, code: "version-not-live", ..error })
}

fn principal(parts: &Parts) -> Result<&Principal, ApiError> {
    match parts.extensions.get::<Result<Principal, ApiError>>() {
        Some(Ok(principal)) => Ok(principal),
        Some(Err(error)) => Err(error.clone()),
        None => Err(unauthenticated()),
    }
}

/// 500: a defect of the server's own.
fn unauthenticated() -> ApiError {
    ApiError::internal("a route was reached without passing authentication")
}

fn check_method(target: &Target, method: &Method) -> Result<(), ApiError> {
    let takes = target.methods();
    // Connections leave out the body of an answer to HEAD.
    let as_taken = if *method == Method::HEAD { &Method::GET } else { method };
    if takes.contains(as_taken) {
        return Ok(());
    }
    let detail = format!("this path takes {}, not {method}", listed(takes));
    Err(ApiError::new(Kind::MethodNotAllowed, "method-not-allowed", detail))
}

/// Methods as the header `Allow` has them.
fn listed(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// An answer 200 of JSON.
pub fn json_body(text: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
