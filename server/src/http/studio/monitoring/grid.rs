//! Steps of time: what charts have a value for.

use servoir_monitor::bucket_start;
use servoir_types::Timestamp;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its first moment: always the first of a bucket.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

/// Steps of so many seconds from `from` to `to`, which is within the last of them.
pub fn steps(from: Timestamp, to: Timestamp, seconds: i64) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut start = bucket_start(from);
    while start < to {
        let end = start.plus_seconds(seconds);
        steps.push(Step { start, end });
        start = end;
    }
    steps
}

/// How many steps that would be.
pub fn count(from: Timestamp, to: Timestamp, seconds: i64) -> i64 {
    let millis = to.as_millis().saturating_sub(bucket_start(from).as_millis()).max(0);
    let length = seconds.max(1) * 1000;
    millis / length + i64::from(millis % length > 0)
}

/// The steps, cut in two wherever one of these moments is within one.
pub fn cut(steps: Vec<Step>, moments: &[Timestamp]) -> Vec<Step> {
    let mut cut = Vec::with_capacity(steps.len());
    for mut step in steps {
        for moment in moments.iter().map(|moment| bucket_start(*moment)) {
            if step.start < moment && moment < step.end {
                cut.push(Step { start: step.start, end: moment });
                step.start = moment;
            }
        }
        cut.push(step);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn of(bounds: &[(i64, i64)]) -> Vec<Step> {
        bounds.iter().map(|(start, end)| Step { start: at(*start), end: at(*end) }).collect()
    }

    #[test]
    fn steps_begin_with_buckets_and_reach_to_the_end() {
        assert_eq!(steps(at(301), at(7200), 3600), of(&[(300, 3900), (3900, 7500)]));
        assert_eq!(steps(at(300), at(300), 3600), of(&[]));
        for (from, to, seconds) in [(301, 7200, 3600), (300, 300, 3600), (0, 3600, 3600), (0, 3601, 3600), (7, 1, 300)]
        {
            let expected = steps(at(from), at(to), seconds).len() as i64;
            assert_eq!(count(at(from), at(to), seconds), expected, "{from} {to} {seconds}");
        }
    }

    #[test]
    fn a_step_is_cut_where_something_changes_in_it() {
        let day = of(&[(0, 3600), (3600, 7200)]);
        assert_eq!(cut(day.clone(), &[]), day);
        assert_eq!(cut(day.clone(), &[at(0), at(3600), at(9000)]), day);
        let expected = of(&[(0, 600), (600, 1200), (1200, 3600), (3600, 7200)]);
        assert_eq!(cut(day, &[at(601), at(700), at(1200)]), expected);
    }
}
