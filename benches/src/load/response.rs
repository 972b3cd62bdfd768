//! Answers as they come in, in pieces of any size. What is read of them: the status, the length, and whether the
//! connection ends.

use anyhow::{Context as _, Result, bail, ensure};

/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The name that both Triton and Servoir give the length of the JSON before binary tensors.
const JSON_LENGTH: &[u8] = b"inference-header-content-length";

/// What the head of an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Bytes of the body.
    pub length: usize,
    /// Bytes of the body that are JSON, where tensors follow them.
    pub json_bytes: Option<usize>,
    /// Whether the server closes the connection after this answer.
    pub closes: bool,
}

/// An answer that is coming in.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Whether the body is kept.
    keep: bool,
    head: Option<Head>,
    /// A head that came in pieces, then the body where it is kept.
    kept: Vec<u8>,
    left: usize,
}

impl Incoming {
    /// Keeps the body of the answer that comes.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    /// Takes what was read. The answer's head, when `bytes` completed it.
    ///
    /// # Errors
    /// When it is no answer of HTTP/1.1 with a `Content-Length`.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<Option<Head>> {
        let head = match self.head {
            Some(head) => head,
            None => {
                let Some((head, head_bytes)) = self.take_head(bytes)? else { return Ok(None) };
                bytes = &bytes[head_bytes..];
                self.left = head.length;
                self.head = Some(head);
                head
            }
        };
        self.left = self.left.checked_sub(bytes.len()).context("more bytes came than the answer is long")?;
        if self.keep {
            self.kept.extend_from_slice(bytes);
        }
        Ok((self.left == 0).then_some(head))
    }

    /// The head, when `bytes` completes it, and how many of `bytes` belong to it.
    fn take_head(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>> {
        if self.kept.is_empty()
            && let Some(length) = head_length(bytes)
        {
            return Ok(Some((Head::read(&bytes[..length])?, length)));
        }
        let before = self.kept.len();
        self.kept.extend_from_slice(bytes);
        ensure!(self.kept.len() <= HEAD_BYTES_MAX, "an answer's head is longer than {HEAD_BYTES_MAX} bytes");
        let Some(length) = head_length(&self.kept) else { return Ok(None) };
        let head = Head::read(&self.kept[..length])?;
        self.kept.clear();
        Ok(Some((head, length - before)))
    }

    /// Makes ready for the next answer. The body, where it was kept.
    pub fn reset(&mut self) -> Option<Vec<u8>> {
        let body = self.keep.then(|| std::mem::take(&mut self.kept));
        self.kept.clear();
        self.head = None;
        self.keep = false;
        body
    }
}

/// Where the empty line of a head ends.
fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

impl Head {
    fn read(head: &[u8]) -> Result<Self> {
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.next().unwrap_or_default();
        ensure!(first.starts_with(b"HTTP/1."), "not an answer of HTTP/1.1: {}", first.escape_ascii());
        let status = number(first.split(|&byte| byte == b' ').nth(1).unwrap_or_default()).context("no status")?;
        let (mut length, mut json_bytes, mut closes) = (None, None, first.starts_with(b"HTTP/1.0"));
        for line in lines {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                length = Some(number(value).context("a Content-Length that is no number")?);
            } else if name.eq_ignore_ascii_case(JSON_LENGTH) {
                json_bytes = number(value);
            } else if name.eq_ignore_ascii_case(b"connection") {
                closes = value.eq_ignore_ascii_case(b"close");
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                bail!("the answer comes with Transfer-Encoding; only Content-Length is read");
            }
        }
        let length = length.context("an answer without Content-Length")?;
        Ok(Self { status: u16::try_from(status)?, length, json_bytes, closes })
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nInference-Header-Content-Length: 2\r\n\r\n{}12345";

    #[test]
    fn an_answer_is_the_same_in_pieces_of_any_size() {
        let want = Head { status: 200, length: 7, json_bytes: Some(2), closes: false };
        let mut incoming = Incoming::default();
        for size in 1..=ANSWER.len() {
            incoming.keep();
            let mut pieces = ANSWER.chunks(size);
            let got = pieces.by_ref().find_map(|piece| incoming.take(piece).unwrap());
            assert_eq!((got, pieces.next()), (Some(want), None), "pieces of {size}");
            assert_eq!(incoming.reset().as_deref(), Some(&b"{}12345"[..]), "pieces of {size}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let rows: [(&[u8], &str); 5] = [
            (b"SSH-2.0\r\n\r\n", "not an answer"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "without Content-Length"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no number"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", "more bytes"),
        ];
        for (answer, want) in rows {
            let error = Incoming::default().take(answer).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
