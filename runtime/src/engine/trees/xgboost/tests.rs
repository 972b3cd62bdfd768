//! Files that XGBoost would not write, and what older and rarer ones mean.

use super::*;
use serde_json::{Value, json};
use servoir_types::Shape;

/// Two trees of three nodes over two features; the second splits by category 1 and 3.
fn file() -> Value {
    let sizes = json!({"num_nodes": "3", "size_leaf_vector": "1"});
    json!({"version": [3, 2, 0], "learner": {
        "feature_names": ["a", "b"],
        "learner_model_param": {"base_score": "[5E-1]", "num_class": "0", "num_feature": "2", "num_target": "1"},
        "objective": {"name": "reg:squarederror"},
        "gradient_booster": {"name": "gbtree", "weight_drop": [1.0, 0.5], "model": {
            "gbtree_model_param": {"num_trees": "2", "num_parallel_tree": "1"},
            "tree_info": [0, 0],
            "cats": {"enc": []},
            "trees": [
                {"id": 0, "tree_param": sizes, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
                 "split_indices": [0, 0, 0], "split_conditions": [1.5, 0.25, 4], "default_left": [1, 0, 0]},
                {"id": 1, "tree_param": sizes, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
                 "split_indices": [1, 0, 0], "split_conditions": [0, 16, 32], "default_left": [true, false, false],
                 "split_type": [1, 0, 0], "categories": [1, 3], "categories_nodes": [0], "categories_segments": [0],
                 "categories_sizes": [2]},
            ],
        }},
    }})
}

/// The file with other values at some places; null takes a value away.
fn changed(changes: &[(&str, Value)]) -> Value {
    let mut file = file();
    for (place, value) in changes {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let parent = file.pointer_mut(&format!("/learner{parent}")).unwrap_or_else(|| panic!("no {place}"));
        match (parent, value) {
            (Value::Object(object), Value::Null) => drop(object.remove(key).expect("it is there")),
            (Value::Object(object), value) => drop(object.insert(key.into(), value.clone())),
            (Value::Array(list), value) => list[key.parse::<usize>().unwrap()] = value.clone(),
            (other, _) => panic!("{other} has no {key}"),
        }
    }
    file
}

fn read(file: &Value) -> Result<Loaded, Unsupported> {
    model(json(serde_json::to_vec(file).unwrap())?)
}

/// What the model answers, all outputs one after the other.
fn answers(loaded: Loaded, rows: &[f32]) -> Vec<f32> {
    let Loaded::Single(model) = loaded else { panic!("XGBoost computes in 32 bits") };
    let count = rows.len() / model.forest.features();
    let shape = vec![count, model.forest.features()];
    let input = servoir_types::Tensor::new(shape, servoir_types::Data::Fp32(rows.to_vec().into())).unwrap();
    let inputs = [input];
    let mut scratch = Vec::new();
    let rows = model.features.rows(&inputs, &mut scratch).unwrap();
    let mut sums = vec![0.0; count * model.forest.outputs()];
    model.forest.predict(rows, &mut sums);
    let mut outputs = Vec::new();
    model.outcome.outputs(&mut sums, count, &mut outputs).unwrap();
    let floats = |tensor: &servoir_types::Tensor| match tensor.data() {
        servoir_types::Data::Fp32(values) => values.to_vec(),
        servoir_types::Data::Int64(values) => values.iter().map(|value| *value as f32).collect(),
        other => panic!("{other:?}"),
    };
    outputs.iter().flat_map(floats).collect()
}

#[test]
fn trees_add_up() {
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    // Thresholds send smaller values left; categories of the set go right, and all others left.
    let rows = [
        (1.0, 1.0, 32.75),
        (1.5, 3.2, 36.5),
        (nan, nan, 16.75),
        (inf, 2.0, 20.5),
        (-inf, -1.0, 16.75),
        (2.0, 40.0, 20.5),
    ];
    for (a, b, wanted) in rows {
        assert_eq!(answers(read(&file()).unwrap(), &[a, b]), [wanted], "{a} {b}");
    }
}

#[test]
fn rarer_and_older_files_mean_what_they_should() {
    const TREE: &str = "/gradient_booster/model/trees/0";
    let model = file()["learner"]["gradient_booster"]["model"].clone();
    let linear = json!({"weights": [2.0, 3.0, 10.0]});
    let vectors = [
        (&*format!("{TREE}/tree_param/size_leaf_vector"), json!("2")),
        ("/gradient_booster/model/trees/1/tree_param/size_leaf_vector", json!("2")),
        ("/gradient_booster/model/trees/1/base_weights", json!([0, 0, 1, 2, 3, 4])),
        (&*format!("{TREE}/leaf_weights"), json!([50, 60, 70, 80])),
        (&*format!("{TREE}/right_children"), json!([2, 1, 0])),
        ("/learner_model_param/num_target", json!("2")),
    ];
    let cases: [(&[(&str, Value)], &[f32]); 8] = [
        (&[("/learner_model_param/num_target", Value::Null)], &[32.75]),
        (&[("/learner_model_param/base_score", json!("1E0"))], &[33.25]),
        (&[("/gradient_booster/model/trees/0/default_left", json!([true, false, false]))], &[32.75]),
        (&[("/learner_model_param/num_target", json!("2"))], &[32.75, 0.5]),
        (&[("/gradient_booster/model/cats", Value::Null)], &[32.75]),
        (&[("/gradient_booster/name", json!("dart")), ("/gradient_booster/gbtree", json!({"model": model}))], &[16.75]),
        (&[("/gradient_booster/name", json!("gblinear")), ("/gradient_booster/model", linear)], &[15.5]),
        (&vectors, &[73.5, 84.5]),
    ];
    for (changes, wanted) in cases {
        let loaded = read(&changed(changes)).unwrap_or_else(|refusal| panic!("{changes:?}: {refusal}"));
        assert_eq!(answers(loaded, &[1.0, 1.0]), wanted, "{changes:?}");
    }
}

#[test]
fn numbers_that_json_lacks_are_read() {
    let text = serde_json::to_string(&file()).unwrap().replace("0.25", "NaN").replace("[0,16", "[-Infinity,Infinity");
    let rows = [1.0, 2.0, 2.0, 2.0];
    let answers = answers(model(json(text.into_bytes()).unwrap()).unwrap(), &rows);
    assert!(answers[0].is_nan() && answers[1] == f32::INFINITY, "{answers:?}");
}

#[test]
fn objectives_have_their_outputs() {
    let cases: [(&str, &str, &[&str]); 7] = [
        ("reg:squarederror", "1", &["variable[-1, 1]"]),
        ("reg:quantileerror", "3", &["variable[-1, 3]"]),
        ("binary:logistic", "1", &["label[-1]", "probabilities[-1, 2]"]),
        ("binary:logistic", "2", &["variable[-1, 2]"]),
        ("binary:hinge", "1", &["label[-1]"]),
        ("binary:hinge", "2", &["variable[-1, 2]"]),
        ("multi:softmax", "4", &["label[-1]", "probabilities[-1, 4]"]),
    ];
    for (objective, targets, wanted) in cases {
        let file =
            changed(&[("/objective/name", json!(objective)), ("/learner_model_param/num_target", json!(targets))]);
        let loaded = read(&file).unwrap();
        let signature = loaded.signature();
        let outputs: Vec<String> =
            signature.outputs.iter().map(|spec| format!("{}{}", spec.name, spec.shape)).collect();
        assert_eq!(outputs, wanted, "{objective}");
        let [input] = &signature.inputs[..] else { panic!("one input") };
        assert_eq!(input.feature_names, Some(vec!["a".into(), "b".into()]));
        assert!(input.accepts_missing && input.shape == Shape::ranked([-1, 2]));
    }
}

#[test]
fn broken_files_are_refused_with_what_is_wrong() {
    const PARAM: &str = "/learner_model_param";
    const MODEL: &str = "/gradient_booster/model";
    let at = |place: &str, key: &str| format!("{place}/{key}");
    let tree = |index: usize, key: &str| format!("{MODEL}/trees/{index}/{key}");
    let names = json!({"enc": [{"values": []}, {"offsets": [0, 1], "values": [97]}]});
    let cases: Vec<(String, Value, &str)> = vec![
        ("/objective/name".into(), json!("reg:mine"), "objective \"reg:mine\""),
        ("/objective/name".into(), json!(7), "invalid type: integer `7`, expected a string"),
        ("/objective".into(), Value::Null, "missing field `objective`"),
        ("/feature_names".into(), json!(["a"]), "feature_names has 1 elements"),
        (at(PARAM, "base_score"), json!("x"), "expected a number in a string"),
        (at(PARAM, "base_score"), json!("[1,2]"), "base_score has 2 numbers"),
        (at(PARAM, "base_score"), json!("nan"), "base_score is NaN"),
        (at(PARAM, "num_feature"), json!("0"), "0 features"),
        (at(PARAM, "num_feature"), json!("1"), "feature_names has 2"),
        (at(PARAM, "num_feature"), json!("4000000000"), "4000000000 features"),
        (at(PARAM, "num_feature"), json!("-1"), "expected a number in a string"),
        (at(PARAM, "num_class"), json!("1000000000"), "1000000000 outputs"),
        ("/gradient_booster/name".into(), json!("forest"), "\"forest\""),
        ("/gradient_booster/name".into(), json!("dart"), "named dart and has no model"),
        ("/gradient_booster/name".into(), json!("gblinear"), "weights has 0 elements"),
        (at(MODEL, "cats"), names, "names of categories"),
        (
            at(MODEL, "gbtree_model_param/num_trees"),
            json!("1000000000"),
            "trees has 2 elements, and the model has 1000000000",
        ),
        (at(MODEL, "tree_info"), json!([0]), "tree_info has 1 elements"),
        (at(MODEL, "tree_info"), json!([0, 1]), "tree 1, node 1: the leaf adds to output 1"),
        (at(MODEL, "trees"), json!({}), "invalid type: map"),
        (tree(0, "id"), json!(5), "tree 0: its id is 5"),
        (tree(0, "tree_param/num_nodes"), json!("1000000000"), "tree 0: left_children has 3 elements"),
        (tree(0, "tree_param/size_leaf_vector"), json!("3"), "tree 0: its leaves have 3 values"),
        (tree(0, "left_children"), json!([0, -1, -1]), "node 0 is reached twice"),
        (tree(0, "left_children"), json!([2, -1, -1]), "node 2 is reached twice"),
        (tree(0, "left_children"), json!([9, -1, -1]), "child 9 does not exist"),
        (tree(0, "right_children"), json!([-2, -1, -1]), "tree 0: node 0: its child is node -2"),
        (tree(0, "split_indices"), json!([2, 0, 0]), "tests feature 2, and the model has 2"),
        (tree(0, "split_indices"), json!([-1, 0, 0]), "tests feature -1"),
        (tree(0, "split_conditions"), json!([1.0, 2.0]), "split_conditions has 2 elements"),
        (tree(0, "split_conditions"), json!([1.0, "x", 2.0]), "invalid type: string \"x\", expected a number"),
        (tree(0, "default_left"), json!([1, 0, "x"]), "expected a boolean, 0 or 1"),
        (tree(1, "split_type"), json!([2, 0, 0]), "tree 1: node 0: its split_type is 2"),
        (tree(1, "categories"), json!([1, -3]), "-3 is no category"),
        (tree(1, "categories"), json!([1, 1 << 24]), "16777216 is no category"),
        (tree(1, "categories_sizes"), json!([3]), "not in the list of categories"),
        (tree(1, "categories_segments"), json!([u64::MAX]), "not in the list of categories"),
        (tree(1, "categories_nodes"), json!([1]), "names node 1"),
    ];
    for (place, value, wanted) in cases {
        match read(&changed(&[(&place, value.clone())])) {
            Err(refusal) => assert!(refusal.found.contains(wanted), "{place} = {value}: {refusal}"),
            Ok(_) => panic!("{place} = {value} was taken"),
        }
    }
    let impossible =
        [("/objective/name", json!("binary:logistic")), ("/learner_model_param/base_score", json!("[2E0]"))];
    assert!(read(&changed(&impossible)).err().unwrap().found.contains("base_score is 2"));
    let long = read(&changed(&[("/objective/name", json!("é".repeat(10_000)))])).err().unwrap();
    assert!(long.found.len() < REASON_BYTES_MAX + 4, "{long}");
}

#[test]
fn sets_of_categories_are_bounded_together() {
    let nodes = 129; // 2 MiB each
    let list = |value: &dyn Fn(usize) -> i64| (0..2 * nodes + 1).map(|node| json!(value(node))).collect::<Value>();
    let is_split = |node: usize| node.is_multiple_of(2) && node < 2 * nodes;
    let index = |node: usize| i64::try_from(node).unwrap();
    let tree = json!({
        "id": 0,
        "tree_param": {"num_nodes": (2 * nodes + 1).to_string(), "size_leaf_vector": "1"},
        "left_children": list(&|node| if is_split(node) { index(node) + 1 } else { -1 }),
        "right_children": list(&|node| if is_split(node) { index(node) + 2 } else { -1 }),
        "split_indices": list(&|_| 0), "split_conditions": list(&|_| 0), "default_left": list(&|_| 0),
        "split_type": list(&|node| is_split(node).into()),
        "categories": vec![(1 << 24) - 1; nodes],
        "categories_nodes": (0..nodes).map(|node| 2 * node).collect::<Vec<_>>(),
        "categories_segments": (0..nodes).collect::<Vec<_>>(), "categories_sizes": vec![1; nodes],
    });
    let refusal = read(&changed(&[("/gradient_booster/model/trees/0", tree)])).err().unwrap();
    assert!(refusal.found.contains("more than 256 MiB"), "{refusal}");
}

#[test]
fn files_that_end_early_or_nest_deeply_are_refused() {
    let json_bytes = serde_json::to_vec(&file()).unwrap();
    let ubj_bytes = ubjson::tests::encoded(&file());
    assert!(ubj(&ubj_bytes).is_ok());
    for length in 0..json_bytes.len() {
        assert!(json(json_bytes[..length].to_vec()).is_err(), "{length}");
    }
    for length in 0..ubj_bytes.len() {
        assert!(ubj(&ubj_bytes[..length]).is_err(), "{length}");
    }
    let deep = [br#"{"learner":"#.as_slice(), &b"[".repeat(1_000_000)].concat();
    assert!(json(deep).is_err());
    let deep = [b"{i\x07learner".as_slice(), &b"[".repeat(1_000_000)].concat();
    assert!(ubj(&deep).is_err());
    let deep = [b"{i\x01x".as_slice(), &b"[".repeat(1_000_000)].concat();
    assert!(ubj(&deep).err().unwrap().found.contains("inside one another"));
}
