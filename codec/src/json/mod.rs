//! JSON to typed tensor elements and back, in one pass and without a tree in between.

pub mod columns;
mod datatypes;
pub mod element;
pub mod fields;
pub mod filling;
mod float;
mod number;
pub mod path;
pub mod scanner;
mod string;
mod swar;
pub mod values;

/// The most dimensions that a tensor may have, and so the deepest that lists may be nested.
pub const RANK_MAX: usize = 8;

/// How many lists a JSON value begins with, counted up to one more than [`RANK_MAX`]: the rank that it claims to have.
pub fn rank_of(json: &[u8]) -> usize {
    let mut rank = 0;
    for byte in json {
        match byte {
            b'[' if rank <= RANK_MAX => rank += 1,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => break,
        }
    }
    rank
}

/// As much of a caller's text as a message shows.
pub fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A JSON value in a message.
pub fn described(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        _ => excerpt(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_is_the_number_of_leading_lists() {
        let deep = "[".repeat(100);
        for (json, rank) in
            [("5", 0), ("[]", 1), (" [\n[1, [2]]]", 2), ("{\"a\": [1]}", 0), (deep.as_str(), RANK_MAX + 1)]
        {
            assert_eq!(rank_of(json.as_bytes()), rank, "{json}");
        }
    }

    #[test]
    fn excerpts_are_cut_between_characters() {
        assert_eq!(excerpt("12"), "12");
        assert_eq!(excerpt(&"☃".repeat(50)), format!("{}…", "☃".repeat(40)));
    }
}
