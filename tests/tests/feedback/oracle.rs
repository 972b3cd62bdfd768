//! Numbers beside scikit-learn's.

use serde_json::Value;
use servoir_tests::python;

/// What scikit-learn says of answers beside the truth; `python/feedback/metrics.py` says what is asked.
pub async fn metrics(asked: &Value) -> Value {
    python::answer("feedback/metrics.py", asked).await
}

/// Whether two numbers are the same to 1e-9.
#[track_caller]
pub fn close(found: &Value, expected: &Value, what: &str) {
    let (Some(a), Some(b)) = (found.as_f64(), expected.as_f64()) else { panic!("{what}: {found} and {expected}") };
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{what}: {a} is not {b}");
}
