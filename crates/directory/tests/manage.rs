//! The facts of management, each on SQLite and on PostgreSQL.

#[path = "manage/authority.rs"]
mod authority;
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
}
