//! The steps of a history, chosen at random.

#![allow(unreachable_pub, reason = "part of a test")]

use proptest::option;
use proptest::prelude::*;

/// Who writes: the first replica, the second, or somebody past both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    Replica(usize),
    Sql,
}

/// One thing that happens. The numbers choose from a few of each kind.
#[derive(Clone, Debug)]
pub enum Step {
    Write(Via, Write),
    /// To which replica, who, where, which action, and when.
    Ask(usize, u8, (u8, u8, u8), u8, i64),
    /// So many milliseconds.
    Wait(u64),
    Settle,
}

/// Something that is written.
#[derive(Clone, Debug)]
pub enum Write {
    Grant(u8, u8, (u8, u8), Option<i64>),
    Withdraw(u8, u8, (u8, u8)),
    Expire(u8, i64),
    Toggle(u8),
    CreateProject(u8, Option<u8>),
    MoveProject(u8, Option<u8>),
    DeleteProject(u8),
    CreateResource(u8, u8),
    MoveResource(u8, u8),
    DeleteResource(u8),
}

impl Write {
    /// Whether a directory has a call for it.
    fn is_a_call(&self) -> bool {
        match self {
            Self::Grant(..)
            | Self::Withdraw(..)
            | Self::CreateProject(..)
            | Self::CreateResource(..)
            | Self::DeleteResource(_) => true,
            Self::Expire(..)
            | Self::Toggle(_)
            | Self::MoveProject(..)
            | Self::DeleteProject(_)
            | Self::MoveResource(..) => false,
        }
    }
}

/// Any step; questions are the most.
pub fn step() -> impl Strategy<Value = Step> {
    let via = prop_oneof![(0..2_usize).prop_map(Via::Replica), Just(Via::Sql)];
    prop_oneof![
        16 => (via, write()).prop_map(|(via, write)| {
            Step::Write(if write.is_a_call() { via } else { Via::Sql }, write)
        }),
        12 => (0..2_usize, 0..2_u8, (0..3_u8, 0..4_u8, 0..4_u8), 0..4_u8, -6..6_i64)
            .prop_map(|(to, who, place, action, now)| Step::Ask(to, who, place, action, now)),
        2 => (0..150_u64).prop_map(Step::Wait),
        1 => Just(Step::Settle),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let scope = || (0..3_u8, 0..3_u8);
    prop_oneof![
        4 => (0..2_u8, 0..3_u8, scope(), option::of(-5..5_i64))
            .prop_map(|(who, role, scope, expiry)| Write::Grant(who, role, scope, expiry)),
        3 => (0..2_u8, 0..3_u8, scope())
            .prop_map(|(who, role, scope)| Write::Withdraw(who, role, scope)),
        1 => (0..4_u8, -5..5_i64).prop_map(|(which, expiry)| Write::Expire(which, expiry)),
        2 => (0..4_u8).prop_map(Write::Toggle),
        1 => (0..3_u8, option::of(0..2_u8)).prop_map(|(id, of)| Write::CreateProject(id, of)),
        2 => (0..3_u8, option::of(0..2_u8)).prop_map(|(id, to)| Write::MoveProject(id, to)),
        1 => (0..3_u8).prop_map(Write::DeleteProject),
        1 => (0..3_u8, 0..3_u8).prop_map(|(id, of)| Write::CreateResource(id, of)),
        1 => (0..3_u8, 0..3_u8).prop_map(|(id, to)| Write::MoveResource(id, to)),
        1 => (0..3_u8).prop_map(Write::DeleteResource),
    ]
}
