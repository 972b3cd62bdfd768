//! `servoir doctor`: what works on this machine, what does not, and what to do about it.

mod gpus;

use super::db::sqlite_file;
use super::failure::Failure;
use super::flags::ServerFlags;
use super::onnxruntime::{self, Outcome};
use super::output::{self, BAD, Format, GOOD, paint};
use crate::config::Config;
use crate::gpus::look_for;
use crate::serve::registry_options;
use serde_json::{Value, json};
use servoir_registry::{AuditVerdict, Options, Registry};
use servoir_runtime::Engines;
use std::path::Path;

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
        let mut findings = vec![processor()];
        let located = onnxruntime::locate(config.onnxruntime.take());
        findings.push(library(&located));
        let path = located.ok().and_then(Outcome::path);
        config.onnxruntime = path;
        let looked = config.clone();
        let engines = tokio::task::spawn_blocking(move || engines(&looked)).await.map_err(anyhow::Error::from)?;
        findings.extend(engines);
        findings.extend(storage(&config).await);
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

fn engines(config: &Config) -> Vec<Finding> {
    let path = config.onnxruntime.as_deref();
    let engines = look_for(Engines::discover(path, config.engine_threads), config);
    let mut findings = gpus::findings(&engines, path);
    findings.extend(engines.status().into_iter().map(|engine| {
        let subject = match engine.name {
            servoir_runtime::EngineName::OnnxRuntime => "engine onnxruntime",
            servoir_runtime::EngineName::Tract => "engine tract",
            servoir_runtime::EngineName::Trees => "engine trees",
        };
        match engine.state {
            Ok(about) => Finding::new(subject, State::Ok, about),
            Err(reason) => Finding::new(subject, State::Missing, reason),
        }
    }));
    findings
}

/// Looks at the database and the store beside a server that may be using them; nothing is made.
async fn storage(config: &Config) -> Vec<Finding> {
    let options = registry_options(config);
    vec![database(config, &options).await, store(&options).await]
}

async fn database(config: &Config, options: &Options) -> Finding {
    let subject = "database";
    if let Some(file) = sqlite_file(config).filter(|file| !file.is_file()) {
        let detail = format!("{} does not exist yet; the first `servoir serve` makes it", file.display());
        return Finding::new(subject, State::Missing, detail);
    }
    match Registry::inspect_audit(options).await {
        Ok(AuditVerdict::Intact { entries }) => {
            Finding::new(subject, State::Ok, format!("answers; its audit log of {entries} entries is intact"))
        }
        Ok(AuditVerdict::Broken { sequence, reason }) => {
            let detail = format!("answers, but its audit log is broken at entry {sequence}: {reason}");
            Finding::new(subject, State::Failed, detail)
        }
        Err(error) => Finding::new(subject, State::Failed, error.to_string()),
    }
}

async fn store(options: &Options) -> Finding {
    let (subject, url) = ("artifact store", &options.artifacts_url);
    if url.strip_prefix("file://").is_some_and(|folder| !Path::new(folder).is_dir()) {
        return Finding::new(
            subject,
            State::Missing,
            format!("{url} does not exist yet; the first `servoir serve` makes it"),
        );
    }
    match Registry::inspect_store(options).await {
        Ok(()) => Finding::new(subject, State::Ok, format!("{url} answers")),
        Err(error) => Finding::new(subject, State::Failed, format!("{url}: {error}")),
    }
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
