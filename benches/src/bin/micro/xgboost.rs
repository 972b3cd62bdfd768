//! xgboost's own library in a process of its own. It is called from Python through ctypes, in a loop that takes the time
//! there: what a call costs besides is about a microsecond.

use anyhow::Result;
use servoir_benches::listener::Listener;
use servoir_benches::server::given;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The process.
pub struct Xgboost(Listener);

impl Xgboost {
    /// Starts it with a model in xgboost's format.
    pub fn start(model: &Path) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/benches/xgboost_c_api.py");
        let listener = Listener::start(Command::new(given("SERVOIR_TEST_PYTHON")?).arg(script).arg(model))?;
        Ok(Self(listener))
    }

    /// Makes it ready to predict so many random rows.
    pub fn take_rows(&mut self, rows: usize, features: usize) -> Result<()> {
        self.0.ask(&format!("rows {rows} {features}")).map(drop)
    }

    /// Predicts the rows so many times.
    pub fn run(&mut self, repetitions: u32) -> Result<Duration> {
        Ok(Duration::from_secs_f64(self.0.ask(&format!("run {repetitions}"))?.parse()?))
    }
}
