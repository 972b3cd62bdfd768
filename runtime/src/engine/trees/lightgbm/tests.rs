//! Files as LightGBM writes them, and files that somebody broke.

use super::*;
use servoir_types::{Data, Label, Role, Tensor};

/// Three features and three trees. The first splits the first feature, where NaN is missing and goes right, and the second,
/// where zero is missing and goes left; the second tree has a set, the third a linear leaf.
const MODEL: &str = include_str!("tests/model.txt");

fn read_text(text: &str) -> Result<Model<f64, f64>, Unsupported> {
    Parts::read(text)?.model()
}

fn refusal(text: &str) -> String {
    match read_text(text) {
        Ok(_) => panic!("this was taken:\n{text}"),
        Err(refusal) => refusal.found,
    }
}

fn predict(model: &Model<f64, f64>, row: &[f64]) -> Vec<Data> {
    let input = Tensor::new(vec![1, row.len()], Data::Fp64(row.to_vec().into())).unwrap();
    let (inputs, mut scratch) = ([input], Vec::new());
    let rows = model.features.rows(&inputs, &mut scratch).unwrap();
    let mut sums = vec![0.0; model.forest.outputs()];
    model.forest.predict(rows, &mut sums);
    let mut outputs = Vec::new();
    model.outcome.outputs(&mut sums, 1, &mut outputs).unwrap();
    outputs.into_iter().map(|output| output.data().clone()).collect()
}

#[test]
fn values_take_the_branches_of_their_sense() {
    let model = read_text(MODEL).unwrap();
    let nan = f64::NAN;
    let cases: [(&str, [f64; 3], f64); 16] = [
        ("left everywhere", [0.5, -5.0, 3.0], 1.0 + 10.0 + 90.0),
        ("a threshold belongs to the left", [1.5, -5.0, 3.0], 1.0 + 10.0 + 90.0),
        ("the next number to the right", [1.5_f64.next_up(), -5.0, 3.0], 3.0 + 10.0),
        ("NaN goes where a split says, or is zero", [nan, -5.0, 3.0], 3.0 + 10.0 + 90.0),
        ("zero is missing, but not for a linear leaf", [0.5, 0.0, 3.0], 1.0 + 10.0 + 100.0),
        ("minus zero is zero", [0.5, -0.0, 3.0], 1.0 + 10.0 + 100.0),
        ("so is what is next to it", [0.5, -1e-36, 3.0], 1.0 + 10.0 + 100.0),
        ("but nothing else", [0.5, -1e-34, 3.0], 2.0 + 10.0 + 100.0),
        ("NaN is missing with zero, and makes a leaf constant", [0.5, nan, 3.0], 1.0 + 10.0 + 400.0),
        ("a category of the second word", [0.5, -5.0, 33.0], 1.0 + 10.0 + 90.0),
        ("one of no set", [0.5, -5.0, 32.0], 1.0 + 20.0 + 90.0),
        ("cut to a whole number", [0.5, -5.0, 3.9], 1.0 + 10.0 + 90.0),
        ("cut to zero from below", [0.5, -5.0, -0.9], 1.0 + 10.0 + 90.0),
        ("negative", [0.5, -5.0, -1.0], 1.0 + 20.0 + 90.0),
        ("missing", [0.5, -5.0, nan], 1.0 + 20.0 + 90.0),
        ("beyond all sets", [0.5, -5.0, f64::INFINITY], 1.0 + 20.0 + 90.0),
    ];
    for (what, row, expected) in cases {
        match predict(&model, &row).as_slice() {
            [Data::Fp64(values)] => assert_eq!(values.as_ref(), [expected], "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// A model whose sums are these, by trees of one leaf.
fn constant(objective: &str, sums: &[&str]) -> String {
    let trees: String =
        sums.iter().map(|sum| format!("Tree=0\nnum_leaves=1\nnum_cat=0\nleaf_value={sum}\n\n")).collect();
    let classes = sums.len();
    format!(
        "tree\nversion=v3\nnum_class={classes}\nmax_feature_idx=0\n{objective}\nfeature_names=Column_0\n\n{trees}end of trees\n"
    )
}

#[test]
fn sums_become_what_the_objective_says() {
    let cases: [(&str, &[&str], &[f64]); 12] = [
        ("objective=regression", &["-3"], &[-3.0]),
        ("objective=regression sqrt", &["-3"], &[-9.0]),
        ("objective=huber sqrt", &["-3"], &[-3.0]),
        ("objective=poisson", &["0"], &[1.0]),
        ("objective=cross_entropy", &["0"], &[0.5]),
        ("objective=cross_entropy_lambda", &["-inf"], &[0.0]),
        ("objective=lambdarank", &["7"], &[7.0]),
        ("objective=custom", &["7", "8"], &[7.0, 8.0]),
        ("average_output", &["7", "8"], &[7.0, 8.0]),
        ("objective=binary sigmoid:2", &["0"], &[0.5, 0.5]),
        ("objective=multiclass num_class:2", &["5", "5"], &[0.5, 0.5]),
        ("objective=multiclassova num_class:2 sigmoid:1", &["0", "inf"], &[0.5, 1.0]),
    ];
    for (objective, sums, expected) in cases {
        let model = read_text(&constant(objective, sums)).unwrap();
        let outputs = predict(&model, &[0.0]);
        assert_eq!(outputs.last(), Some(&Data::Fp64(expected.to_vec().into())), "{objective}");
    }
}

#[test]
fn a_forest_that_averages_divides_by_its_rounds() {
    let text = constant("average_output", &["7", "8"]).replace("num_class=2", "num_class=1");
    assert_eq!(predict(&read_text(&text).unwrap(), &[0.0]), [Data::Fp64(vec![7.5].into())]);
}

#[test]
fn labels_are_the_first_of_the_largest() {
    let cases: [(&str, &[&str], i64); 6] = [
        ("binary sigmoid:1", &["0"], 0),
        ("binary sigmoid:1", &["0.1"], 1),
        ("binary sigmoid:1", &["nan"], 0),
        ("multiclass num_class:3", &["1", "2", "2"], 1),
        ("multiclass num_class:3", &["nan", "2", "2"], 0),
        ("multiclassova num_class:3 sigmoid:1", &["1", "nan", "2"], 1),
    ];
    for (objective, sums, expected) in cases {
        let model = read_text(&constant(&format!("objective={objective}"), sums)).unwrap();
        assert_eq!(predict(&model, &[0.0])[0], Data::Int64(vec![expected].into()), "{objective} {sums:?}");
    }
}

#[test]
fn signatures_say_what_is_known() {
    let signature = read_text(MODEL).unwrap().signature;
    let input = &signature.inputs[0];
    assert_eq!(input.feature_names.as_deref(), Some(&["age", "balance", "colour"].map(String::from)[..]));
    assert!(input.accepts_missing);
    assert_eq!((signature.outputs.len(), signature.outputs[0].name.as_str()), (1, "variable"));
    let signature = read_text(&constant("objective=binary sigmoid:1", &["0"])).unwrap().signature;
    assert_eq!(signature.inputs[0].feature_names, None, "Column_0 is no name");
    let [label, probabilities] = signature.outputs.as_slice() else { panic!("{:?}", signature.outputs) };
    assert_eq!((label.role, probabilities.role), (Some(Role::Label), Some(Role::Probabilities)));
    assert_eq!(probabilities.classes.as_deref(), Some(&[Label::Int(0), Label::Int(1)][..]));
    assert_eq!(probabilities.shape.dims(), Some(&[-1, 2][..]));
}

#[test]
fn what_is_broken_is_refused_with_its_line() {
    let cases = [
        ("version=v4", "version=v5", "line 2, version: 'v5' is not v3 or v4"),
        ("num_class=1\n", "num_class=many\n", "num_class: 'many' is not a whole number of 0 or more"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=0", "num_tree_per_iteration: it is 0"),
        ("num_tree_per_iteration=1", "num_tree_per_iteration=65537", "65537 is more than the 65536"),
        ("max_feature_idx=2\n", "", "line 1 of this LightGBM model: what begins here has no `max_feature_idx`"),
        ("max_feature_idx=2", "max_feature_idx=99999999999", "99999999999 is more than the 1048575"),
        ("max_feature_idx=2", "max_feature_idx=3", "there are 3 names, and `max_feature_idx` says 4 features"),
        ("age balance", "age age", "two features are called 'age'"),
        ("=regression", "=regression2", "line 7, objective: 'regression2' is not an objective"),
        ("=regression", "=multiclass num_class:2", "multiclass does not go with 1 trees per iteration"),
        ("=regression", "=binary", "it has no `sigmoid:NUMBER`"),
        ("=regression", "=binary sigmoid:-1", "sigmoid:-1 is not above 0"),
        ("tree_sizes=365 301 398", "tree_sizes=365 301", "3 trees came, and `tree_sizes` has 2"),
        ("num_leaves=3", "num_leaves=0", "line 13 of this LightGBM model: num_leaves: a tree has at least one leaf"),
        ("num_leaves=3", "num_leaves=4000000000", "leaf_value: there are 3 numbers, not 4000000000"),
        ("num_leaves=3", "num_leaves=2", "leaf_value: there are more than 2 numbers"),
        ("split_feature=0 1", "split_feature=0 3", "feature 3 does not exist, the model has 3"),
        ("decision_type=8 6", "decision_type=8 12", "3 is not a type of missing values"),
        ("decision_type=8 6", "decision_type=8 16", "16 is not a type of decision"),
        ("decision_type=8 6", "decision_type=8 1", "split 1 is categorical, and `num_cat` is 0"),
        ("left_child=1 -1", "left_child=2 -1", "child 2 does not exist in a tree of 3 leaves"),
        ("left_child=1 -1", "left_child=1 -4", "child -4 does not exist in a tree of 3 leaves"),
        ("left_child=1 -1", "left_child=-9223372036854775808 -1", "child -9223372036854775808 does not exist"),
        ("left_child=1 -1", "left_child=0 -1", "tree 0: node 0 is reached twice"),
        (
            "leaf_value=10 20",
            "leaf_value=10 twenty",
            "line 40 of this LightGBM model: leaf_value: 'twenty' is not a number",
        ),
        ("cat_boundaries=0 2", "cat_boundaries=2 0", "the numbers do not rise from 0"),
        ("cat_threshold=9 2", "cat_threshold=9", "there are 1 numbers, not 2"),
        ("threshold=0\n", "threshold=1\n", "a split refers to set 1, and there are 1"),
        ("leaf_features=1", "leaf_features=3", "feature 3 does not exist, the model has 3"),
        ("leaf_coeff=2", "leaf_coeff=", "there are 0 numbers, not 1"),
        ("num_features=1 0", "num_features=18446744073709551615 1", "the numbers are too large"),
        ("num_cat=1", "num_cat=1\nnum_cat=1", "num_cat: it came on line 33 already"),
        ("end of trees", "end of tree", "the file ends before the trees do"),
    ];
    for (from, to, expected) in cases {
        assert!(MODEL.contains(from), "{from}");
        let found = refusal(&MODEL.replacen(from, to, 1));
        assert!(found.contains(expected), "{to}: {found}");
    }
}

#[test]
fn a_set_belongs_to_one_split() {
    let text = MODEL.replace("num_leaves=3\nnum_cat=0", "num_leaves=3\nnum_cat=1\ncat_boundaries=0 1\ncat_threshold=1");
    let text = text.replace("threshold=1.5 -2\ndecision_type=8 6", "threshold=0 0\ndecision_type=1 1");
    let found = refusal(&text);
    assert!(found.contains("two splits refer to set 0"), "{found}");
}

#[test]
fn categories_past_what_kernels_know_are_refused() {
    let words = (1 << 19) + 1;
    let text = MODEL.replace("cat_boundaries=0 2", &format!("cat_boundaries=0 {words}"));
    let found = refusal(&text.replace("cat_threshold=9 2", &format!("cat_threshold={}", "0 ".repeat(words))));
    assert!(found.contains("set 0 has categories of 16777216 or more"), "{found}");
}

#[test]
fn lines_may_end_as_on_windows() {
    let model = read_text(&MODEL.replace('\n', "\r\n")).unwrap();
    assert_eq!(predict(&model, &[0.5, -5.0, 3.0]), [Data::Fp64(vec![101.0].into())]);
}
