//! MLServer's published documents of the Open Inference Protocol, read from its package. `mlserver.toml` says which
//! operations are left out, and why.

use crate::schemathesis::{Run, file_of_package, serving};

/// The documents, and how many of their operations apply: health, metadata and inference, each with and without a version
/// where there is one; load and unload.
const DOCUMENTS: [(&str, usize); 2] = [("dataplane.json", 9), ("model_repository.json", 2)];

#[tokio::test]
async fn the_server_does_what_mlserver_s_documents_say() {
    for (file, operations) in DOCUMENTS {
        let server = serving().await;
        let document = file_of_package("mlserver", &format!("mlserver/rest/openapi/{file}")).await;
        let document = document.to_str().expect("a path of text");
        Run { document, settings: "mlserver", examples_max: 10, operations }.has_no_finding(&server).await;
        server.stop().await;
    }
}
