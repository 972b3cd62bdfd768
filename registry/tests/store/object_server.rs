//! An S3-compatible server inside the test process, over a folder.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use servoir_types::Secret;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Ends when it is dropped.
pub struct ObjectServer {
    root: PathBuf,
    endpoint: String,
    task: JoinHandle<()>,
}

impl ObjectServer {
    pub const BUCKET: &str = "models";
    const ACCESS_KEY: &str = "test-access";
    const SECRET_KEY: &str = "test-secret";

    pub async fn start(root: &Path) -> Self {
        std::fs::create_dir_all(root.join(Self::BUCKET)).unwrap();
        let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root).unwrap());
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await
                });
            }
        });
        Self { root: root.to_owned(), endpoint, task }
    }

    /// The folder that holds the bucket's objects.
    pub fn bucket(&self) -> PathBuf {
        self.root.join(Self::BUCKET)
    }

    /// How a client reaches it.
    pub fn settings(&self) -> Vec<(String, Secret)> {
        [
            ("aws_endpoint", self.endpoint.as_str()),
            ("aws_allow_http", "true"),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", Self::ACCESS_KEY),
            ("aws_secret_access_key", Self::SECRET_KEY),
        ]
        .map(|(key, value)| (key.to_owned(), Secret::new(value)))
        .into()
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
