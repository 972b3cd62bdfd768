//! A few of the requests that a deployment was asked lately, kept to be asked of what is to take its place.

use bytes::Bytes;
use servoir_types::{Data, Tensor};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Once there are as many as there may be, one of so many requests takes the place of the oldest.
const ONE_IN: u64 = 64;

/// How many requests are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// At most so many.
    pub requests_max: usize,
    /// Of at most so many bytes of inputs altogether.
    pub bytes_max: usize,
}

/// The requests that are kept, the oldest first.
pub struct Recorded {
    limits: RecordLimits,
    seen: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    requests: VecDeque<(usize, Vec<Tensor>)>,
    bytes: usize,
}

impl Recorded {
    pub fn new(limits: RecordLimits) -> Self {
        Self { limits, seen: AtomicU64::new(0), kept: Mutex::default() }
    }

    /// Shows a request. It waits for nobody: when another is being kept, this one is not.
    pub fn see(&self, inputs: &[Tensor]) {
        let turn = self.seen.fetch_add(1, Ordering::Relaxed);
        if turn >= self.limits.requests_max as u64 && !turn.is_multiple_of(ONE_IN) {
            return;
        }
        let bytes = inputs.iter().map(|input| input.data().size_bytes()).sum::<usize>();
        if bytes > self.limits.bytes_max {
            return;
        }
        let Ok(mut kept) = self.kept.try_lock() else { return };
        while kept.requests.len() >= self.limits.requests_max || kept.bytes + bytes > self.limits.bytes_max {
            let Some((gone, _)) = kept.requests.pop_front() else { return };
            kept.bytes -= gone;
        }
        kept.bytes += bytes;
        kept.requests.push_back((bytes, inputs.iter().map(copy).collect()));
    }

    /// The inputs of each request, in the signature's order.
    pub fn requests(&self) -> Vec<Vec<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.requests.iter().map(|(_, inputs)| inputs.clone()).collect()
    }
}

/// The same in memory of its own: a view would keep the whole body that it came in.
fn copy(tensor: &Tensor) -> Tensor {
    let data = match tensor.data() {
        Data::Bytes(texts) => Data::Bytes(texts.iter().map(|text| Bytes::copy_from_slice(text)).collect()),
        other => {
            let mut data = Data::with_capacity(other.datatype(), other.len());
            data.extend_from(other, 0..other.len());
            data
        }
    };
    Tensor::new(tensor.shape().to_vec(), data).unwrap_or_else(|_| tensor.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f32) -> Vec<Tensor> {
        vec![Tensor::new(vec![1, 1], Data::Fp32(vec![value].into())).unwrap()]
    }

    #[test]
    fn the_first_are_kept_and_then_one_in_many() {
        let recorded = Recorded::new(RecordLimits { requests_max: 3, bytes_max: 1000 });
        for value in 0..=128u8 {
            recorded.see(&row(value.into()));
        }
        assert_eq!(recorded.requests(), [row(2.0), row(64.0), row(128.0)]);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let recorded = Recorded::new(RecordLimits { requests_max: 10, bytes_max: 9 });
        (0..3u8).for_each(|value| recorded.see(&row(value.into())));
        assert_eq!(recorded.requests(), [row(1.0), row(2.0)]);
        let large = Tensor::new(vec![3], Data::Fp32(vec![0.0; 3].into())).unwrap();
        recorded.see(&[large]);
        assert_eq!(recorded.requests(), [row(1.0), row(2.0)], "12 bytes never fit");
    }
}
