//! A client of the server's APIs that shows what came.

use bytes::Bytes;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

/// Where the Registry API is.
pub const REGISTRY: &str = "/api/v1/model-registry";

/// A client with one credential.
#[derive(Clone)]
pub struct Api {
    url: String,
    key: Option<String>,
    token: Option<String>,
    client: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The body as it came.
    pub bytes: Bytes,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// The answer, when it has this status.
    ///
    /// # Panics
    /// Otherwise, showing the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The stable code of a problem.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Api {
    /// A client of the server at `url`.
    pub fn new(url: impl Into<String>, key: Option<&str>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self::over(client, url, key)
    }

    /// The same over an HTTP client that was set up otherwise, such as with certificates.
    pub fn over(client: reqwest::Client, url: impl Into<String>, key: Option<&str>) -> Self {
        Self { url: url.into(), key: key.map(str::to_owned), token: None, client }
    }

    /// The same with another credential, or none.
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// The same as the bearer of a token.
    pub fn with_token(&self, token: String) -> Self {
        Self { key: None, token: Some(token), ..self.clone() }
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A request that can still be changed.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match (&self.key, &self.token) {
            (Some(key), _) => request.header("x-api-key", key),
            (None, Some(token)) => request.bearer_auth(token),
            (None, None) => request,
        }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// When no answer came.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// Sends a request to a server that may go away.
    ///
    /// # Errors
    /// When no whole answer came.
    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, headers, bytes, text, json })
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// `PUT` of JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// `PATCH` of JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Registers a model; its id.
    pub async fn create_model(&self, name: &str) -> String {
        let created =
            self.post(&format!("{REGISTRY}/models"), json!({"name": name, "framework": "onnx"})).await.expect(201);
        created.json["id"].as_str().expect("an id").to_owned()
    }

    /// The request that uploads an artifact.
    pub fn upload_request(&self, model: &str, artifact: Vec<u8>) -> reqwest::RequestBuilder {
        let form = reqwest::multipart::Form::new()
            .part("artifact", reqwest::multipart::Part::bytes(artifact).file_name("model.onnx"));
        self.request(Method::POST, &format!("{REGISTRY}/models/{model}/versions")).multipart(form)
    }

    /// Uploads an artifact.
    pub async fn upload(&self, model: &str, artifact: Vec<u8>) -> Answer {
        self.send(self.upload_request(model, artifact)).await
    }

    /// Deploys with these settings.
    pub async fn deploy(&self, model: &str, body: Value) -> Answer {
        self.post(&format!("{REGISTRY}/models/{model}/deploy"), body).await
    }

    /// Registers a model with one version and makes it live; its id.
    pub async fn serve(&self, name: &str, artifact: Vec<u8>) -> String {
        let model = self.create_model(name).await;
        self.upload(&model, artifact).await.expect(201);
        self.deploy(&model, json!({})).await.expect(200);
        model
    }
}
