//! Datasets: making, finding and deleting them, and linking them to models.

use crate::world::{ALL, World, actor, code};
use serde_json::json;
use servoir_registry::{AuditFilter, AuditVerdict, Dataset, DatasetFilter, NewDataset, RegistryError, Window};
use servoir_types::{DatasetId, Digest};

fn new_dataset(name: &str) -> NewDataset {
    NewDataset {
        name: name.parse().unwrap(),
        format: "csv",
        compression: Some("gzip"),
        dialect: Some(json!({ "delimiter": ";", "header": true })),
        rows: 150,
        column_count: 2,
        columns: r#"[{"name":"x"},{"name":"y"}]"#.into(),
        problems: json!({ "broken_rows": 1, "first": [{ "line": 7, "reason": "why" }] }),
        preview: r#"[[1,"é"],[null,"x"]]"#.into(),
    }
}

/// A dataset with the columns `x` and `y`.
pub async fn dataset(world: &World, organization: &str, name: &str, bytes: &[u8]) -> Dataset {
    let staged = world.staged(bytes).await;
    world.registry.create_dataset(&actor(organization), staged, new_dataset(name)).await.unwrap()
}

fn search(text: Option<&str>, window: Window) -> DatasetFilter {
    DatasetFilter { search: text.map(str::to_owned), window }
}

pub async fn a_dataset_comes_back_as_it_was_made(world: &World) {
    let made = dataset(world, "acme", "Wine 1.csv", b"a;b\n1;2\n").await;
    let found = world.registry.dataset("acme", &made.summary.id).await.unwrap();
    for dataset in [&made, &found] {
        let summary = &dataset.summary;
        assert!(summary.id.as_str().starts_with("dataset_"), "{}", summary.id);
        assert_eq!((summary.organization.as_str(), summary.name.as_str()), ("acme", "Wine 1.csv"));
        assert_eq!((summary.format.as_str(), summary.compression.as_deref()), ("csv", Some("gzip")));
        assert_eq!((summary.rows, summary.column_count, summary.size_bytes), (150, 2, 8));
        assert_eq!(summary.digest, Digest::of(b"a;b\n1;2\n"));
        assert_eq!((summary.created_by.as_str(), summary.created_at), ("ada", made.summary.created_at));
        assert_eq!(dataset.dialect, new_dataset("x").dialect);
        assert_eq!(dataset.columns, new_dataset("x").columns);
        assert_eq!(dataset.problems, new_dataset("x").problems);
    }
    let kept = world.registry.dataset_preview("acme", &made.summary.id).await.unwrap();
    assert_eq!(kept, (new_dataset("x").columns, new_dataset("x").preview));
    let path = world.registry.fetch_artifact(made.summary.digest).await.unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"a;b\n1;2\n");
    let none = world.registry.dataset("acme", &DatasetId::from_text("dataset_none")).await.unwrap_err();
    assert_eq!(none.to_string(), "no dataset 'dataset_none'");
    assert_eq!(world.spool_files(), Vec::<std::path::PathBuf>::new());
}

pub async fn lists_of_datasets(world: &World) {
    for (name, bytes) in [("wine", "1"), ("100%", "2"), ("Ёлка", "3"), ("a_b", "4"), ("Wine two", "5")] {
        dataset(world, "acme", name, bytes.as_bytes()).await;
    }
    let cases = [
        (None, vec!["100%", "Wine two", "a_b", "wine", "Ёлка"]),
        (Some("WINE"), vec!["Wine two", "wine"]),
        (Some("ёл"), vec!["Ёлка"]),
        (Some("%"), vec!["100%"]),
        (Some("_"), vec!["a_b"]),
        (Some("\\"), vec![]),
    ];
    for (text, expected) in cases {
        let page = world.registry.datasets("acme", &search(text, ALL)).await.unwrap();
        let mut names: Vec<_> = page.items.iter().map(|dataset| dataset.name.as_str()).collect();
        // Datasets made in the same millisecond come in the order of their random ids.
        names.sort_unstable();
        assert_eq!((page.total, names), (expected.len() as i64, expected), "{text:?}");
    }
    let long = world.registry.datasets("acme", &search(Some(&"x".repeat(60_000)), ALL)).await.unwrap();
    assert_eq!(long.total, 0);
    let mut seen = Vec::new();
    for offset in 0..5 {
        let page = world.registry.datasets("acme", &search(None, Window { limit: 1, offset })).await.unwrap();
        assert_eq!((page.total, page.items.len()), (5, 1));
        seen.extend(page.items.into_iter().map(|dataset| (dataset.created_at, dataset.id)));
    }
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
}

pub async fn names_of_datasets_are_unique_in_an_organization(world: &World) {
    dataset(world, "acme", "wine", b"1").await;
    let staged = world.staged(b"2").await;
    let taken = world.registry.create_dataset(&actor("acme"), staged, new_dataset("wine")).await.unwrap_err();
    assert_eq!((taken.code(), taken.to_string().as_str()), ("name-taken", "a dataset named 'wine' exists already"));
    let staged = world.staged(b"3").await;
    world.registry.create_dataset(&actor("globex"), staged, new_dataset("wine")).await.unwrap();
    // What was refused has left nothing.
    assert_eq!((world.count("datasets").await, world.count("audit").await, world.count("artifacts").await), (2, 2, 2));
    assert_eq!((world.blobs().len(), world.spool_files().len()), (2, 0));
    let nul = NewDataset { columns: "\0".into(), ..new_dataset("nul") };
    let staged = world.staged(b"4").await;
    assert_eq!(code(world.registry.create_dataset(&actor("acme"), staged, nul).await), "invalid-value");
}

pub async fn a_file_stays_as_long_as_something_uses_it(world: &World) {
    let registry = &world.registry;
    let [one, other] = [dataset(world, "acme", "one", b"same").await, dataset(world, "acme", "other", b"same").await];
    let model = world.model("churn").await;
    world.publish(&model.id, b"same").await;
    assert_eq!(world.blobs().len(), 1);
    for id in [&one.summary.id, &other.summary.id] {
        registry.sweep().await.unwrap();
        assert_eq!(world.blobs().len(), 1);
        registry.delete_dataset(&actor("acme"), id).await.unwrap();
        assert_eq!(code(registry.dataset("acme", id).await), "not-found");
        assert_eq!(code(registry.delete_dataset(&actor("acme"), id).await), "not-found");
    }
    assert_eq!(world.blobs().len(), 1, "the version has it still");
    registry.delete_model(&actor("acme"), &model.id, None, false).await.unwrap();
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (0, 0));
}

pub async fn a_dataset_that_is_linked_stays(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let wine = dataset(world, "acme", "wine", b"1").await.summary.id;
    let models = [world.model("one").await.id, world.model("two").await.id];
    for model in &models {
        registry.link_dataset(&who, model, &wine, true).await.unwrap();
    }
    let linked = registry.delete_dataset(&who, &wine).await.unwrap_err();
    assert_eq!(linked.code(), "dataset-linked");
    assert!(linked.to_string().contains("'one', 'two'"), "{linked}");
    registry.unlink_dataset(&who, &models[0]).await.unwrap();
    assert_eq!(code(registry.delete_dataset(&who, &wine).await), "dataset-linked");
    // A model that goes takes its link with it, and leaves the dataset.
    registry.delete_model(&who, &models[1], None, false).await.unwrap();
    assert_eq!((world.count("dataset_links").await, world.count("datasets").await), (0, 1));
    registry.delete_dataset(&who, &wine).await.unwrap();
}

pub async fn a_link_is_replaced_and_ended(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let [wine, iris] =
        [dataset(world, "acme", "wine", b"1").await.summary.id, dataset(world, "acme", "iris", b"2").await.summary.id];
    let model = world.model("churn").await;
    assert!(registry.dataset_link(&model.id).await.unwrap().is_none());
    assert_eq!(code(registry.unlink_dataset(&who, &model.id).await), "not-found");
    for (dataset, name, validated) in [(&wine, "wine", true), (&iris, "iris", false), (&iris, "iris", true)] {
        let made = registry.link_dataset(&who, &model.id, dataset, validated).await.unwrap();
        let found = registry.dataset_link(&model.id).await.unwrap().unwrap();
        for link in [made, found] {
            assert_eq!((&link.dataset, link.name.as_str()), (dataset, name));
            assert_eq!((link.schema_validated, link.linked_by.as_str()), (validated, "ada"));
        }
    }
    assert_eq!(registry.model("acme", "churn").await.unwrap().revision, 4, "each link is a change of the model");
    let missing = DatasetId::from_text("dataset_none");
    assert_eq!(code(registry.link_dataset(&who, &model.id, &missing, true).await), "not-found");
    registry.unlink_dataset(&who, &model.id).await.unwrap();
    assert!(registry.dataset_link(&model.id).await.unwrap().is_none());
    let page = registry.audit("acme", &AuditFilter::of(model.id.as_str(), ALL)).await.unwrap();
    let told: Vec<_> =
        page.items.iter().rev().map(|e| (e.action.as_str(), e.before.clone(), e.after.clone())).collect();
    let state = |id: &DatasetId, name: &str, validated: bool| {
        Some(json!({ "datasetId": id.as_str(), "datasetName": name, "schemaValidated": validated }))
    };
    let (first, second, third) = (state(&wine, "wine", true), state(&iris, "iris", false), state(&iris, "iris", true));
    assert_eq!(told[1], ("model.dataset_linked", None, first.clone()));
    assert_eq!(told[2], ("model.dataset_linked", first, second.clone()));
    assert_eq!(told[3], ("model.dataset_linked", second, third.clone()));
    assert_eq!(told[4], ("model.dataset_unlinked", third, None));
    assert_eq!(told.len(), 5, "what failed has left no entry");
}

pub async fn a_link_names_every_column_that_is_missing(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let wine = dataset(world, "acme", "wine", b"1").await.summary.id;
    let mut new = crate::studio::new_studio_model("m");
    new.config = json!({ "target_column": "t", "feature_columns": ["x", "b", "y", "c"] }).as_object().unwrap().clone();
    let model = registry.create_studio_model(&who, new, None).await.unwrap().model.id;
    let refused = registry.link_dataset(&who, &model, &wine, true).await.unwrap_err();
    assert_eq!(refused.code(), "columns-missing");
    assert!(refused.to_string().ends_with(": t, b, c"), "{refused}");
    assert!(registry.dataset_link(&model).await.unwrap().is_none());
    // Who asks for no check gets none.
    assert!(!registry.link_dataset(&who, &model, &wine, false).await.unwrap().schema_validated);
}

pub async fn datasets_leave_one_entry_each(world: &World) {
    let wine = dataset(world, "acme", "wine", b"12345").await.summary;
    world.registry.delete_dataset(&actor("acme"), &wine.id).await.unwrap();
    let page = world.registry.audit("acme", &AuditFilter::of(wine.id.as_str(), ALL)).await.unwrap();
    let state = json!({
        "name": "wine", "format": "csv", "rows": 150, "columns": 2, "sizeBytes": 5, "sha256": wine.digest,
    });
    let told: Vec<_> =
        page.items.iter().rev().map(|e| (e.action.as_str(), e.before.clone(), e.after.clone())).collect();
    assert_eq!(told, [("dataset.created", None, Some(state.clone())), ("dataset.deleted", Some(state), None)]);
    assert_eq!(world.registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 2 });
}

pub async fn other_organizations_see_no_dataset(world: &World) {
    let (registry, them) = (&world.registry, &actor("globex"));
    let wine = dataset(world, "acme", "wine", b"1").await.summary.id;
    let ours = world.model("churn").await;
    registry.link_dataset(&actor("acme"), &ours.id, &wine, true).await.unwrap();
    let theirs = registry.create_model(them, crate::world::new_model("theirs")).await.unwrap();
    let outcomes = [
        ("dataset", code(registry.dataset("globex", &wine).await)),
        ("preview", code(registry.dataset_preview("globex", &wine).await)),
        ("delete", code(registry.delete_dataset(them, &wine).await)),
        ("link theirs to our dataset", code(registry.link_dataset(them, &theirs.id, &wine, true).await)),
        ("link our model", code(registry.link_dataset(them, &ours.id, &wine, true).await)),
        ("unlink our model", code(registry.unlink_dataset(them, &ours.id).await)),
    ];
    for (call, outcome) in outcomes {
        assert_eq!(outcome, "not-found", "{call}");
    }
    assert_eq!(registry.datasets("globex", &search(None, ALL)).await.unwrap().total, 0);
    assert!(registry.dataset_link(&ours.id).await.unwrap().is_some());
}

/// Whoever comes first: a dataset that is gone has no link, and one that has a link is there.
pub async fn links_race_deletes(world: &World) {
    let registry = &world.registry;
    for round in 0..8 {
        let wine = dataset(world, "acme", &format!("wine{round}"), format!("{round}").as_bytes()).await.summary.id;
        let model = world.model(&format!("m{round}")).await.id;
        let who = actor("acme");
        let (linked, deleted) =
            tokio::join!(registry.link_dataset(&who, &model, &wine, true), registry.delete_dataset(&who, &wine));
        let there = registry.dataset("acme", &wine).await.is_ok();
        let link = registry.dataset_link(&model).await.unwrap();
        match (linked, deleted) {
            (Ok(_), Err(RegistryError::DatasetLinked { .. })) => assert!(there && link.is_some()),
            (Err(RegistryError::NotFound { .. }), Ok(())) => assert!(!there && link.is_none()),
            outcome => panic!("{outcome:?}"),
        }
    }
}
