//! The text format as tokens: on which line each field stands, for messages about values that can be read and are wrong;
//! and the colons that may be left out.

use std::collections::HashMap;

/// Lines by field path, counted from 1.
#[derive(Debug, Clone, Default)]
pub struct FieldLines(HashMap<String, usize>);

impl FieldLines {
    /// Finds the fields of a text that has been parsed without error.
    pub fn of(text: &str) -> Self {
        let mut lines = Self::default();
        let mut frames = vec![Frame::default()];
        for (token, line) in Tokens::of(text) {
            let Some(frame) = frames.last_mut() else { break };
            match token {
                Token::Value(name) if frame.field.is_none() => frame.begin(name),
                Token::Value(_) => {
                    lines.note(frame, line);
                    frame.element_ends();
                }
                Token::Open => {
                    lines.note(frame, line);
                    let prefix = frame.path() + ".";
                    frame.element_ends();
                    frames.push(Frame { prefix, ..Frame::default() });
                }
                Token::Close => {
                    frames.pop();
                }
                Token::Colon => {}
                Token::ListOpen => frame.in_list = true,
                Token::ListClose => {
                    frame.in_list = false;
                    frame.field = None;
                }
                // A string that goes on in another pair of quotes is no field.
                Token::Text if frame.field.is_none() => {}
                Token::Text => {
                    lines.note(frame, line);
                    frame.element_ends();
                }
            }
        }
        lines
    }

    /// Whether the field is written.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(&indexed(field))
    }

    /// The line of a field such as `input[0].dims[1]`, or of the nearest field around it that is written; else 1.
    pub fn line(&self, field: &str) -> usize {
        let mut path = indexed(field);
        loop {
            if let Some(&line) = self.0.get(&path) {
                return line;
            }
            match path.rfind('.') {
                Some(dot) => path.truncate(dot),
                None => return 1,
            }
        }
    }

    fn note(&mut self, frame: &Frame, line: usize) {
        self.0.entry(frame.path()).or_insert(line);
    }
}

/// The same text with a colon before every list: `input [ … ]` is as good as `input: [ … ]`, and as common, but the parser
/// wants the colon.
pub fn with_colons(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let (mut tokens, mut taken) = (Tokens::of(text), 0);
    let (mut after_colon, mut after_name) = (false, false);
    while let Some((token, _)) = tokens.next() {
        let end = text.len() - tokens.rest.len();
        if matches!(token, Token::ListOpen) && after_name {
            let bracket = end - 1;
            whole.push_str(&text[taken..bracket]);
            whole.push(':');
            taken = bracket;
        }
        after_name = matches!(token, Token::Value(_)) && !after_colon;
        after_colon = matches!(token, Token::Colon);
    }
    whole.push_str(&text[taken..]);
    whole
}

/// The path with an index in every part: `input[0].name` becomes `input[0].name[0]`.
fn indexed(field: &str) -> String {
    let parts = field.split('.').map(|part| if part.ends_with(']') { part.to_owned() } else { format!("{part}[0]") });
    parts.collect::<Vec<_>>().join(".")
}

/// A message whose fields are being read.
#[derive(Default)]
struct Frame {
    prefix: String,
    /// How often each field has come.
    counts: HashMap<String, usize>,
    field: Option<String>,
    in_list: bool,
}

impl Frame {
    fn begin(&mut self, name: &str) {
        self.field = Some(name.to_owned());
    }

    fn path(&self) -> String {
        let field = self.field.as_deref().unwrap_or_default();
        format!("{}{field}[{}]", self.prefix, self.counts.get(field).copied().unwrap_or(0))
    }

    fn element_ends(&mut self) {
        if let Some(field) = &self.field {
            *self.counts.entry(field.clone()).or_default() += 1;
        }
        if !self.in_list {
            self.field = None;
        }
    }
}

enum Token<'a> {
    /// A name, a number or an enum's value.
    Value(&'a str),
    Text,
    Open,
    Close,
    ListOpen,
    ListClose,
    Colon,
}

struct Tokens<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !holds(c)).unwrap_or(self.rest.len()))
    }

    fn skip_text(&mut self, quote: char) {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        self.take(end.map_or(self.rest.len(), |(at, quote)| at + quote.len_utf8()));
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (Token<'a>, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.line;
            let first = self.rest.chars().next()?;
            let token = match first {
                '#' => {
                    self.take_while(|c| c != '\n');
                    continue;
                }
                '"' | '\'' => {
                    self.skip_text(first);
                    return Some((Token::Text, line));
                }
                '{' | '<' => Token::Open,
                '}' | '>' => Token::Close,
                '[' => Token::ListOpen,
                ']' => Token::ListClose,
                ':' => Token::Colon,
                c if c.is_alphanumeric() || "_-.+".contains(c) => {
                    let word = self.take_while(|c| c.is_alphanumeric() || "_-.+".contains(c));
                    return Some((Token::Value(word), line));
                }
                _ => {
                    self.take(first.len_utf8());
                    continue;
                }
            };
            self.take(first.len_utf8());
            return Some((token, line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_are_added_where_they_may_be_left_out() {
        let cases = [
            ("input [ { dims: [ 1 ] } ]", "input :[ { dims: [ 1 ] } ]"),
            ("a[1]b [ 2 ] # c [ 3 ]", "a:[1]b :[ 2 ] # c [ 3 ]"),
            ("name: 'x [ ]' dims\n[\n]", "name: 'x [ ]' dims\n:[\n]"),
            ("name: 'é' kind: KIND_CPU input [", "name: 'é' kind: KIND_CPU input :["),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(with_colons(text), expected);
        }
    }

    #[test]
    fn every_way_of_writing_a_field_has_its_line() {
        let text = "name: \"a\\\"b # {\" # input {\nmax_batch_size : 8\ninput [\n  { name: 'x'\n    dims: [ -1,\n 3 ] },\n  \
                    < name: \"y\" 'z'\n dims: 1 dims: 2 >\n]\ninput {\n dims: []\n}\ninstance_group { kind: KIND_CPU }\n";
        let lines = FieldLines::of(text);
        let cases = [
            ("name", 1),
            ("max_batch_size", 2),
            ("input[0]", 4),
            ("input[0].name", 4),
            ("input[0].dims[0]", 5),
            ("input[0].dims[1]", 6),
            ("input[1].name", 7),
            ("input[1].dims[1]", 8),
            ("input[2]", 10),
            ("input[2].dims[0]", 10),
            ("instance_group[0].kind", 13),
            ("backend", 1),
        ];
        for (field, line) in cases {
            assert_eq!(lines.line(field), line, "{field}");
        }
        assert!(lines.has("max_batch_size") && !lines.has("platform"));
    }
}
