//! Whether what is asked on one thread in one turn of its loop is worth running together.
//!
//! A request that runs at once costs its run. One that waits for the end of the turn costs its part of a run with others, and
//! what it takes to keep it, come back to it and cut its answer out. Which is less depends on how many come: that is seen now and
//! then, and while it pays, always.

use super::cost::Costs;

/// What keeping a request, coming back to it and cutting its answer out takes beside the run, in microseconds: 0.4 by `cargo xtask bench
/// micro queue`, and coming back goes through the connection's task.
const KEEPING_MICROS: f64 = 0.5;
/// What the last turn weighs in the mean, in parts of one.
const TURN_WEIGHT: f64 = 4.0;
/// While it does not pay, one of so many requests waits all the same, to see how many come. A prime: requests that come in bursts of
/// one size are not looked at by the last of each.
const LOOKS_ONE_IN: u32 = 61;

/// What runs cost, and how many rows may run together.
#[derive(Debug, Clone)]
pub struct Terms {
    costs: Costs,
    rows_max: usize,
}

impl Terms {
    /// `None` where single rows would not gain by any company.
    pub fn new(costs: Costs, rows_max: usize) -> Option<Self> {
        let terms = Self { costs, rows_max };
        terms.may_pay(1).then_some(terms)
    }

    /// The most rows that run together.
    pub fn rows_max(&self) -> usize {
        self.rows_max
    }

    /// The numbers of rows of runs whose costs are known, but for one.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.costs.sizes().filter(|rows| (2..=self.rows_max).contains(rows))
    }

    /// Whether a request of `rows` rows gains by a run of so many rows in all.
    fn pays(&self, rows: usize, all: f64) -> bool {
        let rows = rows as f64;
        let all = all.min(self.rows_max as f64);
        all > rows && self.costs.of(rows) - self.costs.of(all) * rows / all > KEEPING_MICROS
    }

    /// Whether a request of `rows` rows gains by any company.
    pub fn may_pay(&self, rows: usize) -> bool {
        self.sizes().chain([self.rows_max]).any(|all| self.pays(rows, all as f64))
    }
}

/// How many rows came together lately.
#[derive(Debug, Default)]
pub struct Company {
    mean_rows: f64,
    /// Requests that did not wait since one did.
    unseen: u32,
}

impl Company {
    /// Whether a request of `rows` rows is to wait for the end of the turn.
    pub fn is_expected(&mut self, terms: &Terms, rows: usize) -> bool {
        if terms.pays(rows, self.mean_rows) {
            return true;
        }
        self.unseen += 1;
        self.unseen >= LOOKS_ONE_IN && terms.may_pay(rows)
    }

    /// So many rows came in a turn.
    pub fn seen(&mut self, rows: usize) {
        self.mean_rows += (rows as f64 - self.mean_rows) / TURN_WEIGHT;
        self.unseen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Point;

    fn costs(points: &[(usize, f64)]) -> Costs {
        let point = |&(rows, micros): &(usize, f64)| Point { rows, micros, rows_per_second: 0.0 };
        Costs::known(&points.iter().map(point).collect::<Vec<_>>()).unwrap()
    }

    /// Cheaper by the row: 4, 2.5, 1.75 and 1.375 microseconds.
    fn cheaper() -> Terms {
        Terms::new(costs(&[(1, 4.0), (2, 5.0), (4, 7.0), (8, 11.0)]), 8).unwrap()
    }

    #[test]
    fn where_no_company_pays_nothing_waits() {
        for (points, rows_max) in [
            // As much by the row; no batches; less is won than keeping takes.
            (&[(1, 4.0), (2, 8.0), (4, 16.0)][..], 4),
            (&[(1, 4.0), (2, 5.0), (4, 7.0)][..], 1),
            (&[(1, 1.5), (2, 2.2), (4, 4.2)][..], 4),
            (&[(1, 4.0)][..], 64),
            (&[(1, 4.0), (2, 5.0)][..], 0),
        ] {
            assert!(Terms::new(costs(points), rows_max).is_none(), "{points:?}");
        }
        assert!(Terms::new(costs(&[(1, 4.0), (8, 11.0)]), 4).is_some(), "between what is known");
        assert!(cheaper().may_pay(4) && !cheaper().may_pay(8), "eight rows are a full batch alone");
    }

    #[test]
    fn who_comes_alone_waits_once_in_a_while() {
        let (terms, mut company) = (cheaper(), Company::default());
        let mut waited = 0;
        for _ in 0..10 * LOOKS_ONE_IN {
            if company.is_expected(&terms, 1) {
                company.seen(1);
                waited += 1;
            }
        }
        assert_eq!(waited, 10);
        assert!((0..10 * LOOKS_ONE_IN).all(|_| !company.is_expected(&terms, 8)), "never in vain");
    }

    #[test]
    fn company_is_expected_while_it_comes() {
        let (terms, mut company) = (cheaper(), Company::default());
        for _ in 0..8 {
            company.seen(8);
        }
        assert!(company.is_expected(&terms, 1) && company.is_expected(&terms, 2) && !company.is_expected(&terms, 8));
        for _ in 0..16 {
            company.seen(1);
        }
        assert!(!company.is_expected(&terms, 1));
    }
}
