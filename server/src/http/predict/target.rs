//! The few paths of the data plane.

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
    Repository,
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
            ["v2", "repository", "models", model, "load" | "unload"] if !model.is_empty() => Self::Repository,
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

    /// The method that the route takes.
    pub const fn method(&self) -> http::Method {
        match self {
            Self::Predict(_) | Self::Index | Self::Repository | Self::Model { aspect: Aspect::Infer, .. } => {
                http::Method::POST
            }
            Self::Server | Self::Live | Self::Ready | Self::Model { .. } | Self::Unknown => http::Method::GET,
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
            ("/v2/repository/models/m/load", "Repository"),
            ("/v2/repository/models/m/unload", "Repository"),
            ("/v2/repository/models//load", "Unknown"),
            ("/v2/a/b/c/d/e/f/g/h", "Unknown"),
        ];
        for (path, expected) in cases {
            assert_eq!(read(path), expected, "{path}");
        }
    }
}
