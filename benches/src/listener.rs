//! A process that answers each line with a line.

use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process; it ends with this.
#[derive(Debug)]
pub struct Listener {
    child: Child,
    asked: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Listener {
    /// Starts it, and shows what it says first.
    ///
    /// # Errors
    /// When it cannot be started or says nothing.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let asked = child.stdin.take().context("its standard input")?;
        let answers = BufReader::new(child.stdout.take().context("its standard output")?).lines();
        let mut listener = Self { child, asked, answers };
        println!("{}", listener.line()?);
        Ok(listener)
    }

    /// Its answer to a line.
    ///
    /// # Errors
    /// When it has ended, or the answer begins with `error`.
    pub fn ask(&mut self, words: &str) -> Result<String> {
        writeln!(self.asked, "{words}")?;
        self.line()
    }

    fn line(&mut self) -> Result<String> {
        let line = self.answers.next().context("the process ended")??;
        ensure!(!line.starts_with("error"), "{line}");
        Ok(line)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
