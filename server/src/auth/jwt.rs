//! JSON Web Tokens: HS256 with a secret, or RS256, ES256 and EdDSA with a key set (RFC 7517) from a file or a URL.

use super::scope::EVERYTHING;
use super::{Credential, Principal};
use crate::config::AuthConfig;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How often the key set of a URL is read again, besides when a token names a key that is not in it.
const KEY_SET_REFRESH: Duration = Duration::from_secs(600);
/// The least time between two reads of a URL, however many unknown keys tokens name.
const KEY_SET_REFRESH_MIN: Duration = Duration::from_secs(10);
/// How long one read of a URL may take.
const KEY_SET_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest key set that is read.
const KEY_SET_BYTES_MAX: usize = 1 << 20;
/// Clocks of issuer and server may differ by so much.
const LEEWAY_SECONDS: u64 = 30;

/// Verifies tokens.
pub struct Jwt {
    secret: Option<DecodingKey>,
    keys: ArcSwap<Vec<Key>>,
    url: Option<String>,
    wanted: Notify,
    issuer: Option<String>,
    audience: Option<String>,
    organization_claim: String,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Jwt {
    /// `None` when neither a secret nor a key set is configured.
    ///
    /// # Errors
    /// When the key set's file cannot be read or holds no usable key.
    pub fn configured(config: &AuthConfig) -> anyhow::Result<Option<Self>> {
        if config.jwt_hs256_secret.is_none() && config.jwks_file.is_none() && config.jwks_url.is_none() {
            return Ok(None);
        }
        let keys = match &config.jwks_file {
            Some(path) => {
                let text =
                    std::fs::read(path).with_context(|| format!("cannot read auth.jwks_file {}", path.display()))?;
                usable_keys(&text).with_context(|| format!("auth.jwks_file {}", path.display()))?
            }
            None => Vec::new(),
        };
        Ok(Some(Self {
            secret: config.jwt_hs256_secret.as_ref().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())),
            keys: ArcSwap::from_pointee(keys),
            url: config.jwks_url.clone(),
            wanted: Notify::new(),
            issuer: config.jwt_issuer.clone(),
            audience: config.jwt_audience.clone(),
            organization_claim: config.jwt_organization_claim.clone(),
        }))
    }

    /// The principal that a token stands for.
    ///
    /// # Errors
    /// A sentence that says why the token is refused.
    pub fn verify(&self, token: &str) -> Result<Principal, String> {
        let header = decode_header(token).map_err(|error| format!("the token is malformed: {error}"))?;
        let keys = self.keys.load();
        let key = match (header.alg, &self.secret) {
            (Algorithm::HS256, Some(secret)) => secret,
            (algorithm, _) => {
                let by_id = keys
                    .iter()
                    .find(|key| key.algorithm == algorithm && (header.kid.is_none() || key.id == header.kid));
                let Some(key) = by_id else {
                    self.wanted.notify_one();
                    return Err(format!("no key for a token with algorithm {algorithm:?} and key id {:?}", header.kid));
                };
                &key.key
            }
        };
        let claims = decode::<Map<String, Value>>(token, key, &self.validation(header.alg));
        let claims = claims.map_err(|error| format!("the token is refused: {error}"))?.claims;
        self.principal(&claims)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "sub"]);
        match &self.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.required_spec_claims.insert("aud".to_owned());
            }
            None => validation.validate_aud = false,
        }
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        validation
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, String> {
        let text = |name: &str| {
            let value = claims.get(name).and_then(Value::as_str).filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("the token has no claim '{name}'"))
        };
        let mut scopes = Vec::new();
        for claim in ["scope", "permissions"] {
            match claims.get(claim) {
                Some(Value::String(list)) => scopes.extend(list.split_whitespace().map(str::to_owned)),
                Some(Value::Array(list)) => scopes.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
                _ => {}
            }
        }
        scopes.retain(|scope| scope != EVERYTHING);
        Ok(Principal {
            subject: text("sub")?.into(),
            organization: text(&self.organization_claim)?.into(),
            scopes: scopes.into(),
            credential: Credential::Jwt,
        })
    }

    /// Keeps the key set of the configured URL fresh, for as long as it is polled. Ends at once without a URL.
    pub async fn keep_fresh(&self) {
        let Some(url) = &self.url else { return };
        let client =
            reqwest::Client::builder().timeout(KEY_SET_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let client = match client {
            Ok(client) => client,
            Err(error) => return tracing::error!(%error, "no HTTP client for auth.jwks_url"),
        };
        loop {
            match fetch(&client, url).await {
                Ok(keys) => {
                    tracing::debug!(keys = keys.len(), "read the JWT key set");
                    self.keys.store(Arc::new(keys));
                }
                Err(error) => tracing::warn!(
                    error = format!("{error:#}"),
                    "cannot read auth.jwks_url; the keys known so far stay"
                ),
            }
            tokio::time::sleep(KEY_SET_REFRESH_MIN).await;
            let _ = tokio::time::timeout(KEY_SET_REFRESH, self.wanted.notified()).await;
        }
    }
}

async fn fetch(client: &reqwest::Client, url: &str) -> anyhow::Result<Vec<Key>> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        anyhow::ensure!(
            text.len() + chunk.len() <= KEY_SET_BYTES_MAX,
            "the key set is larger than {KEY_SET_BYTES_MAX} bytes"
        );
        text.extend_from_slice(&chunk);
    }
    usable_keys(&text)
}

fn usable_keys(text: &[u8]) -> anyhow::Result<Vec<Key>> {
    let set: JwkSet = serde_json::from_slice(text).context("not a JSON Web Key Set")?;
    let keys: Vec<Key> = set.keys.iter().filter_map(usable_key).collect();
    anyhow::ensure!(!keys.is_empty(), "no key for RS256, ES256 or EdDSA in the set");
    Ok(keys)
}

/// A key with the one algorithm that it may be used with; `None` for symmetric keys and others that are not supported.
fn usable_key(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|declared| declared != algorithm.1) {
        return None;
    }
    Some(Key { id: jwk.common.key_id.clone(), algorithm: algorithm.0, key: DecodingKey::from_jwk(jwk).ok()? })
}
