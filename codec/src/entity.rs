//! Whom a request is about, found before the request is read for a version: which version that is may depend on it.
//!
//! Nothing here finds fault: what is wrong with a request is said by who reads the whole of it.

use crate::grpc::proto::ModelInferRequest;
use crate::grpc::proto::infer_parameter::ParameterChoice;
use crate::json::scanner::Scanner;
use std::borrow::Cow;

/// The parameter of the Open Inference Protocol that says it.
const PARAMETER: &str = "entity_id";

/// The `entityId` of a body of `/v1/predict`, or the only one of its `entityIds`.
pub fn of_rows(body: &[u8]) -> Option<Cow<'_, str>> {
    let mut place = find(Scanner::new(body), &["entityId", "entityIds"])?;
    if place.eat(b'[') {
        place.next_item(true).ok().filter(|is_item| *is_item)?;
        let only = text(&mut place)?;
        return place.eat(b']').then_some(only);
    }
    text(&mut place)
}

/// `entity_id` among the `parameters` of the JSON of `…/infer`.
pub fn of_tensors(head: &[u8]) -> Option<Cow<'_, str>> {
    let parameters = find(Scanner::new(head), &["parameters"])?;
    text(&mut find(parameters, &[PARAMETER])?)
}

/// The same parameter of a message.
pub fn of_message(message: &ModelInferRequest) -> Option<&str> {
    match message.parameters.get(PARAMETER)?.parameter_choice.as_ref()? {
        ParameterChoice::StringParam(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The value of the first of these keys that is not `null`, of the object that comes next.
fn find<'a>(mut scanner: Scanner<'a>, keys: &[&str]) -> Option<Scanner<'a>> {
    let mut is_first = true;
    if !scanner.eat(b'{') {
        return None;
    }
    while scanner.next_entry(is_first).ok()? {
        is_first = false;
        let is_wanted = keys.contains(&&*scanner.string().ok()?);
        scanner.colon().ok()?;
        if is_wanted && !scanner.eat_null() {
            return Some(scanner);
        }
        if !is_wanted {
            scanner.skip_value().ok()?;
        }
    }
    None
}

fn text<'a>(scanner: &mut Scanner<'a>) -> Option<Cow<'a, str>> {
    let is_text = scanner.peek() == Some(b'"');
    is_text.then(|| scanner.string().ok()).flatten().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::proto::InferParameter;

    #[test]
    fn the_only_entity_of_rows_is_found_wherever_it_stands() {
        let cases = [
            (r#"{"entityId": "a", "instances": [[1]]}"#, Some("a")),
            (r#"{"instances": [{"entityId": "x"}], "entityId": "a\u0062"}"#, Some("ab")),
            (r#"{"entityId": null, "entityIds": [ "a" ], "instances": [[1]]}"#, Some("a")),
            (r#"{"entityIds": ["a", "b"], "instances": [[1], [2]]}"#, None),
            (r#"{"entityIds": []}"#, None),
            (r#"{"entityIds": [1]}"#, None),
            (r#"{"entityId": 5}"#, None),
            (r#"{"entityId": ""}"#, None),
            (r#"{"instances": [[1]]}"#, None),
            (r#"{"instances": [[1, "entityId": "a"}"#, None),
            (r#"["entityId"]"#, None),
            ("{", None),
            ("", None),
        ];
        for (body, expected) in cases {
            assert_eq!(of_rows(body.as_bytes()).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn the_entity_of_tensors_is_a_parameter_of_the_request() {
        let cases = [
            (r#"{"parameters": {"priority": 1, "entity_id": "a"}, "inputs": []}"#, Some("a")),
            (r#"{"inputs": [{"parameters": {"entity_id": "x"}}], "parameters": {"entity_id": "a"}}"#, Some("a")),
            (r#"{"inputs": [{"parameters": {"entity_id": "x"}}]}"#, None),
            (r#"{"parameters": {"entity_id": 7}}"#, None),
            (r#"{"parameters": null}"#, None),
            (r#"{"parameters": []}"#, None),
            ("", None),
        ];
        for (head, expected) in cases {
            assert_eq!(of_tensors(head.as_bytes()).as_deref(), expected, "{head}");
        }
    }

    #[test]
    fn the_entity_of_a_message_is_a_text() {
        let choices = [
            (ParameterChoice::StringParam("a".to_owned()), Some("a")),
            (ParameterChoice::StringParam(String::new()), None),
            (ParameterChoice::Int64Param(7), None),
        ];
        for (choice, expected) in choices {
            let parameter = InferParameter { parameter_choice: Some(choice) };
            let parameters = [(PARAMETER.to_owned(), parameter)].into();
            assert_eq!(of_message(&ModelInferRequest { parameters, ..ModelInferRequest::default() }), expected);
        }
    }
}
