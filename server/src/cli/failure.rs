//! How a command fails: a message for standard error and an exit code for scripts.

use super::output;
use crate::config::ConfigErrors;
use std::process::ExitCode;

/// What a script can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It did not work.
    Failed = 1,
    /// The command line, a file it names, or the configuration is wrong: nothing was tried.
    Usage = 2,
    /// No credential, a bad one, or one without the scope.
    Unauthorized = 3,
    /// The object does not exist.
    NotFound = 4,
    /// The object's state forbids it.
    Conflict = 5,
}

impl Exit {
    /// The exit code for a server's answer.
    pub const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Unauthorized,
            404 => Self::NotFound,
            409 | 412 => Self::Conflict,
            _ => Self::Failed,
        }
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// For a person, without a full stop; several lines when several things are wrong.
    pub message: String,
}

impl Failure {
    /// Something did not work.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// The command was asked for wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// Says on standard error what went wrong and gives the exit code.
    pub fn report(self) -> ExitCode {
        for line in self.message.lines() {
            output::error(line);
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(format!("{error:#}"))
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(errors.to_string())
    }
}
