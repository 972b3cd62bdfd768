//! What should run: swaps, canaries, shadows, rollbacks, and what nodes say.

use crate::world::{World, actor, code, spec};
use servoir_registry::{Autoscaling, Breaking, Deployment, DeploymentSpec, NodeState, Strategy, Tuning};
use servoir_types::{Digest, ModelId, Timestamp};

/// Primary, previous, canary with its share, shadow.
type Versions = (i64, Option<i64>, Option<(u8, i64)>, Option<i64>);

fn versions(deployment: &Deployment) -> Versions {
    (
        deployment.primary.spec.version,
        deployment.previous.as_ref().map(|placed| placed.spec.version),
        deployment.canary.as_ref().map(|(percent, placed)| (*percent, placed.spec.version)),
        deployment.shadow.as_ref().map(|placed| placed.spec.version),
    )
}

/// Deploys, and checks that what is answered is what is stored.
async fn deploy(world: &World, model: &ModelId, spec: DeploymentSpec, strategy: Strategy) -> Deployment {
    let deployment = world.registry.deploy(&actor("acme"), model, spec, strategy).await.unwrap();
    assert_eq!(world.registry.deployment(model).await.unwrap().as_ref(), Some(&deployment));
    deployment
}

pub async fn a_swap_remembers_what_was_live(world: &World) {
    let model = world.model_with("churn", 3).await;
    assert_eq!(world.registry.deployment(&model.id).await.unwrap(), None);
    let tuned = DeploymentSpec {
        hardware: "cpu".into(),
        replicas: 3,
        max_batch_size: Some(64),
        tuning: Tuning { engine: Some("tract".into()), instances: Some(2), threads: None, inline_rows_max: Some(0) },
        autoscaling: Some(Autoscaling {
            enabled: true,
            min_replicas: 1,
            max_replicas: 4,
            target_cpu_utilization: 70.5,
        }),
        ..spec(2)
    };
    let first = deploy(world, &model.id, spec(1), Strategy::Swap).await;
    assert_eq!(versions(&first), (1, None, None, None));
    assert_eq!((first.organization.as_str(), first.name.as_str()), ("acme", "churn"));
    assert_eq!((first.primary.digest, first.primary.format.as_str()), (Digest::of(b"churn 1"), "onnx"));
    assert_eq!(first.primary.spec, spec(1));
    let second = deploy(world, &model.id, tuned.clone(), Strategy::Swap).await;
    assert_eq!(versions(&second), (2, Some(1), None, None));
    assert_eq!(second.primary.spec, tuned);
    let again = deploy(world, &model.id, tuned, Strategy::Swap).await;
    assert_eq!((versions(&again), again.deployed_at), ((2, Some(1), None, None), second.deployed_at));
    let other_settings = deploy(world, &model.id, spec(2), Strategy::Swap).await;
    assert_eq!(versions(&other_settings), (2, Some(2), None, None));
    assert!(first.generation < second.generation && second.generation < again.generation);
    assert!(world.registry.model("acme", "churn").await.unwrap().deployed);
    let all = world.registry.deployments().await.unwrap();
    assert_eq!(all, [other_settings]);
}

pub async fn canary_and_shadow_stand_beside_what_is_live(world: &World) {
    let model = world.model_with("churn", 3).await;
    let (registry, who) = (&world.registry, actor("acme"));
    for strategy in [Strategy::Canary(5), Strategy::Shadow] {
        assert_eq!(code(registry.deploy(&who, &model.id, spec(1), strategy).await), "not-deployed");
    }
    assert!(!registry.model("acme", "churn").await.unwrap().deployed);
    let steps: [(i64, Strategy, Versions); 6] = [
        (1, Strategy::Swap, (1, None, None, None)),
        (2, Strategy::Canary(5), (1, None, Some((5, 2)), None)),
        (3, Strategy::Shadow, (1, None, Some((5, 2)), Some(3))),
        (2, Strategy::Canary(50), (1, None, Some((50, 2)), Some(3))),
        (2, Strategy::Swap, (2, Some(1), None, None)),
        (3, Strategy::Shadow, (2, Some(1), None, Some(3))),
    ];
    for (version, strategy, expected) in steps {
        let deployment = deploy(world, &model.id, spec(version), strategy.clone()).await;
        assert_eq!(versions(&deployment), expected, "after {strategy:?} of {version}");
    }
}

pub async fn rolling_back_and_forth(world: &World) {
    let model = world.model_with("churn", 3).await;
    let (registry, who) = (&world.registry, actor("acme"));
    assert_eq!(code(registry.rollback(&who, &model.id, Breaking::Refused).await), "not-deployed");
    deploy(world, &model.id, spec(1), Strategy::Swap).await;
    assert_eq!(code(registry.rollback(&who, &model.id, Breaking::Refused).await), "nothing-to-roll-back");
    deploy(world, &model.id, spec(2), Strategy::Swap).await;
    let canary = deploy(world, &model.id, spec(3), Strategy::Canary(1)).await;
    let back = registry.rollback(&who, &model.id, Breaking::Refused).await.unwrap();
    assert_eq!(versions(&back), (1, Some(2), None, None));
    assert!(back.generation > canary.generation);
    let forth = registry.rollback(&who, &model.id, Breaking::Refused).await.unwrap();
    assert_eq!(versions(&forth), (2, Some(1), None, None));
}

pub async fn only_ready_versions_of_live_models(world: &World) {
    let model = world.model_with("churn", 2).await;
    let (registry, who) = (&world.registry, actor("acme"));
    world.sql("update versions set state = 'rejected', reason = 'no' where version = 1").await;
    world.sql("update versions set state = 'pending' where version = 2").await;
    let deploy = async |version| registry.deploy(&who, &model.id, spec(version), Strategy::Swap).await;
    assert_eq!(code(deploy(1).await), "version-not-ready");
    assert_eq!(code(deploy(2).await), "version-not-ready");
    assert_eq!(code(deploy(3).await), "not-found");
    let none = ModelId::from_text("model_none");
    assert_eq!(code(registry.deploy(&who, &none, spec(1), Strategy::Swap).await), "not-found");
    assert_eq!(registry.model("acme", "churn").await.unwrap().revision, 3, "what failed changed nothing");
}

pub async fn undeploying(world: &World) {
    let model = world.model_with("churn", 1).await;
    let (registry, who) = (&world.registry, actor("acme"));
    assert_eq!(code(registry.undeploy(&who, &model.id).await), "not-deployed");
    let first = deploy(world, &model.id, spec(1), Strategy::Swap).await;
    registry.undeploy(&who, &model.id).await.unwrap();
    assert_eq!(registry.deployment(&model.id).await.unwrap(), None);
    assert!(registry.deployments().await.unwrap().is_empty());
    assert!(!registry.model("acme", "churn").await.unwrap().deployed);
    let second = deploy(world, &model.id, spec(1), Strategy::Swap).await;
    assert_eq!(versions(&second), (1, None, None, None));
    assert!(second.generation > first.generation + 1, "an undeploy is a change of what should run");
}

pub async fn nodes_report(world: &World) {
    let model = world.model("churn").await;
    let registry = &world.registry;
    let report = async |node: &str, generation, state: &str, at| {
        let state = NodeState {
            node: node.into(),
            model: model.id.clone(),
            generation,
            state: state.into(),
            reason: Some("because \0".into()),
            engine: Some("onnxruntime".into()),
            updated_at: Timestamp::from_millis(at),
        };
        registry.report_node(state).await.unwrap();
    };
    report("a", 1, "deploying", 10).await;
    report("b", 2, "ready", 20).await;
    report("a", 2, "ready", 30).await;
    report("a", 1, "failed", 40).await;
    let states = async |since| {
        let states = registry.node_states(&model.id, Timestamp::from_millis(since)).await.unwrap();
        states.into_iter().map(|state| (state.node, state.generation, state.state)).collect::<Vec<_>>()
    };
    let ready = |node: &str| (node.to_owned(), 2, "ready".to_owned());
    assert_eq!(states(0).await, [ready("a"), ready("b")], "a late report of an earlier generation changes nothing");
    assert_eq!(states(21).await, [ready("a")]);
    registry.forget_node("a").await.unwrap();
    assert_eq!(states(0).await, [ready("b")]);
    registry.delete_model(&actor("acme"), &model.id, None, false).await.unwrap();
    report("b", 3, "ready", 50).await;
    assert_eq!(world.count("node_states").await, 0, "a model that is gone has no reports");
}
