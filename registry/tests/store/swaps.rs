//! What may take the place of what is live, and what is taken down again.

use crate::world::{World, actor, code, new_version, spec};
use serde_json::json;
use servoir_registry::{
    AuditFilter, Breaking, Finding, Forced, NewVersion, OnTrial, RegistryError, RolledBack, Rollout, Strategy,
};
use servoir_types::{Datatype, ModelId, Shape, Signature, TensorSpec};

/// Versions from 1 on: of an input of so many columns, or of a signature that is not known.
async fn versions(world: &World, columns: &[Option<i64>]) -> ModelId {
    let model = world.model("churn").await.id;
    for (index, columns) in columns.iter().enumerate() {
        let input = |columns| TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, columns]));
        let signature = columns.map(|columns| Signature { inputs: vec![input(columns)], outputs: vec![] });
        let staged = world.staged(format!("{index}").as_bytes()).await;
        let new = NewVersion { signature, ..new_version() };
        world.registry.publish(&actor("acme"), &model, staged, new).await.unwrap();
    }
    model
}

async fn newest_audit(world: &World, model: &ModelId) -> (String, serde_json::Value) {
    let filter = AuditFilter::of(model.as_str(), crate::world::ALL);
    let entry = world.registry.audit("acme", &filter).await.unwrap().items.remove(0);
    (entry.action, entry.after.unwrap())
}

pub async fn what_breaks_callers_is_refused_unless_it_is_forced(world: &World) {
    let model = versions(world, &[Some(3), Some(3), Some(4), None]).await;
    let (registry, who) = (&world.registry, actor("acme"));
    let deploy = async |version, rollout: Rollout| registry.deploy(&who, &model, spec(version), rollout).await;
    let forced = |strategy| Rollout { strategy, breaking: Breaking::Forced };
    deploy(3, Strategy::Swap.into()).await.unwrap();
    for strategy in [Strategy::Swap, Strategy::Canary(10), Strategy::Promotion] {
        let Err(RegistryError::SwapRefused { live: 3, next: 1, changes }) = deploy(1, strategy.clone().into()).await
        else {
            panic!("{strategy:?} is refused");
        };
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["input 'x': was FP32 [-1, 4], is FP32 [-1, 3]"]);
    }
    assert_eq!(code(registry.check_successor(&model, 1).await), "swap-refused");
    assert_eq!(code(registry.check_successor(&model, 4).await), "ok", "what is not known breaks nobody");
    deploy(1, Strategy::Shadow.into()).await.unwrap();
    let beside = deploy(1, forced(Strategy::Canary(10))).await.unwrap();
    assert_eq!(beside.forced, Forced { primary: false, canary: true });
    let swapped = deploy(1, forced(Strategy::Swap)).await.unwrap();
    assert_eq!((swapped.primary.spec.version, swapped.by_rollback), (1, false));
    assert_eq!(swapped.forced, Forced { primary: true, canary: false });
    assert_eq!(registry.deployment(&model).await.unwrap().unwrap().forced, swapped.forced);
    let (action, after) = newest_audit(world, &model).await;
    assert_eq!(action, "model.deployed");
    let change = json!({"side": "input", "name": "x", "was": "FP32 [-1, 4]", "is": "FP32 [-1, 3]"});
    assert_eq!(after["forced"], json!([change]));
    let again = deploy(1, Strategy::Swap.into()).await.unwrap();
    assert!(again.forced.primary, "the same, deployed again");

    assert_eq!(code(registry.rollback(&who, &model, Breaking::Refused).await), "swap-refused");
    let back = registry.rollback(&who, &model, Breaking::Forced).await.unwrap();
    assert_eq!((back.primary.spec.version, back.by_rollback), (3, true));
    assert_eq!(back.forced, Forced::default());
    let (action, after) = newest_audit(world, &model).await;
    assert_eq!((action.as_str(), &after["forced"][0]["is"]), ("model.rolled_back", &json!("FP32 [-1, 4]")));
    deploy(4, Strategy::Swap.into()).await.unwrap();
    deploy(2, forced(Strategy::Swap)).await.unwrap();
    let (_, after) = newest_audit(world, &model).await;
    assert_eq!(after["forced"], json!(null), "nothing that is known was broken");
}

pub async fn what_is_worse_is_taken_down_once(world: &World) {
    let model = versions(world, &[Some(3), Some(3), Some(3)]).await;
    let (registry, who) = (&world.registry, actor("acme"));
    let evidence = json!({"cause": "errors", "reason": "9 of 9 requests failed"});
    let found = |generation, on_trial, version| Finding {
        generation,
        on_trial,
        found: RolledBack { version, evidence: evidence.clone() },
    };
    let withdraw = async |finding| registry.withdraw("acme", &model, finding).await.unwrap();
    let first = registry.deploy(&who, &model, spec(1), Strategy::Swap).await.unwrap();
    assert_eq!(withdraw(found(first.generation, OnTrial::Primary, 1)).await, None, "there is no way back");
    let second = registry.deploy(&who, &model, spec(2), Strategy::Swap).await.unwrap();
    assert_eq!(withdraw(found(first.generation, OnTrial::Primary, 2)).await, None, "something was decided since");
    assert_eq!(withdraw(found(second.generation, OnTrial::Canary, 2)).await, None, "there is no canary");

    // Of many nodes that find the same, one takes it down.
    let finding = || found(second.generation, OnTrial::Primary, 2);
    let (one, other) = tokio::join!(withdraw(finding()), withdraw(finding()));
    assert!(one.is_some() != other.is_some());
    let back = one.or(other).unwrap();
    assert_eq!((back.primary.spec.version, back.previous.as_ref().unwrap().spec.version), (1, 2));
    assert_eq!((back.by_rollback, back.rolled_back.as_ref().unwrap().version), (true, 2));
    assert_eq!(registry.deployment(&model).await.unwrap().as_ref(), Some(&back));
    let (action, after) = newest_audit(world, &model).await;
    assert_eq!(
        (action.as_str(), &after["evidence"], &after["primary"]["version"]),
        ("model.rolled_back", &evidence, &json!(1))
    );
    assert_eq!(withdraw(found(back.generation, OnTrial::Primary, 1)).await, None, "what came back stays");

    let canary = registry.deploy(&who, &model, spec(3), Strategy::Canary(20)).await.unwrap();
    assert_eq!((canary.by_rollback, &canary.rolled_back), (true, &None), "somebody has decided");
    let alone = withdraw(found(canary.generation, OnTrial::Canary, 3)).await.unwrap();
    assert_eq!((alone.primary.spec.version, &alone.canary), (1, &None));
    assert_eq!(alone.rolled_back.as_ref().unwrap().version, 3);
    let again = registry.deploy(&who, &model, spec(2), Strategy::Swap).await.unwrap();
    assert_eq!((again.by_rollback, &again.rolled_back), (false, &None));
}

pub async fn nobody_is_broken_by_going_back(world: &World) {
    let model = versions(world, &[Some(3), Some(4)]).await;
    let (registry, who) = (&world.registry, actor("acme"));
    registry.deploy(&who, &model, spec(1), Strategy::Swap).await.unwrap();
    let forced = Rollout { strategy: Strategy::Swap, breaking: Breaking::Forced };
    let second = registry.deploy(&who, &model, spec(2), forced).await.unwrap();
    let found = RolledBack { version: 2, evidence: json!({}) };
    let finding = Finding { generation: second.generation, on_trial: OnTrial::Primary, found };
    assert_eq!(registry.withdraw("acme", &model, finding).await.unwrap(), None);
    assert_eq!(registry.deployment(&model).await.unwrap(), Some(second));
}
