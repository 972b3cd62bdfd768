//! Making, finding, changing and archiving models.

use crate::world::{ALL, World, actor, code, everything, new_model, spec};
use servoir_registry::{AuditFilter, ModelChange, ModelFilter, ModelStatus, NewModel, SortField, Window};

pub async fn a_model_comes_back_as_it_was_made(world: &World) {
    let made = world.model("Приток 1").await;
    for key in [made.id.as_str(), "Приток 1"] {
        let model = world.registry.model("acme", key).await.unwrap();
        assert_eq!((&model.id, model.name.as_str()), (&made.id, "Приток 1"));
        assert_eq!((model.organization.as_str(), model.owner.as_str()), ("acme", "ada"));
        assert_eq!(model.description, "describes Приток 1");
        assert_eq!((model.framework.as_str(), model.source.as_str()), ("onnx", "manual"));
        assert_eq!(model.tags, ["b", "a"]);
        assert_eq!(model.workspace.as_deref(), Some("ws1"));
        assert_eq!((model.latest_version, model.revision), (0, 1));
        assert_eq!((model.archived, model.deployed), (false, false));
        assert_eq!((model.created_at, model.updated_at), (made.created_at, made.created_at));
    }
    assert_eq!(code(world.registry.model("acme", "model_none").await), "not-found");
}

/// Five models that differ in everything that a list can ask for.
async fn gallery(world: &World) {
    let rows = [
        ("alpha", "Predicts CHURN", "onnx", "manual", &["prod"][..], Some("ws1")),
        ("Beta", "100% of revenue", "xgboost", "automl", &["prod", "eu"], Some("ws2")),
        ("gamma_1", "churn again", "xgboost", "manual", &[], None),
        ("delta", "path\\name", "sklearn", "experiment", &["pr\"od", "%"], None),
        ("Ёж", "ОТТОК клиентов", "onnx", "fine-tuning", &["eu"], None),
    ];
    for (name, description, framework, source, tags, workspace) in rows {
        let new = NewModel {
            name: name.parse().unwrap(),
            description: description.into(),
            framework: framework.into(),
            source: source.into(),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            workspace: workspace.map(str::to_owned),
        };
        world.registry.create_model(&actor("acme"), new).await.unwrap();
    }
    let alpha = world.registry.model("acme", "alpha").await.unwrap().id;
    world.publish(&alpha, b"alpha").await;
    world.registry.deploy(&actor("acme"), &alpha, spec(1), servoir_registry::Strategy::Swap).await.unwrap();
    let beta = world.registry.model("acme", "Beta").await.unwrap().id;
    world.registry.set_archived(&actor("acme"), &beta, true).await.unwrap();
}

async fn names(world: &World, filter: &ModelFilter) -> Vec<String> {
    let page = world.registry.models("acme", filter).await.unwrap();
    assert_eq!(page.total, page.items.len() as i64);
    page.items.into_iter().map(|model| model.name.to_string()).collect()
}

pub async fn filters_and_orders(world: &World) {
    gallery(world).await;
    let search = |text: &str| ModelFilter { search: Some(text.into()), ..everything() };
    let tag = |text: &str| ModelFilter { tag: Some(text.into()), ..everything() };
    let status = |status| ModelFilter { status: Some(status), ..everything() };
    let framework = |text: &str| ModelFilter { framework: Some(text.into()), ..everything() };
    let by_name = ModelFilter { sort: SortField::Name, ..everything() };
    let cases: [(ModelFilter, &[&str]); 21] = [
        (everything(), &["alpha", "Beta", "gamma_1", "delta", "Ёж"]),
        (search("churn"), &["alpha", "gamma_1"]),
        (search("BETA"), &["Beta"]),
        (search("отток"), &["Ёж"]),
        (search("ёж"), &["Ёж"]),
        (search("%"), &["Beta"]),
        (search("_"), &["gamma_1"]),
        (search("h\\n"), &["delta"]),
        (search(&"x".repeat(60_000)), &[]),
        (tag("prod"), &["alpha", "Beta"]),
        (tag("pr\"od"), &["delta"]),
        (tag("%"), &["delta"]),
        (tag("pro"), &[]),
        (framework("xgboost"), &["Beta", "gamma_1"]),
        (ModelFilter { source: Some("manual".into()), ..framework("xgboost") }, &["gamma_1"]),
        (ModelFilter { workspace: Some("ws2".into()), ..everything() }, &["Beta"]),
        (status(ModelStatus::Deployed), &["alpha"]),
        (status(ModelStatus::Archived), &["Beta"]),
        (by_name.clone(), &["alpha", "Beta", "delta", "gamma_1", "Ёж"]),
        (ModelFilter { descending: true, ..by_name }, &["Ёж", "gamma_1", "delta", "Beta", "alpha"]),
        (
            ModelFilter {
                sort: SortField::UpdatedAt,
                descending: true,
                search: Some("a".into()),
                ..status(ModelStatus::Archived)
            },
            &["Beta"],
        ),
    ];
    for (filter, expected) in cases {
        let mut found = names(world, &filter).await;
        let mut expected: Vec<_> = expected.iter().map(|&name| name.to_owned()).collect();
        if filter.sort != SortField::Name {
            // Models made in the same millisecond come in the order of their random ids.
            found.sort();
            expected.sort();
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    let by_status = names(world, &ModelFilter { sort: SortField::Status, ..everything() }).await;
    assert_eq!(by_status[..2], ["Beta", "alpha"], "archived, deployed, registered");
}

pub async fn pages(world: &World) {
    for index in 0..7 {
        world.model(&format!("m{index}")).await;
    }
    let page = |limit, offset| ModelFilter { sort: SortField::Name, window: Window { limit, offset }, ..everything() };
    for (limit, offset, expected) in [(3, 0, &["m0", "m1", "m2"][..]), (3, 6, &["m6"]), (3, 7, &[]), (1, 4, &["m4"])] {
        let page = world.registry.models("acme", &page(limit, offset)).await.unwrap();
        assert_eq!(page.total, 7);
        assert_eq!(page.items.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), expected);
    }
}

pub async fn names_are_unique_in_an_organization(world: &World) {
    let first = world.model("churn").await;
    let second = world.model("other").await;
    let registry = &world.registry;
    assert_eq!(code(registry.create_model(&actor("acme"), new_model("churn")).await), "name-taken");
    let rename = || ModelChange { name: Some("churn".parse().unwrap()), ..ModelChange::default() };
    assert_eq!(code(registry.update_model(&actor("acme"), &second.id, rename(), None).await), "name-taken");
    assert_eq!(code(registry.update_model(&actor("acme"), &first.id, rename(), None).await), "ok");
    assert_eq!(code(registry.create_model(&actor("globex"), new_model("churn")).await), "ok");
    registry.delete_model(&actor("acme"), &first.id, None, false).await.unwrap();
    assert_eq!(code(registry.create_model(&actor("acme"), new_model("churn")).await), "ok");
}

pub async fn only_what_is_given_changes(world: &World) {
    let model = world.model("churn").await;
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        (ModelChange::default(), ("churn", "describes churn", vec!["b", "a"])),
        (ModelChange { description: text("new"), ..Default::default() }, ("churn", "new", vec!["b", "a"])),
        (ModelChange { tags: Some(vec!["c".into()]), ..Default::default() }, ("churn", "new", vec!["c"])),
        (ModelChange { name: Some("c2".parse().unwrap()), ..Default::default() }, ("c2", "new", vec!["c"])),
    ];
    for (index, (change, (name, description, tags))) in cases.into_iter().enumerate() {
        let changed = world.registry.update_model(&actor("acme"), &model.id, change, None).await.unwrap();
        let stored = world.registry.model("acme", model.id.as_str()).await.unwrap();
        for model in [changed, stored] {
            assert_eq!((model.name.as_str(), model.description.as_str()), (name, description));
            assert_eq!(model.tags, tags);
            assert_eq!(model.revision, 2 + index as i64);
        }
    }
    let tagged = |tag: &str| ModelFilter { tag: Some(tag.into()), ..everything() };
    assert_eq!(names(world, &tagged("c")).await, ["c2"]);
    assert!(names(world, &tagged("a")).await.is_empty());
    assert_eq!(names(world, &ModelFilter { search: Some("NEW".into()), ..everything() }).await, ["c2"]);
}

pub async fn a_stale_revision_is_refused(world: &World) {
    let model = world.model("churn").await;
    let registry = &world.registry;
    let change = || ModelChange { description: Some("x".into()), ..ModelChange::default() };
    let changed = registry.update_model(&actor("acme"), &model.id, change(), Some(model.revision)).await.unwrap();
    let stale = registry.update_model(&actor("acme"), &model.id, change(), Some(model.revision)).await.unwrap_err();
    assert_eq!(stale.to_string(), "the object has changed since it was read: it is at revision 2");
    assert_eq!(code(registry.delete_model(&actor("acme"), &model.id, Some(1), false).await), "stale");
    assert_eq!(code(registry.delete_model(&actor("acme"), &model.id, Some(changed.revision), false).await), "ok");
    assert_eq!(
        code(registry.delete_model(&actor("acme"), &model.id, Some(changed.revision), false).await),
        "not-found"
    );
}

pub async fn archiving_and_back(world: &World) {
    let model = world.model_with("churn", 1).await;
    let (registry, actor) = (&world.registry, actor("acme"));
    assert_eq!(code(registry.set_archived(&actor, &model.id, false).await), "not-archived");
    let archived = registry.set_archived(&actor, &model.id, true).await.unwrap();
    assert!(archived.archived);
    let again = registry.set_archived(&actor, &model.id, true).await.unwrap();
    assert_eq!((again.archived, again.revision), (true, archived.revision));
    let swap = servoir_registry::Strategy::Swap;
    assert_eq!(code(registry.deploy(&actor, &model.id, spec(1), swap.clone()).await), "model-archived");
    assert!(!registry.set_archived(&actor, &model.id, false).await.unwrap().archived);
    registry.deploy(&actor, &model.id, spec(1), swap).await.unwrap();
    assert_eq!(code(registry.set_archived(&actor, &model.id, true).await), "model-deployed");
    let actions: Vec<_> = registry.audit("acme", &AuditFilter::of(model.id.as_str(), ALL)).await.unwrap().items;
    let archivings = actions.iter().filter(|entry| entry.action.ends_with("archived")).count();
    assert_eq!(archivings, 2, "what changed nothing left no entry");
}

pub async fn texts_that_postgres_cannot_keep_are_refused(world: &World) {
    let registry = &world.registry;
    let nul = || "a\0b".to_owned();
    let base = || new_model("churn");
    for new in [
        NewModel { description: nul(), ..base() },
        NewModel { tags: vec![nul()], ..base() },
        NewModel { workspace: Some(nul()), ..base() },
    ] {
        assert_eq!(code(registry.create_model(&actor("acme"), new).await), "invalid-value");
    }
    assert_eq!(world.count("models").await, 0);
}
