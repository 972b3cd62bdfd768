//! Which values a setting takes, and reading them from text and from TOML.

use ipnet::IpNet;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};
use toml::de::{DeInteger, DeValue};
use tracing_subscriber::EnvFilter;

/// What stands for every origin in `cors.allowed_origins`.
pub const ANY_ORIGIN: &str = "*";

/// The form of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One address and port.
    Address,
    /// One or more of them.
    Addresses,
    /// Any text.
    Text,
    /// Texts.
    TextList,
    /// Networks, or single addresses.
    Networks,
    /// Origins of web pages, or `*`.
    Origins,
    /// A path of the file system.
    Path,
    /// A whole number within bounds, both included.
    #[allow(missing_docs)]
    Count { min: u64, max: u64 },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// A filter of log lines.
    Filter,
    /// Names and values that another library gives a meaning.
    Options,
}

/// A value that fits its setting.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each variant is what its name says
pub enum Value {
    Unset,
    Addresses(Vec<SocketAddr>),
    Text(String),
    List(Vec<String>),
    Count(u64),
    Flag(bool),
    Options(Vec<(String, String)>),
}

impl Kind {
    /// The end of the sentence "must be …".
    pub fn expected(self) -> String {
        match self {
            Self::Address => "an address and port such as 127.0.0.1:8080".into(),
            Self::Addresses => "addresses with ports such as 127.0.0.1:8080".into(),
            Self::Text => "a text".into(),
            Self::TextList => "texts".into(),
            Self::Networks => "addresses or networks such as 10.0.0.0/8".into(),
            Self::Origins => "origins such as https://studio.example, or *".into(),
            Self::Path => "a path".into(),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Choice(words) => words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" or "),
            Self::Flag => "true or false".into(),
            Self::Filter => "a level (error, warn, info, debug, trace) or a filter such as 'servoir=debug,warn'".into(),
            Self::Options => "a table of texts".into(),
        }
    }

    /// Reads a value as the environment or a flag writes it; lists are separated by commas. `None`: it is no such value.
    pub fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::Address => Some(Value::Addresses(vec![text.parse().ok()?])),
            Self::Addresses => addresses(text.split(',')),
            Self::Text | Self::Path => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
            Self::TextList | Self::Networks | Self::Origins => self.list(text.split(',')),
            Self::Count { min, max } => {
                let number = text.parse().ok()?;
                (min..=max).contains(&number).then_some(Value::Count(number))
            }
            Self::Choice(words) => words.contains(&text).then(|| Value::Text(text.to_owned())),
            Self::Flag => text.parse().ok().map(Value::Flag),
            Self::Filter => {
                (!text.is_empty() && EnvFilter::try_new(text).is_ok()).then(|| Value::Text(text.to_owned()))
            }
            // Each option has a variable of its own; a whole table has no form as text.
            Self::Options => None,
        }
    }

    fn list<'a>(self, texts: impl Iterator<Item = &'a str>) -> Option<Value> {
        let fits = |text: &&str| match self {
            Self::Networks => network(text).is_some(),
            Self::Origins => is_origin(text),
            _ => true,
        };
        let texts = parts(texts).map(|text| fits(&text).then(|| text.to_owned()));
        texts.collect::<Option<_>>().map(Value::List)
    }

    /// Reads a value of a file. `None`: it is no such value.
    pub(super) fn read(self, value: &DeValue<'_>) -> Option<Value> {
        match (self, value) {
            (Self::Addresses, DeValue::Array(items)) => {
                addresses(items.iter().map(|item| item.get_ref().as_str()).collect::<Option<Vec<_>>>()?.into_iter())
            }
            (Self::TextList | Self::Networks | Self::Origins, DeValue::Array(items)) => {
                self.list(items.iter().map(|item| item.get_ref().as_str()).collect::<Option<Vec<_>>>()?.into_iter())
            }
            (Self::Count { .. }, DeValue::Integer(number)) => self.parse(&integer(number)?.to_string()),
            (Self::Flag, DeValue::Boolean(flag)) => Some(Value::Flag(*flag)),
            (Self::Options, DeValue::Table(table)) => {
                let pairs =
                    table.iter().map(|(name, value)| Some((name.get_ref().to_string(), scalar(value.get_ref())?)));
                pairs.collect::<Option<Vec<_>>>().map(Value::Options)
            }
            (Self::Count { .. } | Self::Flag | Self::Options | Self::Addresses, _)
            | (Self::TextList | Self::Networks | Self::Origins, _) => None,
            (_, DeValue::String(text)) => self.parse(text),
            _ => None,
        }
    }
}

/// A network; a single address is one of its own.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether this is an origin as browsers write it: scheme, host and port, nothing that goes without saying.
fn is_origin(text: &str) -> bool {
    let is_written_so = |url: Url| url.has_host() && url.origin().ascii_serialization() == text;
    text == ANY_ORIGIN || Url::parse(text).is_ok_and(is_written_so)
}

fn parts<'a>(texts: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    texts.map(str::trim).filter(|text| !text.is_empty())
}

fn addresses<'a>(texts: impl Iterator<Item = &'a str>) -> Option<Value> {
    let addresses = parts(texts).map(|text| text.parse().ok()).collect::<Option<Vec<_>>>()?;
    (!addresses.is_empty()).then_some(Value::Addresses(addresses))
}

fn integer(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(number) => integer(number).map(|number| number.to_string()),
        _ => None,
    }
}

/// A value of a file as an error message shows it.
pub(super) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Array(items) => {
            format!("[{}]", items.iter().map(|item| describe(item.get_ref())).collect::<Vec<_>>().join(", "))
        }
        DeValue::Table(_) => "a table".into(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
    }
}
