//! Who has to leave, and who takes too long.

use std::time::Duration;

use futures_util::FutureExt as _;

use super::seat::SPARED;
use super::*;

fn connections(most: usize) -> Connections {
    Connections::new(ConnectionSettings {
        most,
        ..ConnectionSettings::default()
    })
}

fn has_to_leave(seat: &Seat) -> bool {
    seat.leave().now_or_never().is_some()
}

impl Connections {
    /// One whose request had a token that was accepted, and is answered.
    fn enter_used(&self) -> Seat {
        let seat = self.enter().unwrap();
        seat.begin();
        seat.authenticated();
        drop(seat.clone().until_the_end_of(()));
        seat
    }

    /// Makes room as if so many milliseconds had passed.
    fn make_room_after(&self, milliseconds: u64) -> bool {
        let now = self.0.now() + milliseconds;
        self.0.row().make_room(&self.0, now)
    }

    fn open(&self) -> [usize; 3] {
        let Inner {
            open,
            strangers,
            probes,
            ..
        } = &*self.0;
        [open, strangers, probes].map(|count| count.load(Ordering::Relaxed))
    }
}

#[test]
fn the_longest_unused_connection_makes_room_and_one_with_a_request_never() {
    let connections = connections(4);
    let [first, busy, used, idle] = [(); 4].map(|()| connections.enter_used());
    busy.begin();
    assert!(connections.make_room());
    assert!(has_to_leave(&first));
    used.begin();
    used.authenticated();
    drop(used.clone().until_the_end_of(()));
    // What was used since has its second chance.
    assert!(connections.make_room());
    assert!(has_to_leave(&idle) && !has_to_leave(&used));
    assert!(connections.make_room());
    assert!(has_to_leave(&used) && !has_to_leave(&busy));
    assert!(!connections.make_room_after(10 * SPARED));
    // Whoever has left is not counted again when it has gone.
    assert_eq!(connections.open(), [1, 0, 0]);
    drop((first, used, idle));
    assert_eq!(connections.open(), [1, 0, 0]);
    drop(busy);
    assert_eq!(connections.open(), [0, 0, 0]);
}

#[test]
fn who_never_had_a_token_that_was_accepted_goes_first() {
    let connections = connections(10);
    let known = connections.enter_used();
    let [asked, silent] = [(); 2].map(|()| connections.enter().unwrap());
    // What is open to everybody, or a 401.
    asked.begin();
    drop(asked.clone().until_the_end_of(()));
    silent.heard();
    // New ones are spared, and none is known for long enough.
    assert!(connections.make_room());
    assert!(has_to_leave(&known));
    let known = connections.enter_used();
    for seat in [asked, silent] {
        assert!(connections.make_room_after(2 * SPARED));
        assert!(has_to_leave(&seat) && !has_to_leave(&known));
    }
    assert_eq!(connections.open(), [1, 0, 0]);
}

#[test]
fn where_those_without_a_token_have_half_of_the_places_they_push_out_none_but_each_other() {
    let connections = connections(10);
    let known = [(); 5].map(|()| connections.enter_used());
    let strangers = [(); 5].map(|()| connections.enter().unwrap());
    // One more takes the place of one that was known, and is more than half.
    let more = [(); 50].map(|()| connections.enter().unwrap());
    assert_eq!(known.iter().filter(|seat| has_to_leave(seat)).count(), 1);
    assert!(strangers.iter().all(has_to_leave));
    assert_eq!(more.iter().filter(|seat| !has_to_leave(seat)).count(), 6);
    assert_eq!(connections.open(), [10, 6, 0]);
}

#[test]
fn a_caller_who_is_waited_for_makes_room_where_nobody_else_does_and_after_a_while() {
    let connections = connections(10);
    let [busy, body, blocked, tail] = [(); 4].map(|()| connections.enter_used());
    for seat in [&busy, &body, &blocked] {
        seat.begin();
        seat.authenticated();
    }
    body.waits_for_the_body(true);
    blocked.blocked(true);
    tail.hand_over();
    tail.blocked(true);
    assert!(!connections.make_room());
    assert!(!connections.make_room_after(SPARED / 2));
    let idle = connections.enter_used();
    assert!(connections.make_room_after(2 * SPARED));
    assert!(has_to_leave(&idle));
    for seat in [&body, &blocked] {
        assert!(connections.make_room_after(3 * SPARED));
        assert!(!seat.has_something_to_say());
    }
    assert!(has_to_leave(&body) && has_to_leave(&blocked));
    assert!(!connections.make_room_after(4 * SPARED));
    assert!(!has_to_leave(&busy) && !has_to_leave(&tail));
}

#[test]
fn a_body_that_has_come_makes_no_room() {
    let connections = connections(10);
    let seat = connections.enter_used();
    seat.begin();
    seat.waits_for_the_body(true);
    seat.waits_for_the_body(false);
    assert!(!connections.make_room_after(10 * SPARED));
    // Nor does one that nobody waits for any more.
    drop(seat.clone().until_the_end_of(()));
    seat.waits_for_the_body(true);
    assert!(connections.make_room_after(20 * SPARED));
    assert!(seat.has_something_to_say(), "it was idle");
}

#[tokio::test]
async fn a_refusal_that_is_held_back_makes_room_and_goes_out_at_once() {
    let connections = connections(10);
    let seat = connections.enter_used();
    seat.begin();
    let mut held = Box::pin(seat.hold_back(Duration::from_hours(1)));
    assert!((&mut held).now_or_never().is_none());
    assert!(connections.make_room());
    assert!(has_to_leave(&seat) && seat.has_something_to_say());
    seat.hurry();
    held.await;
}

#[test]
fn beyond_the_ceiling_there_are_places_for_probes_which_nobody_keeps() {
    let connections = connections(1);
    let known = connections.enter_used();
    known.begin();
    assert!(connections.enter().is_none());
    let first = connections.enter_for_a_probe().unwrap();
    let second = connections.enter_for_a_probe().unwrap();
    first.begin();
    first.authenticated();
    let more: Vec<_> = (0..5 * PROBES)
        .map(|_| connections.enter_for_a_probe().unwrap())
        .collect();
    assert!(has_to_leave(&second) && !has_to_leave(&first));
    assert_eq!(connections.open(), [1, 0, PROBES]);
    assert!(first.is_for_a_probe() && !known.is_for_a_probe());
    for seat in &more {
        seat.begin();
    }
    assert!(
        connections.enter_for_a_probe().is_none(),
        "all are answered"
    );
    drop((first, second, more));
    assert_eq!(connections.open(), [1, 0, 0]);
    drop(known);
    assert_eq!(connections.open(), [0, 0, 0]);
}

#[test]
fn the_row_does_not_grow_with_connections_that_have_gone() {
    let connections = connections(10);
    for _ in 0..10_000 {
        drop(connections.enter());
        drop(connections.enter_for_a_probe());
    }
    assert!(connections.0.row().len() < 200);
}

#[test]
fn a_connection_is_over_when_it_takes_too_long_for_what_it_does() {
    let connections = Connections::new(ConnectionSettings {
        header_timeout: Duration::ZERO,
        idle_timeout: Duration::from_mins(1),
        send_timeout: Duration::ZERO,
        ..ConnectionSettings::default()
    });
    let seat = connections.enter().unwrap();
    assert!(matches!(seat.verdict(false), Verdict::Stays(_)));
    let probe = connections.enter_for_a_probe().unwrap();
    assert_eq!(probe.verdict(false), Verdict::Over("no request came"));
    seat.heard();
    assert_eq!(
        seat.verdict(false),
        Verdict::Over("the head did not arrive in time")
    );
    seat.begin();
    assert!(matches!(seat.verdict(true), Verdict::Stays(_)));
    seat.blocked(true);
    assert_eq!(
        seat.verdict(false),
        Verdict::Over("the caller takes nothing of the answer")
    );
}

#[test]
fn an_answer_is_cut_off_until_its_last_byte_is_taken() {
    let connections = connections(10);
    let seat = connections.enter_used();
    assert!(!seat.is_in_an_answer());
    seat.begin();
    let answer = seat.clone().until_the_end_of(());
    assert!(seat.is_in_an_answer());
    seat.blocked(true);
    drop(answer);
    assert!(seat.is_in_an_answer());
    seat.blocked(false);
    assert!(!seat.is_in_an_answer());
    seat.breaks();
    assert!(seat.is_in_an_answer());
}
