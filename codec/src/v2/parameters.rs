//! The `parameters` of requests, inputs and outputs.
//!
//! The protocol lets a caller send any. Those that are known are read; those whose meaning would be lost are refused;
//! others are passed over.

use crate::fault::Fault;
use crate::json::fields::{self, mistyped};
use crate::json::path::Path;
use crate::json::scanner::Scanner;
use std::time::Duration;

/// The `source` of requests that monitoring does not see.
pub const TEST: &str = "test";

/// Parameters of a request.
#[derive(Debug, Default)]
pub struct OfRequest {
    priority: Option<u64>,
    timeout: Option<u64>,
    binary_data_output: Option<bool>,
    is_test: bool,
}

/// Parameters of an input.
#[derive(Debug, Default)]
pub struct OfInput {
    /// Bytes of the tensor behind the JSON, when it is there.
    pub binary_data_size: Option<u64>,
}

/// Parameters of an output that is asked for.
#[derive(Debug, Default)]
pub struct OfOutput {
    classification: Option<u64>,
    /// Whether it is wanted in binary form, when the output itself says so.
    pub binary_data: Option<bool>,
}

impl OfRequest {
    /// Reads the value of `parameters`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Self, Fault> {
        let mut read = Self::default();
        each(scanner, path, |key, scanner, path| match key {
            "priority" => set(&mut read.priority, fields::count(scanner, path)?, path),
            "timeout" => set(&mut read.timeout, fields::count(scanner, path)?, path),
            "binary_data_output" => set(&mut read.binary_data_output, fields::flag(scanner, path)?, path),
            // Only this text means something: others are a parameter that is not known.
            "source" if scanner.peek() == Some(b'"') => {
                read.is_test |= scanner.string()? == TEST;
                Ok(())
            }
            _ => pass_over(key, scanner, path),
        })?;
        Ok(read)
    }

    /// Whether monitoring may see the request.
    pub fn is_observed(&self) -> bool {
        !self.is_test
    }

    /// As Triton has it: 1 goes first, larger numbers later, 0 is the default.
    pub fn priority(&self) -> u64 {
        self.priority.unwrap_or(0)
    }

    /// How long the caller waits; 0 stands for no limit of the caller's own.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.filter(|&micros| micros > 0).map(Duration::from_micros)
    }

    /// Whether outputs that do not say their form are wanted in binary form.
    pub fn binary_output_default(&self) -> bool {
        self.binary_data_output.unwrap_or(false)
    }
}

impl OfInput {
    /// Reads the value of `parameters`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Self, Fault> {
        let mut read = Self::default();
        each(scanner, path, |key, scanner, path| match key {
            "binary_data_size" => set(&mut read.binary_data_size, fields::count(scanner, path)?, path),
            _ => pass_over(key, scanner, path),
        })?;
        Ok(read)
    }
}

impl OfOutput {
    /// Reads the value of `parameters`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Self, Fault> {
        let mut read = Self::default();
        each(scanner, path, |key, scanner, path| match key {
            "classification" => set(&mut read.classification, fields::count(scanner, path)?, path),
            "binary_data" => set(&mut read.binary_data, fields::flag(scanner, path)?, path),
            _ => pass_over(key, scanner, path),
        })?;
        Ok(read)
    }

    /// How many of the best classes are wanted in place of the values, when any; at least 1.
    ///
    /// # Errors
    /// 400 for 0 classes.
    pub fn classes(&self) -> Result<Option<usize>, Fault> {
        classes(self.classification)
    }
}

/// How many of the best classes are wanted in place of an output's values, when any; at least 1.
///
/// # Errors
/// 400 for 0 classes.
pub fn classes(asked: Option<u64>) -> Result<Option<usize>, Fault> {
    match asked {
        Some(0) => Err(Fault::Form("classification must be at least 1, 0 came".to_owned())),
        wanted => Ok(wanted.map(|count| usize::try_from(count).unwrap_or(usize::MAX))),
    }
}

/// Why a parameter that is not known cannot be passed over: the answer would be another one with it. `is_nothing`: its
/// value is what clients send where they have nothing to say.
pub fn what_would_be_lost(name: &str, is_nothing: bool) -> Option<&'static str> {
    if name.starts_with("shared_memory_") {
        Some("there is no shared memory here; send the tensor in the request and read it from the answer")
    } else if name.starts_with("sequence_") && !is_nothing {
        Some("models have no sequences here, every request stands alone; leave it out")
    } else {
        None
    }
}

/// Goes through an object of parameters; `null` is an empty one.
fn each<'a>(
    scanner: &mut Scanner<'a>,
    path: &Path<'_>,
    mut take: impl FnMut(&str, &mut Scanner<'a>, &Path<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if scanner.eat_null() {
        return Ok(());
    }
    if !scanner.eat(b'{') {
        return Err(mistyped(scanner, path, "an object"));
    }
    let mut is_first = true;
    while scanner.next_entry(is_first)? {
        is_first = false;
        let key = scanner.string()?;
        scanner.colon()?;
        take(&key, scanner, &path.field(&key))?;
    }
    Ok(())
}

fn set<T>(parameter: &mut Option<T>, value: Option<T>, path: &Path<'_>) -> Result<(), Fault> {
    match parameter {
        Some(_) => Err(Fault::Form(format!("{path} came twice"))),
        None => {
            *parameter = value;
            Ok(())
        }
    }
}

/// Passes over a parameter that is not known, unless the answer would be another one with it.
fn pass_over(key: &str, scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<(), Fault> {
    if matches!(scanner.peek(), Some(b'[' | b'{')) {
        return Err(mistyped(scanner, path, "a string, a number, true or false"));
    }
    let value = scanner.skip_value()?;
    match what_would_be_lost(key, matches!(value, "0" | "false" | "null" | r#""""#)) {
        Some(detail) => Err(Fault::Form(format!("{path}: {detail}"))),
        None => Ok(()),
    }
}
