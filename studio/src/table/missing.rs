//! How people write that there is no value. The list is that of pandas' `read_csv`.

/// Whether a field of a CSV file, without spaces around it, says that there is no value.
pub(super) fn is_missing(field: &str) -> bool {
    // Nearly every field begins with none of these.
    let Some(first) = field.as_bytes().first() else { return true };
    matches!(first, b'#' | b'-' | b'1' | b'<' | b'N' | b'n')
        && matches!(
            field,
            "#N/A"
                | "#N/A N/A"
                | "#NA"
                | "-1.#IND"
                | "-1.#QNAN"
                | "-NaN"
                | "-nan"
                | "1.#IND"
                | "1.#QNAN"
                | "<NA>"
                | "N/A"
                | "NA"
                | "NULL"
                | "NaN"
                | "None"
                | "n/a"
                | "nan"
                | "null"
        )
}
