//! The `parameters` of requests, inputs and outputs.

use crate::fault::Fault;
use crate::whole;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// Said wherever a request asks for tensors in binary form.
const NO_BINARY: &str = "binary tensors are not available over this release; send and ask for JSON";

/// Parameters of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfRequest {
    #[serde(default, deserialize_with = "whole::optional")]
    priority: Option<u64>,
    #[serde(default, deserialize_with = "whole::optional")]
    timeout: Option<u64>,
    binary_data_output: Option<bool>,
}

/// Parameters of an input.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfInput<'a> {
    #[serde(borrow)]
    binary_data_size: Option<&'a RawValue>,
}

/// Parameters of an output that is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfOutput {
    #[serde(default, deserialize_with = "whole::optional")]
    classification: Option<u64>,
    binary_data: Option<bool>,
}

impl OfRequest {
    /// As Triton has it: 1 goes first, larger numbers later, 0 is the default.
    pub fn priority(&self) -> u64 {
        self.priority.unwrap_or(0)
    }

    /// How long the caller waits; 0 stands for no limit of the caller's own.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.filter(|&micros| micros > 0).map(Duration::from_micros)
    }

    /// Refuses what asks for tensors in binary form.
    ///
    /// # Errors
    /// 400 `binary-not-available`.
    pub fn check(&self) -> Result<(), Fault> {
        no_binary(self.binary_data_output == Some(true), "binary_data_output")
    }
}

impl OfInput<'_> {
    /// Refuses a tensor in binary form.
    ///
    /// # Errors
    /// 400 `binary-not-available`.
    pub fn check(&self) -> Result<(), Fault> {
        no_binary(self.binary_data_size.is_some(), "binary_data_size")
    }
}

impl OfOutput {
    /// How many of the best classes are wanted in place of the values, when any; at least 1.
    ///
    /// # Errors
    /// 400 `binary-not-available`; 400 for 0 classes.
    pub fn classes(&self) -> Result<Option<usize>, Fault> {
        no_binary(self.binary_data == Some(true), "binary_data")?;
        match self.classification {
            Some(0) => Err(Fault::Form("classification must be at least 1, 0 came".to_owned())),
            wanted => Ok(wanted.map(|count| usize::try_from(count).unwrap_or(usize::MAX))),
        }
    }
}

fn no_binary(asked: bool, parameter: &str) -> Result<(), Fault> {
    if asked { Err(Fault::Form(format!("{parameter}: {NO_BINARY}"))) } else { Ok(()) }
}
