//! Texts as numbers.

use crate::table::{MISSING, Values};

/// The most distinct values that a column of texts has when each gets a column of its own by default.
pub const ONE_HOT_AUTO_MAX: usize = 16;

/// The most columns that a column of texts becomes.
pub const ONE_HOT_MAX: usize = 64;

/// The distinct texts of some rows: the most frequent first, equally frequent ones by their bytes. What is missing is none, and neither is the empty text, which stands for it in requests.
pub fn by_frequency(values: &Values, rows: &[usize]) -> Vec<String> {
    let Values::Texts { codes, texts } = values else { return Vec::new() };
    let mut counts = vec![0usize; texts.len()];
    rows.iter().map(|&row| codes[row]).filter(|&code| code != MISSING).for_each(|code| counts[code as usize] += 1);
    let mut seen: Vec<usize> = (0..texts.len()).filter(|&code| counts[code] > 0 && !texts[code].is_empty()).collect();
    seen.sort_by(|&a, &b| counts[b].cmp(&counts[a]).then_with(|| texts[a].cmp(&texts[b])));
    seen.into_iter().map(|code| texts[code].clone()).collect()
}

/// For each code of a column, the place of its text among the categories.
pub fn places(values: &Values, categories: &[String]) -> Vec<Option<usize>> {
    let Values::Texts { texts, .. } = values else { return Vec::new() };
    let by_text: std::collections::HashMap<&str, usize> =
        categories.iter().enumerate().map(|(place, text)| (text.as_str(), place)).collect();
    texts.iter().map(|text| by_text.get(text.as_str()).copied()).collect()
}
