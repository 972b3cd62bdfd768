//! Entity tags of models: `"r<revision>"`, and the conditions that callers attach to them.

use crate::error::ApiError;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use servoir_registry::{Model, RegistryError};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};

/// A list of entity tags (RFC 9110, 8.8.3).
const LIST: &str = r#"^(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*$"#;

/// The tag of a model at a revision.
pub fn of_revision(revision: i64) -> String {
    format!("\"r{revision}\"")
}

/// The tag of a model as a header.
pub fn header_of(model: &Model) -> [(HeaderName, String); 1] {
    [(header::ETAG, of_revision(model.revision))]
}

/// The tags of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: whatever there is.
    Any,
    /// Each as it was written, quotes and `W/` included.
    Listed(Vec<String>),
}

/// `If-Match`: change the object only when it is still what the caller has seen.
#[derive(Debug, Clone)]
pub struct IfMatch(Option<Tags>);

impl IfMatch {
    /// The revision that the model must still have when it is changed; `None`: any.
    ///
    /// # Errors
    /// 412 when no listed tag is the model's. Weak tags never match.
    pub fn revision_of(&self, model: &Model) -> Result<Option<i64>, ApiError> {
        self.revision_at(model.revision)
    }

    /// The same of another object that is at a revision.
    ///
    /// # Errors
    /// As [`Self::revision_of`].
    pub fn revision_at(&self, revision: i64) -> Result<Option<i64>, ApiError> {
        match &self.0 {
            None | Some(Tags::Any) => Ok(None),
            Some(Tags::Listed(tags)) if tags.contains(&of_revision(revision)) => Ok(Some(revision)),
            Some(Tags::Listed(_)) => Err(RegistryError::Stale { current: revision }.into()),
        }
    }
}

/// `If-None-Match`: answer only when the object is not what the caller has already.
#[derive(Debug, Clone)]
pub struct IfNoneMatch(Option<Tags>);

impl IfNoneMatch {
    /// Whether the caller has the object with this tag already.
    pub fn has(&self, tag: &str) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::Listed(tags)) => tags.iter().any(|listed| listed.strip_prefix("W/").unwrap_or(listed) == tag),
        }
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![described("If-Match", "Do it only while the model has one of these tags; weak ones never match.")]
    }
}

impl IntoParams for IfNoneMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![described("If-None-Match", "The tags of what the caller has already.")]
    }
}

fn described(name: &str, description: &str) -> Parameter {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let list = text().pattern(Some(LIST)).examples(["\"r3\""]);
    let schema = AnyOfBuilder::new().item(text().enum_values(Some(["*"]))).item(list);
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        tags(&parts.headers, &header::IF_MATCH).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        tags(&parts.headers, &header::IF_NONE_MATCH).map(Self)
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, ApiError> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let lines: Option<Vec<&str>> = values.map(|value: &HeaderValue| value.to_str().ok()).collect();
    let read = lines.and_then(|lines| read(&lines.join(",")));
    read.map(Some).ok_or_else(|| {
        let detail = format!("the header {name} is not a list of entity tags such as \"r3\", nor '*'");
        ApiError::malformed("malformed-condition", detail)
    })
}

/// Reads `*` or a comma-separated list of entity tags (RFC 9110, 8.8.3).
fn read(text: &str) -> Option<Tags> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    while !rest.is_empty() {
        let opening = if rest.starts_with("W/") { 2 } else { 0 };
        let inside = rest.get(opening..)?.strip_prefix('"')?;
        let end = opening + 1 + inside.find('"')? + 1;
        tags.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    (!tags.is_empty()).then_some(Tags::Listed(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_the_standard_writes_them() {
        let listed = |tags: &[&str]| Some(Tags::Listed(tags.iter().map(|&tag| tag.to_owned()).collect()));
        for (text, expected) in [
            ("*", Some(Tags::Any)),
            (r#""r1""#, listed(&[r#""r1""#])),
            (r#" "r1" , W/"r2","a,b" "#, listed(&[r#""r1""#, r#"W/"r2""#, r#""a,b""#])),
            ("", None),
            ("r1", None),
            (r#""r1"#, None),
            (r#""r1" "r2""#, None),
            (r#"w/"r1""#, None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_weak_tag_satisfies_only_if_none_match() {
        let weak = read(r#"W/"r1""#);
        assert!(IfNoneMatch(weak.clone()).has(&of_revision(1)));
        let Some(Tags::Listed(tags)) = weak else { panic!("a list") };
        assert!(!tags.contains(&of_revision(1)));
    }
}
