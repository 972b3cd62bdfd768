//! LightGBM's models answer as LightGBM does, bit for bit.

use servoir_runtime::Engines;
use servoir_tests::trees::Case;

#[test]
fn every_lightgbm_model_answers_as_lightgbm_does() {
    let engines = Engines::discover(None, 1);
    let wrong: Vec<String> = Case::all("lightgbm").iter().flat_map(|case| case.check(&engines)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
