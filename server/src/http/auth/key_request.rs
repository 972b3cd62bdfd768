//! What callers say of a new key, checked: every field that is wrong is named at once.

use crate::auth::Principal;
use crate::auth::scope::{ALL, EVERYTHING};
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::openapi::texts;
use crate::http::whole;
use serde::Deserialize;
use servoir_registry::NewKey;
use servoir_types::{Kind, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type};

/// The most characters in a key's name.
const NAME_CHARS_MAX: usize = 128;
/// The longest life of a key.
const EXPIRY_DAYS_MAX: i64 = 3650;
/// The most scopes in a request, so that a list of repetitions is not walked.
const SCOPES_MAX: usize = 64;
const SECONDS_PER_DAY: i64 = 86_400;

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// For people; keys may share a name.
    #[schema(schema_with = texts::key_name, required)]
    name: Option<String>,
    /// No more than the caller's own.
    #[schema(schema_with = scopes_schema, required)]
    scopes: Option<Vec<String>>,
    /// By default it does not expire.
    #[schema(minimum = 1, maximum = 3650)]
    #[serde(default, deserialize_with = "whole::optional")]
    expires_in_days: Option<i64>,
}

fn scopes_schema() -> Array {
    let scope = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(ALL.iter().copied()));
    let scopes = ArrayBuilder::new().items(scope).min_items(Some(1)).max_items(Some(SCOPES_MAX));
    scopes.examples([serde_json::json!(["inference:invoke"])]).build()
}

impl CreateApiKey {
    /// The key to make for `caller` at the time `now`.
    ///
    /// # Errors
    /// 400 with every wrong field; 403 `scope-exceeded`, naming the scopes that the caller does not have.
    pub fn check(self, caller: &Principal, now: Timestamp) -> Result<NewKey, ApiError> {
        let mut fields = Fields::default();
        let name = fields.required("/name", self.name);
        if let Some(name) = &name {
            fields.no_longer_than("/name", name, NAME_CHARS_MAX);
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                fields.wrong("/name", "a name is not blank and has no control characters");
            }
        }
        let scopes = fields.required("/scopes", self.scopes).map(|scopes| checked_scopes(&mut fields, scopes));
        if let Some(days) = self.expires_in_days {
            fields.within("/expiresInDays", days, &(1..=EXPIRY_DAYS_MAX));
        }
        let (name, scopes) = fields.finish_with(name.zip(scopes))?;
        let exceeding: Vec<_> = scopes.iter().map(String::as_str).filter(|scope| !caller.may(scope)).collect();
        if !exceeding.is_empty() {
            let exceeding = exceeding.join(", ");
            let detail = format!("a key cannot be given scopes that its maker does not have: {exceeding}");
            return Err(ApiError::new(Kind::Forbidden, "scope-exceeded", detail));
        }
        let expires_at = self.expires_in_days.map(|days| now.plus_seconds(days * SECONDS_PER_DAY));
        Ok(NewKey { name, scopes, expires_at })
    }
}

/// Scopes are a set: one that is given twice counts once.
fn checked_scopes(fields: &mut Fields, scopes: Vec<String>) -> Vec<String> {
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        fields.wrong("/scopes", format!("has {} scopes; it takes 1 to {SCOPES_MAX}", scopes.len()));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::with_capacity(scopes.len());
    for (index, scope) in scopes.into_iter().enumerate() {
        let pointer = format!("/scopes/{index}");
        if scope == EVERYTHING {
            fields.wrong(pointer, "'*' cannot be granted; name the scopes");
        } else if !ALL.contains(&scope.as_str()) {
            fields.one_of(&pointer, &scope, ALL);
        } else if !kept.contains(&scope) {
            kept.push(scope);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Credential;

    fn make(scopes: &[&str], body: &str) -> Result<NewKey, ApiError> {
        let caller = Principal {
            subject: "key_1".into(),
            organization: "default".into(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            credential: Credential::ApiKey,
        };
        serde_json::from_str::<CreateApiKey>(body).unwrap().check(&caller, Timestamp::from_millis(0))
    }

    #[test]
    fn a_key_has_no_more_scopes_than_its_maker() {
        let body = r#"{"name": "ci", "scopes": ["audit:read", "auth:admin", "audit:read"], "expiresInDays": 2}"#;
        let key = make(&["*"], body).unwrap();
        assert_eq!(key.scopes, ["audit:read", "auth:admin"]);
        assert_eq!(key.expires_at, Some(Timestamp::from_millis(2 * 86_400_000)));
        let error = make(&["auth:admin"], body).unwrap_err();
        assert_eq!((error.code, error.detail.contains("audit:read")), ("scope-exceeded", true));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let cases: [(&str, &[&str]); 4] = [
            ("{}", &["/name", "/scopes"]),
            (r#"{"name": " ", "scopes": [], "expiresInDays": 0}"#, &["/name", "/scopes", "/expiresInDays"]),
            (r#"{"name": "a", "scopes": ["*", "audit:read", "audit:write"]}"#, &["/scopes/0", "/scopes/2"]),
            (r#"{"name": "a", "scopes": ["audit:read"], "expiresInDays": 3651}"#, &["/expiresInDays"]),
        ];
        for (body, expected) in cases {
            let error = make(&["*"], body).unwrap_err();
            let pointers: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{body}");
        }
    }
}
