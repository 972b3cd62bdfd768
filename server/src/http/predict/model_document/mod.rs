//! A model's own API document, made from its signature: what exactly it takes and gives, with requests that work as they
//! stand.

mod example;
mod infer;
mod rows;
mod tensors;

use super::document::PredictResponse;
use super::lookup;
use crate::error::ApiError;
use crate::http::openapi::{SecuritySchemes, complete};
use crate::http::origin::Origin;
use crate::http::problem::{OpenInferenceError, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use servoir_codec::Model;
use servoir_runtime::Deployment;
use utoipa::OpenApi;

/// What a path of the document leaves as it is.
const IN_A_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The parts that every model's document has.
#[derive(OpenApi)]
#[openapi(components(schemas(Problem, OpenInferenceError, PredictResponse)), modifiers(&SecuritySchemes))]
struct Parts;

/// The document of a version that is live, as the caller reaches it at `origin`.
///
/// # Errors
/// When it cannot be written as JSON, which a test rules out.
pub fn write(deployment: &Deployment, origin: &Origin) -> Result<Vec<u8>, ApiError> {
    let document = document(lookup::expected(deployment), origin);
    document.and_then(|document| serde_json::to_vec(&document)).map_err(ApiError::internal)
}

fn document(model: Model<'_>, origin: &Origin) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(Parts::openapi())?;
    let name = utf8_percent_encode(model.name, &IN_A_PATH).to_string();
    let examples = example::of(&model.signature.inputs);
    let mut usage = format!("Version {} of the model `{}`.", model.version, model.name);
    let mut paths = json!({});
    let mut add = |path: String, mut operation: Value, example: Option<Value>| {
        if let Some(example) = example {
            usage.push_str(&format!("\n\n```sh\n{}\n```", curl(origin, &path, &example)));
            operation["requestBody"]["content"]["application/json"]["example"] = example;
        }
        paths[path] = json!({"post": operation});
    };
    add(
        format!("/v1/predict/{name}"),
        predict(model),
        examples.as_deref().map(|examples| rows::example(model, examples)),
    );
    if infer::has_json_form(model.signature) {
        add(format!("/v2/models/{name}/infer"), infer(model), examples.as_deref().map(infer::example));
    } else {
        usage.push_str("\n\nOver `/v2` it takes tensors in binary form only: BF16 has no JSON form there.");
    }
    document["info"] = json!({"title": model.name, "version": model.version.to_string(), "description": usage});
    document["servers"] = json!([{"url": "/"}]);
    document["paths"] = paths;
    Ok(complete(document))
}

fn predict(model: Model<'_>) -> Value {
    json!({
        "operationId": "predict",
        "summary": "Predict",
        "description": "Rows, tensors, or one row.",
        "parameters": [{
            "name": "version", "in": "query", "required": false, "description": "Only when this version is live.",
            "schema": {"type": "integer", "enum": [model.version]}
        }],
        "requestBody": {"required": true, "content": {"application/json": {"schema": rows::schema(model)}}},
        "responses": responses(
            &json!({"$ref": "#/components/schemas/PredictResponse"}),
            "422", "Well-formed, and wrong for this model: rows, names or tensors that do not fit each other.",
        ),
        "security": security(),
    })
}

fn infer(model: Model<'_>) -> Value {
    let mut infer = json!({
        "operationId": "infer",
        "summary": "Infer",
        "description": "Tensors in, tensors out, by the Open Inference Protocol.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": infer::schema(model)}}},
        "responses": responses(
            &infer::answer(model.signature),
            "400", "Wrong for this model: tensors that do not fit each other, or an answer that JSON cannot express.",
        ),
        "security": security(),
    });
    // Where the request wants binary tensors, they come behind the JSON.
    infer["responses"]["200"]["content"]["application/octet-stream"] = json!({});
    infer
}

fn responses(answer: &Value, mismatch: &str, reason: &str) -> Value {
    json!({
        "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}}},
        "404": {"description": "The model is not live any more."},
        "429": {"description": "The queue is full."},
        "503": {"description": "Not ready, or on its way out."},
        "504": {"description": "The deadline passed."},
        mismatch: {"description": reason},
    })
}

fn security() -> Value {
    json!([{"ApiKey": ["inference:invoke"]}, {"Bearer": ["inference:invoke"]}])
}

/// The line that sends a body, to be pasted into a shell.
fn curl(origin: &Origin, path: &str, body: &Value) -> String {
    let body = body.to_string().replace('\'', r"'\''");
    let url = origin.url(path);
    format!("curl -s {url} -H \"X-API-Key: $SERVOIR_API_KEY\" -H 'content-type: application/json' -d '{body}'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Datatype, Shape, Signature, TensorSpec};

    fn made(inputs: Vec<TensorSpec>) -> Value {
        let outputs = vec![TensorSpec::new("y", Datatype::Fp32, Shape::ranked([-1, 1]))];
        let signature = Signature { inputs, outputs };
        let model = Model { name: "it's {mine}", version: 3, signature: &signature, rows_max: 100 };
        document(model, &Origin::of(&http::Request::new(()).into_parts().0, false)).unwrap()
    }

    #[test]
    fn a_document_names_its_own_paths_and_shows_how_to_call_them() {
        let document = made(vec![TensorSpec::new("x", Datatype::Int64, Shape::ranked([-1, 2]))]);
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/v1/predict/it%27s%20%7Bmine%7D", "/v2/models/it%27s%20%7Bmine%7D/infer"]);
        assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&json!("it's {mine}"), &json!("3")));
        let usage = document["info"]["description"].as_str().unwrap();
        assert!(usage.contains(r#"-d '{"instances":[[0,1]]}'"#), "{usage}");
        let infer = &document["paths"][paths[1]]["post"];
        assert_eq!(infer["requestBody"]["content"]["application/json"]["example"]["inputs"][0]["shape"], json!([1, 2]));
        assert_eq!(infer["x-required-scope"], "inference:invoke");
        assert!(infer["responses"]["401"]["content"]["application/json"].is_object());
    }

    #[test]
    fn a_model_without_a_json_form_on_v2_says_so() {
        let document = made(vec![TensorSpec::new("x", Datatype::Bf16, Shape::ranked([-1, 2]))]);
        assert_eq!(document["paths"].as_object().unwrap().len(), 1);
        assert!(document["info"]["description"].as_str().unwrap().contains("binary form"));
    }

    #[test]
    fn quotes_in_names_survive_the_shell() {
        let document = made(vec![
            TensorSpec::new("it's", Datatype::Bool, Shape::ranked([-1])),
            TensorSpec::new("x", Datatype::Bool, Shape::ranked([-1])),
        ]);
        assert!(document["info"]["description"].as_str().unwrap().contains(r#""it'\''s":true"#));
    }
}
