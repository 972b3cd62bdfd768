//! Strings: borrowed from the text where nothing is escaped.

use super::scanner::Scanner;
use super::swar;
use crate::fault::Fault;
use std::borrow::Cow;

/// The length of the plain characters that `bytes` begins with: up to a quote, a backslash, a control character or the
/// end.
#[inline]
pub fn plain_len(bytes: &[u8]) -> usize {
    let mut length = 0;
    for chunk in bytes.as_chunks::<8>().0 {
        let plain = swar::plain_text(u64::from_le_bytes(*chunk));
        length += plain;
        if plain < 8 {
            return length;
        }
    }
    let is_special = |&byte: &u8| byte < b' ' || byte == b'"' || byte == b'\\';
    let tail = &bytes[length..];
    length + tail.iter().position(is_special).unwrap_or(tail.len())
}

impl<'a> Scanner<'a> {
    /// Reads a string whose opening quote is next.
    ///
    /// # Errors
    /// [`Fault::Syntax`] when it does not end, is not Unicode, or has control characters or escapes that are none.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let before = *self;
        self.advance(1);
        let length = plain_len(self.rest);
        if self.rest.get(length) == Some(&b'"') {
            let text = std::str::from_utf8(&self.rest[..length]).map_err(|_| before.syntax("UTF-8"))?;
            self.advance(length + 1);
            return Ok(Cow::Borrowed(text));
        }
        let mut bytes = Vec::new();
        loop {
            let length = plain_len(self.rest);
            bytes.extend_from_slice(&self.rest[..length]);
            self.advance(length);
            if self.close_or_escape()? {
                break;
            }
            let character = self.escape().ok_or_else(|| self.syntax("an escape of a character"))?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        String::from_utf8(bytes).map(Cow::Owned).map_err(|_| before.syntax("UTF-8"))
    }

    /// Passes over a string whose opening quote is next. UTF-8 and pairs of surrogates are not looked at.
    ///
    /// # Errors
    /// [`Fault::Syntax`] as for [`Self::string`].
    pub(super) fn skip_string(&mut self) -> Result<(), Fault> {
        self.advance(1);
        loop {
            self.advance(plain_len(self.rest));
            if self.close_or_escape()? {
                return Ok(());
            }
            let length = match self.rest {
                [_, b'u', digits @ ..] if hex(digits).is_some() => 6,
                [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
                _ => return Err(self.syntax("an escape")),
            };
            self.advance(length);
        }
    }

    /// Behind plain characters: passes a closing quote and says `true`, or says `false` before a backslash.
    fn close_or_escape(&mut self) -> Result<bool, Fault> {
        match self.rest.first() {
            Some(b'"') => {
                self.advance(1);
                Ok(true)
            }
            Some(b'\\') => Ok(false),
            Some(_) => Err(self.syntax("an escape in place of a control character")),
            None => Err(self.syntax("the end of a string")),
        }
    }

    /// Reads an escape, two for a pair of surrogates.
    fn escape(&mut self) -> Option<char> {
        let (character, length) = match self.rest {
            [_, b'u', digits @ ..] => {
                let first = hex(digits)?;
                match (first, &digits[4..]) {
                    (0xd800..=0xdbff, [b'\\', b'u', low @ ..]) => {
                        let low = hex(low).filter(|low| (0xdc00..=0xdfff).contains(low))?;
                        (char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00))?, 12)
                    }
                    _ => (char::from_u32(first)?, 6),
                }
            }
            [_, b'n', ..] => ('\n', 2),
            [_, b't', ..] => ('\t', 2),
            [_, b'r', ..] => ('\r', 2),
            [_, b'b', ..] => ('\u{8}', 2),
            [_, b'f', ..] => ('\u{c}', 2),
            [_, same @ (b'"' | b'\\' | b'/'), ..] => (char::from(*same), 2),
            _ => return None,
        };
        self.advance(length);
        Some(character)
    }
}

/// The four hexadecimal digits that `bytes` begins with.
fn hex(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.first_chunk::<4>()?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Cow<'_, str>, Fault> {
        let mut scanner = Scanner::new(text.as_bytes());
        let string = scanner.string()?;
        scanner.end().map(|()| string)
    }

    #[test]
    fn strings_are_borrowed_until_something_is_escaped() {
        let long = "x".repeat(100);
        for text in ["", "a", "feature_1", "1234567", "12345678", "naïve ☃ 🦀", "\u{7f}\u{80}", long.as_str()] {
            assert!(matches!(read(&format!("\"{text}\"")), Ok(Cow::Borrowed(same)) if same == text), "{text}");
        }
        let cases = [
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""sn\u00f6 ☃\u2603""#, "snö ☃☃"),
            (r#""\ud83e\udd80 and \uD83E\uDD80""#, "🦀 and 🦀"),
            (r#""\u0000""#, "\0"),
            (r#""12345678\t12345678""#, "12345678\t12345678"),
        ];
        for (text, expected) in cases {
            assert!(matches!(read(text), Ok(Cow::Owned(string)) if string == expected), "{text}");
        }
    }

    #[test]
    fn strings_that_are_none_are_refused() {
        let texts = [
            r#"""#,
            r#""abc"#,
            r#""\"#,
            r#""\q""#,
            r#""\u12""#,
            r#""\u+123""#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\ud800\n""#,
            "\"\u{1f}\"",
            "\"1234567\u{0}\"",
            "\"12345678\n\"",
        ];
        for text in texts {
            assert!(matches!(read(text), Err(Fault::Syntax(_))), "{text}");
        }
        for bytes in [&b"\"\xff\""[..], b"\"\\n\xc3\"", b"\"\xed\xa0\x80\""] {
            assert!(matches!(Scanner::new(bytes).string(), Err(Fault::Syntax(_))), "{bytes:?}");
        }
    }

    #[test]
    fn plain_characters_end_at_each_special_one() {
        let plain: Vec<u8> = (0..=255).filter(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\').collect();
        assert_eq!(plain_len(&plain), plain.len());
        for special in (0..b' ').chain([b'"', b'\\']) {
            for at in 0..20 {
                let mut text = vec![0xffu8; 24];
                text[at] = special;
                assert_eq!(plain_len(&text), at, "{special}");
            }
        }
    }
}
