//! One attempt to deliver a message.

use super::address::{Refused, check_literal};
use super::{backoff, signature};
use crate::app::App;
use crate::monitoring::settings::{MonitoringSettings, Webhook};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::{Response, Url};
use servoir_registry::{Delivery, DeliveryOutcome};
use servoir_types::Timestamp;
use std::error::Error;

/// Why an attempt failed, and whether another may do better.
struct Failed {
    error: String,
    /// `None`: it would fail again.
    again: Option<Again>,
}

/// Another attempt, and after how many seconds the receiver asks for it.
struct Again(Option<i64>);

/// Posts a message once.
pub async fn attempt(app: &App, delivery: &Delivery, now: Timestamp) -> DeliveryOutcome {
    match post(app, delivery, now).await {
        Ok(()) => DeliveryOutcome::Delivered,
        Err(Failed { error, again: Some(Again(asked)) }) if delivery.attempts < backoff::ATTEMPTS_MAX => {
            DeliveryOutcome::Again { at: backoff::next(now, delivery.attempts, asked), error }
        }
        Err(Failed { error, .. }) => DeliveryOutcome::GivenUp { error },
    }
}

/// Counts an attempt, and logs one that nobody comes back to. The URL is not logged: it may carry a token.
pub fn note(app: &App, delivery: &Delivery, outcome: &DeliveryOutcome) {
    let (id, webhook, model) = (&delivery.message.id, &delivery.message.webhook, &delivery.model);
    let name = match outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Again { error, .. } => {
            tracing::debug!(id, webhook, %model, error, "a message of an alert was not delivered; it is tried again");
            "retried"
        }
        DeliveryOutcome::GivenUp { error } => {
            tracing::warn!(id, webhook, %model, error, "a message of an alert was given up");
            "given-up"
        }
    };
    app.metrics.monitoring.webhook_attempts.with_label_values(&[name]).inc();
}

async fn post(app: &App, delivery: &Delivery, now: Timestamp) -> Result<(), Failed> {
    let webhooks = &app.webhooks;
    let webhook = receiver(app, delivery).await?;
    let secret = webhook.secret.as_ref().ok_or_else(|| for_good("the webhook has no secret"))?;
    let url: Url = webhook.url.parse().map_err(|_| for_good("the webhook's URL cannot be read"))?;
    check_literal(&url, webhooks.private_allowed).map_err(for_good)?;
    let (id, body) = (&delivery.message.id, &delivery.message.body);
    let seconds = now.as_millis().div_euclid(1000);
    let response = webhooks
        .client
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature::sign(secret.expose(), id, seconds, body.as_bytes()))
        .body(body.clone())
        .send()
        .await
        .map_err(unsent)?;
    judge(&response, now)
}

/// The webhook as the settings have it now.
async fn receiver(app: &App, delivery: &Delivery) -> Result<Webhook, Failed> {
    let later = |error: &dyn std::fmt::Display| Failed { error: error.to_string(), again: Some(Again(None)) };
    let row = app.registry.monitoring_settings(&delivery.model).await.map_err(|error| later(&error))?;
    let settings = MonitoringSettings::of(&row).map_err(|error| later(&error.detail))?;
    let found = settings.webhooks.into_iter().find(|webhook| webhook.id == delivery.message.webhook);
    found.ok_or_else(|| for_good("the model's settings have no such webhook any more"))
}

fn for_good(error: impl std::fmt::Display) -> Failed {
    Failed { error: error.to_string(), again: None }
}

/// Nothing came back: the network may do better next time, a refused address will not.
fn unsent(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    let mut last = error.to_string();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return for_good(refused);
        }
        last = inner.to_string();
        cause = inner.source();
    }
    let what = if error.is_timeout() { "no answer in time" } else { "cannot be reached" };
    Failed { error: format!("{what}: {last}"), again: Some(Again(None)) }
}

fn judge(response: &Response, now: Timestamp) -> Result<(), Failed> {
    let status = response.status();
    let error = format!("answered {status}");
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_server_error() || passes.contains(&status) => {
            Err(Failed { error, again: Some(Again(backoff::asked(response.headers(), now))) })
        }
        _ if status.is_redirection() => Err(for_good(format!("{error}; redirects are not followed"))),
        _ => Err(for_good(error)),
    }
}
