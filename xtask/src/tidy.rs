//! `cargo xtask tidy`: the rules of the house, as code. Each rule is a function from text to problems, with a test that
//! shows it fail.

mod allowances;
mod dependency_table;
mod manifests;
mod sources;
mod tracked;

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Holds the table of crates that the manifests are compared with.
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Names the files that may be long, each with a reason.
const ALLOWANCES: &str = "xtask/tidy-allow.txt";

/// One breach of a rule, and where it is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    path: String,
    line: Option<usize>,
    message: String,
}

impl Problem {
    fn in_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.path, self.message),
            None => write!(formatter, "{}: {}", self.path, self.message),
        }
    }
}

/// Checks the whole working tree.
pub fn run(workspace: &Workspace) -> Result<()> {
    let files = tracked::text_files(&workspace.root)?;
    let read =
        |name: &str| fs::read_to_string(workspace.root.join(name)).with_context(|| format!("could not read {name}"));
    let (allowances, mut problems) = allowances::parse(ALLOWANCES, &read(ALLOWANCES)?);
    problems.extend(files.iter().flat_map(|file| sources::problems(file, &allowances)));
    problems.extend(allowances::unused(ALLOWANCES, &allowances, &files));
    let crates = manifests::read(&workspace.root)?;
    match dependency_table::parse(&read(ARCHITECTURE)?) {
        Ok(table) => problems.extend(table.problems(&crates)),
        Err(message) => problems.push(Problem::in_file(ARCHITECTURE, message)),
    }
    problems.sort();
    for problem in &problems {
        eprintln!("{problem}");
    }
    if !problems.is_empty() {
        bail!("{} of the house rules broken, see above", problems.len());
    }
    eprintln!("tidy: {} files and {} crates keep the rules", files.len(), crates.len());
    Ok(())
}
