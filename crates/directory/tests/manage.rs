//! The facts of management, each on SQLite and on PostgreSQL.

#[path = "manage/authority.rs"]
mod authority;
#[path = "manage/listing.rs"]
mod listing;
#[path = "manage/racing.rs"]
mod racing;
#[path = "manage/repeating.rs"]
mod repeating;
#[path = "manage/rules.rs"]
mod rules;
#[path = "manage/texts.rs"]
mod texts;
#[path = "manage/writing.rs"]
mod writing;

#[path = "support/home.rs"]
mod home;
#[path = "support/manager.rs"]
mod manager;
#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
#[path = "support/postgres.rs"]
mod postgres;

on_both! {
    writing::{
        records_are_written_and_read,
        what_still_holds_something_stays,
        roles_are_given_and_withdrawn,
    }
    authority::{
        each_write_needs_its_permission_there_or_above,
        who_may_not_learns_nothing_about_existence,
        nobody_grants_more_than_they_hold,
        a_move_needs_authority_on_both_sides,
        whoever_makes_something_owns_it,
        a_role_is_given_by_a_verified_address,
    }
    rules::{
        an_id_is_used_once,
        an_organization_keeps_its_last_owner,
        a_write_meets_its_condition,
        an_expiry_is_to_come,
        a_role_goes_with_what_it_was_held_on,
        no_more_is_deleted_at_once_than_there_is_time_for,
        a_directory_that_is_managed_elsewhere_is_only_read,
    }
    racing::{
        of_equal_grants_one_is_made,
        of_equal_creations_one_is_made,
        a_deletion_that_meets_a_grant_leaves_no_orphan,
        a_deletion_past_this_program_that_meets_a_grant_leaves_no_orphan,
        of_two_owners_who_withdraw_each_other_one_stays,
        a_grant_needs_the_role_that_is_being_withdrawn,
        of_two_updates_of_one_state_one_is_made,
        of_two_writes_with_one_key_one_is_made,
        writes_about_different_things_all_succeed,
    }
    repeating::{
        a_repeated_write_gets_the_same_answer,
        a_grant_is_repeated_also_when_it_has_expired,
        a_key_belongs_to_one_actor_and_one_write,
        what_was_refused_may_be_tried_again,
        a_key_is_forgotten_after_a_day,
    }
    listing::{
        a_list_has_what_its_reader_may_read,
        pages_follow_each_other_without_gap_or_overlap,
        assignments_say_where_they_are_from,
        permissions_are_those_of_all_roles_once,
        users_are_found_by_those_who_manage_them,
        a_user_is_remembered_as_far_as_they_are_known,
        the_audit_tells_every_write,
        the_audit_is_only_ever_added_to,
    }
    texts::{
        a_name_is_kept_or_refused,
        settings_are_kept_as_they_are,
        any_subject_can_be_given_a_role,
    }
}
