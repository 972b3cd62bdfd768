//! Reading a configuration file: TOML with the place of every key and value.

use super::error::{ConfigError, Origin, nearest};
use super::settings::{SETTINGS, Setting, find};
use super::value::{Value, describe};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The most bytes of a configuration file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A setting with what a layer gives it.
pub(super) type Given = (&'static Setting, Value, Origin);

/// Reads a file; what is wrong with it goes to `errors`, the rest is still read.
pub(super) fn read(path: &Path, errors: &mut Vec<ConfigError>) -> Vec<Given> {
    match text_of(path) {
        Ok(text) => Reader { path, text: &text, errors, given: Vec::new() }.read(),
        Err(error) => {
            errors.push(error);
            Vec::new()
        }
    }
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    let unreadable =
        |error: std::io::Error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?.len();
    if found > FILE_BYTES_MAX {
        return Err(ConfigError::TooLong { path: path.to_owned(), found, max: FILE_BYTES_MAX });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    errors: &'a mut Vec<ConfigError>,
    given: Vec<Given>,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<Given> {
        let (document, syntax_errors) = DeTable::parse_recoverable(self.text);
        for error in &syntax_errors {
            let origin = self.origin(error.span().unwrap_or(0..0));
            self.errors.push(ConfigError::Syntax { origin, reason: error.message().replace('\n', ", ") });
        }
        // What follows a broken line may be read wrongly; only whole documents are looked into.
        if syntax_errors.is_empty() {
            for (section, value) in document.get_ref() {
                self.section(section, value);
            }
        }
        self.given
    }

    fn section(&mut self, section: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) {
        let name = section.get_ref();
        let known = SETTINGS.iter().any(|setting| setting.section() == name.as_ref());
        match value.get_ref() {
            DeValue::Table(table) if known => {
                for (key, value) in table {
                    self.setting(&format!("{name}.{}", key.get_ref()), key.span(), value);
                }
            }
            other if known => {
                let origin = self.origin(value.span());
                let (key, expected) = (name.to_string(), "a table".to_owned());
                self.errors.push(ConfigError::Value { origin, key, expected, got: describe(other) });
            }
            _ => {
                let origin = self.origin(section.span());
                // A key without its section is the likelier mistake when a setting has exactly this name.
                let whole = SETTINGS.iter().find(|setting| setting.name() == name.as_ref()).map(|s| s.key.to_owned());
                let sections = SETTINGS.iter().map(|setting| setting.section().to_owned());
                let nearest = whole.or_else(|| nearest(name, sections));
                self.errors.push(ConfigError::Unknown { origin, key: name.to_string(), nearest });
            }
        }
    }

    fn setting(&mut self, key: &str, key_span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let Some(setting) = find(key) else {
            let origin = self.origin(key_span);
            let name = key.split_once('.').map_or(key, |(_, name)| name);
            let elsewhere = SETTINGS.iter().find(|setting| setting.name() == name).map(|s| s.key.to_owned());
            let nearest = elsewhere.or_else(|| nearest(key, SETTINGS.iter().map(|setting| setting.key.to_owned())));
            self.errors.push(ConfigError::Unknown { origin, key: key.to_owned(), nearest });
            return;
        };
        let origin = self.origin(value.span());
        match setting.kind.read(value.get_ref()) {
            Some(read) => self.given.push((setting, read, origin)),
            None => {
                let got = if setting.secret { "a value that is not shown".into() } else { describe(value.get_ref()) };
                let expected = setting.kind.expected();
                self.errors.push(ConfigError::Value { origin, key: key.to_owned(), expected, got });
            }
        }
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before[line_start..].chars().count() + 1;
        Origin::File { path: self.path.to_owned(), line: before.matches('\n').count() + 1, column }
    }
}
