//! The Studio's side of models: making, finding, changing, copying and sharing them, and where they stand.

use crate::datasets::dataset;
use crate::world::{ALL, World, actor, code, new_model, spec};
use serde_json::{Map, Value, json};
use servoir_registry::{
    Actor, AuditFilter, DashboardFilter, ModelChange, ModelType, NewStudioModel, RegistryError, Role, SortField,
    Strategy, StudioChange, StudioFilter, StudioModel, StudioPart, StudioStatus, TaskType, Window,
};
use servoir_types::{DatasetId, ModelId, Timestamp};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn who(subject: &str) -> Actor {
    Actor { subject: subject.into(), ..actor("acme") }
}

pub fn new_studio_model(name: &str) -> NewStudioModel {
    NewStudioModel {
        model: new_model(name),
        model_type: ModelType::Auto,
        task_type: TaskType::Regression,
        config: object(json!({"target_column": "y"})),
    }
}

async fn made(world: &World, name: &str) -> StudioModel {
    world.registry.create_studio_model(&actor("acme"), new_studio_model(name), None).await.unwrap()
}

async fn status(world: &World, id: &ModelId) -> StudioStatus {
    world.registry.studio_model("acme", id.as_str()).await.unwrap().status
}

/// Writes a run past the registry.
async fn run(world: &World, model: &ModelId, id: &str, status: &str) {
    let finished = if matches!(status, "queued" | "running") { "null" } else { "2" };
    world
        .sql(&format!(
            "insert into runs (id, model, external, status, priority, timeout_seconds, config, last_frame, details, \
             created_by, created_at, finished_at) values ('{id}', '{model}', 0, '{status}', 1, 60, '{{}}', 0, '{{}}', \
             'ada', (select count(*) from runs), {finished})"
        ))
        .await;
}

pub async fn both_dialects_have_the_same_models(world: &World) {
    let trained = made(world, "trained").await;
    let brought = world.model("brought").await;
    let one = world.registry.studio_model("acme", "trained").await.unwrap();
    assert_eq!((one.model_type, one.task_type), (ModelType::Auto, Some(TaskType::Regression)));
    assert_eq!((one.config, one.private), (object(json!({"target_column": "y"})), false));
    assert_eq!((one.model.tags.len(), one.model.owner.as_str()), (2, "ada"));
    assert_eq!(world.registry.model("acme", "trained").await.unwrap().id, trained.model.id);
    let other = world.registry.studio_model("acme", brought.id.as_str()).await.unwrap();
    assert_eq!((other.model_type, other.task_type, other.config), (ModelType::Custom, None, Map::new()));
    assert_eq!(code(world.registry.studio_model("globex", "trained").await), "not-found");
    let taken = world.registry.create_studio_model(&actor("acme"), new_studio_model("brought"), None).await;
    assert_eq!(code(taken), "name-taken");
    assert_eq!((world.count("models").await, world.count("studio_models").await), (2, 2));
}

pub async fn a_status_is_what_follows_from_runs_and_versions(world: &World) {
    let id = made(world, "m").await.model.id;
    assert_eq!(status(world, &id).await, StudioStatus::Draft);
    run(world, &id, "r1", "cancelled").await;
    assert_eq!(status(world, &id).await, StudioStatus::Draft);
    run(world, &id, "r2", "failed").await;
    assert_eq!(status(world, &id).await, StudioStatus::Failed);
    run(world, &id, "r3", "queued").await;
    assert_eq!(status(world, &id).await, StudioStatus::Training);
    world.sql("update runs set status = 'completed' where id = 'r3'").await;
    world.publish(&id, b"one").await;
    assert_eq!(status(world, &id).await, StudioStatus::Ready);
    run(world, &id, "r4", "failed").await;
    assert_eq!(status(world, &id).await, StudioStatus::Ready, "a version that is ready stays so");
    world.registry.set_archived(&actor("acme"), &id, true).await.unwrap();
    assert_eq!(status(world, &id).await, StudioStatus::Archived);
    world.registry.set_archived(&actor("acme"), &id, false).await.unwrap();
    assert_eq!(status(world, &id).await, StudioStatus::Ready);
}

fn everything() -> StudioFilter {
    StudioFilter {
        status: None,
        model_type: None,
        task_type: None,
        search: None,
        tags: Vec::new(),
        visible_to: None,
        sort: SortField::Name,
        descending: false,
        window: ALL,
    }
}

async fn names(world: &World, filter: &StudioFilter) -> Vec<String> {
    let page = world.registry.studio_models("acme", filter).await.unwrap();
    assert_eq!(page.total, page.items.len() as i64);
    page.items.into_iter().map(|model| model.model.name.to_string()).collect()
}

/// Five models that differ in everything that a list can ask for.
async fn gallery(world: &World) {
    for (name, task_type, tags) in [
        ("alpha", TaskType::Classification, &["eu", "prod"][..]),
        ("Beta", TaskType::Regression, &["prod"]),
        ("gamma_1", TaskType::Regression, &["eu", "prod", "x"]),
        ("delta", TaskType::Classification, &[]),
    ] {
        let mut new = new_studio_model(name);
        new.task_type = task_type;
        new.model.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        world.registry.create_studio_model(&actor("acme"), new, None).await.unwrap();
    }
    world.model("epsilon").await;
    let id = async |name: &str| world.registry.model("acme", name).await.unwrap().id;
    world.publish(&id("alpha").await, b"alpha").await;
    run(world, &id("Beta").await, "r1", "running").await;
    run(world, &id("gamma_1").await, "r2", "failed").await;
    world.registry.set_archived(&actor("acme"), &id("delta").await, true).await.unwrap();
}

pub async fn studio_filters_and_orders(world: &World) {
    gallery(world).await;
    let status = |status| StudioFilter { status: Some(status), ..everything() };
    let tags = |tags: &[&str]| StudioFilter { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), ..everything() };
    let search = |text: &str| StudioFilter { search: Some(text.into()), ..everything() };
    let task = |task| StudioFilter { task_type: Some(task), ..everything() };
    let cases: [(StudioFilter, &[&str]); 17] = [
        (everything(), &["alpha", "Beta", "epsilon", "gamma_1"]),
        (status(StudioStatus::Archived), &["delta"]),
        (status(StudioStatus::Ready), &["alpha"]),
        (status(StudioStatus::Training), &["Beta"]),
        (status(StudioStatus::Failed), &["gamma_1"]),
        (status(StudioStatus::Draft), &["epsilon"]),
        (StudioFilter { model_type: Some(ModelType::Custom), ..everything() }, &["epsilon"]),
        (task(TaskType::Regression), &["Beta", "gamma_1"]),
        (StudioFilter { tags: vec!["eu".into()], ..task(TaskType::Regression) }, &["gamma_1"]),
        (tags(&["prod"]), &["alpha", "Beta", "gamma_1"]),
        (tags(&["prod", "eu"]), &["alpha", "gamma_1"]),
        (tags(&["prod", "eu", "x", "y"]), &[]),
        (search("BETA"), &["Beta"]),
        (search("_"), &["gamma_1"]),
        (search("describes"), &["alpha", "Beta", "epsilon", "gamma_1"]),
        (StudioFilter { descending: true, ..everything() }, &["gamma_1", "epsilon", "Beta", "alpha"]),
        (StudioFilter { sort: SortField::Status, ..everything() }, &["epsilon", "gamma_1", "alpha", "Beta"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(names(world, &filter).await, expected, "{filter:?}");
    }
    for (limit, offset, expected) in [(2, 0, &["alpha", "Beta"][..]), (2, 3, &["gamma_1"]), (2, 4, &[])] {
        let filter = StudioFilter { window: Window { limit, offset }, ..everything() };
        let page = world.registry.studio_models("acme", &filter).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|model| model.model.name.as_str()).collect();
        assert_eq!((page.total, &found[..]), (4, expected));
    }
    assert_eq!(world.registry.studio_models("globex", &everything()).await.unwrap().total, 0);
}

/// An edit that replaces the configuration.
fn config(value: Value) -> impl FnOnce(&StudioModel) -> Result<StudioChange, RegistryError> + Send {
    move |_| Ok(StudioChange { config: Some(object(value)), ..StudioChange::default() })
}

pub async fn an_edit_sees_the_model_and_may_refuse(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let model = made(world, "m").await.model;
    let entries = world.count("audit").await;
    let refused = registry
        .change_studio_model(&who, (&model.id, None), StudioPart::Config, |before| {
            assert_eq!(before.config["target_column"], "y");
            Err::<StudioChange, _>(RegistryError::Invalid { field: "config", reason: "is refused" })
        })
        .await;
    assert_eq!(code(refused), "invalid-value");
    let stored = registry.studio_model("acme", "m").await.unwrap();
    assert_eq!((stored.model.revision, world.count("audit").await), (1, entries));
    let stale = registry.change_studio_model(&who, (&model.id, Some(7)), StudioPart::Config, config(json!({}))).await;
    assert_eq!(code(stale), "stale");
    let change = StudioChange {
        model: ModelChange { name: Some("n".parse().unwrap()), tags: Some(vec!["t".into()]), ..Default::default() },
        config: Some(object(json!({"a": 1}))),
        settings: Some(object(json!({"display": {"color": "red"}}))),
        private: Some(true),
    };
    let changed =
        registry.change_studio_model(&who, (&model.id, Some(1)), StudioPart::Model, |_| Ok::<_, RegistryError>(change));
    let changed = changed.await.unwrap();
    let stored = registry.studio_model("acme", "n").await.unwrap();
    for model in [changed, stored] {
        assert_eq!((model.model.revision, model.private, &model.model.tags[..]), (2, true, &["t".to_owned()][..]));
        assert_eq!(
            (json!(model.config), json!(model.settings)),
            (json!({"a": 1}), json!({"display": {"color": "red"}}))
        );
    }
}

pub async fn nothing_changes_under_a_run_but_settings(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let id = &made(world, "m").await.model.id;
    run(world, id, "r1", "running").await;
    for (part, expected) in
        [(StudioPart::Model, "run-in-progress"), (StudioPart::Config, "run-in-progress"), (StudioPart::Settings, "ok")]
    {
        let outcome = registry.change_studio_model(&who, (id, None), part, config(json!({}))).await;
        assert_eq!(code(outcome), expected, "{part:?}");
    }
    assert_eq!(code(registry.set_archived(&who, id, true).await), "run-in-progress");
    assert_eq!(code(registry.delete_model(&who, id, None, false).await), "run-in-progress");
    assert_eq!(code(registry.delete_model(&who, id, None, true).await), "ok");
    assert_eq!((world.count("runs").await, world.count("studio_models").await), (0, 0));
}

pub async fn a_deployed_model_is_not_deleted_by_force(world: &World) {
    let model = world.model_with("churn", 1).await;
    world.registry.deploy(&actor("acme"), &model.id, spec(1), Strategy::Swap).await.unwrap();
    assert_eq!(code(world.registry.delete_model(&actor("acme"), &model.id, None, true).await), "model-deployed");
}

/// A model with a version, a version's file and an asset, each an artifact of its own.
async fn with_artifacts(world: &World, name: &str) -> ModelId {
    let id = made(world, name).await.model.id;
    let mut digests = Vec::new();
    for part in ["version", "file", "asset"] {
        digests.push(world.publish(&id, format!("{name} {part}").as_bytes()).await.digest.to_hex());
    }
    // The store's own writers of files and assets are elsewhere: their rows take over what these versions use.
    world.sql(&format!("delete from versions where model = '{id}' and version > 1")).await;
    world
        .sql(&format!(
            "insert into version_files (model, version, format, size_bytes, digest) values ('{id}', 1, 'native', 1, '{}')",
            digests[1]
        ))
        .await;
    world
        .sql(&format!(
            "insert into custom_assets (id, model, asset_type, name, size_bytes, digest, created_by, created_at) \
             values ('asset_{name}', '{id}', 'other', 'a', 1, '{}', 'ada', 0)",
            digests[2]
        ))
        .await;
    id
}

pub async fn deleting_takes_the_artifacts_of_files_and_assets_along(world: &World) {
    let id = with_artifacts(world, "one").await;
    let kept = with_artifacts(world, "two").await;
    assert_eq!(world.blobs().len(), 6);
    world.registry.delete_model(&actor("acme"), &id, None, false).await.unwrap();
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (3, 3));
    world.sql("update studio_models set promoted_version = 1").await;
    world.registry.delete_version(&actor("acme"), &kept, 1).await.unwrap();
    assert_eq!((world.blobs().len(), world.count("version_files").await), (1, 0));
    let model = world.registry.studio_model("acme", kept.as_str()).await.unwrap();
    assert_eq!(model.promoted_version, None, "no version, no promotion");
}

pub async fn a_copy_is_a_draft_of_its_own(world: &World) {
    let (registry, eve) = (&world.registry, who("eve"));
    let source = made(world, "m").await;
    world.publish(&source.model.id, b"one").await;
    let dataset = dataset(world, "acme", "d", b"one").await.summary.id;
    registry.link_dataset(&actor("acme"), &source.model.id, &dataset, false).await.unwrap();
    let private = StudioChange { private: Some(true), ..StudioChange::default() };
    let edit = |_: &StudioModel| Ok::<_, RegistryError>(private);
    registry.change_studio_model(&actor("acme"), (&source.model.id, None), StudioPart::Settings, edit).await.unwrap();
    let copy = registry.duplicate_model(&eve, &source, None, true).await.unwrap();
    assert_eq!((copy.model.name.as_str(), copy.status), ("m copy", StudioStatus::Draft));
    assert_eq!((copy.model.owner.as_str(), copy.private), ("eve", true), "as private as it was");
    assert_eq!((&copy.config, &copy.model.tags), (&source.config, &source.model.tags));
    assert_eq!((copy.model_type, copy.task_type), (source.model_type, source.task_type));
    assert_eq!(world.count("dataset_links where linked_by = 'eve'").await, 1);
    let second = registry.duplicate_model(&eve, &source, None, false).await.unwrap();
    assert_eq!(second.model.name.as_str(), "m copy 2");
    assert_eq!(world.count("dataset_links").await, 2);
    let named = registry.duplicate_model(&eve, &source, Some("m".parse().unwrap()), false).await;
    assert_eq!(code(named), "name-taken");
    let long = made(world, &"ё".repeat(128)).await;
    let copy = registry.duplicate_model(&eve, &long, None, false).await.unwrap();
    assert_eq!(copy.model.name.as_str(), format!("{} copy", "ё".repeat(123)));
    let entries = registry.audit("acme", &AuditFilter::of(copy.model.id.as_str(), ALL)).await.unwrap();
    assert_eq!((entries.total, entries.items[0].action.as_str()), (1, "model.duplicated"));
    assert_eq!(entries.items[0].after.as_ref().unwrap()["copyOf"], json!(long.model.id));
}

pub async fn a_model_is_linked_as_it_is_made_or_not_made(world: &World) {
    let registry = &world.registry;
    let [acme, globex] = [dataset(world, "acme", "d", b"1").await, dataset(world, "globex", "d", b"1").await];
    let (acme, globex) = (acme.summary.id, globex.summary.id);
    let mut new = new_studio_model("m");
    new.config = object(json!({"target_column": "y", "feature_columns": ["x", "z", "w"]}));
    let create = async |new: &NewStudioModel, dataset: &DatasetId| {
        registry.create_studio_model(&actor("acme"), new.clone(), Some(dataset)).await
    };
    let refused = create(&new, &acme).await.unwrap_err();
    assert_eq!((refused.code(), refused.to_string().ends_with(": z, w")), ("columns-missing", true), "{refused}");
    new.config["feature_columns"] = json!(["x"]);
    assert_eq!(code(create(&new, &globex).await), "not-found");
    assert_eq!((world.count("models").await, world.count("audit").await), (0, 2), "nothing is half done");
    let id = create(&new, &acme).await.unwrap().model.id;
    let link = registry.dataset_link(&id).await.unwrap().unwrap();
    assert_eq!((&link.dataset, link.name.as_str(), link.schema_validated), (&acme, "d", true));
    let entries = registry.audit("acme", &AuditFilter::of(id.as_str(), ALL)).await.unwrap();
    assert_eq!((entries.total, &entries.items[0].after.as_ref().unwrap()["datasetId"]), (1, &json!(acme)));
}

pub async fn people_and_what_they_may(world: &World) {
    let (registry, ada) = (&world.registry, actor("acme"));
    let model = made(world, "m").await;
    let id = &model.model.id;
    let roles = async || {
        let model = registry.studio_model("acme", "m").await.unwrap();
        let mut roles = Vec::new();
        for subject in ["ada", "vic", "eve"] {
            roles.push(registry.role_of(&model, subject).await.unwrap());
        }
        roles
    };
    assert_eq!(roles().await, [Some(Role::Owner), Some(Role::Editor), Some(Role::Editor)]);
    registry.add_collaborator(&ada, id, "vic", Role::Viewer).await.unwrap();
    assert_eq!(roles().await[1], Some(Role::Viewer), "an entry says otherwise");
    assert_eq!(code(registry.add_collaborator(&ada, id, "vic", Role::Admin).await), "collaborator-exists");
    let private = StudioChange { private: Some(true), ..StudioChange::default() };
    let edit = |_: &StudioModel| Ok::<_, RegistryError>(private);
    registry.change_studio_model(&ada, (id, None), StudioPart::Settings, edit).await.unwrap();
    assert_eq!(roles().await, [Some(Role::Owner), Some(Role::Viewer), None]);
    registry.change_collaborator(&ada, id, "vic", Role::Admin).await.unwrap();
    assert_eq!(roles().await[1], Some(Role::Admin));
    for (call, outcome, expected) in [
        ("demote the owner", code(registry.change_collaborator(&ada, id, "ada", Role::Viewer).await), "owner-stays"),
        ("remove the owner", code(registry.remove_collaborator(&ada, id, "ada").await), "owner-stays"),
        ("add the owner", code(registry.add_collaborator(&ada, id, "ada", Role::Viewer).await), "owner-stays"),
        ("a second owner", code(registry.add_collaborator(&ada, id, "eve", Role::Owner).await), "owner-stays"),
        ("change nobody", code(registry.change_collaborator(&ada, id, "eve", Role::Viewer).await), "not-found"),
        ("remove nobody", code(registry.remove_collaborator(&ada, id, "eve").await), "not-found"),
        ("a NUL", code(registry.add_collaborator(&ada, id, "a\0", Role::Viewer).await), "invalid-value"),
        ("elsewhere", code(registry.add_collaborator(&actor("globex"), id, "eve", Role::Viewer).await), "not-found"),
    ] {
        assert_eq!(outcome, expected, "{call}");
    }
    let people = registry.collaborators(id, ALL).await.unwrap();
    let listed: Vec<_> = people.items.iter().map(|one| (one.subject.as_str(), one.role)).collect();
    assert_eq!((people.total, &listed[..]), (2, &[("ada", Role::Owner), ("vic", Role::Admin)][..]));
    let second = registry.collaborators(id, Window { limit: 1, offset: 1 }).await.unwrap();
    assert_eq!((second.items[0].subject.as_str(), second.items[0].added_by.as_str()), ("vic", "ada"));
    registry.remove_collaborator(&ada, id, "vic").await.unwrap();
    assert_eq!(roles().await, [Some(Role::Owner), None, None]);
    let entries = registry.audit("acme", &AuditFilter::of(id.as_str(), ALL)).await.unwrap().items;
    let actions: Vec<_> = entries.iter().rev().map(|entry| entry.action.as_str()).collect();
    let expected =
        ["created", "collaborator_added", "settings_updated", "collaborator_updated", "collaborator_removed"];
    assert_eq!(actions, expected.map(|action| format!("model.{action}")));
}

pub async fn what_is_private_is_left_out(world: &World) {
    gallery(world).await;
    let registry = &world.registry;
    let beta = registry.model("acme", "Beta").await.unwrap().id;
    world.sql("update studio_models set private = 1 where model in (select id from models where name = 'Beta')").await;
    let seen_by = async |subject: &str| {
        let visible_to = Some(subject.to_owned());
        let studio = names(world, &StudioFilter { visible_to: visible_to.clone(), ..everything() }).await;
        let filter = servoir_registry::ModelFilter { visible_to: visible_to.clone(), ..crate::world::everything() };
        let in_registry = registry.models("acme", &filter).await.unwrap().total;
        let since = Timestamp::from_millis(0);
        let filter = DashboardFilter { since, model_type: None, visible_to, events_max: 100 };
        let dashboard = registry.dashboard("acme", &filter).await.unwrap();
        let shown = dashboard.events.iter().any(|event| event.target == beta.as_str());
        (studio.contains(&"Beta".to_owned()), in_registry, dashboard.by_status[&StudioStatus::Draft], shown)
    };
    world.sql("delete from runs").await;
    assert_eq!(seen_by("eve").await, (false, 4, 2, false));
    assert_eq!(seen_by("ada").await, (true, 5, 3, true), "the owner");
    registry.add_collaborator(&actor("acme"), &beta, "eve", Role::Viewer).await.unwrap();
    assert_eq!(seen_by("eve").await, (true, 5, 3, true));
}

pub async fn a_dashboard_counts(world: &World) {
    gallery(world).await;
    let registry = &world.registry;
    let alpha = registry.model("acme", "alpha").await.unwrap().id;
    registry.deploy(&actor("acme"), &alpha, spec(1), Strategy::Swap).await.unwrap();
    let filter =
        DashboardFilter { since: Timestamp::from_millis(0), model_type: None, visible_to: None, events_max: 3 };
    let all = registry.dashboard("acme", &filter).await.unwrap();
    let statuses: Vec<_> = all.by_status.into_iter().map(|(status, models)| (status.text(), models)).collect();
    assert_eq!(statuses, [("draft", 1), ("training", 1), ("ready", 1), ("failed", 1), ("archived", 1)]);
    assert_eq!((all.by_type[&ModelType::Auto], all.by_type[&ModelType::Custom], all.deployed), (4, 1, 1));
    assert_eq!((all.runs["running"], all.runs["failed"]), (1, 1));
    assert_eq!((all.events.len(), all.events[0].action.as_str()), (3, "model.deployed"));
    let custom = DashboardFilter { model_type: Some(ModelType::Custom), ..filter.clone() };
    let custom = registry.dashboard("acme", &custom).await.unwrap();
    assert_eq!((custom.by_type.len(), custom.runs.len(), custom.events.len()), (1, 0, 1));
    let later = DashboardFilter { since: Timestamp::now().plus_seconds(60), ..filter.clone() };
    let later = registry.dashboard("acme", &later).await.unwrap();
    assert_eq!((later.by_type.len(), later.runs.len(), later.events.len()), (2, 0, 0));
    assert!(registry.dashboard("globex", &filter).await.unwrap().by_status.is_empty());
}
