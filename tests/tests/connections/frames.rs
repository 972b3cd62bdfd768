//! Of which kind a watcher's frames must be.

use serde_json::Value;
use servoir_types::Timestamp;
use std::time::Duration;

/// Frames come once a second, and one that comes more than half a second late is a snapshot. The server's clock is read a moment after
/// it has decided that.
const NOT_LATE: Duration = Duration::from_secs(1);
/// What a snapshot tells of what answers.
const ANSWERING: [&str; 9] = ["modelId", "name", "version", "state", "reason", "canary", "shadow", "engine", "device"];

/// The frames that have come to one watcher.
#[derive(Default)]
pub struct Frames {
    last: Option<Timestamp>,
    shown: Option<[Value; ANSWERING.len()]>,
}

impl Frames {
    /// Takes the next one: the first is a snapshot; another is one only when what answers has changed, or when it came late.
    ///
    /// # Panics
    /// When it is of the wrong kind.
    pub fn take(&mut self, frame: &Value) {
        let at = frame["timestamp"].as_str().and_then(Timestamp::parse).expect("a time");
        match frame["type"].as_str() {
            Some("snapshot") => {
                let told = ANSWERING.map(|field| frame[field].clone());
                assert!(told[0].is_string(), "{frame}");
                if self.shown.as_ref() == Some(&told) {
                    let since = self.last.map_or(0, |last| at.as_millis() - last.as_millis());
                    assert!(
                        since > NOT_LATE.as_millis() as i64,
                        "nothing changed, and {since} ms have passed: {frame}"
                    );
                }
                self.shown = Some(told);
            }
            Some("metrics") => assert!(self.shown.is_some() && frame["modelId"].is_null(), "{frame}"),
            kind => panic!("{kind:?}: {frame}"),
        }
        self.last = Some(at);
    }
}
