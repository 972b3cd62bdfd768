//! Stacking the rows of several requests into one batch, and cutting the answers apart again. Nothing here waits or runs.

use servoir_types::{Data, Signature, Tensor};

/// Whether rows of several requests may share a run: every input and output has a free first dimension.
pub fn is_batchable(signature: &Signature) -> bool {
    !signature.inputs.is_empty()
        && signature.inputs.iter().chain(&signature.outputs).all(|spec| spec.shape.is_batchable())
}

/// Whether two requests' tensors can be stacked: the same datatypes and the same dimensions but for the first.
pub fn fit_together(a: &[Tensor], b: &[Tensor]) -> bool {
    let fits = |(a, b): (&Tensor, &Tensor)| {
        a.datatype() == b.datatype() && a.shape().len() == b.shape().len() && a.shape().get(1..) == b.shape().get(1..)
    };
    a.len() == b.len() && a.iter().zip(b).all(fits)
}

/// Stacks the tensors of requests that [`fit_together`] along their first dimension, in order. `batch` is cleared and
/// its memory used again.
///
/// Returns `false`, with `batch` unspecified, when they do not fit together.
pub fn gather(requests: &[&[Tensor]], batch: &mut Vec<Tensor>) -> bool {
    let Some(first) = requests.first() else { return false };
    let mut buffers = std::mem::take(batch).into_iter();
    for (index, model) in first.iter().enumerate() {
        let parts = || requests.iter().filter_map(|request| request.get(index));
        let elements: usize = parts().map(|part| part.data().len()).sum();
        let rows: usize = parts().map(Tensor::rows).sum();
        let mut data = match buffers.next().map(Tensor::into_parts) {
            Some((_, data)) if data.datatype() == model.datatype() => data,
            _ => Data::with_capacity(model.datatype(), elements),
        };
        data.clear();
        if !parts().all(|part| data.extend_from(part.data(), 0..part.data().len())) {
            return false;
        }
        let mut shape = model.shape().to_vec();
        let Some(length) = shape.first_mut() else { return false };
        *length = rows;
        let Ok(tensor) = Tensor::new(shape, data) else { return false };
        batch.push(tensor);
    }
    true
}

/// Repeats the last row of every tensor until it has `rows` rows.
///
/// Returns `false`, with `batch` unspecified, when a tensor has no row to repeat.
pub fn pad(batch: &mut Vec<Tensor>, rows: usize) -> bool {
    let padded = std::mem::take(batch).into_iter().map(|tensor| {
        let (from, len) = (tensor.rows(), tensor.row_len());
        let (mut shape, mut data) = tensor.into_parts();
        let mut last = Data::with_capacity(data.datatype(), len);
        last.extend_from(&data, from.checked_sub(1)? * len..from * len);
        (from..rows).for_each(|_| _ = data.extend_from(&last, 0..len));
        shape[0] = rows.max(from);
        Tensor::new(shape, data).ok()
    });
    padded.collect::<Option<Vec<_>>>().map(|padded| *batch = padded).is_some()
}

/// Cuts the outputs of a batch into one set per request, which had `rows[i]` rows each.
///
/// `None` when an output's first dimension is not the sum of the rows: such a model's rows cannot be told apart.
pub fn scatter(outputs: &[Tensor], rows: &[usize]) -> Option<Vec<Vec<Tensor>>> {
    let total: usize = rows.iter().sum();
    if outputs.iter().any(|output| output.shape().first() != Some(&total)) {
        return None;
    }
    let mut start = 0;
    let mut answers = Vec::with_capacity(rows.len());
    for &count in rows {
        let cut = |output: &Tensor| {
            let len = output.row_len();
            let mut data = Data::with_capacity(output.datatype(), count * len);
            data.extend_from(output.data(), start * len..(start + count) * len);
            let mut shape = output.shape().to_vec();
            shape[0] = count;
            Tensor::new(shape, data).ok()
        };
        answers.push(outputs.iter().map(cut).collect::<Option<Vec<_>>>()?);
        start += count;
    }
    Some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice::from_ref;

    fn matrix(rows: usize, columns: usize, first: i32) -> Tensor {
        let count = i32::try_from(rows * columns).unwrap();
        Tensor::new(vec![rows, columns], Data::Int32((first..first + count).collect())).unwrap()
    }

    #[test]
    fn what_was_gathered_scatters_back_to_each_request() {
        let row_counts: [&[usize]; 5] = [&[1], &[1, 1], &[3, 1, 2], &[0, 2, 0], &[0]];
        let mut batch = Vec::new();
        for rows in row_counts {
            let mut first = 0;
            let requests: Vec<Vec<Tensor>> = rows
                .iter()
                .map(|&count| {
                    first += 100;
                    let text = Data::Bytes((0..count).map(|row| format!("{first}-{row}").into()).collect());
                    vec![matrix(count, 2, first), Tensor::new(vec![count], text).unwrap()]
                })
                .collect();
            let parts: Vec<&[Tensor]> = requests.iter().map(Vec::as_slice).collect();
            assert!(gather(&parts, &mut batch));
            assert_eq!(batch[0].shape(), [rows.iter().sum(), 2]);
            assert_eq!(scatter(&batch, rows), Some(requests));
        }
    }

    #[test]
    fn what_is_padded_has_the_last_row_more_than_once() {
        let text = |rows: &[&'static str]| {
            Tensor::new(vec![rows.len()], Data::Bytes(rows.iter().map(|row| (*row).into()).collect())).unwrap()
        };
        let mut batch = vec![matrix(2, 2, 1), text(&["a", "b"])];
        assert!(pad(&mut batch, 4));
        let numbers = Tensor::new(vec![4, 2], Data::Int32(vec![1, 2, 3, 4, 3, 4, 3, 4].into())).unwrap();
        assert_eq!(batch, [numbers, text(&["a", "b", "b", "b"])]);
        let answers = scatter(&batch, &[1, 1, 2]).unwrap();
        assert_eq!(answers[..2], [vec![matrix(1, 2, 1), text(&["a"])], vec![matrix(1, 2, 3), text(&["b"])]]);
        assert!(!pad(&mut vec![matrix(0, 2, 1)], 1));
    }

    #[test]
    fn outputs_that_lie_about_their_rows_are_not_cut() {
        for outputs in [
            vec![matrix(4, 1, 0)],
            vec![matrix(3, 1, 0), matrix(2, 1, 0)],
            vec![Tensor::new(vec![], Data::Int8(vec![1].into())).unwrap()],
        ] {
            assert_eq!(scatter(&outputs, &[1, 2]), None);
        }
    }

    #[test]
    fn only_tensors_of_one_kind_fit_together() {
        let bytes =
            |shape: &[usize]| Tensor::new(shape.to_vec(), Data::Uint8(vec![0; shape.iter().product()].into())).unwrap();
        let cases = [
            (bytes(&[1, 2]), bytes(&[3, 2]), true),
            (bytes(&[1, 2]), bytes(&[1, 3]), false),
            (bytes(&[2]), bytes(&[2, 1]), false),
            (bytes(&[]), bytes(&[]), true),
            (bytes(&[1]), Tensor::new(vec![1], Data::Int8(vec![0].into())).unwrap(), false),
        ];
        for (a, b, expected) in cases {
            assert_eq!(fit_together(from_ref(&a), from_ref(&b)), expected, "{a:?} {b:?}");
        }
        assert!(!fit_together(&[bytes(&[1])], &[]));
    }
}
