//! Parameters of messages. As in JSON: those that are known are read, those whose meaning would be lost are refused, others
//! are passed over.

use super::proto::InferParameter;
use super::proto::infer_parameter::ParameterChoice;
use super::proto::model_infer_request::InferRequestedOutputTensor;
use crate::fault::Fault;
use crate::json::excerpt;
use crate::v2::parameters as rules;
use std::collections::HashMap;

/// A parameter that is a whole number from 0.
///
/// # Errors
/// 400 when it is something else.
pub fn count(parameters: &HashMap<String, InferParameter>, at: &str, name: &str) -> Result<Option<u64>, Fault> {
    let Some(choice) = parameters.get(name).and_then(|parameter| parameter.parameter_choice.as_ref()) else {
        return Ok(None);
    };
    let value = match *choice {
        ParameterChoice::Uint64Param(value) => Some(value),
        ParameterChoice::Int64Param(value) => u64::try_from(value).ok(),
        _ => None,
    };
    let wrong = || Fault::Form(format!("{at}.{name}: a whole number from 0 is expected, {} came", shown(choice)));
    value.map(Some).ok_or_else(wrong)
}

/// Whether a parameter is this text.
pub fn is_text(parameters: &HashMap<String, InferParameter>, name: &str, text: &str) -> bool {
    let choice = parameters.get(name).and_then(|parameter| parameter.parameter_choice.as_ref());
    matches!(choice, Some(ParameterChoice::StringParam(came)) if came == text)
}

/// How many of the best classes are wanted in place of an output's values, when any.
///
/// # Errors
/// 400 when it is no whole number from 1.
pub fn classes(output: &InferRequestedOutputTensor) -> Result<Option<usize>, Fault> {
    let at = format!("output '{}'", excerpt(&output.name));
    refuse_what_would_be_lost(&output.parameters, &at)?;
    rules::classes(count(&output.parameters, &at, "classification")?)
}

/// Refuses parameters with which the answer would be another one.
///
/// # Errors
/// 400 naming the first by name: a message has them in no order.
pub fn refuse_what_would_be_lost(parameters: &HashMap<String, InferParameter>, at: &str) -> Result<(), Fault> {
    let lost =
        parameters.iter().filter_map(|(name, value)| Some((name, rules::what_would_be_lost(name, is_nothing(value))?)));
    match lost.min() {
        Some((name, detail)) => Err(Fault::Form(format!("{at}.{name}: {detail}"))),
        None => Ok(()),
    }
}

/// What clients send where they have nothing to say.
fn is_nothing(parameter: &InferParameter) -> bool {
    match &parameter.parameter_choice {
        None | Some(ParameterChoice::BoolParam(false) | ParameterChoice::Int64Param(0)) => true,
        Some(ParameterChoice::Uint64Param(0)) => true,
        Some(ParameterChoice::StringParam(text)) => text.is_empty(),
        Some(_) => false,
    }
}

fn shown(choice: &ParameterChoice) -> String {
    match choice {
        ParameterChoice::BoolParam(value) => value.to_string(),
        ParameterChoice::Int64Param(value) => value.to_string(),
        ParameterChoice::Uint64Param(value) => value.to_string(),
        ParameterChoice::DoubleParam(value) => value.to_string(),
        ParameterChoice::StringParam(text) => format!("\"{}\"", excerpt(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(names: &[&str]) -> HashMap<String, InferParameter> {
        let one = InferParameter { parameter_choice: Some(ParameterChoice::Int64Param(1)) };
        names.iter().map(|name| ((*name).to_owned(), one.clone())).collect()
    }

    #[test]
    fn of_what_would_be_lost_the_first_by_name_is_told() {
        assert!(refuse_what_would_be_lost(&parameters(&["priority", "anything"]), "request").is_ok());
        // Each map has an order of its own.
        for _ in 0..20 {
            let lost =
                parameters(&["shared_memory_region", "sequence_start", "a", "sequence_id", "shared_memory_offset"]);
            let told = refuse_what_would_be_lost(&lost, "request").unwrap_err().to_string();
            assert!(told.starts_with("request.sequence_id: "), "{told}");
        }
    }
}
