//! Tokens of callers that the tests make up.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use servoir::config::Config;
use servoir_types::{Secret, Timestamp};

/// What the tokens are signed with.
const SECRET: &str = "a secret of the tests, of more than 32 bytes";
/// For how long a token is good.
const LIFE_SECONDS: i64 = 3600;

/// Makes a server take the tokens.
pub fn accept(config: &mut Config) {
    config.auth.jwt_hs256_secret = Some(Secret::new(SECRET));
}

/// A token of `subject` in `organization` with these scopes.
///
/// # Panics
/// When it cannot be signed.
pub fn token(subject: &str, organization: &str, scopes: &[&str]) -> String {
    let expiry = Timestamp::now().plus_seconds(LIFE_SECONDS).as_millis() / 1000;
    let claims = json!({"sub": subject, "org": organization, "scope": scopes.join(" "), "exp": expiry});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).expect("a token")
}
