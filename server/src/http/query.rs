//! Query parameters: a type says which there are, everything else is refused by name.

use crate::error::ApiError;
use crate::http::fields::Fields;
use axum::extract::FromRequestParts;
use http::request::Parts;
use servoir_types::Timestamp;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

/// How alike an unknown parameter's name must be to a known one, from 0 to 1, to be taken for a slip of the pen.
const SIMILARITY_MIN: f64 = 0.7;

/// The query parameters of a call.
pub struct Query<T>(pub T);

/// A set of query parameters. Its description in the API document is also the list of names that are accepted.
pub trait FromQuery: IntoParams + Sized {
    /// Takes the values; what is wrong is noted in `values`.
    fn from_query(values: &mut Values) -> Self;
}

/// The parameters of a call that has none.
pub struct NoParameters;

impl IntoParams for NoParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
        Vec::new()
    }
}

impl FromQuery for NoParameters {
    fn from_query(_: &mut Values) -> Self {
        Self
    }
}

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::malformed("malformed-query", format!("the query cannot be read: {error}")))?;
        read(pairs.0).map(Self)
    }
}

fn read<T: FromQuery>(pairs: Vec<(String, String)>) -> Result<T, ApiError> {
    let known: Vec<String> = T::into_params(|| Some(ParameterIn::Query)).into_iter().map(|known| known.name).collect();
    let mut values = Values::default();
    for (name, value) in pairs {
        let pointer = format!("?{name}");
        if !known.contains(&name) {
            values.wrong.wrong(pointer, unknown(&name, &known));
        } else if values.given.insert(name, value).is_some() {
            values.wrong.wrong(pointer, "is given twice");
        }
    }
    let parameters = T::from_query(&mut values);
    values.wrong.finish()?;
    Ok(parameters)
}

fn unknown(name: &str, known: &[String]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match (nearest, known.is_empty()) {
        (Some((_, nearest)), _) => format!("there is no such parameter; did you mean '{nearest}'?"),
        (None, false) => format!("there is no such parameter; there are {}", known.join(", ")),
        (None, true) => "there is no such parameter; this call takes none".to_owned(),
    }
}

/// The values that came, and what is wrong with them.
#[derive(Default)]
pub struct Values {
    given: BTreeMap<String, String>,
    wrong: Fields,
}

impl Values {
    /// A text of at most `chars_max` characters without NUL; an empty one counts as absent.
    pub fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let text = self.given.remove(name).filter(|text| !text.is_empty())?;
        self.wrong.no_longer_than(&format!("?{name}"), &text, chars_max);
        if text.contains('\0') {
            self.wrong.wrong(format!("?{name}"), "contains a NUL character, which no stored text has");
        }
        Some(text)
    }

    /// A whole number between two bounds.
    pub fn integer(&mut self, name: &str, default: i64, range: &RangeInclusive<i64>) -> i64 {
        let Some(text) = self.given.remove(name) else { return default };
        match text.parse::<i64>() {
            Ok(number) if range.contains(&number) => return number,
            _ => {
                let (low, high) = (range.start(), range.end());
                let detail = format!("'{text}' is not a whole number from {low} to {high}");
                self.wrong.wrong(format!("?{name}"), detail);
            }
        }
        default
    }

    /// A number between two bounds.
    pub fn number(&mut self, name: &str, default: f64, range: &RangeInclusive<f64>) -> f64 {
        let Some(text) = self.given.remove(name) else { return default };
        match text.parse::<f64>() {
            Ok(number) if range.contains(&number) => return number,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.wrong.wrong(format!("?{name}"), format!("'{text}' is not a number from {low} to {high}"));
            }
        }
        default
    }

    /// A point in time, RFC 3339.
    pub fn time(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.given.remove(name)?;
        let time = Timestamp::parse(&text);
        if time.is_none() {
            let detail = format!("'{text}' is no time such as 2025-01-15T10:30:00Z");
            self.wrong.wrong(format!("?{name}"), detail);
        }
        time
    }

    /// Notes a parameter that is wrong beside others.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.wrong.wrong(format!("?{name}"), detail);
    }

    /// One of a closed set of words.
    pub fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.given.remove(name)?;
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.wrong.wrong(format!("?{name}"), format!("'{text}' is not one of {}", words.join(", ")));
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pagination::{PageParams, window};
    use servoir_registry::Window;

    struct Paged(Window);

    impl IntoParams for Paged {
        fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<utoipa::openapi::path::Parameter> {
            PageParams::into_params(place)
        }
    }

    impl FromQuery for Paged {
        fn from_query(values: &mut Values) -> Self {
            Self(window(values))
        }
    }

    fn paged(query: &str) -> Result<(i64, i64), ApiError> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        read::<Paged>(pairs).map(|paged| (paged.0.limit, paged.0.offset))
    }

    #[test]
    fn pages_have_defaults_and_bounds() {
        for (query, expected) in [("", (20, 0)), ("limit=1", (1, 0)), ("limit=200&offset=7", (200, 7))] {
            assert_eq!(paged(query).unwrap(), expected, "{query}");
        }
        for (query, pointer) in [
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("limit=ten", "?limit"),
            ("limit=", "?limit"),
            ("offset=-1", "?offset"),
            ("limit=99999999999999999999", "?limit"),
            ("limit=1&limit=2", "?limit"),
        ] {
            let error = paged(query).unwrap_err();
            assert_eq!(error.fields.len(), 1, "{query}");
            assert_eq!(error.fields[0].pointer, pointer, "{query}");
        }
        assert_eq!(paged("limit=0&offset=-1").unwrap_err().fields.len(), 2, "both are named");
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_nearest_known_one() {
        assert!(paged("limt=5").unwrap_err().detail.contains("did you mean 'limit'?"));
        assert!(paged("zzz=5").unwrap_err().detail.contains("there are limit, offset"));
        assert!(unknown("x", &[]).contains("takes none"));
    }
}
