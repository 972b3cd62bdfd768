//! A thin client of a server's HTTP APIs: paths, credentials, bounds, and answers read whole.

use super::answer::{Refusal, refusal};
use super::failure::{Exit, Failure};
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;
use servoir_types::Secret;
use std::time::Duration;

/// How long connecting may take.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How long an ordinary call may take.
const CALL_SECONDS_MAX: u64 = 60;
/// How long a deployment may take: a large model is fetched and loaded within it.
const DEPLOY_SECONDS_MAX: u64 = 900;
/// How long an upload may take: 4 GiB at 1 MiB/s, and a little.
const UPLOAD_SECONDS_MAX: u64 = 4500;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Where the Registry API is.
const REGISTRY: [&str; 3] = ["api", "v1", "model-registry"];

/// A server as its callers see it. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<Secret>,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address or an argument cannot be put into a URL.
    #[error("{0}")]
    Address(String),
    /// No answer came.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The server.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Refusal),
    /// What came is no answer of a Servoir server.
    #[error("{url} answered with something else than expected: {reason}")]
    Garbled {
        /// The server.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// The stable code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.code.as_deref(),
            _ => None,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Address(_) => Exit::Usage,
            ClientError::Refused(refusal) => Exit::of_status(refusal.status),
            ClientError::Unreachable { .. } | ClientError::Garbled { .. } => Exit::Failed,
        };
        let hint = match &error {
            ClientError::Unreachable { .. } => "; is `servoir serve` running there? SERVOIR_URL names the server",
            ClientError::Refused(refusal) if refusal.status == 401 => "; SERVOIR_API_KEY holds the key to call with",
            _ => "",
        };
        Self { exit, message: format!("{error}{hint}") }
    }
}

impl Client {
    /// A client of the server at `url`, which calls with `key`.
    ///
    /// # Errors
    /// [`ClientError::Address`] when `url` is no HTTP address.
    pub fn new(url: &str, key: Option<Secret>) -> Result<Self, ClientError> {
        let wrong = |reason: &str| ClientError::Address(format!("'{url}' is not the address of a server: {reason}"));
        let base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("it must begin with http:// or https://"));
        }
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        // A redirect would carry the key to wherever it points.
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("servoir/", env!("CARGO_PKG_VERSION")));
        if is_local {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { http, base, key })
    }

    /// The server's address, without a slash at its end.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Reads an object or list of the Registry API.
    pub async fn registry(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, ClientError> {
        self.get(&[&REGISTRY, path].concat(), query).await
    }

    /// Changes something through the Registry API. A change may wait for a model to be loaded.
    pub async fn change(&self, path: &[&str], body: Option<&Value>) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, &[&REGISTRY, path].concat(), &[])?;
        let request = request.timeout(Duration::from_secs(DEPLOY_SECONDS_MAX));
        self.json(body.into_iter().fold(request, RequestBuilder::json)).await
    }

    /// Sends a file to the Registry API.
    pub async fn upload(&self, path: &[&str], form: Form) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, &[&REGISTRY, path].concat(), &[])?;
        self.json(request.timeout(Duration::from_secs(UPLOAD_SECONDS_MAX)).multipart(form)).await
    }

    /// Reads any path of the server.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, ClientError> {
        self.json(self.request(Method::GET, path, query)?).await
    }

    /// Sends an object to any path of the server.
    pub async fn post(&self, path: &[&str], query: &[(&str, &str)], body: &Value) -> Result<Value, ClientError> {
        self.json(self.request(Method::POST, path, query)?.json(body)).await
    }

    /// Removes an object.
    pub async fn delete(&self, path: &[&str]) -> Result<(), ClientError> {
        self.bytes(self.request(Method::DELETE, path, &[])?).await.map(drop)
    }

    /// Reads a text, such as `/readyz`.
    pub async fn text(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String, ClientError> {
        let bytes = self.bytes(self.request(Method::GET, path, query)?).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> Result<RequestBuilder, ClientError> {
        let mut url = self.base.clone();
        // URLs take these two for steps between folders; no object has such a name.
        if let Some(step) = path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(ClientError::Address(format!("'{step}' is not a name or an id")));
        }
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(ClientError::Address(format!("'{}' cannot have a path", self.base))),
        };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url).timeout(Duration::from_secs(CALL_SECONDS_MAX));
        Ok(self.key.iter().fold(request, |request, key| request.header("X-API-Key", key.expose())))
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, ClientError> {
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.garbled(format!("its JSON is broken: {error}")))
    }

    async fn bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let body = self.body(&mut response).await?;
        if response.status().is_success() { Ok(body) } else { Err(ClientError::Refused(refusal(&response, &body))) }
    }

    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(self.garbled(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        // The innermost cause is the system's own words, such as `Connection refused`.
        let mut reason: &dyn std::error::Error = error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        let reason = if error.is_timeout() { "no answer came in time".to_owned() } else { reason.to_string() };
        ClientError::Unreachable { url: self.base().to_owned(), reason }
    }

    fn garbled(&self, reason: String) -> ClientError {
        ClientError::Garbled { url: self.base().to_owned(), reason }
    }
}
