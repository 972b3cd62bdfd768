//! Imports: only from where the operator allows.

use crate::object_server::ObjectServer;
use crate::world::{World, actor, code, new_version};
use servoir_types::Digest;
use std::fs;
use std::os::unix::fs::symlink;

pub async fn files_from_allowed_places_only(world: &World) {
    let root = world.folder.path().canonicalize().unwrap();
    let (allowed, private) = (root.join("models"), root.join("models-private"));
    for folder in [&allowed.join("deep"), &private] {
        fs::create_dir_all(folder).unwrap();
    }
    fs::write(allowed.join("deep/a b.onnx"), b"allowed").unwrap();
    fs::write(private.join("b.onnx"), b"private").unwrap();
    symlink(&private, allowed.join("out")).unwrap();
    symlink(private.join("b.onnx"), allowed.join("out.onnx")).unwrap();
    symlink(allowed.join("deep/a b.onnx"), allowed.join("in.onnx")).unwrap();
    world.registry.close().await;
    let source = format!("file://{}/", allowed.display());
    let registry = world.open_again(|options| options.import_sources = vec![source]).await;
    let cases = [
        ("models/deep/a b.onnx", "ok"),
        ("models/in.onnx", "ok"),
        ("models/deep/../deep/a b.onnx", "source-refused"),
        ("models/../models-private/b.onnx", "source-refused"),
        ("models/%2e%2e/models-private/b.onnx", "source-refused"),
        ("models-private/b.onnx", "source-refused"),
        ("models/out/b.onnx", "source-refused"),
        ("models/out.onnx", "source-refused"),
        ("models/deep", "source-refused"),
        ("models/missing.onnx", "source-refused"),
    ];
    for (path, expected) in cases {
        let uri = format!("file://{}/{path}", root.display());
        let imported = registry.import("acme", &uri, 100).await;
        match expected {
            "ok" => assert_eq!(imported.unwrap().digest(), Digest::of(b"allowed"), "{path}"),
            expected => assert_eq!(code(imported), expected, "{path}"),
        }
    }
    let inside = |path: &str| format!("file://{}/{path}", allowed.display());
    let oversized = registry.import("acme", &inside("in.onnx"), 3).await;
    assert_eq!(code(oversized), "artifact-too-large");
    for uri in ["file://etc/passwd", "file:///etc/passwd", "http://example.com/a", "a.onnx", "file://", ""] {
        assert_eq!(code(registry.import("acme", uri, 100).await), "source-refused", "{uri}");
    }
    assert!(world.spool_files().is_empty());
    registry.close().await;
}

pub async fn objects_from_allowed_prefixes_only(world: &World) {
    let bucket = world.objects.bucket();
    for (key, bytes) in [("team/a.onnx", b"allowed"), ("team-private/a.onnx", b"private")] {
        let path = bucket.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    world.registry.close().await;
    let name = ObjectServer::BUCKET;
    let source = format!("s3://{name}/team");
    let registry = world.open_again(|options| options.import_sources = vec![source]).await;
    let cases = [
        ("team/a.onnx", "ok"),
        ("team/missing.onnx", "source-refused"),
        ("team-private/a.onnx", "source-refused"),
        ("team/../team-private/a.onnx", "source-refused"),
        ("team//a.onnx", "source-refused"),
        ("team", "source-refused"),
        ("", "source-refused"),
    ];
    for (key, expected) in cases {
        let imported = registry.import("acme", &format!("s3://{name}/{key}"), 100).await;
        match expected {
            "ok" => assert_eq!(imported.unwrap().digest(), Digest::of(b"allowed"), "{key}"),
            expected => assert_eq!(code(imported), expected, "{key}"),
        }
    }
    let other_bucket = registry.import("acme", "s3://other/team/a.onnx", 100).await;
    assert_eq!(code(other_bucket), "source-refused");
    let oversized = registry.import("acme", &format!("s3://{name}/team/a.onnx"), 3).await;
    assert_eq!(code(oversized), "artifact-too-large");
    registry.close().await;
}

pub async fn own_artifacts_by_digest(world: &World) {
    let model = world.model("churn").await;
    let digest = world.publish(&model.id, b"mine").await.digest;
    let registry = &world.registry;
    let uri = format!("servoir://sha256/{digest}");
    let staged = registry.import("acme", &uri, 100).await.unwrap();
    assert_eq!((staged.digest(), staged.size_bytes()), (digest, 4));
    let version = registry.publish(&actor("acme"), &model.id, staged, new_version()).await.unwrap();
    assert_eq!((version.version, version.digest), (2, digest));
    let unknown = format!("servoir://sha256/{}", Digest::of(b"other"));
    for (organization, uri) in [("globex", &*uri), ("acme", &unknown), ("acme", "servoir://sha256/../x")] {
        assert_eq!(code(registry.import(organization, uri, 100).await), "source-refused", "{organization} {uri}");
    }
}
