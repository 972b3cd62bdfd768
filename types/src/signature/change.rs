//! What callers of one signature would trip over if another took its place.

use super::{Label, Shape, Signature, TensorSpec};
use serde::Serialize;
use std::collections::HashSet;
use std::fmt;

/// The most names that a change lists.
const NAMES_SHOWN_MAX: usize = 5;

/// A difference between two signatures that breaks who calls the first when the second answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakingChange {
    /// Where.
    pub side: Side,
    /// Which input or output.
    pub name: String,
    /// What it was, such as `FP32 [-1, 30]`.
    pub was: String,
    /// What it is.
    pub is: String,
}

/// Which half of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Side {
    Input,
    Output,
}

impl fmt::Display for BreakingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': was {}, is {}", self.side.word(), self.name, self.was, self.is)
    }
}

impl Side {
    /// `input` or `output`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

impl Signature {
    /// What callers of this signature would trip over if `next` took its place. An input must take whatever it took, and no
    /// other may be asked for; an output must stay within what it was. Outputs that are added break nobody.
    pub fn broken_by(&self, next: &Self) -> Vec<BreakingChange> {
        let mut changes = Vec::new();
        side(Side::Input, (&self.inputs, &next.inputs), &mut changes);
        side(Side::Output, (&self.outputs, &next.outputs), &mut changes);
        let known = |name: &str| self.inputs.iter().any(|input| input.name == name);
        for input in next.inputs.iter().filter(|input| !known(&input.name)) {
            let is = format!("required, {}", form(input));
            changes.push(BreakingChange { side: Side::Input, name: input.name.clone(), was: "not there".into(), is });
        }
        changes
    }
}

fn side(side: Side, (before, after): (&[TensorSpec], &[TensorSpec]), changes: &mut Vec<BreakingChange>) {
    for was in before {
        let mut change =
            |before: String, is: String| changes.push(BreakingChange { side, name: was.name.clone(), was: before, is });
        let Some(is) = after.iter().find(|is| is.name == was.name) else {
            change(form(was), gone(was, (before, after)));
            continue;
        };
        let fits = match side {
            Side::Input => covers(&is.shape, &was.shape),
            Side::Output => covers(&was.shape, &is.shape),
        };
        if was.datatype != is.datatype || !fits {
            change(form(was), form(is));
        }
        if let (Side::Input, Some((before, after))) = (side, features(was, is)) {
            change(before, after);
        }
        if was.accepts_missing && !is.accepts_missing {
            change("content with missing values".into(), "not".into());
        }
        if was.role.is_some() && was.role != is.role {
            let role =
                |spec: &TensorSpec| spec.role.map_or("of no known meaning".into(), |role| format!("the {role:?}"));
            change(role(was).to_lowercase(), role(is).to_lowercase());
        }
        if let (Some(old), new) = (&was.classes, &is.classes)
            && new.as_ref() != Some(old)
        {
            change(classes(Some(old)), classes(new.as_ref()));
        }
    }
}

/// Where an input or output that is not there any more may have gone.
fn gone(was: &TensorSpec, (before, after): (&[TensorSpec], &[TensorSpec])) -> String {
    let is_new = |spec: &&TensorSpec| before.iter().all(|other| other.name != spec.name);
    let alike = |spec: &&TensorSpec| spec.datatype == was.datatype && spec.shape == was.shape;
    let mut renamed = after.iter().filter(is_new).filter(alike);
    match (renamed.next(), renamed.next()) {
        (Some(spec), None) => format!("not there, unless it is called '{}' now", spec.name),
        _ => "not there".into(),
    }
}

/// Whether every tensor of the shape `inner` is one of `outer`.
fn covers(outer: &Shape, inner: &Shape) -> bool {
    match (outer.dims(), inner.dims()) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => {
            outer.len() == inner.len() && outer.iter().zip(inner).all(|(outer, inner)| *outer < 0 || outer == inner)
        }
    }
}

/// Columns that who gives rows by name, or in their order, would miss.
fn features(was: &TensorSpec, is: &TensorSpec) -> Option<(String, String)> {
    let old = was.feature_names.as_ref()?;
    let Some(new) = &is.feature_names else {
        return Some(("of named columns".into(), "of columns without names".into()));
    };
    let known: HashSet<&str> = new.iter().map(String::as_str).collect();
    let missing: Vec<&str> = old.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    if !missing.is_empty() {
        return Some((format!("with the columns {}", listed(&missing)), "without them".into()));
    }
    let moved = old.iter().zip(new).position(|(old, new)| old != new)?;
    let to = new.iter().position(|name| *name == old[moved])?;
    Some((format!("'{}' in column {}", old[moved], moved + 1), format!("in column {}", to + 1)))
}

fn classes(classes: Option<&Vec<Label>>) -> String {
    let Some(classes) = classes else { return "of classes without names".into() };
    let words: Vec<String> = classes
        .iter()
        .map(|class| match class {
            Label::Int(number) => number.to_string(),
            Label::Text(text) => text.clone(),
        })
        .collect();
    format!("of the classes {}", listed(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_SHOWN_MAX).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn form(spec: &TensorSpec) -> String {
    format!("{} {}", spec.datatype, spec.shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Datatype, Role};

    fn spec(name: &str, datatype: Datatype, dims: &[i64]) -> TensorSpec {
        TensorSpec::new(name, datatype, Shape::ranked(dims))
    }

    fn fp32(name: &str, dims: &[i64]) -> TensorSpec {
        spec(name, Datatype::Fp32, dims)
    }

    fn changes(before: (Vec<TensorSpec>, Vec<TensorSpec>), after: (Vec<TensorSpec>, Vec<TensorSpec>)) -> Vec<String> {
        let signature = |(inputs, outputs)| Signature { inputs, outputs };
        signature(before).broken_by(&signature(after)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_breaks_callers_is_named_with_what_it_was_and_is() {
        let x = || vec![fp32("x", &[-1, 3])];
        let any = || vec![TensorSpec::new("x", Datatype::Fp32, Shape::unranked())];
        let cases: Vec<(Vec<TensorSpec>, Vec<TensorSpec>, &[&str])> = vec![
            (x(), x(), &[]),
            (x(), vec![fp32("x", &[-1, -1])], &[]),
            (x(), any(), &[]),
            (any(), x(), &["input 'x': was FP32 [any rank], is FP32 [-1, 3]"]),
            (x(), vec![fp32("x", &[-1, 4])], &["input 'x': was FP32 [-1, 3], is FP32 [-1, 4]"]),
            (x(), vec![fp32("x", &[1, 3])], &["input 'x': was FP32 [-1, 3], is FP32 [1, 3]"]),
            (x(), vec![fp32("x", &[-1, 3, 1])], &["input 'x': was FP32 [-1, 3], is FP32 [-1, 3, 1]"]),
            (x(), vec![spec("x", Datatype::Fp64, &[-1, 3])], &["input 'x': was FP32 [-1, 3], is FP64 [-1, 3]"]),
            (
                x(),
                vec![fp32("y", &[-1, 3])],
                &[
                    "input 'x': was FP32 [-1, 3], is not there, unless it is called 'y' now",
                    "input 'y': was not there, is required, FP32 [-1, 3]",
                ],
            ),
            (x(), vec![], &["input 'x': was FP32 [-1, 3], is not there"]),
            (
                x(),
                vec![fp32("x", &[-1, 3]), spec("z", Datatype::Int64, &[-1])],
                &["input 'z': was not there, is required, INT64 [-1]"],
            ),
        ];
        for (before, after, expected) in cases {
            assert_eq!(changes((before.clone(), vec![]), (after.clone(), vec![])), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn outputs_stay_within_what_they_were() {
        let p = || vec![fp32("p", &[-1, 2])];
        let cases: Vec<(Vec<TensorSpec>, Vec<TensorSpec>, &[&str])> = vec![
            (p(), vec![fp32("p", &[-1, 2]), fp32("more", &[-1])], &[]),
            (vec![fp32("p", &[-1, -1])], p(), &[]),
            (p(), vec![fp32("p", &[-1, -1])], &["output 'p': was FP32 [-1, 2], is FP32 [-1, -1]"]),
            (p(), vec![fp32("p", &[-1, 3])], &["output 'p': was FP32 [-1, 2], is FP32 [-1, 3]"]),
            (p(), vec![], &["output 'p': was FP32 [-1, 2], is not there"]),
            (p(), vec![spec("p", Datatype::Int8, &[-1, 2])], &["output 'p': was FP32 [-1, 2], is INT8 [-1, 2]"]),
        ];
        for (before, after, expected) in cases {
            assert_eq!(changes((vec![], before.clone()), (vec![], after.clone())), expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn columns_missing_values_meanings_and_classes_count() {
        let named = |names: &[&str]| TensorSpec {
            feature_names: Some(names.iter().map(ToString::to_string).collect()),
            accepts_missing: true,
            ..fp32("x", &[-1, 3])
        };
        let input = |before: TensorSpec, after: TensorSpec| changes((vec![before], vec![]), (vec![after], vec![]));
        let live = || named(&["a", "b", "c"]);
        assert_eq!(input(live(), live()), Vec::<String>::new());
        assert_eq!(input(live(), named(&["a", "d", "c"])), ["input 'x': was with the columns 'b', is without them"]);
        assert_eq!(input(live(), named(&["a", "c", "b"])), ["input 'x': was 'b' in column 2, is in column 3"]);
        assert_eq!(
            input(live(), fp32("x", &[-1, 3])),
            [
                "input 'x': was of named columns, is of columns without names",
                "input 'x': was content with missing values, is not",
            ]
        );
        assert_eq!(input(fp32("x", &[-1, 3]), live()), Vec::<String>::new());

        let output = |role, classes: &[i64]| TensorSpec {
            role,
            classes: Some(classes.iter().copied().map(Label::Int).collect()),
            ..fp32("p", &[-1, 2])
        };
        let live = || vec![output(Some(Role::Probabilities), &[0, 1])];
        assert_eq!(
            changes((vec![], live()), (vec![], vec![output(Some(Role::Probabilities), &[1, 0])])),
            ["output 'p': was of the classes '0', '1', is of the classes '1', '0'"]
        );
        assert_eq!(
            changes((vec![], live()), (vec![], vec![output(None, &[0, 1])])),
            ["output 'p': was the probabilities, is of no known meaning"]
        );
    }
}
