//! MLServer's published document of the Open Inference Protocol, read from its package.

use crate::schemathesis::{Run, file_of_package, serving};

/// Health, metadata and inference, each with and without a version where there is one. `mlserver.toml` says which
/// operations are left out, and why.
const OPERATIONS: usize = 9;

#[tokio::test]
async fn the_server_does_what_mlserver_s_document_says() {
    let server = serving().await;
    let document = file_of_package("mlserver", "mlserver/rest/openapi/dataplane.json").await;
    let document = document.to_str().expect("a path of text");
    Run { document, settings: "mlserver", examples_max: 20, operations: OPERATIONS }.has_no_finding(&server).await;
    server.stop().await;
}
