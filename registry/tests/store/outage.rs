//! What happens when the database is away, closed or taken.

use crate::gate::{Gate, bound_to};
use crate::world::{Database, World, actor, code, everything, new_model, new_version};
use servoir_registry::{AuditVerdict, Registry};
use servoir_types::{ModelId, Secret};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use std::pin::pin;
use std::time::{Duration, Instant};

/// How long a statement may take where the database falls silent, and of that how long for a lock: long enough for the test to see it
/// wait for one.
const STATEMENT_SECONDS: u64 = 30;
const LOCK_SECONDS: u64 = STATEMENT_SECONDS * 2 / 3;
/// How long is waited for a connection: long enough for one to be made on a busy machine.
const ACQUIRE_SECONDS: u64 = 15;
/// What a busy machine may add to a wait.
const SLACK: Duration = Duration::from_secs(15);

pub async fn a_database_that_is_not_there_is_an_error(world: &World) {
    // Nobody listens there, and nobody else is given it.
    let place = bound_to(0);
    let port = place.local_addr().unwrap().port();
    let folder = world.folder.path().display();
    let cases = [
        (format!("postgres://ada:hunter2@127.0.0.1:{port}/none"), "database-unavailable"),
        ("postgres://ada:hunter2@127.0.0.1:port/none".to_owned(), "database-unavailable"),
        (format!("sqlite:{folder}/objects"), "database-unavailable"),
        ("sqlite::memory:".to_owned(), "invalid-value"),
        ("mysql://ada:hunter2@localhost/none".to_owned(), "invalid-value"),
    ];
    for (url, expected) in cases {
        let mut options = world.options.clone();
        options.database_url = Secret::new(url.clone());
        options.acquire_timeout_seconds = 2;
        let begun = Instant::now();
        let error = Registry::open(options).await.err().expect("there is no such database");
        assert_eq!(error.code(), expected, "{url}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{url}");
    }
}

pub async fn a_database_that_goes_away_comes_back(world: &World) {
    if world.database == Database::Sqlite {
        return;
    }
    let direct: PgConnectOptions = world.options.database_url.expose().parse().unwrap();
    let server = tokio::net::lookup_host((direct.get_host(), direct.get_port())).await.unwrap().next().unwrap();
    let mut gate = Gate::open_to(server).await;
    let url = direct.host("127.0.0.1").port(gate.port).to_url_lossy().to_string();
    let registry = world
        .open_again(|options| {
            options.database_url = Secret::new(url);
            options.scratch_dir = world.folder.path().join("other");
            options.acquire_timeout_seconds = ACQUIRE_SECONDS;
        })
        .await;
    registry.create_model(&actor("acme"), new_model("before")).await.unwrap();
    let mut upload = registry.begin_upload(100).await.unwrap();
    upload.write(b"lost").await.unwrap();
    let staged = upload.finish().await.unwrap();
    gate.shut().await;
    let (begun, ada, all, model) = (Instant::now(), actor("acme"), everything(), ModelId::from_text("model_x"));
    let (pinged, listed, created, published) = tokio::join!(
        registry.ping_database(),
        registry.models("acme", &all),
        registry.create_model(&ada, new_model("lost")),
        registry.publish(&ada, &model, staged, new_version()),
    );
    for refused in [code(pinged), code(listed), code(created), code(published)] {
        assert_eq!(refused, "database-unavailable");
    }
    assert!(begun.elapsed() < Duration::from_secs(ACQUIRE_SECONDS) + SLACK, "{:?}", begun.elapsed());
    gate.open();
    registry.ping_database().await.unwrap();
    registry.create_model(&actor("acme"), new_model("after")).await.unwrap();
    assert_eq!(registry.models("acme", &everything()).await.unwrap().total, 2);
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 2 });
    registry.close().await;
}

pub async fn a_database_that_falls_silent_is_given_up(world: &World) {
    if world.database == Database::Sqlite {
        return;
    }
    let direct: PgConnectOptions = world.options.database_url.expose().parse().unwrap();
    let server = tokio::net::lookup_host((direct.get_host(), direct.get_port())).await.unwrap().next().unwrap();
    let gate = Gate::open_to(server).await;
    let url = direct.clone().host("127.0.0.1").port(gate.port).to_url_lossy().to_string();
    let registry = world
        .open_again(|options| {
            options.database_url = Secret::new(url);
            options.scratch_dir = world.folder.path().join("other");
            options.acquire_timeout_seconds = ACQUIRE_SECONDS;
            options.statement_seconds_max = STATEMENT_SECONDS;
        })
        .await;
    let create = async |name| registry.create_model(&actor("acme"), new_model(name)).await;
    create("before").await.unwrap();
    let turns: [(fn(&Gate), _, _); 2] =
        [(Gate::speak, "lost-1", "after-1"), (Gate::speak_to_others, "lost-2", "after-2")];
    for (speak, lost, after) in turns {
        // A statement is held up, so that the silence begins amid it.
        let mut other = direct.connect().await.unwrap();
        other.execute("begin; lock table models in access exclusive mode").await.unwrap();
        let begun = Instant::now();
        let mut creating = pin!(create(lost));
        let held_up = async {
            let waits =
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
            while world.sql(waits).await != Some(1) {}
        };
        tokio::select! {
            created = &mut creating => panic!("it did not wait for the lock: {created:?}"),
            () = held_up => {}
        }
        gate.fall_silent();
        other.execute("rollback").await.unwrap();
        // Nobody else is answered either.
        let refused = async {
            let called = Instant::now();
            assert_eq!(code(registry.models("acme", &everything()).await), "database-unavailable");
            let took = called.elapsed();
            assert!(took < Duration::from_secs(ACQUIRE_SECONDS) + SLACK, "it waited for a connection only: {took:?}");
        };
        let (created, ()) = tokio::join!(creating, refused);
        let error = created.expect_err("nothing was answered");
        assert_eq!(error.code(), "database-unavailable");
        let silence_seconds = STATEMENT_SECONDS + 2;
        let named =
            format!("it has said nothing for {silence_seconds} s; see 'storage.database_statement_seconds_max'");
        assert!(error.to_string().contains(&named), "{error}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(LOCK_SECONDS + silence_seconds) + SLACK, "{took:?}");
        speak(&gate);
        // What was left open over there ends with its own time limit, at the latest.
        let back = Instant::now();
        while let Err(error) = create(after).await {
            assert_eq!(error.code(), "database-unavailable");
            assert!(back.elapsed() < Duration::from_secs(STATEMENT_SECONDS) + SLACK, "{error}");
        }
    }
    assert_eq!(registry.models("acme", &everything()).await.unwrap().total, 3);
    assert_eq!(registry.verify_audit().await.unwrap(), AuditVerdict::Intact { entries: 3 });
    registry.close().await;
}

pub async fn a_closed_registry_answers_with_errors(world: &World) {
    let registry = &world.registry;
    if world.database == Database::Postgres {
        world.model("before").await;
        let connections = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                           where datname = current_database() and pid <> pg_backend_pid()";
        assert!(world.sql(connections).await >= Some(1));
        registry.ping_database().await.unwrap();
        world.model("after").await;
    }
    registry.close().await;
    assert_eq!(code(registry.ping_database().await), "database-unavailable");
    assert_eq!(code(registry.models("acme", &everything()).await), "database-unavailable");
    assert_eq!(code(registry.create_model(&actor("acme"), new_model("churn")).await), "database-unavailable");
    assert_eq!(code(registry.key_credentials().await.map(drop)), "database-unavailable");
}

pub async fn one_server_to_a_sqlite_file(world: &World) {
    let second = Registry::open(world.options.clone()).await;
    match world.database {
        Database::Postgres => second.unwrap().close().await,
        Database::Sqlite => {
            assert_eq!(code(second.map(drop)), "database-in-use");
            assert_eq!(code(Registry::migrate(&world.options).await), "database-in-use");
            world.model("churn").await;
            world.registry.close().await;
            Registry::migrate(&world.options).await.unwrap();
            let reopened = world.open_again(|_| {}).await;
            reopened.model("acme", "churn").await.unwrap();
            reopened.close().await;
        }
    }
}

pub async fn the_audit_is_inspected_beside_the_server(world: &World) {
    world.model("churn").await;
    let verdict = Registry::inspect_audit(&world.options).await.unwrap();
    assert_eq!(verdict, AuditVerdict::Intact { entries: 1 });
    world.sql("update audit set actor = 'eve'").await;
    let verdict = Registry::inspect_audit(&world.options).await.unwrap();
    assert!(matches!(verdict, AuditVerdict::Broken { sequence: 1, .. }), "{verdict:?}");
    world.model("other").await;
}
