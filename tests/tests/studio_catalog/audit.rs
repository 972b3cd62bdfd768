//! What was done, as activity and as audit.

use crate::{MODELS, colleague, column, make, model, on_both, pointers};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_types::Timestamp;

/// A model with a life of four events.
async fn lived(api: &Api) -> String {
    let id = make(api, "churn").await;
    api.put(&format!("{}/config", model(&id)), json!({"target_column": "y"})).await.expect(200);
    let eve = colleague(api, "eve");
    eve.patch(&model(&id), json!({"description": "x"})).await.expect(200);
    eve.post(&format!("{REGISTRY}/models/{id}/archive"), json!({})).await.expect(200);
    id
}

/// A time as a query's value.
fn hours_from_now(hours: i64) -> String {
    Timestamp::now().plus_seconds(hours * 3600).to_string()
}

#[tokio::test]
async fn activity_is_what_happened_in_either_dialect() {
    on_both(async |server| {
        let api = server.api();
        let id = lived(&api).await;
        make(&api, "another").await;
        let at = format!("{}/activity", model(&id));
        let all = api.get(&at).await.expect(200).json;
        let expected = ["model.archived", "model.updated", "model.config_updated", "model.created"];
        assert_eq!(column(&all["events"], "event_type"), expected);
        assert_eq!((&all["total"], &all["limit"], &all["offset"]), (&json!(4), &json!(50), &json!(0)));
        let updated = &all["events"][1];
        assert_eq!((&updated["actor_id"], &updated["model_id"]), (&json!("eve"), &json!(id)));
        assert_eq!((&updated["before"]["description"], &updated["after"]["description"]), (&json!(""), &json!("x")));
        let (past, future) = (hours_from_now(-1), hours_from_now(1));
        for (query, total, events) in [
            ("limit=1&offset=1".to_owned(), 4, vec!["model.updated"]),
            ("event_type=updated".to_owned(), 1, vec!["model.updated"]),
            ("event_type=model.archived".to_owned(), 1, vec!["model.archived"]),
            (format!("from={past}&to={future}"), 4, expected.to_vec()),
            (format!("from={future}"), 0, vec![]),
            (format!("to={past}"), 0, vec![]),
        ] {
            let page = api.get(&format!("{at}?{query}")).await.expect(200).json;
            assert_eq!(
                (&page["total"], column(&page["events"], "event_type")),
                (&json!(total), events.into_iter().map(Value::from).collect()),
                "{query}"
            );
        }
        assert_eq!(pointers(&api.get(&format!("{at}?from=yesterday&limit=0")).await.expect(400).json).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_audit_tells_who_did_what_by_which_right() {
    on_both(async |server| {
        let api = server.api();
        let id = lived(&api).await;
        let everything = api.get("/api/v1/audit-logs").await.expect(200).json;
        assert_eq!((&everything["total"], &everything["page_size"]), (&json!(5), &json!(50)), "the key too");
        let newest = &everything["results"][0];
        assert_eq!((&newest["action"], &newest["target"]), (&json!("model.archived"), &json!(id)));
        assert_eq!((&newest["actor_id"], &newest["credential"]), (&json!("eve"), &json!("jwt")));
        assert_eq!(newest["address"], "127.0.0.1");
        assert!(newest["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        let of_model = format!("{}/audit-logs", model(&id));
        let (past, future) = (hours_from_now(-1), hours_from_now(1));
        let all = ["model.archived", "model.updated", "model.config_updated", "model.created"];
        let ascending: Vec<_> = all.into_iter().rev().collect();
        for (query, expected) in [
            (String::new(), &all[..]),
            ("sort_order=asc".to_owned(), &ascending),
            ("actor_id=eve".to_owned(), &all[..2]),
            ("action=created".to_owned(), &all[3..]),
            ("action=model.config_updated".to_owned(), &all[2..3]),
            (format!("from={past}&to={future}"), &all),
            (format!("from={future}"), &[]),
            (format!("to={past}"), &[]),
        ] {
            let page = api.get(&format!("{of_model}?{query}")).await.expect(200).json;
            assert_eq!(column(&page["results"], "action"), expected, "{query}");
            assert_eq!(page["total"], expected.len(), "{query}");
            let page = api.get(&format!("/api/v1/audit-logs?{query}")).await.expect(200).json;
            let mut found = column(&page["results"], "action");
            found.retain(|action| action != "api_key.created");
            assert_eq!(found, expected, "{query}");
        }
        let second = api.get(&format!("{of_model}?sort_order=asc&page=2&page_size=3")).await.expect(200).json;
        assert_eq!((&second["total"], column(&second["results"], "action")), (&json!(4), vec![json!(all[0])]));
        assert_eq!(pointers(&api.get(&format!("{of_model}?page_size=201&to=x")).await.expect(400).json).len(), 2);
        // Nothing changes or removes an entry through the API.
        for method in [reqwest::Method::DELETE, reqwest::Method::PUT, reqwest::Method::POST, reqwest::Method::PATCH] {
            let refused = api.send(api.request(method, "/api/v1/audit-logs").json(&json!({}))).await;
            assert_eq!(refused.expect(405).code(), "method-not-allowed");
        }
        let without = colleague(&api, "eve").get(&format!("{MODELS}/dashboard/stats")).await.expect(200);
        assert_eq!(without.json["recent_events"].as_array().map(Vec::len), Some(4));
    })
    .await;
}
