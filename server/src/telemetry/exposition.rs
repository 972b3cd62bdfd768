//! The two text formats that Prometheus scrapes.

use http::{HeaderMap, header};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};
use std::fmt::Write as _;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus text, version 0.0.4.
    Text,
    /// [OpenMetrics 1.0](https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md).
    OpenMetrics,
}

impl Exposition {
    /// What the scraper's `Accept` asks for; plain text when it does not ask.
    pub fn accepted_by(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Text }
    }

    /// The format's media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Writes metrics in this format.
    ///
    /// # Errors
    /// When a metric has a name or label that the format does not allow.
    pub fn encode(self, families: &[MetricFamily]) -> prometheus::Result<String> {
        match self {
            Self::Text => {
                let mut text = Vec::new();
                TextEncoder::new().encode(families, &mut text)?;
                Ok(String::from_utf8_lossy(&text).into_owned())
            }
            Self::OpenMetrics => Ok(open_metrics(families)),
        }
    }
}

fn open_metrics(families: &[MetricFamily]) -> String {
    let mut text = String::new();
    for family in families {
        write_family(&mut text, family);
    }
    text.push_str("# EOF\n");
    text
}

fn write_family(text: &mut String, family: &MetricFamily) {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => "counter",
        MetricType::GAUGE => "gauge",
        MetricType::HISTOGRAM => "histogram",
        MetricType::SUMMARY | MetricType::UNTYPED => return, // this server has none
    };
    // A counter's family goes by its name without `_total`, its samples with it.
    let name = family.name();
    let base = if kind == "counter" { name.strip_suffix("_total").unwrap_or(name) } else { name };
    let _ = writeln!(text, "# TYPE {base} {kind}");
    if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| base.ends_with(&format!("_{unit}"))) {
        let _ = writeln!(text, "# UNIT {base} {unit}");
    }
    let _ = writeln!(text, "# HELP {base} {}", escaped(family.help()));
    for metric in family.get_metric() {
        let labels = metric.get_label();
        match kind {
            "counter" => sample(text, &format!("{base}_total"), labels, None, metric.get_counter().get_value()),
            "gauge" => sample(text, base, labels, None, metric.get_gauge().get_value()),
            _ => write_histogram(text, base, metric),
        }
    }
}

fn write_histogram(text: &mut String, base: &str, metric: &Metric) {
    let (histogram, labels) = (metric.get_histogram(), metric.get_label());
    let bucket = format!("{base}_bucket");
    for one in histogram.get_bucket().iter().filter(|one| one.upper_bound().is_finite()) {
        sample(text, &bucket, labels, Some(&number(one.upper_bound())), one.cumulative_count() as f64);
    }
    let count = histogram.get_sample_count() as f64;
    sample(text, &bucket, labels, Some("+Inf"), count);
    sample(text, &format!("{base}_count"), labels, None, count);
    sample(text, &format!("{base}_sum"), labels, None, histogram.get_sample_sum());
}

fn sample(text: &mut String, name: &str, labels: &[LabelPair], le: Option<&str>, value: f64) {
    text.push_str(name);
    let pairs = labels.iter().map(|pair| (pair.name(), pair.value())).chain(le.map(|le| ("le", le)));
    for (index, (label, value)) in pairs.enumerate() {
        let _ = write!(text, "{}{label}=\"{}\"", if index == 0 { '{' } else { ',' }, escaped(value));
    }
    if !labels.is_empty() || le.is_some() {
        text.push('}');
    }
    let _ = writeln!(text, " {}", number(value));
}

/// A float always shows that it is one: OpenMetrics asks for `1.0`, not `1`, in `le`.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('\n', r"\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

    #[test]
    fn open_metrics_is_written_as_its_specification_says() {
        let registry = Registry::new();
        let counter = IntCounterVec::new(Opts::new("a_total", "A \"quoted\"\nhelp."), &["x"]).unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        counter.with_label_values(&["1\\\"\n"]).inc_by(3);
        let options = HistogramOpts::new("b_seconds", "B.").buckets(vec![0.5, 1.0]);
        let histogram = HistogramVec::new(options, &[]).unwrap();
        registry.register(Box::new(histogram.clone())).unwrap();
        histogram.with_label_values::<&str>(&[]).observe(0.75);
        let expected = "# TYPE a counter\n# HELP a A \\\"quoted\\\"\\nhelp.\na_total{x=\"1\\\\\\\"\\n\"} 3.0\n\
            # TYPE b_seconds histogram\n# UNIT b_seconds seconds\n# HELP b_seconds B.\n\
            b_seconds_bucket{le=\"0.5\"} 0.0\nb_seconds_bucket{le=\"1.0\"} 1.0\nb_seconds_bucket{le=\"+Inf\"} 1.0\n\
            b_seconds_count 1.0\nb_seconds_sum 0.75\n# EOF\n";
        assert_eq!(Exposition::OpenMetrics.encode(&registry.gather()).unwrap(), expected);
    }

    #[test]
    fn the_format_follows_the_accept_header() {
        let accepting = |value: &'static str| {
            Exposition::accepted_by(&HeaderMap::from_iter([(header::ACCEPT, http::HeaderValue::from_static(value))]))
        };
        assert_eq!(accepting("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"), Exposition::OpenMetrics);
        assert_eq!(accepting("text/plain"), Exposition::Text);
        assert_eq!(accepting("*/*"), Exposition::Text);
    }
}
