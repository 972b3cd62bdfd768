//! `ETag`, `If-Match` and `If-None-Match`.

use super::{model, models, on_both};
use reqwest::Method;
use serde_json::json;
use servoir_tests::api::{Answer, Api};

async fn conditional(api: &Api, method: Method, id: &str, header: &str, tag: &str) -> Answer {
    let request = api.request(method.clone(), &model(id)).header(header, tag);
    api.send(if method == Method::PUT { request.json(&json!({"description": tag})) } else { request }).await
}

#[tokio::test]
async fn a_change_needs_the_state_that_was_seen() {
    on_both(async |server| {
        let api = server.api();
        let created = api.post(&models(), json!({"name": "churn", "framework": "onnx"})).await.expect(201);
        let id = created.json["id"].as_str().expect("an id");
        let first = created.header("etag").to_owned();
        assert!(first.starts_with("\"r") && first.ends_with('"'), "{first}");
        assert_eq!(api.get(&model(id)).await.expect(200).header("etag"), first);

        let changed = conditional(&api, Method::PUT, id, "if-match", &first).await.expect(200);
        let second = changed.header("etag").to_owned();
        assert_ne!(first, second);
        let refusals = [first.clone(), format!("W/{second}"), "\"r99\"".to_owned(), "\"other\"".to_owned()];
        for tag in refusals {
            for method in [Method::PUT, Method::DELETE] {
                assert_eq!(conditional(&api, method, id, "if-match", &tag).await.expect(412).code(), "stale", "{tag}");
            }
        }
        assert_eq!(api.get(&model(id)).await.expect(200).header("etag"), second, "no refusal changed anything");
        conditional(&api, Method::PUT, id, "if-match", "r1").await.expect(400);
        let several = conditional(&api, Method::PUT, id, "if-match", &format!("{first}, {second}")).await.expect(200);
        let any = conditional(&api, Method::PUT, id, "if-match", "*").await.expect(200);
        assert_ne!(several.header("etag"), any.header("etag"));
        conditional(&api, Method::DELETE, id, "if-match", any.header("etag")).await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_have_seen_the_same_state_one_changes_it() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let tag = api.get(&model(&id)).await.expect(200).header("etag").to_owned();
        let attempts = (0..8).map(|_| conditional(&api, Method::PUT, &id, "if-match", &tag));
        let mut statuses: Vec<_> =
            futures_util::future::join_all(attempts).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    })
    .await;
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    on_both(async |server| {
        let api = server.api();
        let id = api.create_model("churn").await;
        let tag = api.get(&model(&id)).await.expect(200).header("etag").to_owned();
        for same in [tag.clone(), format!("W/{tag}"), "*".to_owned(), format!("\"x\", {tag}")] {
            let answer = conditional(&api, Method::GET, &id, "if-none-match", &same).await.expect(304);
            assert_eq!((answer.text.as_str(), answer.header("etag")), ("", tag.as_str()), "{same}");
        }
        conditional(&api, Method::GET, &id, "if-none-match", "\"x\"").await.expect(200);
        api.put(&model(&id), json!({"description": "new"})).await.expect(200);
        conditional(&api, Method::GET, &id, "if-none-match", &tag).await.expect(200);
    })
    .await;
}
