//! Nodes that give the same elements another shape, and nodes that choose columns.

use super::super::columns::Select;
use super::{Given, Made, Shape};

/// The same elements in other dimensions.
fn renamed(given: &Given<'_>, dims: Vec<usize>) -> Result<Made, String> {
    if dims.iter().try_fold(1usize, |width, &dim| width.checked_mul(dim)) != Some(given.shape.width()) {
        return Err(format!("it makes rows of {dims:?} from rows of {:?}", given.shape.dims));
    }
    Ok(Made::same_elements(Shape { datatype: given.shape.datatype, dims }))
}

/// `Reshape` to a constant shape that keeps the rows.
pub fn reshape(given: &Given<'_>) -> Result<Made, String> {
    let wanted = given.integers(1)?;
    let unknown = || format!("it reshapes to {wanted:?}");
    let Some((&rows @ (-1 | 0), rest)) = wanted.split_first() else { return Err(unknown()) };
    if given.attributes().int("allowzero", 0) != 0 {
        return Err("its zeros are dimensions".into());
    }
    let mut dims = Vec::with_capacity(rest.len());
    let mut inferred = None;
    for (at, &dim) in rest.iter().enumerate() {
        dims.push(match dim {
            0 => *given.shape.dims.get(at).ok_or_else(unknown)?,
            -1 if rows == 0 && inferred.is_none() => {
                inferred = Some(at);
                1
            }
            _ => usize::try_from(dim).map_err(|_| unknown())?,
        });
    }
    if let Some(at) = inferred {
        let others = dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim)).ok_or_else(unknown)?;
        dims[at] = given.shape.width().checked_div(others).ok_or_else(unknown)?;
    }
    renamed(given, dims)
}

/// `Flatten` to a matrix.
pub fn flatten(given: &Given<'_>) -> Result<Made, String> {
    match given.attributes().int("axis", 1) {
        1 => renamed(given, vec![given.shape.width()]),
        axis => Err(format!("its axis is {axis}")),
    }
}

/// The axes of `Squeeze` and `Unsqueeze`, an input or an attribute, among `rank` dimensions.
fn axes(given: &Given<'_>, rank: usize) -> Result<Vec<usize>, String> {
    let axes = match given.attributes().ints("axes") {
        [] => given.integers(1)?,
        axes => axes.to_vec(),
    };
    let mut axes = axes.iter().map(|&axis| given.shape.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

/// `Squeeze` of dimensions of 1.
pub fn squeeze(given: &Given<'_>) -> Result<Made, String> {
    let mut dims = given.shape.dims.clone();
    for axis in axes(given, dims.len() + 1)?.into_iter().rev() {
        if dims.remove(axis - 1) != 1 {
            return Err(format!("its axis {axis} is not 1 long"));
        }
    }
    renamed(given, dims)
}

/// `Unsqueeze`: dimensions of 1 between the others.
pub fn unsqueeze(given: &Given<'_>) -> Result<Made, String> {
    let mut dims = given.shape.dims.clone();
    let added = given.attributes().ints("axes").len().max(given.integers(1).map_or(0, |axes| axes.len()));
    for axis in axes(given, dims.len() + 1 + added)? {
        if axis > dims.len() + 1 {
            return Err(format!("its axis is {axis}"));
        }
        dims.insert(axis - 1, 1);
    }
    renamed(given, dims)
}

/// Some columns of a matrix, in any order.
fn select(given: &Given<'_>, columns: &[i64], dims: Vec<usize>) -> Result<Made, String> {
    let width = given.shape.columns()?;
    let column = |&column: &i64| {
        let counted =
            if column < 0 { usize::try_from(column.saturating_add_unsigned(width as u64)) } else { column.try_into() };
        counted.ok().filter(|&column| column < width).ok_or_else(|| format!("it takes column {column} of {width}"))
    };
    let columns = columns.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    if columns.is_empty() {
        return Err("it takes no columns".into());
    }
    Ok(Made::with(Select { columns, width }, given.shape.datatype, dims))
}

/// `ArrayFeatureExtractor` of constant columns.
pub fn extract(given: &Given<'_>) -> Result<Made, String> {
    let columns = given.integers(1)?;
    if columns.iter().any(|&column| column < 0) {
        return Err("it takes a column below 0".into());
    }
    select(given, &columns, vec![columns.len()])
}

/// `Gather` of constant columns.
pub fn gather(given: &Given<'_>) -> Result<Made, String> {
    given.shape.axis(given.attributes().int("axis", 0), 2)?;
    let columns = given.integers(1)?;
    let dims = given.constant(1)?.dims.clone();
    if dims.len() > 1 {
        return Err(format!("its indices have {} dimensions", dims.len()));
    }
    select(given, &columns, dims)
}

/// `Slice` of columns, with bounds that are inputs.
pub fn slice(given: &Given<'_>) -> Result<Made, String> {
    let width = i64::try_from(given.shape.columns()?).unwrap_or(i64::MAX);
    let (starts, ends, axes) = (given.integers(1)?, given.integers(2)?, given.integers(3)?);
    let steps = if given.node.inputs.len() > 4 { given.integers(4)? } else { vec![1] };
    let (&[start], &[end], &[axis], &[1]) = (&starts[..], &ends[..], &axes[..], &steps[..]) else {
        return Err("it slices other than one range of columns".into());
    };
    given.shape.axis(axis, 2)?;
    let bound = |at: i64| if at < 0 { at.saturating_add(width).max(0) } else { at.min(width) };
    let columns: Vec<i64> = (bound(start)..bound(end)).collect();
    select(given, &columns, vec![columns.len()])
}
