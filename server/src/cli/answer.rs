//! Reading a server's answers: refusals as one sentence, and fields for tables.

use serde_json::Value;
use std::fmt;

/// The most characters that are shown of an answer that is not in a form that is known.
const EXCERPT_CHARS_MAX: usize = 200;

/// A server's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable kebab-case code, when it has one.
    pub code: Option<String>,
    /// The sentence.
    pub detail: String,
    /// What is wrong with single fields: where and why.
    pub fields: Vec<(String, String)>,
    /// Under which id the server's log has it.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.trim_end_matches('.'))?;
        for (pointer, detail) in &self.fields {
            write!(f, "; {pointer}: {detail}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (status {}, request {id})", self.status),
            None => write!(f, " (status {})", self.status),
        }
    }
}

/// Reads a refusal: problem details, the Open Inference Protocol's `{"error"}`, or whatever else came.
pub fn refusal(response: &reqwest::Response, body: &[u8]) -> Refusal {
    let header = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    read_refusal(response.status().as_u16(), header, body)
}

fn read_refusal(status: u16, request_id_header: Option<&str>, body: &[u8]) -> Refusal {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| problem[key].as_str().map(str::to_owned);
    let detail = text("detail").or_else(|| text("error")).or_else(|| text("title")).unwrap_or_else(|| excerpt(body));
    // A single mistake's sentence is the detail already.
    let fields = problem["errors"].as_array().filter(|errors| errors.len() > 1).map(|errors| {
        let pair = |error: &Value| Some((error["pointer"].as_str()?.to_owned(), error["detail"].as_str()?.to_owned()));
        errors.iter().filter_map(pair).collect()
    });
    let request_id = text("requestId").or_else(|| request_id_header.map(str::to_owned));
    Refusal { status, code: text("code"), detail, fields: fields.unwrap_or_default(), request_id }
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return "the server refused without a word".into();
    }
    let mut excerpt: String = words.chars().take(EXCERPT_CHARS_MAX).collect();
    if words.chars().count() > EXCERPT_CHARS_MAX {
        excerpt.push('…');
    }
    excerpt
}

/// A field of an answer as a table shows it, by JSON pointer; `-` when there is none.
pub fn cell(answer: &Value, pointer: &str) -> String {
    match answer.pointer(pointer) {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) if text.is_empty() => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".into(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

/// The items of a list, by its plural.
pub fn items<'a>(answer: &'a Value, plural: &str) -> &'a [Value] {
    answer[plural].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::ClientError;
    use crate::cli::failure::{Exit, Failure};

    #[test]
    fn refusals_become_one_sentence() {
        let long = "x".repeat(300);
        let cases = [
            (
                r#"{"title":"Not Found","status":404,"detail":"no model 'chrn'","code":"not-found","requestId":"r1"}"#,
                "no model 'chrn' (status 418, request r1)".to_owned(),
            ),
            (
                r#"{"detail":"2 fields are wrong","errors":[{"pointer":"/a","detail":"one"},{"pointer":"/b","detail":"two"}]}"#,
                "2 fields are wrong; /a: one; /b: two (status 418, request header)".to_owned(),
            ),
            (
                r#"{"detail":"'a' is wrong","errors":[{"pointer":"/a","detail":"'a' is wrong"}]}"#,
                "'a' is wrong (status 418, request header)".to_owned(),
            ),
            (r#"{"error":"no such input"}"#, "no such input (status 418, request header)".to_owned()),
            ("<html>\n <b>Bad   Gateway", "<html> <b>Bad Gateway (status 418, request header)".to_owned()),
            ("", "the server refused without a word (status 418, request header)".to_owned()),
            (&long, format!("{}… (status 418, request header)", "x".repeat(200))),
        ];
        for (body, expected) in cases {
            assert_eq!(read_refusal(418, Some("header"), body.as_bytes()).to_string(), expected);
        }
    }

    #[test]
    fn the_status_chooses_the_exit_code() {
        let cases = [
            (400, Exit::Failed),
            (401, Exit::Unauthorized),
            (403, Exit::Unauthorized),
            (404, Exit::NotFound),
            (409, Exit::Conflict),
            (412, Exit::Conflict),
            (422, Exit::Failed),
            (429, Exit::Failed),
            (500, Exit::Failed),
            (503, Exit::Failed),
        ];
        for (status, exit) in cases {
            let failure = Failure::from(ClientError::Refused(read_refusal(status, None, b"no")));
            assert_eq!(failure.exit, exit, "{status}");
        }
        let unauthorized = Failure::from(ClientError::Refused(read_refusal(401, None, b"who?")));
        assert_eq!(unauthorized.message, "who? (status 401); SERVOIR_API_KEY holds the key to call with");
    }

    #[test]
    fn fields_are_shown_in_tables() {
        let answer = serde_json::json!({"a": {"b": 1}, "t": ["x", "y"], "e": "", "n": null, "none": []});
        for (pointer, expected) in
            [("/a/b", "1"), ("/t", "x, y"), ("/e", "-"), ("/n", "-"), ("/none", "-"), ("/z", "-")]
        {
            assert_eq!(cell(&answer, pointer), expected, "{pointer}");
        }
    }
}
