//! The end of what a child wrote for people: its last words.

/// The last part of what a child wrote for people, kept for the case that it crashes.
#[derive(Debug, Default)]
pub(crate) struct Tail(Vec<u8>);

/// The most bytes that a [`Tail`] keeps.
const TAIL_BYTES_MAX: usize = 4 * 1024;

impl Tail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        let excess = self.0.len().saturating_sub(TAIL_BYTES_MAX);
        self.0.drain(..excess);
    }

    /// The text, without what cannot be shown.
    pub(crate) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        text.chars().filter(|letter| !letter.is_control() || *letter == '\n').collect::<String>().trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        tail.push(b"\x1b[1mpanicked\xff");
        assert!(tail.text().len() <= TAIL_BYTES_MAX + 8);
        assert!(tail.text().ends_with("line 9999\n[1mpanicked\u{fffd}"), "{}", tail.text());
    }
}
