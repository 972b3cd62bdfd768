//! Following a run over its socket: a bar and the newest numbers on a terminal, lines elsewhere.

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{self, Format, message, printable};
use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::IsTerminal as _;
use tokio_tungstenite::tungstenite::Message;

/// How often a run whose socket was cut off is looked for again.
const ATTEMPTS_MAX: u32 = 5;

/// Follows a run until it has completed. A connection that breaks is made again, from the frame after the last one seen.
///
/// # Errors
/// When the run failed or was cancelled, or the server is gone.
pub async fn to_the_end(client: &Client, path: &[&str], run: &str, form: Format) -> Result<(), Failure> {
    let mut shown = Shown::new(form);
    let mut attempts = 0;
    while attempts < ATTEMPTS_MAX {
        let from = (shown.seen + 1).to_string();
        let query = [("run_id", run), ("from_seq", from.as_str())];
        let before = shown.seen;
        let mut socket = client.socket(path, &query[..if shown.seen == 0 { 1 } else { 2 }]).await?;
        while let Some(Ok(frame)) = socket.next().await {
            let Message::Text(text) = frame else { continue };
            let frame: Value = serde_json::from_str(&text)
                .map_err(|error| Failure::failed(format!("the server sent broken JSON: {error}")))?;
            if let Some(end) = shown.frame(&frame)? {
                return end;
            }
        }
        attempts = if shown.seen > before { 0 } else { attempts + 1 };
    }
    Err(Failure::failed(format!("lost the run's socket {ATTEMPTS_MAX} times; run {run} goes on without this command")))
}

/// What has been shown of a run.
struct Shown {
    form: Format,
    bar: Option<ProgressBar>,
    seen: u64,
}

impl Shown {
    fn new(form: Format) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(100));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { form, bar: bar.map(|bar| bar.with_style(style)), seen: 0 }
    }

    /// Shows a frame; gives the end when it is one.
    fn frame(&mut self, frame: &Value) -> Result<Option<Result<(), Failure>>, Failure> {
        self.seen = frame["seq"].as_u64().unwrap_or(self.seen);
        if self.form == Format::Json {
            output::result(&format!("{frame}\n"))?;
        }
        let text = |key: &str| printable(frame[key].as_str().unwrap_or_default());
        match frame["type"].as_str() {
            Some("progress" | "snapshot") => {
                let per_cent = frame["progress"].as_f64().unwrap_or_default();
                let (phase, words) = (text("phase"), text("message"));
                match &self.bar {
                    Some(bar) => {
                        bar.set_position(per_cent.clamp(0.0, 100.0) as u64);
                        bar.set_message(format!("{phase}: {words}"));
                    }
                    None if frame["type"] == "progress" => message(&format!("{per_cent:3.0} %  {phase}: {words}")),
                    None => {}
                }
            }
            Some("metrics") => {
                if let Some(bar) = &self.bar {
                    bar.set_message(numbers(frame));
                }
            }
            Some("log") => self.say(&format!("{}: {}", text("level"), text("message"))),
            Some("complete") => {
                self.finish();
                return Ok(Some(Ok(())));
            }
            Some("failed") => {
                self.finish();
                return Ok(Some(Err(Failure::failed(format!(
                    "the run failed: {} ({})",
                    text("message"),
                    text("code")
                )))));
            }
            Some("cancelled") => {
                self.finish();
                return Ok(Some(Err(Failure::failed("the run was cancelled"))));
            }
            _ => {}
        }
        Ok(None)
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| message(line)),
            None => message(line),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A round's numbers on one line.
fn numbers(frame: &Value) -> String {
    let candidate = frame["candidate"].as_str().map_or(String::new(), |name| format!("{} ", printable(name)));
    let metrics = frame["metrics"].as_object().into_iter().flatten();
    let metrics: Vec<_> =
        metrics.filter_map(|(name, value)| Some(format!("{} {:.4}", printable(name), value.as_f64()?))).collect();
    format!("{candidate}epoch {}/{}  {}", frame["epoch"], frame["total_epochs"], metrics.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_round_is_one_line() {
        let frame = json!({"type": "metrics", "epoch": 3, "total_epochs": 300, "candidate": "gradient_boosting-1",
            "metrics": {"train_logloss": 0.25, "validation_logloss": 0.5}});
        let line = "gradient_boosting-1 epoch 3/300  train_logloss 0.2500  validation_logloss 0.5000";
        assert_eq!(numbers(&frame), line);
    }

    #[test]
    fn only_the_last_frame_ends_it() {
        let mut shown = Shown { form: Format::Table, bar: None, seen: 0 };
        for (frame, ends) in [
            (json!({"seq": 4, "type": "snapshot", "progress": 10.0}), None),
            (json!({"seq": 5, "type": "log", "level": "info", "message": "m"}), None),
            (json!({"seq": 6, "type": "complete"}), Some(true)),
            (json!({"seq": 7, "type": "failed", "code": "timed-out", "message": "too slow"}), Some(false)),
            (json!({"seq": 8, "type": "cancelled"}), Some(false)),
        ] {
            let end = shown.frame(&frame).unwrap();
            assert_eq!(end.map(|end| end.is_ok()), ends, "{frame}");
        }
        assert_eq!(shown.seen, 8);
    }
}
