//! Every behaviour of the store, on SQLite and on PostgreSQL, with artifacts in local files and in S3.
//!
//! A behaviour is an async function that gets a [`World`] of its own. It is listed once, in [`behaviours`]; the list says
//! on which stores it runs.

mod artifacts;
mod audit;
mod baselines;
mod changes;
mod concurrency;
mod datasets;
mod deployments;
mod evaluations;
mod feedback;
mod findings;
mod gate;
mod idempotency;
mod imports;
mod keys;
mod models;
mod object_server;
mod outage;
mod publishing;
mod runs;
mod studio;
mod swaps;
mod tenancy;
mod uploads;
mod versions;
mod world;

use world::{Artifacts, Database, World};

/// Makes a test of each behaviour, on one database and one artifact store.
macro_rules! on {
    ($suite:ident, $database:expr, $artifacts:expr, [$($module:ident: $($name:ident),+;)+]) => {
        mod $suite {
            $(mod $module {
                $(#[test]
                fn $name() {
                    use crate::{Artifacts, Database, World};
                    World::enter($database, $artifacts, async |world| crate::$module::$name(world).await);
                })+
            })+
        }
    };
}

macro_rules! behaviours {
    (artifacts { $($artifacts:tt)+ } everything { $($everything:tt)+ }) => {
        on!(sqlite, Database::Sqlite, Artifacts::Local, [$($everything)+ $($artifacts)+]);
        on!(postgres, Database::Postgres, Artifacts::Local, [$($everything)+ $($artifacts)+]);
        on!(sqlite_s3, Database::Sqlite, Artifacts::S3, [$($artifacts)+]);
        on!(postgres_s3, Database::Postgres, Artifacts::S3, [$($artifacts)+]);
    };
}

behaviours! {
    artifacts {
        artifacts: bytes_come_back_whole_and_in_parts, a_large_artifact_survives_the_way_through_parts,
            a_fetched_artifact_is_verified, equal_bytes_are_kept_once_and_as_long_as_needed,
            the_store_answers_a_ping;
        publishing: what_was_put_and_not_published_is_swept, a_publish_that_fails_leaves_nothing,
            artifacts_that_the_database_does_not_know_are_swept, an_artifact_being_swept_is_not_claimed;
    }
    everything {
        models: a_model_comes_back_as_it_was_made, filters_and_orders, pages, names_are_unique_in_an_organization,
            only_what_is_given_changes, a_stale_revision_is_refused, archiving_and_back,
            texts_that_postgres_cannot_keep_are_refused;
        versions: numbers_are_not_given_out_twice, a_page_of_versions, versions_that_are_deployed_stay,
            a_version_that_is_no_good_says_so,
            deleting_a_model_takes_everything_with_it;
        datasets: a_dataset_comes_back_as_it_was_made, lists_of_datasets, names_of_datasets_are_unique_in_an_organization,
            a_file_stays_as_long_as_something_uses_it, a_dataset_that_is_linked_stays, a_link_is_replaced_and_ended,
            a_link_names_every_column_that_is_missing, datasets_leave_one_entry_each, other_organizations_see_no_dataset, links_race_deletes;
        deployments: a_swap_remembers_what_was_live, canary_and_shadow_stand_beside_what_is_live,
            rolling_back_and_forth, only_ready_versions_of_live_models, undeploying, nodes_report;
        swaps: what_breaks_callers_is_refused_unless_it_is_forced, what_is_worse_is_taken_down_once,
            nobody_is_broken_by_going_back;
        baselines: settings_have_a_revision, one_baseline_of_a_version_is_active, baselines_that_are_not_there;
        feedback: a_label_takes_the_place_of_the_one_before, scores_are_ranked_and_numbers_added_up,
            the_newest_prediction_about_an_entity;
        evaluations: findings_are_read_by_version_and_split;
        findings: a_turn_is_taken_once, a_clock_that_is_put_back_makes_nothing_wait,
            a_score_may_be_missing_first_and_there_next, the_newest_analysis_of_five_minutes_is_kept,
            an_alert_changes_with_its_state_and_messages, a_message_is_taken_by_one_until_its_lease_ends;
        keys: a_key_is_shown_once_and_kept_as_a_hash, keys_by_status, a_revoked_key_is_no_credential,
            the_bootstrap_key_is_made_once, two_nodes_make_one_bootstrap_key, a_provided_bootstrap_key_is_kept;
        studio: both_dialects_have_the_same_models, a_status_is_what_follows_from_runs_and_versions,
            studio_filters_and_orders, an_edit_sees_the_model_and_may_refuse, nothing_changes_under_a_run_but_settings,
            a_deployed_model_is_not_deleted_by_force, deleting_takes_the_artifacts_of_files_and_assets_along,
            a_copy_is_a_draft_of_its_own, a_model_is_linked_as_it_is_made_or_not_made, people_and_what_they_may, what_is_private_is_left_out, a_dashboard_counts;
        audit: every_write_leaves_one_entry, entries_by_filter, tampering_is_found, every_column_of_every_row_counts, a_failed_write_leaves_no_entry;
        idempotency: a_repeat_gets_the_first_answer, abandoned_and_expired_keys_are_free_again,
            one_of_many_gets_the_key;
        imports: files_from_allowed_places_only, objects_from_allowed_prefixes_only, own_artifacts_by_digest;
        uploads: uploads_leave_nothing_unless_published, an_upload_over_its_limit_is_refused;
        tenancy: other_organizations_see_and_change_nothing;
        concurrency: one_of_many_gets_the_name, versions_have_no_gap_and_no_double,
            deploys_end_with_the_last_generation, everything_at_once, deploys_race_deletes;
        changes: a_change_ticks, nodes_hear_of_one_another;
        runs: one_run_at_a_time, the_queue_goes_by_priority_and_age, a_run_is_taken_once,
            frames_have_no_gap_and_no_double, a_log_is_read_by_level_from_both_ends, a_run_ends_once,
            a_trained_version_comes_with_everything_or_not_at_all, runs_of_servers_that_are_gone_are_interrupted,
            an_external_run_is_fed_and_ended_by_who_runs_it, runs_go_with_their_model;
        outage: a_database_that_is_not_there_is_an_error, a_database_that_goes_away_comes_back, a_database_that_falls_silent_is_given_up, a_closed_registry_answers_with_errors,
            one_server_to_a_sqlite_file, the_audit_is_inspected_beside_the_server;
    }
}
