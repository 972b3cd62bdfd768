//! Server reflection: clients that ask find the services and their messages.

use axum::body::Body;
use http::{Request, Response};
use servoir_codec::grpc::DESCRIPTORS;
use std::convert::Infallible;
use tonic_reflection::server::Builder;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

type Service = BoxCloneSyncService<Request<Body>, Response<tonic::body::Body>, Infallible>;

/// The versions of reflection that clients ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `grpc.reflection.v1`.
    V1,
    /// `grpc.reflection.v1alpha`, which older clients know alone.
    V1Alpha,
}

impl Version {
    /// The version whose service has this name.
    pub fn of(service: &str) -> Option<Self> {
        match service {
            "grpc.reflection.v1.ServerReflection" => Some(Self::V1),
            "grpc.reflection.v1alpha.ServerReflection" => Some(Self::V1Alpha),
            _ => None,
        }
    }
}

/// Both versions of the service.
pub struct Reflection {
    v1: Service,
    v1alpha: Service,
}

impl Reflection {
    /// Reads the descriptors.
    ///
    /// # Errors
    /// When they cannot be read, which a test rules out.
    pub fn new() -> anyhow::Result<Self> {
        let builder = || {
            Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
        Ok(Self { v1: BoxCloneSyncService::new(v1), v1alpha: BoxCloneSyncService::new(v1alpha) })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// None: a failure is in the answer.
    pub async fn answer(
        &self,
        version: Version,
        request: Request<Body>,
    ) -> Result<Response<tonic::body::Body>, Infallible> {
        let service = match version {
            Version::V1 => &self.v1,
            Version::V1Alpha => &self.v1alpha,
        };
        service.clone().oneshot(request).await
    }
}
