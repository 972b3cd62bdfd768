//! From the inputs to the matrix that the learner was given.

use super::graph::{Constant, Writer, float, floats, int, texts};
use super::proto::Element;
use crate::prepare::features::Feature;
use crate::prepare::pipeline::{Number, OneHot, Pipeline};

/// Writes the inputs and the steps; tells what the matrix is called.
pub fn write(writer: &mut Writer, features: &[Feature], pipeline: &Pipeline) -> String {
    for feature in features {
        writer.input(&feature.name, if feature.is_text { Element::String } else { Element::Float });
    }
    let mut blocks = Vec::new();
    let numbers: Vec<String> = pipeline.numbers.iter().map(|number| write_number(writer, features, number)).collect();
    if !numbers.is_empty() {
        blocks.push(scaled(writer, numbers, pipeline));
    }
    let known: Vec<&OneHot> = pipeline.one_hot.iter().filter(|one_hot| !one_hot.categories.is_empty()).collect();
    if !known.is_empty() {
        // 0 is as many as there are rows.
        let flat = writer.constant("flat", &[2], Constant::Integers(vec![0, -1]));
        blocks.extend(known.into_iter().map(|one_hot| write_one_hot(writer, features, one_hot, &flat)));
    }
    joined(writer, blocks)
}

fn joined(writer: &mut Writer, mut blocks: Vec<String>) -> String {
    match blocks.len() {
        1 => blocks.remove(0),
        _ => writer.node("Concat", blocks, vec![int("axis", 1)]),
    }
}

fn write_number(writer: &mut Writer, features: &[Feature], number: &Number) -> String {
    let input = features[number.feature].name.clone();
    let Some(ranks) = &number.ranks else { return input };
    let places =
        vec![texts("keys_strings", ranks.iter().map(String::as_str)), floats("values_floats", places(ranks.len()))];
    let places = places.into_iter().chain([float("default_float", f32::NAN)]).collect();
    // An encoder without keys is none: of a column without a known text, no text is.
    writer.node("LabelEncoder", vec![input], if ranks.is_empty() { nothing_known() } else { places })
}

fn nothing_known() -> Vec<super::proto::Attribute> {
    vec![texts("keys_strings", [""]), floats("values_floats", vec![f32::NAN]), float("default_float", f32::NAN)]
}

#[allow(clippy::cast_precision_loss)] // at most a thousand
fn places(count: usize) -> Vec<f32> {
    (0..count).map(|place| place as f32).collect()
}

fn scaled(writer: &mut Writer, numbers: Vec<String>, pipeline: &Pipeline) -> String {
    let mut block = joined(writer, numbers);
    if let Some(fill) = &pipeline.fill {
        let missing = vec![floats("imputed_value_floats", fill.clone()), float("replaced_value_float", f32::NAN)];
        block = writer.node("Imputer", vec![block], missing);
    }
    if let Some(scaling) = &pipeline.scaling {
        let offset = floats("offset", scaling.iter().map(|scaling| scaling.offset).collect());
        let scale = floats("scale", scaling.iter().map(|scaling| scaling.scale).collect());
        block = writer.node("Scaler", vec![block], vec![offset, scale]);
    }
    block
}

fn write_one_hot(writer: &mut Writer, features: &[Feature], one_hot: &OneHot, flat: &str) -> String {
    let categories = texts("cats_strings", one_hot.categories.iter().map(String::as_str));
    let input = features[one_hot.feature].name.clone();
    let encoded = writer.node("OneHotEncoder", vec![input], vec![categories, int("zeros", 1)]);
    writer.node("Reshape", vec![encoded, flat.into()], Vec::new())
}
