//! Lines of a child's output, of bounded length: a child may write anything.

use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// The most bytes of a line.
pub const LINE_BYTES_MAX: usize = 256 * 1024;

/// A line that a child wrote.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, without the end of the line.
    Whole(Vec<u8>),
    /// It was longer than [`LINE_BYTES_MAX`], and is passed over.
    TooLong,
}

/// The next line; `None` at the end of the output. What stands behind the last end of a line is a line too.
pub(crate) async fn next(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let bytes = input.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => Some(Line::TooLong),
                (false, true) => None,
                (false, false) => Some(Line::Whole(line)),
            });
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let piece = &bytes[..end.unwrap_or(bytes.len())];
        if line.len() + piece.len() > LINE_BYTES_MAX {
            (too_long, line) = (true, Vec::new());
        } else if !too_long {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(if too_long { Line::TooLong } else { Line::Whole(line) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    #[tokio::test]
    async fn lines_are_whole_or_passed_over() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let just = "y".repeat(LINE_BYTES_MAX);
        let text = format!("a\n\n{long}\nb\n{just}\nlast");
        for capacity in [1 << 10, 1 << 16, 1 << 20] {
            let mut input = BufReader::with_capacity(capacity, text.as_bytes());
            let mut lines = Vec::new();
            while let Some(line) = next(&mut input).await.unwrap() {
                lines.push(line);
            }
            let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
            let expected = [whole("a"), whole(""), Line::TooLong, whole("b"), whole(&just), whole("last")];
            assert!(lines == expected, "{capacity}");
        }
        let mut endless = BufReader::new(long.as_bytes());
        assert_eq!(next(&mut endless).await.unwrap(), Some(Line::TooLong));
        assert_eq!(next(&mut endless).await.unwrap(), None);
    }
}
