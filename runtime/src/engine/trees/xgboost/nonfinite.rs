//! `NaN`, `Infinity` and `-Infinity`, which XGBoost writes into its JSON and which JSON does not have.

/// Each literal, the string of the same length that stands for it, and what that says.
const LITERALS: [(&[u8], &[u8], f32); 3] = [
    (b"NaN", br#""n""#, f32::NAN),
    (b"-Infinity", br#""-infini""#, f32::NEG_INFINITY),
    (b"Infinity", br#""infini""#, f32::INFINITY),
];

/// Turns the literals into strings, in place. Whether there was any.
pub fn quote(json: &mut [u8]) -> bool {
    let (mut found, mut in_string, mut at) = (false, false, 0);
    while at < json.len() {
        match json[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                let literal = LITERALS.iter().find(|(literal, ..)| json[at..].starts_with(literal));
                if let Some((literal, string, _)) = literal {
                    json[at..at + literal.len()].copy_from_slice(string);
                    at += literal.len() - 1;
                    found = true;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The number that a string stands for.
pub fn number(string: &str) -> Option<f32> {
    let stands = |quoted: &[u8]| quoted[1..quoted.len() - 1] == *string.as_bytes();
    LITERALS.iter().find(|(_, quoted, _)| stands(quoted)).map(|(_, _, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_strings_and_strings_stay() {
        let cases = [
            (r#"[NaN,-Infinity,Infinity]"#, r#"["n","-infini","infini"]"#, true),
            (r#"["NaN","\"Infinity",-1]"#, r#"["NaN","\"Infinity",-1]"#, false),
            (r#"["\\",NaN"#, r#"["\\","n""#, true),
            (r#"[Na,-Inf"#, r#"[Na,-Inf"#, false),
        ];
        for (json, wanted, any) in cases {
            let mut bytes = json.as_bytes().to_vec();
            assert_eq!(quote(&mut bytes), any, "{json}");
            assert_eq!(String::from_utf8(bytes).unwrap(), wanted);
        }
        assert_eq!(number("-infini"), Some(f32::NEG_INFINITY));
        assert!(number("n").is_some_and(f32::is_nan));
        assert_eq!(number("infinity"), None);
    }
}
