//! What evaluation found: kept with its version, seen in its organization.

use crate::world::{World, actor};
use servoir_registry::IMPORTANCE;

pub async fn findings_are_read_by_version_and_split(world: &World) {
    let model = world.model_with("churn", 2).await;
    let other = world.model_with("other", 1).await;
    for (of, version, split) in
        [(&model, 1, "test"), (&model, 2, "test"), (&model, 2, IMPORTANCE), (&other, 1, "train")]
    {
        let body = format!("{{\"of\":\"{} {version} {split}\"}}", of.name);
        let insert = format!(
            "insert into evaluations (model, version, split, body, created_at) \
             values ('{}', {version}, '{split}', '{body}', 0)",
            of.id
        );
        world.sql(&insert).await;
    }
    let cases = [
        ("acme", &model, 1, "test", Some("churn 1 test")),
        ("acme", &model, 2, "test", Some("churn 2 test")),
        ("acme", &model, 2, IMPORTANCE, Some("churn 2 importance")),
        ("acme", &other, 1, "train", Some("other 1 train")),
        ("acme", &model, 1, "train", None),
        ("acme", &model, 3, "test", None),
        ("others", &model, 1, "test", None),
    ];
    for (organization, model, version, split, expected) in cases {
        let found = world.registry.evaluation(organization, &model.id, version, split).await.unwrap();
        let expected = expected.map(|of| format!("{{\"of\":\"{of}\"}}"));
        assert_eq!(found, expected, "{organization} {} {version} {split}", model.name);
    }
    world.registry.delete_version(&actor("acme"), &model.id, 2).await.unwrap();
    assert_eq!(world.registry.evaluation("acme", &model.id, 2, "test").await.unwrap(), None);
    assert!(world.registry.evaluation("acme", &model.id, 1, "test").await.unwrap().is_some());
}
