//! `servoir doctor`: what works on this machine, what does not, and what to do about it.

use super::db::{scratch, sqlite_file};
use super::failure::Failure;
use super::flags::ServerFlags;
use super::onnxruntime::{self, Outcome};
use super::output::{self, BAD, Format, GOOD, paint};
use crate::config::Config;
use crate::serve::open_registry;
use serde_json::{Value, json};
use servoir_runtime::Engines;
use std::path::PathBuf;

/// Flags of `servoir doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    #[command(flatten)]
    flags: ServerFlags,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORM")]
    output: Format,
}

/// One thing that was looked at.
struct Finding {
    subject: &'static str,
    state: State,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It works.
    Ok,
    /// It is not there, and the server runs without it.
    Missing,
    /// The server would not start.
    Failed,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

impl Doctor {
    /// Looks at everything. Fails only when the server would not start.
    pub async fn run(self) -> Result<(), Failure> {
        let mut config = self.flags.load()?.config;
        let mut findings = vec![processor(), gpu()];
        let located = onnxruntime::locate(config.onnxruntime.take());
        findings.push(library(&located));
        let path = located.ok().and_then(Outcome::path);
        let threads = config.engine_threads;
        let engines = tokio::task::spawn_blocking(move || engines(path, threads)).await.map_err(anyhow::Error::from)?;
        findings.extend(engines);
        findings.extend(storage(config).await?);
        match self.output {
            Format::Json => output::json(&findings.iter().map(Finding::to_json).collect())?,
            Format::Table => output::result(&report(&findings, output::stdout_has_colours()))?,
        }
        match findings.iter().filter(|finding| finding.state == State::Failed).count() {
            0 => Ok(()),
            failed => Err(Failure::failed(format!("{failed} of {} checks failed", findings.len()))),
        }
    }
}

impl Finding {
    fn new(subject: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self { subject, state, detail: detail.into() }
    }

    fn to_json(&self) -> Value {
        json!({"subject": self.subject, "state": self.state.as_str(), "detail": self.detail})
    }
}

fn report(findings: &[Finding], colours: bool) -> String {
    let subject_chars = findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
    findings.iter().fold(String::new(), |text, finding| {
        let mark = format!("{:<7}", finding.state.as_str());
        let mark = match (colours, finding.state) {
            (false, _) => mark,
            (true, State::Ok) => paint(&mark, GOOD),
            (true, State::Missing | State::Failed) => paint(&mark, BAD),
        };
        let (subject, detail) = (finding.subject, output::printable(&finding.detail));
        format!("{text}{mark}  {subject:<subject_chars$}  {detail}\n")
    })
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let features = processor_features();
    let features = if features.is_empty() { "no vector extensions that matter".into() } else { features.join(", ") };
    Finding::new("processor", State::Ok, format!("{} with {cores} cores: {features}", std::env::consts::ARCH))
}

#[cfg(target_arch = "x86_64")]
fn processor_features() -> Vec<&'static str> {
    let features = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
    ];
    features.into_iter().filter_map(|(name, present)| present.then_some(name)).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn processor_features() -> Vec<&'static str> {
    Vec::new()
}

fn gpu() -> Finding {
    Finding::new("gpu", State::Missing, "no device, because this build has no CUDA support; models run on the CPU")
}

fn library(located: &Result<Outcome, Failure>) -> Finding {
    match located {
        Err(failure) => Finding::new("ONNX Runtime library", State::Failed, failure.message.clone()),
        Ok(Outcome::Found { path, by }) => {
            Finding::new("ONNX Runtime library", State::Ok, format!("{} (found by {by})", path.display()))
        }
        Ok(Outcome::Missing { looked }) => {
            let advice = "`pip install onnxruntime` in an active environment, or --onnxruntime PATH, provides it";
            Finding::new("ONNX Runtime library", State::Missing, format!("{}; {advice}", looked.join("; ")))
        }
    }
}

fn engines(path: Option<PathBuf>, threads: usize) -> Vec<Finding> {
    let status = Engines::discover(path.as_deref(), threads).status();
    let engines = status.into_iter().map(|engine| {
        let subject = match engine.name {
            servoir_runtime::EngineName::OnnxRuntime => "engine onnxruntime",
            servoir_runtime::EngineName::Tract => "engine tract",
            servoir_runtime::EngineName::Trees => "engine trees",
        };
        match engine.state {
            Ok(about) => Finding::new(subject, State::Ok, about),
            Err(reason) => Finding::new(subject, State::Missing, reason),
        }
    });
    engines.collect()
}

/// Opens what is configured when it is there; nothing is made.
async fn storage(mut config: Config) -> Result<Vec<Finding>, Failure> {
    let (database, store) = ("database", "artifact store");
    if let Some(file) = sqlite_file(&config)
        && !file.is_file()
    {
        let detail = format!("{} does not exist yet; the first `servoir serve` makes it", file.display());
        return Ok(vec![Finding::new(database, State::Missing, detail)]);
    }
    // A server may be at work in the data folder: what it has in its scratch folder is not touched.
    let scratch = scratch()?;
    config.data_dir = scratch.path().to_owned();
    let registry = match open_registry(&config).await {
        Ok(registry) => registry,
        Err(error) => return Ok(vec![Finding::new(database, State::Failed, format!("{error:#}"))]),
    };
    let kind = if registry.is_shared() { "PostgreSQL answers" } else { "SQLite answers" };
    let finding = |subject, ping: Result<(), servoir_registry::RegistryError>, good: String| match ping {
        Ok(()) => Finding::new(subject, State::Ok, good),
        Err(error) => Finding::new(subject, State::Failed, error.to_string()),
    };
    let findings = vec![
        finding(database, registry.ping_database().await, kind.into()),
        finding(store, registry.ping_store().await, config.artifacts_url.clone()),
    ];
    registry.close().await;
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_line_per_finding() {
        let findings = [Finding::new("processor", State::Ok, "fast"), Finding::new("gpu", State::Missing, "no device")];
        assert_eq!(report(&findings, false), "ok       processor  fast\nmissing  gpu        no device\n");
        assert!(report(&findings, true).starts_with("\u{1b}[32mok"), "{}", report(&findings, true));
    }
}
