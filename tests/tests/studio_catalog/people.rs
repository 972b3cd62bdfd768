//! Who may do what with a model, in both dialects.

use crate::{MODELS, colleague, column, make, model, on_both};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::token;

/// Writes of both dialects, with what they are sent.
fn writes(id: &str) -> Vec<(Method, String, Value)> {
    let (studio, registry) = (model(id), format!("{REGISTRY}/models/{id}"));
    let none = || json!({});
    vec![
        (Method::PATCH, studio.clone(), none()),
        (Method::DELETE, studio.clone(), none()),
        (Method::POST, format!("{studio}/archive"), none()),
        (Method::POST, format!("{studio}/unarchive"), none()),
        (Method::PUT, format!("{studio}/config"), none()),
        (Method::PATCH, format!("{studio}/settings"), none()),
        (Method::PUT, registry.clone(), none()),
        (Method::DELETE, registry.clone(), none()),
        (Method::POST, format!("{registry}/archive"), none()),
        (Method::POST, format!("{registry}/unarchive"), none()),
        (Method::POST, format!("{registry}/deploy"), none()),
        (Method::POST, format!("{registry}/undeploy"), none()),
        (Method::POST, format!("{registry}/rollback"), none()),
        (Method::POST, format!("{registry}/versions"), json!({"artifactUri": "servoir://sha256/00"})),
        (Method::DELETE, format!("{registry}/versions/1"), none()),
        (Method::POST, "/v2/repository/models/churn/load".to_owned(), none()),
        (Method::POST, "/v2/repository/models/churn/unload".to_owned(), none()),
    ]
}

/// What only administrators may.
fn administration(id: &str) -> Vec<(Method, String, Value)> {
    let people = format!("{}/collaborators", model(id));
    vec![
        (Method::POST, people.clone(), json!({"user_id": "eve", "role": "admin"})),
        (Method::PATCH, format!("{people}/vic"), json!({"role": "admin"})),
        (Method::DELETE, format!("{people}/vic"), json!({})),
        (Method::PATCH, format!("{}/settings", model(id)), json!({"access": {"visibility": "org"}})),
    ]
}

fn reads(id: &str) -> Vec<String> {
    let registry = format!("{REGISTRY}/models/{id}");
    let studio = ["", "/config", "/settings", "/collaborators", "/activity", "/audit-logs", "/registry"];
    let of_registry = ["", "/status", "/versions", "/versions/1", "/versions/1/artifact"];
    let studio = studio.map(|path| format!("{}{path}", model(id)));
    studio.into_iter().chain(of_registry.map(|path| format!("{registry}{path}"))).collect()
}

async fn outcome(api: &Api, (method, path, body): &(Method, String, Value)) -> (u16, String) {
    let answer = api.send(api.request(method.clone(), path).json(body)).await;
    // The Open Inference Protocol has no codes.
    let code = if path.starts_with("/v2/") { String::new() } else { answer.code().to_owned() };
    (answer.status.as_u16(), code)
}

#[tokio::test]
async fn roles_are_enforced_on_every_call() {
    on_both(async |server| {
        let owner = server.api();
        let id = make(&owner, "churn").await;
        owner.upload(&id, Fixture::read("xgb_binary").model).await.expect(201);
        let people = format!("{}/collaborators", model(&id));
        for (user, role) in [("vic", "viewer"), ("ed", "editor"), ("ann", "admin")] {
            let added = owner.post(&people, json!({"user_id": user, "role": role})).await.expect(201).json;
            assert_eq!((&added["user_id"], &added["role"]), (&json!(user), &json!(role)));
        }
        let private = json!({"access": {"visibility": "private"}});
        owner.patch(&format!("{}/settings", model(&id)), private).await.expect(200);
        let api = |subject: &str| colleague(&owner, subject);

        for call in writes(&id).iter().chain(&administration(&id)) {
            let missing = if call.1.starts_with("/v2/") { "" } else { "not-found" };
            assert_eq!(outcome(&api("eve"), call).await, (404, missing.to_owned()), "{call:?} by nobody");
            let refused = if call.1.starts_with("/v2/") { "" } else { "role-required" };
            assert_eq!(outcome(&api("vic"), call).await, (403, refused.to_owned()), "{call:?} by a viewer");
        }
        for call in &administration(&id) {
            assert_eq!(outcome(&api("ed"), call).await, (403, "role-required".to_owned()), "{call:?} by an editor");
        }
        for path in reads(&id) {
            assert_eq!(api("eve").get(&path).await.expect(404).code(), "not-found", "{path} by nobody");
            for subject in ["vic", "ed", "ann"] {
                api(subject).get(&path).await.expect(200);
            }
        }
        let models = async |api: &Api| {
            let studio = api.get(MODELS).await.expect(200).json["total"].clone();
            (studio, api.get(&format!("{REGISTRY}/models")).await.expect(200).json["count"].clone())
        };
        assert_eq!(models(&api("eve")).await, (json!(0), json!(0)), "lists leave it out");
        assert_eq!(models(&api("vic")).await, (json!(1), json!(1)));
        let dashboard = format!("{MODELS}/dashboard/stats");
        assert_eq!(api("eve").get(&dashboard).await.expect(200).json["total_models"], 0);
        assert_eq!(api("vic").get(&model(&id)).await.expect(200).json["role"], "viewer");

        api("ed").put(&format!("{}/config", model(&id)), json!({"target_column": "y"})).await.expect(200);
        api("ann").patch(&format!("{people}/vic"), json!({"role": "editor"})).await.expect(200);
        api("vic").put(&format!("{}/config", model(&id)), json!({})).await.expect(200);
        api("ann").delete(&format!("{people}/vic")).await.expect(204);
        api("vic").get(&model(&id)).await.expect(404);
        let scopes = ["studio:read", "studio:write", "auth:admin"];
        let root = owner.with_token(token::token("root", "default", &scopes));
        assert_eq!(root.get(&model(&id)).await.expect(200).json["role"], "admin", "auth:admin is one everywhere");
    })
    .await;
}

#[tokio::test]
async fn a_model_of_the_organization_is_everybody_s_unless_they_are_listed_otherwise() {
    on_both(async |server| {
        let owner = server.api();
        let id = make(&owner, "churn").await;
        let people = format!("{}/collaborators", model(&id));
        owner.post(&people, json!({"user_id": "vic", "role": "viewer"})).await.expect(201);
        colleague(&owner, "eve").patch(&model(&id), json!({"tags": ["x"]})).await.expect(200);
        let refused = colleague(&owner, "vic").patch(&model(&id), json!({})).await.expect(403);
        assert!(refused.json["detail"].as_str().unwrap_or_default().contains("'editor'"), "{}", refused.text);
        let refused = colleague(&owner, "eve").post(&people, json!({"user_id": "eve", "role": "admin"})).await;
        assert_eq!(refused.expect(403).code(), "role-required");
        // A copy belongs to who made it, and is as private as the model.
        let private = json!({"access": {"visibility": "private"}});
        owner.patch(&format!("{}/settings", model(&id)), private).await.expect(200);
        let copy =
            colleague(&owner, "vic").post(&format!("{}/duplicate", model(&id)), json!({})).await.expect(201).json;
        let copy = model(copy["id"].as_str().expect("an id"));
        assert_eq!(colleague(&owner, "vic").get(&copy).await.expect(200).json["role"], "owner");
        colleague(&owner, "eve").get(&copy).await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn the_owner_stays() {
    on_both(async |server| {
        let api = server.api();
        let people = format!("{}/collaborators", model(&make(&api, "churn").await));
        let owner = api.get("/api/v1/auth/whoami").await.expect(200).json["subject"].clone();
        let listed = api.get(&people).await.expect(200).json;
        assert_eq!((&listed["total"], &listed["results"][0]["user_id"]), (&json!(1), &owner));
        let own = format!("{people}/{}", owner.as_str().expect("a subject"));
        for answer in [
            api.delete(&own).await,
            api.patch(&own, json!({"role": "viewer"})).await,
            api.post(&people, json!({"user_id": owner, "role": "viewer"})).await,
            api.post(&people, json!({"user_id": "eve", "role": "owner"})).await,
        ] {
            assert_eq!(answer.expect(422).code(), "owner-stays");
        }
        api.post(&people, json!({"user_id": "eve", "role": "viewer"})).await.expect(201);
        let again = api.post(&people, json!({"user_id": "eve", "role": "viewer"})).await.expect(409);
        assert_eq!(again.code(), "collaborator-exists");
        let unknown = api.post(&people, json!({"user_id": "", "role": "king"})).await.expect(400);
        assert_eq!(column(&unknown.json["errors"], "pointer"), ["/user_id", "/role"]);
        assert_eq!(api.delete(&format!("{people}/nobody")).await.expect(404).code(), "not-found");
        let second = api.get(&format!("{people}?page=2&page_size=1")).await.expect(200).json;
        assert_eq!((&second["total"], column(&second["results"], "user_id")), (&json!(2), vec![json!("eve")]));
    })
    .await;
}
