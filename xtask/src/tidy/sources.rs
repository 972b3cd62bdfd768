//! The rules about one file at a time.

use super::Problem;
use super::allowances::Allowances;
use super::tracked::TextFile;

/// A source file longer than this holds more than one idea, unless a reason is given.
pub const MAX_LINES: usize = 500;

/// Names that say nothing about what is inside.
const NAMELESS: [&str; 4] = ["utils", "common", "helpers", "misc"];

/// Never in a Rust file. Joined here so that this file does not break its own rule.
const BANNED: [(&str, &str); 4] = [
    (concat!("to", "do!("), "finish it or open an issue"),
    (concat!("db", "g!("), "log through tracing"),
    (concat!("#[ign", "ore"), "a test that does not run is no test"),
    (concat!("#[should", "_panic"), "check the error's value"),
];

/// Never in a test: it waits for the clock where it should wait for the event.
const SLEEP: &str = concat!("thread::sle", "ep(");

/// Paths of the machine that a file was written on, or of folders beside the repository.
const OUTSIDE: [&str; 2] = [concat!("/wo", "rk/"), concat!("../sha", "red")];

/// Text formats in which white space at a line's end means nothing.
const PLAIN_TEXT: [&str; 7] = [".rs", ".toml", ".py", ".sql", ".sh", ".yml", ".txt"];

/// What is wrong with this file.
pub fn problems(file: &TextFile, allowances: &Allowances) -> Vec<Problem> {
    let mut found = Vec::new();
    nameless(file, &mut found);
    outside(file, &mut found);
    trailing_space(file, &mut found);
    if file.path.ends_with(".rs") {
        module_documentation(file, &mut found);
        too_long(file, allowances, &mut found);
        tabs(file, &mut found);
        banned(file, &mut found);
        sleeping_tests(file, &mut found);
    }
    found
}

fn numbered(file: &TextFile) -> impl Iterator<Item = (usize, &str)> {
    file.text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn nameless(file: &TextFile, found: &mut Vec<Problem>) {
    let words = |part: &str| part.split('.').next().is_some_and(|stem| NAMELESS.contains(&stem));
    if file.path.split('/').any(words) {
        found.push(Problem::in_file(&file.path, "name it after what it holds"));
    }
}

fn outside(file: &TextFile, found: &mut Vec<Problem>) {
    for (number, line) in numbered(file) {
        for path in OUTSIDE.iter().filter(|path| line.contains(*path)) {
            found.push(Problem::at(&file.path, number, format!("mentions {path}, which is not part of the project")));
        }
    }
}

fn trailing_space(file: &TextFile, found: &mut Vec<Problem>) {
    if !PLAIN_TEXT.iter().any(|ending| file.path.ends_with(ending)) {
        return;
    }
    for (number, _) in numbered(file).filter(|(_, line)| line.ends_with([' ', '\t'])) {
        found.push(Problem::at(&file.path, number, "white space at the end of the line"));
    }
}

/// Inner attributes and a shebang may stand before the documentation.
fn module_documentation(file: &TextFile, found: &mut Vec<Problem>) {
    let mut lines = file.text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    if !lines.next().is_some_and(|line| line.starts_with("//!")) {
        found.push(Problem::in_file(&file.path, "begins without module documentation (`//!`)"));
    }
}

fn too_long(file: &TextFile, allowances: &Allowances, found: &mut Vec<Problem>) {
    let lines = file.text.lines().count();
    if lines > MAX_LINES && !allowances.contains_key(&file.path) {
        found
            .push(Problem::in_file(&file.path, format!("{lines} lines, more than {MAX_LINES}: split it by its ideas")));
    }
}

fn tabs(file: &TextFile, found: &mut Vec<Problem>) {
    for (number, _) in numbered(file).filter(|(_, line)| line.contains('\t')) {
        found.push(Problem::at(&file.path, number, "a tab"));
    }
}

fn banned(file: &TextFile, found: &mut Vec<Problem>) {
    for (number, line) in numbered(file) {
        for (word, instead) in BANNED.iter().filter(|(word, _)| line.contains(word)) {
            found.push(Problem::at(&file.path, number, format!("`{word}`: {instead}")));
        }
    }
}

/// A test is what stands in a `tests` folder or file, or after `#[cfg(test)]`.
fn sleeping_tests(file: &TextFile, found: &mut Vec<Problem>) {
    let is_test_file = file.path.split('/').any(|part| part == "tests" || part == "tests.rs");
    let tests_begin = numbered(file).find(|(_, line)| line.trim() == "#[cfg(test)]").map(|(number, _)| number);
    let first = if is_test_file { 1 } else { tests_begin.unwrap_or(usize::MAX) };
    for (number, _) in numbered(file).filter(|(number, line)| *number >= first && line.contains(SLEEP)) {
        found.push(Problem::at(&file.path, number, "a sleeping test: wait for the event, with a deadline"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, want: &[&str]) {
        let file = TextFile { path: path.to_owned(), text: text.to_owned() };
        let got: Vec<String> = problems(&file, &Allowances::new()).iter().map(ToString::to_string).collect();
        assert_eq!(got.len(), want.len(), "{path}: {got:?}");
        for (got, want) in got.iter().zip(want) {
            assert!(got.contains(want), "{path}: {got:?} does not contain {want:?}");
        }
    }

    #[test]
    fn each_rule_fails_what_breaks_it_and_passes_what_keeps_it() {
        let rows: [(&str, &str, &[&str]); 14] = [
            ("a/b.rs", "//! Good.\nfn a() {}\n", &[]),
            ("a/b.rs", "#!/usr/bin/env run\n#![allow(x)]\n\n//! Good.\n", &[]),
            ("a/b.rs", "fn a() {}\n", &["without module documentation"]),
            ("a/b.rs", "", &["without module documentation"]),
            ("a/b.rs", "//! x\nlet a = 1; \n", &["b.rs:2: white space"]),
            ("a/b.md", "two spaces break a line  \n", &[]),
            ("a/b.rs", "//! x\n\tlet a = 1;\n", &["b.rs:2: a tab"]),
            ("a/utils.rs", "//! x\n", &["name it after"]),
            ("a/helpers/b.rs", "//! x\n", &["name it after"]),
            ("a/uncommon.rs", "//! x\n", &[]),
            ("a/misc.py", "", &["name it after"]),
            ("server/page.css", "", &[]),
            ("a/network/b.rs", "//! see /network/b\n", &[]),
            ("tests.rs", "//! x\n", &[]),
        ];
        for (path, text, want) in rows {
            check(path, text, want);
        }
    }

    #[test]
    fn banned_words_fail_wherever_they_stand() {
        for (word, instead) in BANNED {
            check("src/b.rs", &format!("//! x\n{word}\n"), &[instead]);
        }
        for path in OUTSIDE {
            check("README.md", &format!("see {path}x"), &["not part of the project"]);
        }
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let asleep = format!("//! x\n{SLEEP}1)\n#[cfg(test)]\nfn a() {{}}\n");
        let asleep_in_test = format!("//! x\n#[cfg(test)]\nfn a() {{ {SLEEP}1) }}\n");
        check("src/b.rs", &asleep, &[]);
        check("src/b.rs", &asleep_in_test, &["b.rs:3: a sleeping test"]);
        check("tests/b.rs", &asleep, &["b.rs:2: a sleeping test"]);
        check("a/tests.rs", &asleep, &["tests.rs:2: a sleeping test"]);
    }

    #[test]
    fn a_long_file_fails_without_an_allowance() {
        let file = |lines| TextFile { path: "a.rs".to_owned(), text: format!("//! x\n{}", "x\n".repeat(lines - 1)) };
        let allowed = Allowances::from([("a.rs".to_owned(), "a table".to_owned())]);
        let rows =
            [(MAX_LINES, Allowances::new(), 0), (MAX_LINES + 1, Allowances::new(), 1), (MAX_LINES + 1, allowed, 0)];
        for (lines, allowances, want) in rows {
            assert_eq!(problems(&file(lines), &allowances).len(), want, "{lines} lines");
        }
    }
}
