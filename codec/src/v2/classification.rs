//! The classification extension: the best classes of each row in place of its values.

use crate::fault::Fault;
use servoir_types::{Data, Label, Tensor, TensorSpec};

/// The `count` best classes of each row as texts `score:index` or `score:index:label`, best first, as Triton writes them.
///
/// # Errors
/// 400 when the output has no scores: it is text or yes and no.
pub fn of(tensor: &Tensor, spec: &TensorSpec, count: usize) -> Result<Tensor, Fault> {
    let Some(scores) = scores(tensor.data()) else {
        let detail =
            format!("classification: output '{}' is {}, which has no scores to order", spec.name, tensor.datatype());
        return Err(Fault::Form(detail));
    };
    // A vector is one row of scores unless the model says that its dimension is the batch's.
    let by_row = tensor.shape().len() > 1 || spec.shape.is_batchable();
    let (rows, width) = if by_row { (tensor.rows(), tensor.row_len()) } else { (1, scores.len()) };
    let count = count.min(width);
    let labels = spec.classes.as_deref().filter(|labels| labels.len() == width);
    let mut texts = Vec::with_capacity(rows * count);
    let mut order: Vec<usize> = Vec::with_capacity(width);
    for row in 0..rows {
        let scores = &scores[row * width..(row + 1) * width];
        order.clear();
        order.extend(0..width);
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        texts.extend(order[..count].iter().map(|&index| text(scores[index], index, labels).into()));
    }
    let shape = if by_row { vec![rows, count] } else { vec![count] };
    Tensor::new(shape, Data::Bytes(texts)).map_err(|error| Fault::Defect(error.to_string()))
}

fn text(score: f64, index: usize, labels: Option<&[Label]>) -> String {
    match labels.map(|labels| &labels[index]) {
        None => format!("{score:.6}:{index}"),
        Some(Label::Int(label)) => format!("{score:.6}:{index}:{label}"),
        Some(Label::Text(label)) => format!("{score:.6}:{index}:{label}"),
    }
}

fn scores(data: &Data) -> Option<Vec<f64>> {
    Some(match data {
        Data::Fp16(v) => v.iter().map(|value| value.to_f64()).collect(),
        Data::Bf16(v) => v.iter().map(|value| value.to_f64()).collect(),
        Data::Fp32(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Fp64(v) => v.to_vec(),
        Data::Uint8(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Uint16(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Uint32(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Int8(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Int16(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Int32(v) => v.iter().map(|&value| value.into()).collect(),
        Data::Uint64(v) => v.iter().map(|&value| value as f64).collect(),
        Data::Int64(v) => v.iter().map(|&value| value as f64).collect(),
        Data::Bool(_) | Data::Bytes(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::{Datatype, Shape};

    #[test]
    fn the_best_classes_come_first() {
        let labels = Some(vec![Label::Text("a".into()), Label::Text("b".into()), Label::Text("c".into())]);
        let by_row = || Shape::ranked([-1, 3]);
        let cases: [(_, Vec<usize>, _, usize, &[&str]); 4] = [
            (by_row(), vec![2, 3], labels, 2, &["0.700000:1:b", "0.200000:2:c", "0.500000:0:a", "0.300000:1:b"]),
            (by_row(), vec![2, 3], None, 1, &["0.700000:1", "0.500000:0"]),
            (Shape::ranked([6]), vec![6], None, 2, &["0.700000:1", "0.500000:3"]),
            (
                by_row(),
                vec![1, 6],
                None,
                9,
                &["0.700000:1", "0.500000:3", "0.300000:4", "0.250000:5", "0.200000:2", "0.100000:0"],
            ),
        ];
        let scores = Data::Fp32(vec![0.1, 0.7, 0.2, 0.5, 0.3, 0.25].into());
        for (declared, shape, classes, count, expected) in cases {
            let mut spec = TensorSpec::new("p", Datatype::Fp32, declared);
            spec.classes = classes;
            let tensor = of(&Tensor::new(shape, scores.clone()).unwrap(), &spec, count).unwrap();
            let texts = expected.iter().map(|text| text.as_bytes().to_vec().into()).collect();
            assert_eq!(tensor.data(), &Data::Bytes(texts));
        }
        let spec = TensorSpec::new("p", Datatype::Bool, Shape::unranked());
        assert!(of(&Tensor::new(vec![1], Data::Bool(vec![true])).unwrap(), &spec, 1).is_err());
    }
}
