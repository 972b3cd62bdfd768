//! The few paths of the data plane.

use crate::auth::scope::{AuthAdmin, InferenceInvoke, RegistryWrite, Scope as _};
use http::Method;
use std::ops::Range;

/// The most parts a path of the data plane has: `v2/models/M/versions/V/infer`.
const PARTS_MAX: usize = 6;

/// A part of the path, still percent-encoded, as its position in bytes.
pub type Part = Range<usize>;

/// Which route a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `/v1/predict/{model}`.
    Predict(Part),
    /// `/v2`.
    Server,
    /// `/v2/health/live`.
    Live,
    /// `/v2/health/ready`.
    Ready,
    /// `/v2/models/{model}[/versions/{version}][/…]`.
    Model {
        /// The model.
        model: Part,
        /// The version, when one is named.
        version: Option<Part>,
        /// What is wanted of it.
        aspect: Aspect,
    },
    /// `/v2/repository/index`.
    Index,
    /// `/v2/repository/models/{model}/load` and `/unload`.
    Repository {
        /// The model.
        model: Part,
        /// Whether it is to be up or down.
        load: bool,
    },
    /// `/v2/models/stats`.
    Statistics,
    /// `/v2/logging`.
    Logging,
    /// `/v2/trace/setting` and `/v2/models/{model}/trace/setting`.
    Trace,
    /// `/v2/systemsharedmemory/…` and `/v2/cudasharedmemory/…`.
    SharedMemory(SharedMemory),
    /// Anything else below `/v2`.
    Unknown,
}

/// What is wanted of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the last part of its path
pub enum Aspect {
    Metadata,
    Ready,
    Config,
    Stats,
    Infer,
    OpenApi,
}

/// What is wanted of shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the last part of its path
pub enum SharedMemory {
    /// Of all regions.
    Status,
    /// Of one region.
    RegionStatus,
    Register,
    /// Of one region or all.
    Unregister,
}

impl Target {
    /// The route, if the path is one of the data plane's. Allocates nothing.
    pub fn of(path: &str) -> Option<Self> {
        if !path.starts_with("/v1/predict/") && path != "/v2" && !path.starts_with("/v2/") {
            return None;
        }
        let mut parts = [""; PARTS_MAX];
        let mut places = [const { 0..0 }; PARTS_MAX];
        let mut count = 0;
        let mut start = 1;
        for part in path[1..].split('/') {
            if count == PARTS_MAX {
                return Self::unknown(path);
            }
            (parts[count], places[count]) = (part, start..start + part.len());
            count += 1;
            start += part.len() + 1;
        }
        Some(match parts[..count] {
            ["v1", "predict", model] if !model.is_empty() => Self::Predict(places[2].clone()),
            ["v2"] => Self::Server,
            ["v2", "health", "live"] => Self::Live,
            ["v2", "health", "ready"] => Self::Ready,
            ["v2", "repository", "index"] => Self::Index,
            ["v2", "repository", "models", model, "load"] if !model.is_empty() => {
                Self::Repository { model: places[3].clone(), load: true }
            }
            ["v2", "repository", "models", model, "unload"] if !model.is_empty() => {
                Self::Repository { model: places[3].clone(), load: false }
            }
            ["v2", "logging"] => Self::Logging,
            ["v2", "trace", "setting"] => Self::Trace,
            ["v2", "models", model, "trace", "setting"] if !model.is_empty() => Self::Trace,
            ["v2", "systemsharedmemory" | "cudasharedmemory", ref rest @ ..] => {
                let Some(wanted) = SharedMemory::of(rest) else { return Self::unknown(path) };
                Self::SharedMemory(wanted)
            }
            ["v2", "models", "stats"] => Self::Statistics,
            ["v2", "models", model, "versions", version, ref rest @ ..] if !model.is_empty() && !version.is_empty() => {
                let Some(aspect) = Aspect::of(rest) else { return Self::unknown(path) };
                Self::Model { model: places[2].clone(), version: Some(places[4].clone()), aspect }
            }
            ["v2", "models", model, ref rest @ ..] if !model.is_empty() => {
                let Some(aspect) = Aspect::of(rest) else { return Self::unknown(path) };
                Self::Model { model: places[2].clone(), version: None, aspect }
            }
            _ => return Self::unknown(path),
        })
    }

    /// Below `/v2` every path is the data plane's; other paths below `/v1` are not.
    fn unknown(path: &str) -> Option<Self> {
        path.starts_with("/v2").then_some(Self::Unknown)
    }

    /// The methods that the route takes; `GET` stands for `HEAD` too.
    pub const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Predict(_)
            | Self::Index
            | Self::Repository { .. }
            | Self::SharedMemory(SharedMemory::Register | SharedMemory::Unregister)
            | Self::Model { aspect: Aspect::Infer, .. } => &[Method::POST],
            Self::Logging => &[Method::GET, Method::POST],
            Self::Server
            | Self::Live
            | Self::Ready
            | Self::Statistics
            | Self::SharedMemory(SharedMemory::Status | SharedMemory::RegionStatus)
            | Self::Trace
            | Self::Model { .. }
            | Self::Unknown => &[Method::GET],
        }
    }

    /// Whether a model is run.
    pub const fn is_prediction(&self) -> bool {
        matches!(self, Self::Predict(_) | Self::Model { aspect: Aspect::Infer, .. })
    }

    /// Whether it says something that is in memory.
    pub const fn is_quick(&self) -> bool {
        match self {
            Self::Live | Self::Ready | Self::Model { aspect: Aspect::Metadata | Aspect::Ready, .. } => true,
            Self::Server
            | Self::Predict(_)
            | Self::Model { .. }
            | Self::Index
            | Self::Repository { .. }
            | Self::Statistics
            | Self::Logging
            | Self::Trace
            | Self::SharedMemory(_)
            | Self::Unknown => false,
        }
    }

    /// The scope that the route asks for; `None`: anybody may call it.
    pub fn scope(&self, method: &Method) -> Option<&'static str> {
        match self {
            Self::Server | Self::Live | Self::Ready | Self::Trace | Self::Unknown => None,
            Self::Repository { .. } => Some(RegistryWrite::NAME),
            Self::Logging if *method == Method::POST => Some(AuthAdmin::NAME),
            Self::Predict(_)
            | Self::Model { .. }
            | Self::Index
            | Self::Statistics
            | Self::Logging
            | Self::SharedMemory(_) => Some(InferenceInvoke::NAME),
        }
    }
}

impl SharedMemory {
    fn of(rest: &[&str]) -> Option<Self> {
        match rest {
            ["status"] => Some(Self::Status),
            ["region", region, "status"] if !region.is_empty() => Some(Self::RegionStatus),
            ["region", region, "register"] if !region.is_empty() => Some(Self::Register),
            ["region", region, "unregister"] if !region.is_empty() => Some(Self::Unregister),
            ["unregister"] => Some(Self::Unregister),
            _ => None,
        }
    }
}

impl Aspect {
    fn of(rest: &[&str]) -> Option<Self> {
        match rest {
            [] => Some(Self::Metadata),
            ["ready"] => Some(Self::Ready),
            ["config"] => Some(Self::Config),
            ["stats"] => Some(Self::Stats),
            ["infer"] => Some(Self::Infer),
            ["openapi.json"] => Some(Self::OpenApi),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target in words, its parts as text.
    fn read(path: &str) -> String {
        match Target::of(path) {
            None => "-".to_owned(),
            Some(Target::Predict(model)) => format!("predict {}", &path[model]),
            Some(Target::Model { model, version, aspect }) => {
                let version = version.map_or("live", |version| &path[version]);
                format!("{aspect:?} {} {version}", &path[model])
            }
            Some(Target::Repository { model, load }) => {
                format!("{} {}", if load { "load" } else { "unload" }, &path[model])
            }
            Some(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn paths_are_matched_whole() {
        let cases = [
            ("/", "-"),
            ("", "-"),
            ("/v1", "-"),
            ("/v1/predict", "-"),
            ("/v1/predict/", "-"),
            ("/v1/predict/churn", "predict churn"),
            ("/v1/predict/Customer%20Churn", "predict Customer%20Churn"),
            ("/v1/predict/churn/", "-"),
            ("/v1/predict/a/b/c/d/e/f/g", "-"),
            ("/v1/other", "-"),
            ("/v20", "-"),
            ("/api/v1/model-registry/models", "-"),
            ("/v2", "Server"),
            ("/v2/", "Unknown"),
            ("/v2/health/live", "Live"),
            ("/v2/health/ready", "Ready"),
            ("/v2/health", "Unknown"),
            ("/v2/models", "Unknown"),
            ("/v2/models/", "Unknown"),
            ("/v2/models/m", "Metadata m live"),
            ("/v2/models/m/", "Unknown"),
            ("/v2/models/m/ready", "Ready m live"),
            ("/v2/models/m/config", "Config m live"),
            ("/v2/models/m/stats", "Stats m live"),
            ("/v2/models/m/infer", "Infer m live"),
            ("/v2/models/m/openapi.json", "OpenApi m live"),
            ("/v2/models/m/versions/3/openapi.json", "OpenApi m 3"),
            ("/v2/models/m/versions", "Unknown"),
            ("/v2/models/m/versions/", "Unknown"),
            ("/v2/models/versions/versions/3", "Metadata versions 3"),
            ("/v2/models/m/versions/3/infer", "Infer m 3"),
            ("/v2/models/m/versions/3/infer/more", "Unknown"),
            ("/v2/models/m/explain", "Unknown"),
            ("/v2/repository/index", "Index"),
            ("/v2/repository/models/m/load", "load m"),
            ("/v2/repository/models/m/unload", "unload m"),
            ("/v2/repository/models//load", "Unknown"),
            ("/v2/models/stats", "Statistics"),
            ("/v2/models/stats/stats", "Stats stats live"),
            ("/v2/logging", "Logging"),
            ("/v2/trace/setting", "Trace"),
            ("/v2/models/m/trace/setting", "Trace"),
            ("/v2/systemsharedmemory/status", "SharedMemory(Status)"),
            ("/v2/cudasharedmemory/region/r/register", "SharedMemory(Register)"),
            ("/v2/systemsharedmemory/unregister", "SharedMemory(Unregister)"),
            ("/v2/systemsharedmemory/region//status", "Unknown"),
            ("/v2/a/b/c/d/e/f/g/h", "Unknown"),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), expected, "{path}");
        }
    }
}
