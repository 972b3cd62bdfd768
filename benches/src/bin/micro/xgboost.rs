//! xgboost's own library in a process of its own. It is called from Python through ctypes, in a loop that takes the time
//! there: what a call costs besides is about a microsecond.

use anyhow::{Context as _, Result, ensure};
use servoir_benches::server::given;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The process.
pub struct Xgboost {
    child: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Xgboost {
    /// Starts it with a model in xgboost's format.
    pub fn start(model: &Path) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/benches/xgboost_c_api.py");
        let mut child = Command::new(given("SERVOIR_TEST_PYTHON")?)
            .arg(script)
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asked = child.stdin.take().context("its standard input")?;
        let answers = BufReader::new(child.stdout.take().context("its standard output")?).lines();
        let mut xgboost = Self { child, asked, answers };
        println!("{}", xgboost.line()?);
        Ok(xgboost)
    }

    /// Makes it ready to predict so many random rows.
    pub fn take_rows(&mut self, rows: usize, features: usize) -> Result<()> {
        self.ask(&format!("rows {rows} {features}")).map(drop)
    }

    /// Predicts the rows so many times.
    pub fn run(&mut self, repetitions: u32) -> Result<Duration> {
        Ok(Duration::from_secs_f64(self.ask(&format!("run {repetitions}"))?.parse()?))
    }

    fn ask(&mut self, words: &str) -> Result<String> {
        writeln!(self.asked, "{words}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let line = self.answers.next().context("xgboost's process ended")??;
        ensure!(!line.starts_with("error"), "{line}");
        Ok(line)
    }
}

impl Drop for Xgboost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
