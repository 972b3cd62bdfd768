//! How a forest is spread over a device: which of its parts lie in shared memory, and how many threads a block has.
//!
//! A thread has a row. A block's rows lie in shared memory feature by feature, so that the threads of a warp read from
//! different banks whatever features they ask for; the nodes of a group of trees lie before them; sums, when there are
//! several, behind. What does not fit is read where it is.

use super::device::Limits;

/// The threads of a warp.
pub const WARP: usize = 32;
/// Blocks are at most so large: smaller ones leave room for others beside them.
const THREADS_MAX: usize = 256;
/// Fewer rows are not worth bringing together.
const THREADS_SHARED_MIN: usize = 64;
/// The most nodes that are brought together, in bytes: with their rows, several blocks fit a multiprocessor.
const GROUP_BYTES: usize = 24 << 10;
/// The driver's own in each block.
const RESERVED: usize = 1 << 10;

/// What a forest needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Columns of a row.
    pub features: usize,
    /// Values of a prediction.
    pub outputs: usize,
    /// Bytes of a feature's number.
    pub feature_bytes: usize,
    /// Bytes of a sum.
    pub sum_bytes: usize,
    /// Bytes of all nodes.
    pub node_bytes: usize,
}

/// What of a forest lies where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Room for the nodes of a group of trees.
    pub group_bytes: usize,
    /// The most threads of a block.
    pub threads: usize,
    /// Whether a block's rows lie in shared memory.
    pub rows_shared: bool,
    /// Whether its sums do; a single sum needs no memory.
    pub sums_shared: bool,
}

/// A launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Blocks along what a thread has one of.
    pub blocks: u32,
    /// Blocks across.
    pub columns: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Shared memory of a block.
    pub shared_bytes: u32,
}

impl Shape {
    /// The best for a forest.
    pub fn of(facts: Facts, limits: Limits) -> Self {
        let shared = limits.shared_bytes.saturating_sub(RESERVED);
        let group_bytes = facts.node_bytes.min(GROUP_BYTES).min(shared / 4).next_multiple_of(16);
        let several = facts.outputs > 1;
        // Half of the memory leaves room for a second block, whose threads work while those of the first wait.
        for (rows_shared, sums_shared) in [(true, several), (true, false), (false, several)] {
            for (most, threads) in [(shared / 2, 256), (shared / 2, 128), (shared, 256), (shared, 128), (shared, 64)] {
                let shape = Self { group_bytes, threads, rows_shared, sums_shared };
                if threads >= THREADS_SHARED_MIN
                    && shape.shared_bytes(facts, threads).is_some_and(|bytes| bytes <= most)
                {
                    return shape;
                }
            }
        }
        Self { group_bytes, threads: THREADS_MAX, rows_shared: false, sums_shared: false }
    }

    /// A launch for so many rows: few rows are spread over all multiprocessors.
    pub fn grid(&self, facts: Facts, limits: Limits, rows: usize) -> Grid {
        let each = rows.div_ceil(limits.multiprocessors.max(1)).next_multiple_of(WARP);
        let threads = each.clamp(WARP, self.threads);
        let shared_bytes = self.shared_bytes(facts, threads).unwrap_or(0);
        Grid {
            blocks: number(rows.div_ceil(threads)),
            columns: 1,
            threads: number(threads),
            shared_bytes: number(shared_bytes),
        }
    }

    /// Shared memory of a block of so many threads; none when it is beyond counting.
    fn shared_bytes(&self, facts: Facts, threads: usize) -> Option<usize> {
        let of = |is_shared: bool, count: usize, bytes: usize| {
            if is_shared { count.checked_mul(threads)?.checked_mul(bytes) } else { Some(0) }
        };
        let rows = of(self.rows_shared, facts.features, facts.feature_bytes)?;
        let sums = of(self.sums_shared, facts.outputs, facts.sum_bytes)?;
        self.group_bytes.checked_add(rows)?.checked_add(sums)
    }
}

impl Grid {
    /// A launch of a thread for each of `count` things, or fewer that take several in turn when there are very many.
    pub fn over(count: usize, threads: usize) -> Self {
        const BLOCKS_MAX: usize = 1 << 16;
        let blocks = count.div_ceil(threads).clamp(1, BLOCKS_MAX);
        Self { blocks: number(blocks), columns: 1, threads: number(threads), shared_bytes: 0 }
    }
}

/// Sizes of launches are far below 2^32; one that is not is refused by the driver.
pub fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const H200: Limits = Limits { multiprocessors: 132, shared_bytes: 227 << 10 };
    const T4: Limits = Limits { multiprocessors: 40, shared_bytes: 64 << 10 };
    const TABLE: Facts = Facts { features: 30, outputs: 1, feature_bytes: 4, sum_bytes: 4, node_bytes: 300 * 1024 };

    #[test]
    fn a_table_of_ordinary_width_lies_in_shared_memory() {
        for limits in [H200, T4] {
            let shape = Shape::of(TABLE, limits);
            assert!(shape.rows_shared && !shape.sums_shared, "{shape:?}");
            let grid = shape.grid(TABLE, limits, 1 << 20);
            assert!(2 * grid.shared_bytes as usize <= limits.shared_bytes, "{grid:?}");
        }
        let grid = Shape::of(TABLE, H200).grid(TABLE, H200, 1 << 20);
        assert_eq!(grid, Grid { blocks: 4096, columns: 1, threads: 256, shared_bytes: (24 << 10) + 30 * 256 * 4 });
    }

    #[test]
    fn wide_rows_and_many_outputs_are_read_where_they_are() {
        let wide = Facts { features: 10_000, ..TABLE };
        assert!(!Shape::of(wide, H200).rows_shared);
        let classes = Facts { outputs: 10, ..TABLE };
        let shape = Shape::of(classes, H200);
        assert!(shape.rows_shared && shape.sums_shared);
        let outputs = Facts { outputs: 5_000, ..TABLE };
        let shape = Shape::of(outputs, H200);
        assert!(shape.rows_shared && !shape.sums_shared);
        let both =
            Facts { features: 1 << 30, outputs: 1 << 30, feature_bytes: 8, sum_bytes: 8, node_bytes: usize::MAX / 2 };
        let shape = Shape::of(both, T4);
        assert!(!shape.rows_shared && !shape.sums_shared);
        assert!(shape.grid(both, T4, 5).shared_bytes as usize <= T4.shared_bytes);
    }

    #[test]
    fn no_launch_asks_for_more_than_there_is_or_leaves_a_row_out() {
        for limits in [H200, T4, Limits { multiprocessors: 1, shared_bytes: 48 << 10 }] {
            for features in [1, 7, 100, 500, 1_000, 3_000] {
                for (outputs, sum_bytes) in [(1, 4), (2, 8), (100, 8), (1_000, 4)] {
                    let facts = Facts { features, outputs, feature_bytes: 8, sum_bytes, node_bytes: 1 << 20 };
                    let shape = Shape::of(facts, limits);
                    for rows in [1, 31, 33, 1_000, 100_000] {
                        let grid = shape.grid(facts, limits, rows);
                        assert!(grid.shared_bytes as usize <= limits.shared_bytes, "{facts:?} {grid:?}");
                        assert!(grid.threads.is_multiple_of(32) && grid.threads as usize <= shape.threads, "{grid:?}");
                        assert!((grid.blocks * grid.threads) as usize >= rows);
                        assert!(((grid.blocks - 1) * grid.threads) as usize <= rows);
                    }
                }
            }
        }
    }

    #[test]
    fn few_rows_are_spread_over_the_device() {
        let grid = Shape::of(TABLE, H200).grid(TABLE, H200, 1_000);
        assert_eq!((grid.blocks, grid.threads), (32, 32));
    }
}
