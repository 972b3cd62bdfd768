//! Artifacts: reading, verifying, sharing.

use crate::world::{ALL, Artifacts, World, actor, new_version};
use futures_util::TryStreamExt as _;
use servoir_registry::{ArtifactBytes, RegistryError};
use servoir_types::Digest;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;

/// Over the length from which S3 artifacts go in parts, and not a multiple of it.
const LARGE_BYTES: usize = (17 << 20) + 12_345;

async fn all(bytes: ArtifactBytes) -> Vec<u8> {
    bytes
        .stream
        .try_fold(Vec::new(), async |mut all, block| {
            all.extend_from_slice(&block);
            Ok(all)
        })
        .await
        .unwrap()
}

/// Bytes without a short period, so that a part in the wrong place is seen.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub async fn bytes_come_back_whole_and_in_parts(world: &World) {
    let model = world.model("churn").await;
    let version = world.publish(&model.id, b"0123456789").await;
    assert_eq!((version.size_bytes, version.digest), (10, Digest::of(b"0123456789")));
    type Case = (Option<Range<u64>>, Range<u64>, &'static [u8]);
    let cases: [Case; 7] = [
        (None, 0..10, b"0123456789"),
        (Some(0..10), 0..10, b"0123456789"),
        (Some(2..5), 2..5, b"234"),
        (Some(9..10), 9..10, b"9"),
        (Some(7..999), 7..10, b"789"),
        (Some(10..12), 10..10, b""),
        (Some(3..3), 3..3, b""),
    ];
    for (asked, given, expected) in cases {
        let bytes = world.registry.read_artifact(version.digest, asked.clone()).await.unwrap();
        assert_eq!((bytes.size_bytes, &bytes.range), (10, &given), "{asked:?}");
        assert_eq!(all(bytes).await, expected, "{asked:?}");
    }
    let empty = world.publish(&model.id, b"").await;
    assert_eq!(all(world.registry.read_artifact(empty.digest, None).await.unwrap()).await, b"");
    let missing = world.registry.read_artifact(Digest::of(b"never"), None).await.err().unwrap();
    assert!(matches!(missing, RegistryError::Store(_)), "{missing}");
}

pub async fn a_large_artifact_survives_the_way_through_parts(world: &World) {
    let model = world.model("churn").await;
    let bytes = pattern(LARGE_BYTES);
    let mut upload = world.registry.begin_upload(LARGE_BYTES as u64).await.unwrap();
    for block in bytes.chunks(777_777) {
        upload.write(block).await.unwrap();
    }
    let staged = upload.finish().await.unwrap();
    assert_eq!((staged.digest(), staged.size_bytes()), (Digest::of(&bytes), LARGE_BYTES as u64));
    assert!(std::fs::read(staged.path()).unwrap() == bytes);
    assert_eq!(std::fs::metadata(staged.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let version = world.registry.publish(&actor("acme"), &model.id, staged, new_version()).await.unwrap();
    assert!(all(world.registry.read_artifact(version.digest, None).await.unwrap()).await == bytes);
    let part = world.registry.read_artifact(version.digest, Some(8_000_000..9_000_000)).await.unwrap();
    assert!(all(part).await == bytes[8_000_000..9_000_000]);
    let fetched = world.registry.fetch_artifact(version.digest).await.unwrap();
    assert!(std::fs::read(fetched).unwrap() == bytes);
    assert!(world.spool_files().is_empty());
}

pub async fn a_fetched_artifact_is_verified(world: &World) {
    let model = world.model("churn").await;
    let digest = world.publish(&model.id, b"the model").await.digest;
    let registry = &world.registry;
    let path = registry.fetch_artifact(digest).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"the model");
    assert_eq!(registry.fetch_artifact(digest).await.unwrap(), path);
    if world.artifacts() == Artifacts::S3 {
        std::fs::write(&path, b"a damaged copy").unwrap();
        let path = registry.fetch_artifact(digest).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the model", "a damaged copy is fetched again");
        std::fs::remove_file(&path).unwrap();
    }
    let [blob] = &world.blobs()[..] else { panic!("one artifact is expected") };
    std::fs::write(blob, b"damaged").unwrap();
    match registry.fetch_artifact(digest).await {
        Err(RegistryError::Corrupt { digest: of, found }) => {
            assert_eq!((of, found), (digest, Digest::of(b"damaged")));
        }
        other => panic!("{other:?}"),
    }
    world.publish(&model.id, b"the model").await;
    let mended = registry.fetch_artifact(digest).await.unwrap();
    assert_eq!(std::fs::read(mended).unwrap(), b"the model", "publishing the same bytes again mends it");
    assert!(world.spool_files().is_empty());
}

pub async fn equal_bytes_are_kept_once_and_as_long_as_needed(world: &World) {
    let (registry, who) = (&world.registry, actor("acme"));
    let (one, two) = (world.model("one").await, world.model("two").await);
    for model in [&one, &two, &two] {
        world.publish(&model.id, b"same").await;
    }
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (1, 1));
    registry.delete_model(&who, &one.id, None, false).await.unwrap();
    registry.delete_version(&who, &two.id, 1).await.unwrap();
    assert_eq!(registry.sweep().await.unwrap(), 0);
    assert_eq!(all(registry.read_artifact(Digest::of(b"same"), None).await.unwrap()).await, b"same");
    registry.delete_version(&who, &two.id, 2).await.unwrap();
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (0, 0));
    world.publish(&two.id, b"same").await;
    assert_eq!(world.blobs().len(), 1, "what was removed can come again");
    assert_eq!(registry.versions("acme", &two.id, ALL).await.unwrap().items[0].version, 3);
}

pub async fn the_store_answers_a_ping(world: &World) {
    world.registry.ping_store().await.unwrap();
    world.registry.ping_database().await.unwrap();
}
