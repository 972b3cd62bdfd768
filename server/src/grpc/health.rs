//! `grpc.health.v1.Health`: readiness, for load balancers and orchestrators that speak gRPC.

use super::call::Call;
use super::service::grpc_inference_service_server::SERVICE_NAME;
use super::stream::going;
use crate::app::SharedApp;
use crate::error::ApiError;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use servoir_types::Kind;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// Says whether traffic is welcome.
pub struct Health {
    app: SharedApp,
}

impl Health {
    /// Of this server.
    pub const fn of(app: SharedApp) -> Self {
        Self { app }
    }
}

/// The server as a whole, and the one service whose health is its own.
fn is_known(service: &str) -> bool {
    service.is_empty() || service == SERVICE_NAME
}

fn serving(app: &SharedApp) -> ServingStatus {
    if app.readiness.is_ready() { ServingStatus::Serving } else { ServingStatus::NotServing }
}

const fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status as i32 }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let found = if is_known(&request.get_ref().service) {
            Ok(answer(serving(&self.app)))
        } else {
            let detail = format!("only the health of '' and '{SERVICE_NAME}' is known");
            Err(ApiError::new(Kind::NotFound, "no-such-service", detail))
        };
        Call::of(&request).answer(found)
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    /// The status now and each time that it has changed, until the server goes.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let app = self.app.clone();
        let is_known = is_known(&request.get_ref().service);
        let watching = Watching { changes: app.readiness.changes(), said: None };
        let statuses = stream::unfold(Some(watching), move |watching| {
            let app = app.clone();
            async move {
                let mut watching = watching?;
                loop {
                    let is_closing = app.readiness.is_closing();
                    let status = if is_known { serving(&app) } else { ServingStatus::ServiceUnknown };
                    if watching.said != Some(status) {
                        watching.said = Some(status);
                        return Some((Ok(answer(status)), Some(watching)));
                    }
                    if is_closing || watching.changes.changed().await.is_err() {
                        return Some((Err(going()), None));
                    }
                }
            }
        });
        Ok(Response::new(statuses.boxed()))
    }
}

struct Watching {
    changes: tokio::sync::watch::Receiver<()>,
    said: Option<ServingStatus>,
}
