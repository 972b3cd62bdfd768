//! Uploads: nothing stays of one that is not published.

use crate::world::{World, code};
use servoir_types::Digest;

pub async fn uploads_leave_nothing_unless_published(world: &World) {
    let mut upload = world.registry.begin_upload(100).await.unwrap();
    upload.write(b"half").await.unwrap();
    assert_eq!(world.spool_files().len(), 1);
    drop(upload);
    assert!(world.spool_files().is_empty());
    let staged = world.staged(b"whole").await;
    assert_eq!(world.spool_files(), [staged.path().to_owned()]);
    drop(staged);
    assert!(world.spool_files().is_empty());
    assert_eq!((world.blobs().len(), world.count("artifacts").await), (0, 0));
}

pub async fn an_upload_over_its_limit_is_refused(world: &World) {
    let limit = (3 << 20) + 1;
    let block = vec![7; 1 << 20];
    let mut upload = world.registry.begin_upload(limit).await.unwrap();
    for _ in 0..3 {
        upload.write(&block).await.unwrap();
    }
    upload.write(b"x").await.unwrap();
    let refused = upload.write(b"y").await.unwrap_err();
    assert_eq!(refused.to_string(), "the artifact is larger than 3145729 bytes");
    assert_eq!(code(upload.finish().await), "artifact-too-large");
    assert!(world.spool_files().is_empty());
    let exact = world.registry.begin_upload(0).await.unwrap().finish().await.unwrap();
    assert_eq!((exact.size_bytes(), exact.digest()), (0, Digest::of(b"")));
}
