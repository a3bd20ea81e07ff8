//! The directory's facts, each on SQLite and on PostgreSQL.

#[path = "both/access.rs"]
mod access;
#[path = "both/opening.rs"]
mod opening;
#[path = "both/remembering.rs"]
mod remembering;
#[path = "both/writing.rs"]
mod writing;

#[path = "support/home.rs"]
mod home;
#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
#[path = "support/postgres.rs"]
mod postgres;

on_both! {
    access::{
        each_role_holds_its_actions_at_each_scope,
        a_project_without_an_organization_is_reached_by_its_own_roles_alone,
        a_project_follows_its_organization_when_it_moves,
        a_role_on_a_resource_opens_no_project,
        a_role_on_an_organization_is_known_there,
        an_assignment_ends_at_the_second_of_its_expiry,
        an_expiry_reads_the_same_from_a_column_with_a_time_zone,
        a_withdrawn_role_stops_working_at_once,
        a_permission_called_read_of_another_type_grants_nothing,
        a_role_without_permissions_grants_nothing,
        a_permission_added_to_a_role_holds_at_once,
        a_global_scope_grants_nothing,
        an_invalid_id_in_the_database_is_never_returned,
        an_unreadable_expiry_grants_nothing,
        a_resource_of_another_project_does_not_exist_here,
        a_project_that_does_not_exist_is_told_apart,
        a_subject_is_only_ever_a_value,
    }
    remembering::{
        a_warm_question_is_answered_where_it_is_asked,
        an_expiry_passes_at_its_second_while_warm,
        ones_own_writes_are_seen_at_once,
        what_others_write_is_seen_within_a_second,
        places_that_others_make_and_move_are_seen_within_a_second,
        a_question_that_races_a_write_leaves_nothing_behind,
        however_little_room_there_is_the_answers_are_the_same,
        nothing_is_recalled_from_a_closed_directory,
        the_watch_ends_with_the_last_clone,
    }
    writing::{
        duplicates_are_refused,
        what_belongs_to_nothing_is_refused,
        an_unknown_role_or_scope_is_refused,
        malformed_texts_are_refused_and_nothing_is_written,
        the_database_itself_refuses_invalid_ids,
        a_role_is_held_once_per_scope_and_again_after_its_expiry,
        racing_grants_leave_one_assignment,
        a_deleted_resource_takes_its_assignments_along,
        a_user_can_be_put_again,
        a_withdrawal_of_nothing_is_not_found,
    }
    opening::{
        replicas_may_open_an_empty_database_at_once,
        what_is_written_is_there_after_opening_again,
        the_system_roles_are_those_of_the_policy,
        a_database_of_a_later_version_is_refused,
        a_dropped_caller_leaves_no_broken_connection,
        a_lock_ends_in_a_timeout_and_not_in_a_hang,
        a_closed_directory_is_unavailable,
        a_stopped_runtime_is_unavailable,
    }
}
