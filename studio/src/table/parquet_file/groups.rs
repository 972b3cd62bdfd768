//! Which columns of a Parquet file are read together, so that their pages fit in memory.

use super::bounds::Weight;
use crate::table::limits::{PARQUET_PAGES_BYTES, piece_rows};

/// Columns that are read together.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// Their places among the wanted ones.
    pub members: Vec<usize>,
    /// So many rows at a time.
    pub rows: usize,
}

/// Cuts the wanted columns into groups whose standing pages take at most [`PARQUET_PAGES_BYTES`], or have one column.
pub fn of(weights: &[Weight]) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut members, mut sum) = (Vec::new(), Weight::default());
    for (place, weight) in weights.iter().enumerate() {
        if !members.is_empty() && sum.standing_bytes + weight.standing_bytes > PARQUET_PAGES_BYTES {
            groups.push(group(std::mem::take(&mut members), sum));
            sum = Weight::default();
        }
        members.push(place);
        sum.standing_bytes += weight.standing_bytes;
        sum.row_bytes += weight.row_bytes;
    }
    groups.push(group(members, sum));
    groups
}

fn group(members: Vec<usize>, sum: Weight) -> Group {
    let fitting = usize::try_from(PARQUET_PAGES_BYTES / sum.row_bytes.max(1)).unwrap_or(usize::MAX);
    let rows = piece_rows(members.len()).min(fitting).max(1);
    Group { members, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_fit_in_memory() {
        let weight = |mebibytes: u64, row_bytes| Weight { standing_bytes: mebibytes << 20, row_bytes };
        let places = |groups: &[Group]| groups.iter().map(|group| group.members.clone()).collect::<Vec<_>>();
        let cases = [
            (vec![weight(1, 8); 3], vec![vec![0, 1, 2]], 4_096),
            (vec![weight(100, 8), weight(90, 8), weight(3, 8)], vec![vec![0, 1], vec![2]], 4_096),
            (vec![weight(500, 8), weight(500, 8)], vec![vec![0], vec![1]], 4_096),
            (vec![weight(1, 32 << 20)], vec![vec![0]], 6),
            (vec![weight(1, 1 << 40)], vec![vec![0]], 1),
        ];
        for (weights, expected, rows) in cases {
            let groups = of(&weights);
            assert_eq!(places(&groups), expected, "{weights:?}");
            assert_eq!(groups[0].rows, rows, "{weights:?}");
        }
    }
}
