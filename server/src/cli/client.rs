//! A thin client of a server's HTTP APIs: paths, credentials, bounds, and answers read whole.

use super::answer::{Refusal, refusal};
use super::failure::{Exit, Failure};
use reqwest::multipart::Form;
use reqwest::{Certificate, Method, RequestBuilder, Response, StatusCode, Upgraded, Url, header};
use serde_json::Value;
use servoir_types::Secret;
use std::path::Path;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// How long connecting may take.
const CONNECT_SECONDS_MAX: u64 = 5;
/// How long an ordinary call may take: longer than a server by default lets a prediction take.
const CALL_SECONDS_MAX: u64 = 90;
/// How long a deployment may take: a large model is fetched and loaded within it.
const DEPLOY_SECONDS_MAX: u64 = 900;
/// How long an upload may take: 4 GiB at 1 MiB/s, and a little.
const UPLOAD_SECONDS_MAX: u64 = 4500;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Where the Registry API is.
const REGISTRY: [&str; 3] = ["api", "v1", "model-registry"];

/// A path of the Registry API.
pub fn registry_path<'a>(path: &[&'a str]) -> Vec<&'a str> {
    [&REGISTRY, path].concat()
}

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
        Self::trusting(url, key, None)
    }

    /// The same, which trusts the certificates of a PEM file beside the system's.
    ///
    /// # Errors
    /// [`ClientError::Address`] also when the file cannot be used.
    pub fn trusting(url: &str, key: Option<Secret>, authorities: Option<&Path>) -> Result<Self, ClientError> {
        let wrong = |reason: &str| ClientError::Address(format!("'{url}' is not the address of a server: {reason}"));
        let base = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("it must begin with http:// or https://"));
        }
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        // A redirect would carry the key to wherever it points.
        // WebSockets need HTTP/1.1, and nothing that is called here gains by HTTP/2.
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("servoir/", env!("CARGO_PKG_VERSION")));
        if is_local {
            builder = builder.no_proxy();
        }
        if let Some(file) = authorities {
            builder = builder.tls_certs_merge(certificates(file)?);
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
        self.get(&registry_path(path), query).await
    }

    /// Changes something through the Registry API. A change may wait for a model to be loaded.
    pub async fn change(&self, path: &[&str], body: Option<&Value>) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, &registry_path(path), &[])?;
        let request = request.timeout(Duration::from_secs(DEPLOY_SECONDS_MAX));
        self.json(body.into_iter().fold(request, RequestBuilder::json)).await
    }

    /// Sends a file to any path of the server.
    pub async fn upload(&self, path: &[&str], form: Form) -> Result<Value, ClientError> {
        let request = self.request(Method::POST, path, &[])?;
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

    /// Sends an object by another method than POST.
    pub async fn send(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        self.json(self.request(method, path, &[])?.json(body)).await
    }

    /// Removes an object.
    pub async fn delete(&self, path: &[&str]) -> Result<(), ClientError> {
        self.bytes(self.request(Method::DELETE, path, &[])?).await.map(drop)
    }

    /// Opens a WebSocket.
    pub async fn socket(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<WebSocketStream<Upgraded>, ClientError> {
        let key = generate_key();
        let request = self.request(Method::GET, path, query)?;
        let request = request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, "websocket");
        let request = request.header(header::SEC_WEBSOCKET_VERSION, "13").header(header::SEC_WEBSOCKET_KEY, &key);
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let body = self.body(&mut response).await?;
            return Err(ClientError::Refused(refusal(&response, &body)));
        }
        let expected = derive_accept_key(key.as_bytes());
        if response.headers().get(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|accepted| accepted != expected.as_str()) {
            return Err(self.garbled("its WebSocket handshake is broken".into()));
        }
        let upgraded = response.upgrade().await.map_err(|error| self.unreachable(&error))?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }

    /// Reads a text, such as `/readyz`.
    pub async fn text(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String, ClientError> {
        let bytes = self.bytes(self.request(Method::GET, path, query)?).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The URL of a path.
    ///
    /// # Errors
    /// When a segment is no name.
    pub fn address(&self, path: &[&str]) -> Result<Url, ClientError> {
        // URLs take these two for steps between folders; no object has such a name.
        if let Some(step) = path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(ClientError::Address(format!("'{step}' is not a name or an id")));
        }
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => segments.pop_if_empty().extend(path),
            Err(()) => return Err(ClientError::Address(format!("'{}' cannot have a path", self.base))),
        };
        Ok(url)
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> Result<RequestBuilder, ClientError> {
        let mut url = self.address(path)?;
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

/// The certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<Certificate>, ClientError> {
    let wrong =
        |reason: String| ClientError::Address(format!("cannot use the certificates of '{}': {reason}", file.display()));
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() { Err(wrong("it holds none in PEM form".into())) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::extract::Request;
    use axum::response::{IntoResponse as _, Redirect};
    use axum::routing::any;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use hyper_util::service::TowerToHyperService;
    use serde_json::json;

    /// A server on a port of its own that answers with what it was asked.
    async fn echo() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let say = |request: Request| async move {
            let key = request.headers().get("x-api-key").map(|key| key.to_str().unwrap().to_owned());
            axum::Json(json!({"uri": request.uri().to_string(), "key": key})).into_response()
        };
        let away = any(|| async { Redirect::temporary("http://127.0.0.1:1/") });
        let router = Router::new().route("/away", away).fallback(say);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(async move {
                    let connection = auto::Builder::new(TokioExecutor::new());
                    connection.serve_connection(TokioIo::new(stream), service).await.map_err(|error| error.to_string())
                });
            }
        });
        url
    }

    #[tokio::test]
    async fn names_and_values_travel_whole_and_with_the_key() {
        let client = Client::new(&echo().await, Some(Secret::new("k"))).unwrap();
        let query = [("search", "a&b=c")];
        let answer = client.registry(&["models", "a/b ?#%\u{e9}", "versions"], &query).await.unwrap();
        let uri = "/api/v1/model-registry/models/a%2Fb%20%3F%23%25%C3%A9/versions?search=a%26b%3Dc";
        assert_eq!(answer, json!({"uri": uri, "key": "k"}));
    }

    #[tokio::test]
    async fn a_base_with_a_path_keeps_it() {
        let client = Client::new(&format!("{}/behind/proxy/", echo().await), None).unwrap();
        assert_eq!(client.get(&["v2"], &[]).await.unwrap(), json!({"uri": "/behind/proxy/v2", "key": null}));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let client = Client::new(&echo().await, Some(Secret::new("k"))).unwrap();
        assert_eq!(client.get(&["away"], &[]).await.unwrap_err().status(), Some(307));
    }

    #[tokio::test]
    async fn steps_between_folders_are_no_names() {
        let client = Client::new("http://127.0.0.1:1", None).unwrap();
        for name in ["", ".", ".."] {
            let failure = Failure::from(client.registry(&["models", name], &[]).await.unwrap_err());
            assert_eq!((failure.exit, failure.message), (Exit::Usage, format!("'{name}' is not a name or an id")));
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let failure = Failure::from(Client::new(&url, None).unwrap().get(&["v2"], &[]).await.unwrap_err());
        let reason =
            "Connection refused (os error 111); is `servoir serve` running there? SERVOIR_URL names the server";
        assert_eq!((failure.exit, failure.message), (Exit::Failed, format!("cannot reach {url}: {reason}")));
    }

    #[test]
    fn only_http_addresses_are_servers() {
        for url in ["", "localhost:8080", "ftp://host", "http://"] {
            assert_eq!(
                Client::new(url, None).map(drop).map_err(|error| Failure::from(error).exit),
                Err(Exit::Usage),
                "{url}"
            );
        }
    }
}
