//! What holds for every route and is therefore said once: who may call, which failures can be met anywhere, what their
//! bodies look like, and the headers that every answer carries.

use crate::http::problem::Dialect;
use serde_json::{Map, Value, json};

/// The methods under which a path item has operations.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Fills in what holds for every route.
pub fn complete(mut document: Value) -> Value {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut().filter(|_| METHODS.contains(&method.as_str())) {
                Route { path, method }.complete(operation);
            }
        }
    }
    document
}

/// Which operation is described.
struct Route<'a> {
    path: &'a str,
    method: &'a str,
}

impl Route<'_> {
    fn is_management(&self) -> bool {
        self.path.starts_with("/api/v1/")
    }

    /// Every POST of the management APIs takes an `Idempotency-Key`.
    fn is_repeatable(&self) -> bool {
        self.method == "post" && self.is_management()
    }

    fn complete(&self, operation: &mut Map<String, Value>) {
        // An operation that names no security is open to anybody, and says so.
        let security = operation.entry("security").or_insert_with(|| json!([])).clone();
        let is_protected = security.as_array().is_some_and(|list| !list.is_empty());
        let scope = security.pointer("/0/ApiKey/0").cloned();
        let has_body = operation.contains_key("requestBody");
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.extend(self.is_repeatable().then(idempotency_key));
            parameters.iter_mut().for_each(never_null);
        }
        if let Some(contents) = operation.get_mut("requestBody").and_then(|body| body["content"].as_object_mut()) {
            contents.values_mut().for_each(never_null);
        }
        let mut statuses = Statuses(operation.entry("responses").or_insert_with(|| json!({})));
        let malformed = match Dialect::of(self.path) {
            Dialect::Problem => "`validation`: `errors` names each field that is wrong.",
            Dialect::OpenInference => "What came is malformed; `error` says what was expected.",
        };
        statuses.can_be("429", "`too-many-requests`: the server is answering as many as it can.");
        statuses.can_be("500", "`internal`: the request id finds it in the log.");
        if is_protected {
            statuses.can_be("400", malformed);
            statuses.can_be("401", "`credential-missing`, `api-key-invalid` or `token-invalid`.");
        }
        if scope.is_some() {
            statuses.can_be("403", "`scope-required`, naming the scope.");
        }
        if self.is_management() {
            statuses.can_be("503", "`database-unavailable`, `store-unavailable` or `storage-full`: predictions go on.");
        }
        if has_body {
            statuses.can_be("408", "`body-timeout`: the caller stopped sending.");
            statuses.can_be("413", "`body-too-large`.");
            statuses.can_be("415", "`unsupported-media-type`.");
        }
        if self.is_repeatable() {
            statuses.can_be("408", "`body-timeout`: the caller stopped sending.");
            statuses.can_be("409", "`idempotency-in-progress`: the first request of this key is being worked on.");
            statuses.can_be("413", "`body-too-large`.");
            statuses.can_be("422", "`idempotency-key-reused`: the key was used for another request.");
        }
        statuses.describe(&error_content(Dialect::of(self.path)), self.is_repeatable());
        if let Some(scope) = scope {
            operation.insert("x-required-scope".to_owned(), scope);
        }
    }
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": "A repeat within 24 h gets the first answer, marked `Idempotent-Replayed: true`.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

/// A parameter or a body is there or it is not; unlike a field of JSON, it cannot be `null`.
fn never_null(described: &mut Value) {
    let null = json!({ "type": "null" });
    if let Some(kinds) = described.pointer_mut("/schema/type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        described["schema"]["type"] = kinds.pop().unwrap_or_default();
    } else if let Some(choices) = described.pointer_mut("/schema/oneOf").and_then(Value::as_array_mut)
        && choices.contains(&null)
    {
        choices.retain(|choice| *choice != null);
        described["schema"] = choices.pop().unwrap_or_default();
    }
}

/// The answers of an operation, by status.
struct Statuses<'a>(&'a mut Value);

impl Statuses<'_> {
    /// Adds a reason for a status to those that it has already.
    fn can_be(&mut self, status: &str, reason: &str) {
        let description = match self.0[status]["description"].as_str() {
            Some(known) if known.contains(reason) => known.to_owned(),
            Some(known) => format!("{known} {reason}"),
            None => reason.to_owned(),
        };
        self.0[status]["description"] = description.into();
    }

    /// Says what the bodies of failures look like, and which headers there are.
    fn describe(&mut self, error: &Value, is_repeatable: bool) {
        for (status, response) in self.0.as_object_mut().into_iter().flatten() {
            let is_error = status.starts_with('4') || status.starts_with('5');
            if is_error && response["content"].is_null() {
                response["content"] = error.clone();
            }
            // What an operation says of its own headers holds for every answer of this status.
            for (_, header) in response["headers"].as_object_mut().into_iter().flatten() {
                header["required"] = true.into();
            }
            let mut add = |name: &str, required: bool, description: &str, schema: Value| {
                response["headers"][name] = json!({"required": required, "description": description, "schema": schema});
            };
            add("X-Request-Id", true, "Finds the request in the log.", json!({"type": "string"}));
            match status.as_str() {
                "401" => add("WWW-Authenticate", true, "What to bring.", json!({"type": "string"})),
                "429" | "503" => {
                    let seconds = json!({"type": "integer", "minimum": 0});
                    add("Retry-After", true, "Seconds after which a repeat makes sense.", seconds);
                }
                _ if is_repeatable => {
                    let replayed = json!({"type": "string", "enum": ["true"]});
                    add("Idempotent-Replayed", false, "The answer of an earlier request with this key.", replayed);
                }
                _ => {}
            }
        }
    }
}

/// What an error's body looks like in a dialect.
fn error_content(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Problem => {
            json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } })
        }
        Dialect::OpenInference => {
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/OpenInferenceError" } } })
        }
    }
}
