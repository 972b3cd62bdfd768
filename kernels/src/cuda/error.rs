//! What can go wrong between here and a device, in words that a person can act on.

use cudarc::driver::DriverError;
use std::path::PathBuf;

/// Why there is no device: the rest of a sentence that begins with "no device, because".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDevice {
    /// The driver's library cannot be opened.
    #[error("the driver's library is not there: none of {} could be opened", tried.join(", "))]
    NoDriver {
        /// The names that were asked for.
        tried: Vec<String>,
    },
    /// The driver is older than what the kernels are compiled with.
    #[error("the driver is for CUDA {found}, and {wanted} or newer is needed")]
    OldDriver {
        /// What it is for.
        found: String,
        /// What is needed.
        wanted: String,
    },
    /// The driver works and has nothing to drive.
    #[error("the driver sees no device")]
    None,
    /// The driver does not start.
    #[error("the driver does not start: {name} ({text})")]
    Driver {
        /// The error's name.
        name: String,
        /// What the driver says of it.
        text: String,
    },
}

/// Why something could not be done on a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CudaError {
    /// There is none.
    #[error("no device, because {0}")]
    NoDevice(#[from] NoDevice),
    /// There are others.
    #[error("there is no device {ordinal}; the driver sees {count}, numbered from 0")]
    NoSuchDevice {
        /// What was asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device has no room.
    #[error("the device's memory is full: {wanted} bytes were asked for, {free} are free")]
    OutOfMemory {
        /// Bytes that were asked for.
        wanted: u64,
        /// Bytes that were free then.
        free: u64,
    },
    /// A library that is needed is not there.
    #[error("{library} is missing: {advice}")]
    MissingLibrary {
        /// What is missing.
        library: String,
        /// What to install, and where to say so.
        advice: String,
    },
    /// A library is there and cannot be opened.
    #[error("{} could not be opened: {reason}", path.display())]
    Library {
        /// The file.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// A kernel does not compile.
    #[error("{source_name} could not be compiled for {target}: {log}")]
    Compile {
        /// The source.
        source_name: String,
        /// What it was compiled for.
        target: String,
        /// What the compiler says.
        log: String,
    },
    /// What was given does not fit together.
    #[error("{0}")]
    Shape(String),
    /// The driver refused, or what runs on the device failed.
    #[error("{doing} failed: {name} ({text})")]
    Driver {
        /// What was being done.
        doing: String,
        /// The error's name.
        name: String,
        /// What the driver says of it.
        text: String,
    },
}

/// What the driver says of an error, by name and in words.
pub fn said(error: DriverError) -> (String, String) {
    let text = |said: Result<&std::ffi::CStr, DriverError>| said.ok().map(|text| text.to_string_lossy().into_owned());
    let name = text(error.error_name()).unwrap_or_else(|| format!("{:?}", error.0));
    let words = text(error.error_string()).unwrap_or_else(|| "the driver has no words for it".to_owned());
    (name, words)
}

/// Says what was being done when the driver refused.
pub fn while_doing(doing: &str) -> impl FnOnce(DriverError) -> CudaError + '_ {
    move |error| {
        let (name, text) = said(error);
        CudaError::Driver { doing: doing.to_owned(), name, text }
    }
}
