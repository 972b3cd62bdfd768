//! `inference.GRPCInferenceService`: each call to the place that answers it.

use super::call::Call;
use super::service::grpc_inference_service_server::GrpcInferenceService;
use super::stream::Predictions;
use super::{config, deadline, describe, infer, repository, settings};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::http::predict::v2::{shared_memory, trace_is_not_here};
use futures_util::stream::BoxStream;
use prost::Message as _;
use servoir_codec::grpc::proto::*;
use std::time::Instant;
use tonic::{Request, Response, Status, Streaming};

/// Answers the calls of the protocol.
pub struct Inference {
    app: SharedApp,
}

impl Inference {
    /// Of this server.
    pub const fn of(app: SharedApp) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl GrpcInferenceService for Inference {
    async fn server_live(&self, _: Request<ServerLiveRequest>) -> Result<Response<ServerLiveResponse>, Status> {
        Ok(Response::new(ServerLiveResponse { live: true }))
    }

    async fn server_ready(&self, _: Request<ServerReadyRequest>) -> Result<Response<ServerReadyResponse>, Status> {
        Ok(Response::new(ServerReadyResponse { ready: self.app.readiness.is_ready() }))
    }

    async fn model_ready(&self, request: Request<ModelReadyRequest>) -> Result<Response<ModelReadyResponse>, Status> {
        let call = Call::of(&request);
        let ModelReadyRequest { name, version } = request.get_ref();
        call.answer(describe::ready(&self.app, &call, name, version))
    }

    async fn server_metadata(
        &self,
        _: Request<ServerMetadataRequest>,
    ) -> Result<Response<ServerMetadataResponse>, Status> {
        Ok(Response::new(describe::server()))
    }

    async fn model_metadata(
        &self,
        request: Request<ModelMetadataRequest>,
    ) -> Result<Response<ModelMetadataResponse>, Status> {
        let call = Call::of(&request);
        let ModelMetadataRequest { name, version } = request.get_ref();
        call.answer(describe::model(&self.app, &call, name, version))
    }

    async fn model_infer(&self, request: Request<ModelInferRequest>) -> Result<Response<ModelInferResponse>, Status> {
        let call = Call::of(&request);
        let mut served = call.counted();
        let room = call.next_message(|| request.get_ref().encoded_len());
        let answer = match room.and_then(|room| Ok((room, call.principal()?))) {
            Ok((_room, principal)) => infer::infer(&self.app, principal, request.into_inner(), &mut served).await,
            Err(error) => Err(error),
        };
        call.answer(answer)
    }

    type ModelStreamInferStream = BoxStream<'static, Result<ModelStreamInferResponse, Status>>;

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<Self::ModelStreamInferStream>, Status> {
        let call = Call::of(&request);
        let head = request.metadata().clone().into_headers();
        let limit = deadline::of(&head).map_err(|error| call.fail(error))?;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let Some(request_id) = request.extensions().get().cloned() else {
            return Err(call.fail(ApiError::internal("a call was reached without a request id")));
        };
        let predictions = Predictions { app: self.app.clone(), call, head, request_id, deadline };
        Ok(Response::new(predictions.answers(request.into_inner())))
    }

    async fn model_config(
        &self,
        request: Request<ModelConfigRequest>,
    ) -> Result<Response<ModelConfigResponse>, Status> {
        let call = Call::of(&request);
        let ModelConfigRequest { name, version } = request.get_ref();
        call.answer(config::config(&self.app, &call, name, version))
    }

    async fn model_statistics(
        &self,
        request: Request<ModelStatisticsRequest>,
    ) -> Result<Response<ModelStatisticsResponse>, Status> {
        let call = Call::of(&request);
        let ModelStatisticsRequest { name, version } = request.get_ref();
        call.answer(describe::statistics(&self.app, &call, name, version))
    }

    async fn repository_index(
        &self,
        request: Request<RepositoryIndexRequest>,
    ) -> Result<Response<RepositoryIndexResponse>, Status> {
        let call = Call::of(&request);
        call.answer(repository::index(&self.app, &call, request.get_ref().ready).await)
    }

    async fn repository_model_load(
        &self,
        request: Request<RepositoryModelLoadRequest>,
    ) -> Result<Response<RepositoryModelLoadResponse>, Status> {
        let call = Call::of(&request);
        let answer = match Caller::of(request.extensions()) {
            Ok(caller) => repository::load(&self.app, caller, request.into_inner()).await,
            Err(error) => Err(error),
        };
        call.answer(answer)
    }

    async fn repository_model_unload(
        &self,
        request: Request<RepositoryModelUnloadRequest>,
    ) -> Result<Response<RepositoryModelUnloadResponse>, Status> {
        let call = Call::of(&request);
        let answer = match Caller::of(request.extensions()) {
            Ok(caller) => repository::unload(&self.app, caller, request.into_inner()).await,
            Err(error) => Err(error),
        };
        call.answer(answer)
    }

    async fn system_shared_memory_status(
        &self,
        request: Request<SystemSharedMemoryStatusRequest>,
    ) -> Result<Response<SystemSharedMemoryStatusResponse>, Status> {
        if request.get_ref().name.is_empty() {
            return Ok(Response::new(SystemSharedMemoryStatusResponse::default()));
        }
        Call::of(&request).answer(Err(shared_memory::no_such_region()))
    }

    async fn system_shared_memory_register(
        &self,
        request: Request<SystemSharedMemoryRegisterRequest>,
    ) -> Result<Response<SystemSharedMemoryRegisterResponse>, Status> {
        Call::of(&request).answer(Err(shared_memory::cannot_register()))
    }

    async fn system_shared_memory_unregister(
        &self,
        _: Request<SystemSharedMemoryUnregisterRequest>,
    ) -> Result<Response<SystemSharedMemoryUnregisterResponse>, Status> {
        Ok(Response::new(SystemSharedMemoryUnregisterResponse {}))
    }

    async fn cuda_shared_memory_status(
        &self,
        request: Request<CudaSharedMemoryStatusRequest>,
    ) -> Result<Response<CudaSharedMemoryStatusResponse>, Status> {
        if request.get_ref().name.is_empty() {
            return Ok(Response::new(CudaSharedMemoryStatusResponse::default()));
        }
        Call::of(&request).answer(Err(shared_memory::no_such_region()))
    }

    async fn cuda_shared_memory_register(
        &self,
        request: Request<CudaSharedMemoryRegisterRequest>,
    ) -> Result<Response<CudaSharedMemoryRegisterResponse>, Status> {
        Call::of(&request).answer(Err(shared_memory::cannot_register()))
    }

    async fn cuda_shared_memory_unregister(
        &self,
        _: Request<CudaSharedMemoryUnregisterRequest>,
    ) -> Result<Response<CudaSharedMemoryUnregisterResponse>, Status> {
        Ok(Response::new(CudaSharedMemoryUnregisterResponse {}))
    }

    async fn trace_setting(
        &self,
        request: Request<TraceSettingRequest>,
    ) -> Result<Response<TraceSettingResponse>, Status> {
        Call::of(&request).answer(Err(trace_is_not_here()))
    }

    async fn log_settings(
        &self,
        request: Request<LogSettingsRequest>,
    ) -> Result<Response<LogSettingsResponse>, Status> {
        let call = Call::of(&request);
        call.answer(settings::log(&call, request.get_ref()))
    }
}
