//! What was predicted beside what was true.

use super::label::Truth;
use servoir_codec::v1::{ClassCode, Outcome};
use servoir_registry::LabelledOutcome;

/// Whole numbers below it are exact in every float of eight bytes.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// What was predicted beside what was true; `classes` are the names that the version's classes may have. Otherwise why the
/// two cannot be compared.
pub fn labelled(outcome: Outcome, truth: &Truth, classes: &[String]) -> Result<LabelledOutcome, String> {
    match outcome {
        Outcome::Nothing => Err("incomparable: the prediction was a test, or is no single class or number".to_owned()),
        Outcome::Number(predicted) if !predicted.is_finite() => {
            Err(format!("incomparable: {predicted} was predicted, which no number is near to"))
        }
        Outcome::Number(predicted) => Ok(LabelledOutcome::Number { predicted, actual: number(truth)? }),
        Outcome::Class { class, score } => {
            let actual = name(truth, class)?;
            let predicted = predicted(class, &actual, classes);
            let score = score.is_finite().then(|| f64::from(score));
            Ok(LabelledOutcome::Class { predicted, score, actual })
        }
    }
}

fn number(truth: &Truth) -> Result<f64, String> {
    match truth {
        Truth::Number(number) => Ok(*number),
        #[allow(clippy::cast_precision_loss)] // answers are floats too
        Truth::Integer(number) => Ok(*number as f64),
        Truth::Text(text) => Err(format!("wrong-type: '{text}' is a text, and a number was predicted")),
        Truth::Flag(flag) => Err(format!("wrong-type: {flag} is a truth value, and a number was predicted")),
    }
}

/// The name of the class that is true, for a prediction of a class.
fn name(truth: &Truth, predicted: ClassCode) -> Result<String, String> {
    let is_numbered = matches!(predicted, ClassCode::Integer(_));
    match truth {
        Truth::Text(text) if is_numbered && text.parse::<i64>().is_err() => {
            Err(format!("wrong-type: '{text}' is a text, and the model's classes are whole numbers"))
        }
        Truth::Text(text) => Ok(text.clone()),
        Truth::Integer(number) => Ok(number.to_string()),
        Truth::Number(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => Ok(format!("{number:.0}")),
        Truth::Number(number) => Err(format!("wrong-type: {number} is no whole number, and a class was predicted")),
        Truth::Flag(flag) if is_numbered => Ok(u8::from(*flag).to_string()),
        Truth::Flag(flag) => Ok(flag.to_string()),
    }
}

/// The name of the class that was predicted. One that nobody has named yet goes by its hash.
fn predicted(class: ClassCode, actual: &str, classes: &[String]) -> String {
    match class {
        ClassCode::Integer(number) => number.to_string(),
        ClassCode::Hash(_) if class.is(actual) => actual.to_owned(),
        ClassCode::Hash(hash) => {
            let known = classes.iter().find(|name| class.is(name));
            known.map_or_else(|| unnamed(hash), String::clone)
        }
    }
}

/// What stands for a class while its name is not known.
pub fn unnamed(hash: u32) -> String {
    format!("#{hash:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(class: ClassCode) -> Outcome {
        Outcome::Class { class, score: 0.25 }
    }

    #[test]
    fn a_label_is_compared_with_what_was_predicted() {
        let text = |text: &str| Truth::Text(text.to_owned());
        let (yes, one) = (ClassCode::of_text(b"yes"), ClassCode::of_integer(1));
        let classes = ["no".to_owned(), "yes".to_owned()];
        let cases = [
            (class(yes), text("yes"), &classes[..], Ok(("yes", "yes"))),
            (class(yes), text("no"), &classes[..], Ok(("yes", "no"))),
            (class(yes), text("no"), &[], Ok(("#4e9f3590", "no"))),
            (class(yes), text("yes"), &[], Ok(("yes", "yes"))),
            (class(ClassCode::of_text(b"true")), Truth::Flag(true), &[], Ok(("true", "true"))),
            (class(one), Truth::Integer(1), &[], Ok(("1", "1"))),
            (class(one), Truth::Number(1.0), &[], Ok(("1", "1"))),
            (class(one), text("1"), &[], Ok(("1", "1"))),
            (class(one), Truth::Flag(false), &[], Ok(("1", "0"))),
            (class(one), text("yes"), &[], Err("wrong-type: 'yes' is a text")),
            (class(one), Truth::Number(0.5), &[], Err("wrong-type: 0.5 is no whole number")),
            (Outcome::Number(1.0), text("1"), &[], Err("wrong-type: '1' is a text, and a number was predicted")),
            (Outcome::Number(1.0), Truth::Flag(true), &[], Err("wrong-type: true is a truth value")),
            (Outcome::Number(f64::NAN), Truth::Integer(1), &[], Err("incomparable: NaN was predicted")),
            (Outcome::Nothing, Truth::Integer(1), &[], Err("incomparable: the prediction was a test")),
        ];
        for (outcome, truth, classes, expected) in cases {
            let found = labelled(outcome, &truth, classes);
            match (&found, expected) {
                (Ok(LabelledOutcome::Class { predicted, score, actual }), Ok(expected)) => {
                    assert_eq!(((predicted.as_str(), actual.as_str()), *score), (expected, Some(0.25)), "{truth:?}");
                }
                (Err(reason), Err(begin)) => assert!(reason.starts_with(begin), "{reason}"),
                _ => panic!("{outcome:?} {truth:?}: {found:?}"),
            }
        }
        let number = labelled(Outcome::Number(1.5), &Truth::Integer(-2), &[]);
        assert_eq!(number, Ok(LabelledOutcome::Number { predicted: 1.5, actual: -2.0 }));
        let silent = Outcome::Class { class: one, score: f32::NAN };
        assert!(matches!(labelled(silent, &Truth::Integer(1), &[]), Ok(LabelledOutcome::Class { score: None, .. })));
    }
}
