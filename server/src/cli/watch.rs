//! `servoir watch`: a model's traffic, a line for each second.

use super::answer::cell;
use super::client::registry_path;
use super::failure::Failure;
use super::output::{self, BOLD, Format, message, paint, printable};
use super::session::Session;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How many lines stand under one heading.
const LINES_PER_HEADING: u64 = 20;

/// The columns: heading, width, digits behind the point, and where a frame has the value.
const COLUMNS: [(&str, usize, usize, &str); 10] = [
    ("REQ/S", 9, 1, "/requestsPerSecond"),
    ("ERR/S", 7, 1, "/errorsPerSecond"),
    ("ROWS/S", 9, 1, "/rowsPerSecond"),
    ("P50 MS", 9, 1, "/latencyMs/p50"),
    ("P90 MS", 9, 1, "/latencyMs/p90"),
    ("P99 MS", 9, 1, "/latencyMs/p99"),
    ("BATCH", 7, 1, "/batchRows"),
    ("QUEUED", 7, 1, "/queueDepth"),
    ("BUSY", 5, 1, "/busy"),
    ("DRIFT", 7, 3, "/driftScore"),
];

/// Flags of `servoir watch`.
#[derive(Debug, clap::Args)]
pub struct Watch {
    /// Model, by name or id
    name: String,
    /// Stop after so many lines
    #[arg(long, value_name = "LINES")]
    count: Option<u64>,
    #[command(flatten)]
    session: Session,
}

impl Watch {
    /// Shows frames until the server says goodbye, or enough have come.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let mut socket = client.socket(&registry_path(&["models", &self.name, "live"]), &[]).await?;
        let mut lines = 0;
        while self.count.is_none_or(|count| lines < count) {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text)
                        .map_err(|error| Failure::failed(format!("the server sent broken JSON: {error}")))?;
                    self.show(&frame, lines)?;
                    lines += 1;
                }
                Some(Ok(Message::Close(goodbye))) => return farewell(goodbye),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Failure::failed(format!("the connection broke: {error}"))),
                None => return Err(Failure::failed("the connection ended without a word")),
            }
        }
        // Whoever has seen enough does not wait for the answer to a goodbye.
        let _ = socket.close(None).await;
        Ok(())
    }

    fn show(&self, frame: &Value, lines: u64) -> Result<(), Failure> {
        if self.session.output == Format::Json {
            return output::result(&format!("{frame}\n"));
        }
        if frame["type"] == "snapshot" {
            let about = |pointer| printable(&cell(frame, pointer));
            let [name, version, state, engine] = ["/name", "/version", "/state", "/engine"].map(about);
            message(&format!("{name}, version {version}, {state} on {engine}"));
        }
        if lines.is_multiple_of(LINES_PER_HEADING) {
            let line = heading();
            output::result(&if output::stdout_has_colours() { paint(&line, BOLD) + "\n" } else { line + "\n" })?;
        }
        output::result(&format!("{}\n", row(frame)))
    }
}

fn heading() -> String {
    COLUMNS.iter().map(|(heading, width, ..)| format!("{heading:>width$}")).collect()
}

fn row(frame: &Value) -> String {
    let value = |pointer: &str, digits: usize| match frame.pointer(pointer) {
        Some(Value::Number(number)) if number.is_f64() => format!("{:.digits$}", number.as_f64().unwrap_or_default()),
        Some(Value::Number(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    COLUMNS.iter().map(|(_, width, digits, pointer)| format!("{:>width$}", value(pointer, *digits))).collect()
}

/// What the server's goodbye means: an end that was to be expected, or a failure.
fn farewell(goodbye: Option<CloseFrame>) -> Result<(), Failure> {
    let (code, reason) =
        goodbye.map_or((CloseCode::Status, String::new()), |frame| (frame.code, frame.reason.to_string()));
    let reason = printable(&reason);
    if code == CloseCode::Normal {
        message(&reason);
        return Ok(());
    }
    Err(Failure::failed(if reason.is_empty() { format!("the server closed with {code}") } else { reason }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_frame_is_a_line_under_its_heading() {
        let frame = json!({"requestsPerSecond": 812.04, "errorsPerSecond": 0.0, "rowsPerSecond": 3248.2,
            "latencyMs": {"p50": 0.4, "p90": 0.81, "p99": 2.149}, "batchRows": null, "queueDepth": 12, "busy": 1,
            "driftScore": 0.153});
        assert_eq!(heading(), "    REQ/S  ERR/S   ROWS/S   P50 MS   P90 MS   P99 MS  BATCH QUEUED BUSY  DRIFT");
        assert_eq!(row(&frame), "    812.0    0.0   3248.2      0.4      0.8      2.1      -     12    1  0.153");
        assert_eq!(row(&json!({})).chars().filter(|letter| *letter == '-').count(), COLUMNS.len());
    }
}
