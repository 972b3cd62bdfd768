//! A server with models, and clients of it.

use servoir::config::Config;
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A client with a credential, or none.
pub type Client = GrpcInferenceServiceClient<InterceptedService<Channel, Key>>;

/// Adds a credential to every call.
#[derive(Clone)]
pub struct Key(Option<String>);

impl tonic::service::Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            let key: MetadataValue<_> = key.parse().expect("a key is ASCII");
            request.metadata_mut().insert("x-api-key", key);
        }
        Ok(request)
    }
}

/// A server with models.
pub struct World {
    pub server: TestServer,
    pub api: Api,
    pub channel: Channel,
}

impl World {
    /// A server with these fixtures as models of the same names.
    pub async fn with(models: &[&str]) -> Self {
        Self::configured(models, |_| {}).await
    }

    /// The same, with a configuration that `change` has seen last.
    pub async fn configured(models: &[&str], change: impl FnOnce(&mut Config)) -> Self {
        let server = TestServer::start_with(Database::Sqlite, change).await;
        let api = server.api();
        for model in models {
            api.serve(model, Fixture::read(model).model).await;
        }
        let channel = connect(api.url()).await;
        Self { server, api, channel }
    }

    /// A client with the bootstrap key.
    pub fn client(&self) -> Client {
        self.client_with(Some(BOOTSTRAP_KEY))
    }

    /// A client with this key, or none.
    pub fn client_with(&self, key: Option<&str>) -> Client {
        let key = Key(key.map(str::to_owned));
        GrpcInferenceServiceClient::new(InterceptedService::new(self.channel.clone(), key))
    }

    /// The sum of a metric's series whose name and labels contain all of `parts`.
    pub async fn metric(&self, parts: &[&str]) -> f64 {
        let text = self.api.get("/metrics").await.expect(200).text;
        let series = text.lines().filter(|line| !line.starts_with('#') && parts.iter().all(|part| line.contains(part)));
        series.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a value")).sum()
    }
}

/// A connection of HTTP/2 to the server at `url`.
pub async fn connect(url: &str) -> Channel {
    Endpoint::from_shared(url.to_owned()).expect("a URL").connect().await.expect("a connection")
}
