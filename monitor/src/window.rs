//! Buckets of five minutes, and the windows that are sums of them.

use serde::{Deserialize, Serialize};
use servoir_types::Timestamp;

/// The length of a bucket.
pub const BUCKET_SECONDS: i64 = 300;

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WindowLength {
    /// An hour: 12 buckets.
    #[serde(rename = "1h")]
    Hour,
    /// Six hours.
    #[serde(rename = "6h")]
    SixHours,
    /// A day.
    #[serde(rename = "1d")]
    Day,
    /// Seven days: 2016 buckets.
    #[serde(rename = "7d")]
    Week,
}

impl WindowLength {
    /// Every one, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::SixHours, Self::Day, Self::Week];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "1d",
            Self::Week => "7d",
        }
    }

    /// How many seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3600,
            Self::SixHours => 6 * 3600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
        }
    }

    /// The first moment of the window whose last bucket is the one that `now` is in: always the first of a bucket.
    pub fn start(self, now: Timestamp) -> Timestamp {
        bucket_start(now).plus_seconds(BUCKET_SECONDS - self.seconds())
    }
}

/// The first moment of the bucket that a moment is in.
pub fn bucket_start(moment: Timestamp) -> Timestamp {
    let length = BUCKET_SECONDS * 1000;
    Timestamp::from_millis(moment.as_millis().div_euclid(length).saturating_mul(length))
}
