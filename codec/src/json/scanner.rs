//! A cursor over a JSON text, which checks the text as far as it goes: RFC 8259 and nothing beside it.

use super::number;
use crate::fault::Fault;

/// How deep lists and objects may be nested in a value that is passed over. A `u64` holds a bit for each level.
const NESTING_MAX: u32 = u64::BITS;

/// A place in a JSON text, and all that follows it.
#[derive(Debug, Clone, Copy)]
pub struct Scanner<'a> {
    whole: &'a [u8],
    pub(super) rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a [u8]) -> Self {
        Self { whole: text, rest: text }
    }

    /// What has not been read, in bytes.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over bytes that were looked at.
    pub fn advance(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// Passes over white space.
    #[inline]
    pub fn skip_space(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// The next byte behind white space, which is passed over; `None` at the end.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest.first().copied()
    }

    /// Passes over `byte` when it is next behind white space.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.advance(1);
        }
        is_next
    }

    /// Passes over `null` when it is next behind white space.
    pub fn eat_null(&mut self) -> bool {
        self.skip_space();
        let is_next = self.rest.starts_with(b"null");
        if is_next {
            self.advance(4);
        }
        is_next
    }

    /// Goes on to the next item of a list whose `[` was passed, or passes its `]` and says `false`. That there is an
    /// item behind a comma shows when it is read.
    ///
    /// # Errors
    /// [`Fault::Syntax`] for anything but a comma between items.
    #[inline]
    pub fn next_item(&mut self, is_first: bool) -> Result<bool, Fault> {
        match self.peek() {
            Some(b']') => {
                self.advance(1);
                Ok(false)
            }
            Some(b',') if !is_first => {
                self.advance(1);
                Ok(true)
            }
            _ if is_first => Ok(true),
            _ => Err(self.syntax("',' or ']'")),
        }
    }

    /// Goes on to the next key of an object whose `{` was passed, or passes its `}` and says `false`.
    ///
    /// # Errors
    /// [`Fault::Syntax`] for anything but a comma between entries, and for anything but a key.
    #[inline]
    pub fn next_entry(&mut self, is_first: bool) -> Result<bool, Fault> {
        match self.peek() {
            Some(b'}') => {
                self.advance(1);
                return Ok(false);
            }
            Some(b',') if !is_first => self.advance(1),
            _ if is_first => {}
            _ => return Err(self.syntax("',' or '}'")),
        }
        if self.peek() == Some(b'"') { Ok(true) } else { Err(self.syntax("a key in quotes")) }
    }

    /// Passes over the colon behind a key.
    ///
    /// # Errors
    /// [`Fault::Syntax`] when there is none.
    #[inline]
    pub fn colon(&mut self) -> Result<(), Fault> {
        if self.eat(b':') { Ok(()) } else { Err(self.syntax("':'")) }
    }

    /// Makes sure that nothing but white space follows.
    ///
    /// # Errors
    /// [`Fault::Syntax`] for anything else.
    pub fn end(&mut self) -> Result<(), Fault> {
        if self.peek().is_none() { Ok(()) } else { Err(self.syntax("the end")) }
    }

    /// Passes over one value of any kind and gives its text.
    ///
    /// # Errors
    /// [`Fault::Syntax`] for what is no value, [`Fault::Form`] when it is nested too deep.
    pub fn skip_value(&mut self) -> Result<&'a str, Fault> {
        self.skip_space();
        let before = *self;
        // A bit for each list (0) and object (1) that is open, the innermost lowest.
        let (mut objects, mut depth) = (0u64, 0u32);
        loop {
            match self.peek() {
                Some(open @ (b'[' | b'{')) => {
                    if depth == NESTING_MAX {
                        return Err(self.too_deep());
                    }
                    self.advance(1);
                    objects = objects << 1 | u64::from(open == b'{');
                    depth += 1;
                    if self.enter(objects, true)? {
                        continue;
                    }
                    objects >>= 1;
                    depth -= 1;
                }
                Some(b'"') => self.skip_string()?,
                Some(b'-' | b'0'..=b'9') => self.skip_number()?,
                _ => self.skip_literal()?,
            }
            while depth > 0 && !self.enter(objects, false)? {
                objects >>= 1;
                depth -= 1;
            }
            if depth == 0 {
                break;
            }
        }
        let bytes = &before.rest[..before.rest.len() - self.rest.len()];
        std::str::from_utf8(bytes).map_err(|error| {
            let at = Self { whole: self.whole, rest: &before.rest[error.valid_up_to()..] };
            at.syntax("UTF-8")
        })
    }

    /// Goes to the next value of the innermost list or object; `false` when it ended.
    fn enter(&mut self, objects: u64, is_first: bool) -> Result<bool, Fault> {
        if objects & 1 == 0 {
            return self.next_item(is_first);
        }
        let is_entry = self.next_entry(is_first)?;
        if is_entry {
            self.skip_string()?;
            self.colon()?;
        }
        Ok(is_entry)
    }

    fn skip_number(&mut self) -> Result<(), Fault> {
        let Some(decimal) = number::scan(self.rest) else { return Err(self.syntax("a number")) };
        self.advance(decimal.length);
        Ok(())
    }

    fn skip_literal(&mut self) -> Result<(), Fault> {
        let literals = [&b"true"[..], b"false", b"null"];
        let Some(literal) = literals.into_iter().find(|literal| self.rest.starts_with(literal)) else {
            return Err(self.syntax("a value"));
        };
        self.advance(literal.len());
        Ok(())
    }

    /// [`Fault::Syntax`]: `expected` does not come here.
    #[cold]
    pub fn syntax(self, expected: &str) -> Fault {
        let came = match self.rest.first() {
            None => "the text ends".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("'{}' came", char::from(*byte)),
            Some(byte) => format!("byte 0x{byte:02x} came"),
        };
        Fault::Syntax(format!("{expected} was expected, {came} at {}", self.place()))
    }

    #[cold]
    fn too_deep(self) -> Fault {
        Fault::Form(format!("values are nested deeper than {NESTING_MAX} levels at {}", self.place()))
    }

    /// Line and column, from 1; columns are bytes.
    fn place(self) -> String {
        let read = &self.whole[..self.whole.len() - self.rest.len()];
        let line = 1 + read.iter().filter(|&&byte| byte == b'\n').count();
        let column = 1 + read.iter().rev().take_while(|&&byte| byte != b'\n').count();
        format!("line {line}, column {column}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(text: &[u8]) -> Result<&str, Fault> {
        let mut scanner = Scanner::new(text);
        let value = scanner.skip_value()?;
        scanner.end().map(|()| value)
    }

    #[test]
    fn values_are_passed_over_whole() {
        let deepest = format!("{}{}", "[".repeat(64), "]".repeat(64));
        let objects = format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64));
        let values = [
            "null",
            "true",
            "false",
            "0",
            "-0.5e+10",
            r#""""#,
            r#""a\"\\\u00e9é""#,
            "[]",
            "{}",
            "[ 1 , [ ] , {} ]",
            r#"{"a":[{"b":null},-1],"":{}}"#,
            r#"{"a":{"b":[[],{}]},"c":"]}"}"#,
            &deepest,
            &objects,
        ];
        for value in values {
            assert_eq!(skip(format!(" \t\r\n{value}\n").as_bytes()), Ok(value));
        }
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        let cases: [(&[u8], &str); 30] = [
            (b"", "a value was expected, the text ends at line 1, column 1"),
            (b"[1,\n 2,]", "a value was expected, ']' came at line 2, column 4"),
            (b"[,1]", "a value was expected, ',' came"),
            (b"[1 2]", "',' or ']' was expected, '2' came"),
            (b"[1}", "',' or ']' was expected, '}' came"),
            (b"[", "a value was expected, the text ends"),
            (b"[1", "',' or ']' was expected, the text ends"),
            (b"{", "a key in quotes was expected, the text ends"),
            (b"{\"a\"}", "':' was expected, '}' came"),
            (b"{\"a\":}", "a value was expected, '}' came"),
            (b"{\"a\":1]", "',' or '}' was expected, ']' came"),
            (b"{\"a\":1,}", "a key in quotes was expected, '}' came"),
            (b"{a:1}", "a key in quotes was expected, 'a' came"),
            (b"1 2", "the end was expected, '2' came"),
            (b"NaN", "a value was expected, 'N' came"),
            (b"-Infinity", "a number was expected, '-' came"),
            (b"nul", "a value was expected, 'n' came"),
            (b"truest", "the end was expected, 's' came"),
            (b"01", "a number was expected, '0' came"),
            (b"+1", "a value was expected, '+' came"),
            (b"1.", "a number was expected, '1' came"),
            (b".5", "a value was expected, '.' came"),
            (b"1e", "a number was expected, '1' came"),
            (b"\"a", "the end of a string was expected, the text ends at line 1, column 3"),
            (b"\"a\nb\"", "an escape in place of a control character was expected, byte 0x0a came"),
            (b"\"\\x\"", "an escape was expected, '\\' came"),
            (b"\"\\u12g4\"", "an escape was expected, '\\' came"),
            (b"\"\\", "an escape was expected, '\\' came"),
            (b"[\"\xff\"]", "UTF-8 was expected, byte 0xff came at line 1, column 3"),
            (b"\xef\xbb\xbf1", "a value was expected, byte 0xef came"),
        ];
        for (text, expected) in cases {
            let Err(Fault::Syntax(said)) = skip(text) else { panic!("{text:?} was taken") };
            assert!(said.starts_with(expected), "{}\nsaid: {said}\nexpected: {expected}", text.escape_ascii());
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for open in ["[", r#"{"a":"#] {
            let error = skip(open.repeat(100_000).as_bytes()).unwrap_err();
            assert!(matches!(&error, Fault::Form(said) if said.contains("deeper than 64 levels")), "{error:?}");
        }
    }
}
