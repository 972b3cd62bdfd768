//! API keys and tokens over real sockets: who gets in, who does not, and when that changes.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::server::{Database, TestServer};
use servoir_types::{Secret, Timestamp};
use std::path::PathBuf;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const SECRET: &str = "a secret of the tests, of more than 32 bytes";

fn keys(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("keys").join(file)
}

fn now() -> i64 {
    Timestamp::now().as_millis() / 1000
}

fn claims() -> Value {
    json!({"sub": "ada", "org": "engines", "scope": "model-registry:read inference:invoke", "iss": "the-tests",
        "aud": "servoir", "exp": now() + 600})
}

fn with(key: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[key] = value;
    claims
}

fn without(key: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(key);
    claims
}

fn sign(algorithm: Algorithm, key_id: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: key_id.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, claims, key).expect("a token")
}

fn hs256(claims: &Value) -> String {
    sign(Algorithm::HS256, None, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

fn signed_by(file: &str, algorithm: Algorithm, key_id: &str, claims: &Value) -> String {
    let pem = std::fs::read(keys(file)).expect("a key of the tests");
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(&pem),
        Algorithm::ES256 => EncodingKey::from_ec_pem(&pem),
        _ => EncodingKey::from_ed_pem(&pem),
    };
    sign(algorithm, Some(key_id), &key.expect("a PEM key"), claims)
}

async fn whoami(api: &Api, token: &str) -> (u16, Value) {
    let request = api.with_key(None).request(reqwest::Method::GET, "/api/v1/auth/whoami");
    let answer = api.send(request.header("authorization", format!("Bearer {token}"))).await;
    (answer.status.as_u16(), answer.json)
}

#[tokio::test]
async fn tokens_are_checked_in_every_respect() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
        config.auth.jwks_file = Some(keys("jwks.json"));
        config.auth.jwt_issuer = Some("the-tests".to_owned());
        config.auth.jwt_audience = Some("servoir".to_owned());
    })
    .await;
    let api = server.api();
    let unsigned = {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims()))
    };
    let public_as_secret = {
        // The classic confusion: a token signed with HMAC, with the public key set's text as the secret.
        let text = std::fs::read(keys("jwks.json")).expect("the key set");
        sign(Algorithm::HS256, Some("rsa"), &EncodingKey::from_secret(&text), &claims())
    };
    let cases = [
        ("HS256", hs256(&claims()), 200),
        ("RS256", signed_by("rsa.pem", Algorithm::RS256, "rsa", &claims()), 200),
        ("ES256", signed_by("p256.pem", Algorithm::ES256, "p256", &claims()), 200),
        ("EdDSA", signed_by("ed25519.pem", Algorithm::EdDSA, "ed25519", &claims()), 200),
        ("permissions in a list", hs256(&with("permissions", json!(["studio:read"]))), 200),
        ("another secret", sign(Algorithm::HS256, None, &EncodingKey::from_secret(b"guess"), &claims()), 401),
        ("alg none", unsigned, 401),
        ("a public key as secret", public_as_secret, 401),
        (
            "another algorithm than the key's",
            sign(Algorithm::HS512, None, &EncodingKey::from_secret(SECRET.as_bytes()), &claims()),
            401,
        ),
        ("unknown key id", signed_by("rsa.pem", Algorithm::RS256, "other", &claims()), 401),
        ("another key's id", signed_by("rsa.pem", Algorithm::RS256, "p256", &claims()), 401),
        ("expired", hs256(&with("exp", json!(now() - 120))), 401),
        ("no expiry", hs256(&without("exp")), 401),
        ("not yet valid", hs256(&with("nbf", json!(now() + 600))), 401),
        ("another issuer", hs256(&with("iss", json!("them"))), 401),
        ("no issuer", hs256(&without("iss")), 401),
        ("another audience", hs256(&with("aud", json!("them"))), 401),
        ("no audience", hs256(&without("aud")), 401),
        ("no subject", hs256(&without("sub")), 401),
        ("no organization", hs256(&without("org")), 401),
        ("cut short", hs256(&claims()).split_at(60).0.to_owned(), 401),
        ("not a token", "hello".to_owned(), 401),
    ];
    for (name, token, expected) in cases {
        let (status, body) = whoami(&api, &token).await;
        assert_eq!(status, expected, "{name}: {body}");
        match status {
            200 => {
                assert_eq!((&body["subject"], &body["organizationId"]), (&json!("ada"), &json!("engines")), "{name}")
            }
            _ => assert_eq!(body["code"], "token-invalid", "{name}: {body}"),
        }
    }
    // The bundle of all scopes is the bootstrap key's alone: in a token it grants nothing.
    let (_, body) = whoami(&api, &hs256(&with("scope", json!("* model-registry:read")))).await;
    assert_eq!(body["scopes"], json!(["model-registry:read"]));
    server.stop().await;
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let encode = |chunk: &[u8]| {
        let number =
            chunk.iter().chain([0, 0].iter()).take(3).fold(0usize, |number, byte| number << 8 | usize::from(*byte));
        (0..=chunk.len()).map(move |index| char::from(ALPHABET[number >> (18 - 6 * index) & 63])).collect::<String>()
    };
    bytes.chunks(3).map(encode).collect()
}

/// An issuer: answers each connection with a key set.
async fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
    let text = std::fs::read_to_string(keys("jwks.json")).expect("the key set");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_key_set_is_read_from_its_url() {
    let url = issuer().await;
    let server = TestServer::start_with(Database::Sqlite, |config| config.auth.jwks_url = Some(url)).await;
    let token = signed_by("ed25519.pem", Algorithm::EdDSA, "ed25519", &claims());
    // The set is read in the background; until then the token's key is unknown.
    let read = async {
        while whoami(&server.api(), &token).await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), read).await.expect("the key set is read");
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_key_stops_working_with_the_answer() {
    let server = TestServer::start().await;
    let api = server.api();
    let made = api
        .post("/api/v1/auth/api-keys", json!({"name": "reader", "scopes": ["model-registry:read"]}))
        .await
        .expect(201);
    let (id, key) = (made.json["id"].as_str().expect("an id"), made.json["key"].as_str().expect("the key"));
    let reader = api.with_key(Some(key));
    reader.get(&format!("{REGISTRY}/models")).await.expect(200);
    let refused =
        reader.post(&format!("{REGISTRY}/models"), json!({"name": "a", "framework": "onnx"})).await.expect(403);
    assert_eq!(refused.code(), "scope-required");
    assert!(refused.text.contains("model-registry:write"), "{}", refused.text);
    api.delete(&format!("/api/v1/auth/api-keys/{id}")).await.expect(204);
    assert_eq!(reader.get(&format!("{REGISTRY}/models")).await.expect(401).code(), "api-key-invalid");
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_comes_back_everywhere() {
    let server = TestServer::start().await;
    let api = server.api().with_key(None);
    for (given, kept) in [("trace-1.a_B", true), ("not sane", false), ("", false)] {
        let request = api.request(reqwest::Method::GET, &format!("{REGISTRY}/models")).header("x-request-id", given);
        let answer = api.send(request).await.expect(401);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("x-request-id") == given, kept, "{given:?}");
        assert_eq!(answer.json["requestId"], answer.header("x-request-id"));
        assert!(!answer.header("www-authenticate").is_empty());
    }
    server.stop().await;
}
