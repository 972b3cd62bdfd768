//! Files that may be longer than the rule says, each with its reason: `path: reason`, a line each.

use std::collections::BTreeMap;

use super::Problem;
use super::sources::MAX_LINES;
use super::tracked::TextFile;

/// The reason why a file may be long, by its path.
pub type Allowances = BTreeMap<String, String>;

/// Reads the list; a line without a reason is a problem and allows nothing.
pub fn parse(path: &str, text: &str) -> (Allowances, Vec<Problem>) {
    let (mut allowances, mut problems) = (Allowances::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once(": ") {
            Some((file, reason)) if !reason.trim().is_empty() => {
                allowances.insert(file.trim().to_owned(), reason.trim().to_owned());
            }
            _ => problems.push(Problem::at(path, number + 1, "expected `path: reason`")),
        }
    }
    (allowances, problems)
}

/// Lines for files that are gone or no longer long.
pub fn unused(path: &str, allowances: &Allowances, files: &[TextFile]) -> Vec<Problem> {
    let is_long = |name: &str| files.iter().any(|file| file.path == name && file.text.lines().count() > MAX_LINES);
    let unused = allowances.keys().filter(|name| !is_long(name));
    unused.map(|name| Problem::in_file(path, format!("{name} needs no allowance, remove its line"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_reason_is_a_problem() {
        let (allowances, problems) = parse("allow", "# why\n\nlong.rs: a table\nother.rs\nthird.rs: \n");
        assert_eq!(allowances.keys().collect::<Vec<_>>(), ["long.rs"]);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(4), Some(5)]);
    }

    #[test]
    fn an_allowance_that_nothing_needs_is_a_problem() {
        let file = |path: &str, lines| TextFile { path: path.to_owned(), text: "x\n".repeat(lines) };
        let files = [file("long.rs", MAX_LINES + 1), file("short.rs", MAX_LINES)];
        let (allowances, _) = parse("allow", "long.rs: a table\nshort.rs: was long\ngone.rs: was there\n");
        let problems = unused("allow", &allowances, &files);
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(|problem| !problem.message.contains("long.rs")), "{problems:?}");
    }
}
