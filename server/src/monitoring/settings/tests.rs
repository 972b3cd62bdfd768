//! Settings as callers give them, as they are kept, and as they are shown.

use super::*;
use serde_json::json;

fn row(body: &str) -> MonitoringSettingsRow {
    MonitoringSettingsRow { body: Some(body.to_owned()), revision: 1 }
}

fn given(body: Value) -> MonitoringSettings {
    serde_json::from_value(body).expect("settings")
}

#[test]
fn what_is_left_out_has_its_default() {
    let shown = MonitoringSettings::of(&MonitoringSettingsRow::default()).unwrap().shown().unwrap();
    let expected = json!({
        "recordInputs": true, "sampleRate": 1.0, "labelWindowDays": 14, "windows": ["1h", "1d"],
        "convention": "servoir", "algorithms": null, "minWindowSampleSize": 30, "thresholds": {},
        "featureThresholds": {}, "hysteresis": {"raiseAfter": 2, "clearAfter": 2, "onWarning": false},
        "intervalSeconds": 300, "recordValues": null, "webhooks": [],
    });
    assert_eq!(shown, expected);
    assert_eq!(given(json!({})), MonitoringSettings::default());
}

#[test]
fn a_secret_is_kept_and_never_shown() {
    let secret = "sixteen letters!";
    let first = given(json!({"webhooks": [{"id": "a", "url": "https://example.org/x", "secret": secret}]}));
    let change = first.replacing(&MonitoringSettings::default()).unwrap();
    assert!(change.body.contains(secret));
    let kept = MonitoringSettings::of(&row(&change.body)).unwrap();
    let again = given(json!({"webhooks": [{"id": "a", "url": "https://example.org/y"}]}));
    let changed = again.replacing(&kept).unwrap();
    assert!(changed.body.contains(secret), "the id keeps its secret");
    for (before, after) in [change.audited, changed.audited] {
        assert!(!before.to_string().contains(secret) && !after.to_string().contains(secret));
    }
    let other = given(json!({"webhooks": [{"id": "b", "url": "https://example.org/y"}]}));
    assert_eq!(other.replacing(&kept).unwrap_err().fields[0].pointer, "/webhooks/0/secret");
    let unnamed = given(json!({"webhooks": [{"url": "https://example.org/y", "secret": secret}]}));
    let unnamed = MonitoringSettings::of(&row(&unnamed.replacing(&kept).unwrap().body)).unwrap();
    assert_eq!(unnamed.webhooks[0].id.len(), 12);
}

#[test]
fn what_cannot_be_meant_is_refused_by_its_place() {
    let hook = |field: &str, value: Value| {
        let mut hook = json!({"id": "a", "url": "https://example.org", "secret": "sixteen letters!"});
        hook[field] = value;
        json!({ "webhooks": [hook] })
    };
    let cases = [
        (json!({"sampleRate": 1.5}), "/sampleRate"),
        (json!({"labelWindowDays": 0}), "/labelWindowDays"),
        (json!({"labelWindowDays": 91}), "/labelWindowDays"),
        (json!({"minWindowSampleSize": 0}), "/minWindowSampleSize"),
        (json!({"intervalSeconds": 59}), "/intervalSeconds"),
        (json!({"hysteresis": {"raiseAfter": 0}}), "/hysteresis/raiseAfter"),
        (json!({"hysteresis": {"clearAfter": 101}}), "/hysteresis/clearAfter"),
        (json!({"recordValues": {"rowsMax": 0}}), "/recordValues/rowsMax"),
        (json!({"windows": []}), "/windows"),
        (json!({"windows": ["1h", "1h"]}), "/windows/1"),
        (json!({"algorithms": ["psi", "psi"]}), "/algorithms/1"),
        (json!({"thresholds": {"psi": {"alert": -0.1}}}), "/thresholds/psi/alert"),
        (json!({"thresholds": {"chi_square": {"alert": 1.1}}}), "/thresholds/chi_square/alert"),
        (json!({"thresholds": {"psi": {"warning": 0.3, "alert": 0.2}}}), "/thresholds/psi"),
        (json!({"thresholds": {"chi_square": {"warning": 0.01, "alert": 0.05}}}), "/thresholds/chi_square"),
        (json!({"featureThresholds": {"": {}}}), "/featureThresholds/"),
        (json!({"featureThresholds": {"a/b": {"psi": {"alert": -1.0}}}}), "/featureThresholds/a~1b/psi/alert"),
        (hook("id", json!("a b")), "/webhooks/0/id"),
        (hook("url", json!("example.org")), "/webhooks/0/url"),
        (hook("url", json!("ftp://example.org")), "/webhooks/0/url"),
        (hook("url", json!("https://user:word@example.org")), "/webhooks/0/url"),
        (hook("secret", json!("short")), "/webhooks/0/secret"),
        (hook("events", json!([])), "/webhooks/0/events"),
        (hook("events", json!(["raised", "raised"])), "/webhooks/0/events/1"),
    ];
    for (body, pointer) in cases {
        let refused = given(body.clone()).replacing(&MonitoringSettings::default()).unwrap_err();
        let pointers: Vec<_> = refused.fields.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{body}");
    }
}
