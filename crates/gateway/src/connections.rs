//! Callers' connections: how many there are, which of them may be closed, and how long each may take
//! for what it is doing.
//!
//! Beyond the ceiling a new connection takes the place of one that carries no request, the one that
//! was used the longest time ago: to close it costs its caller nothing but a new one, and whoever
//! opens ten thousand and says nothing keeps nobody out. Where all carry requests, the new one is told
//! at once to come back: a connection that waits to be accepted looks like a gateway that hangs.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Body, Frame, SizeHint};
use tokio::sync::Notify;

use crate::settings::ConnectionSettings;

/// How long the search for a connection that carries no request is not repeated after it was in vain:
/// it looks at every one of them.
const IN_VAIN: Duration = Duration::from_millis(10);

/// Nothing of a request has come yet.
const IDLE: u8 = 0;
/// A part of a head has.
const HEAD: u8 = 1;
/// A request is being answered.
const BUSY: u8 = 2;

/// The connections of all threads.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    settings: ConnectionSettings,
    started: Instant,
    open: AtomicUsize,
    row: Mutex<Row>,
}

/// All connections in the order in which they are looked at: the longest unused ones first.
#[derive(Default)]
struct Row {
    connections: VecDeque<Weak<State>>,
    in_vain: Option<Instant>,
}

/// What a connection is doing. Written and read on its own thread, but for `used` and `left`.
struct State {
    phase: AtomicU8,
    /// Since when, in milliseconds from the start of the gateway.
    since: AtomicU64,
    /// Since when the caller takes nothing of what is written, likewise, and 0 where it does.
    blocked: AtomicU64,
    /// Whether there was a request since it was looked at.
    used: AtomicBool,
    /// Whether its place is free again.
    left: AtomicBool,
    leave: Notify,
}

/// A connection's place. It is free again when the last who holds it lets go.
#[derive(Clone)]
pub(crate) struct Seat(Arc<Seated>);

struct Seated {
    state: Arc<State>,
    inner: Arc<Inner>,
}

/// What is to become of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is looked at again after this time.
    Stays(Duration),
    /// It is closed, and why.
    Over(&'static str),
}

impl Connections {
    pub(crate) fn new(settings: ConnectionSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            started: Instant::now(),
            open: AtomicUsize::new(0),
            row: Mutex::default(),
        }))
    }

    /// A place for one more, for which another may have to leave; none where all carry requests.
    pub(crate) fn enter(&self) -> Option<Seat> {
        let inner = &self.0;
        if inner.open.fetch_add(1, Ordering::Relaxed) >= inner.settings.most && !self.make_room() {
            inner.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let state = Arc::new(State {
            phase: AtomicU8::new(IDLE),
            since: AtomicU64::new(inner.now()),
            blocked: AtomicU64::new(0),
            used: AtomicBool::new(false),
            left: AtomicBool::new(false),
            leave: Notify::new(),
        });
        let mut row = inner.row.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that have gone are still in the row, until there are as many as the others.
        if row.connections.len() > 2 * inner.open.load(Ordering::Relaxed) + 64 {
            row.connections.retain(|state| state.strong_count() > 0);
        }
        row.connections.push_back(Arc::downgrade(&state));
        drop(row);
        let inner = Arc::clone(inner);
        Some(Seat(Arc::new(Seated { state, inner })))
    }

    /// Has the longest unused connection that carries no request leave. Whether there was one.
    pub(crate) fn make_room(&self) -> bool {
        let mut row = self.0.row.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if row
            .in_vain
            .is_some_and(|at| now.duration_since(at) < IN_VAIN)
        {
            return false;
        }
        // Each has a second chance where it was used since it was looked at.
        for _ in 0..2 * row.connections.len() {
            let Some(next) = row.connections.pop_front() else {
                break;
            };
            let Some(state) = next.upgrade() else {
                continue;
            };
            if state.left.load(Ordering::Relaxed) {
                continue;
            }
            let used = state.used.swap(false, Ordering::Relaxed);
            if used || state.phase.load(Ordering::Relaxed) == BUSY {
                row.connections.push_back(next);
                continue;
            }
            if !state.left.swap(true, Ordering::Relaxed) {
                self.0.open.fetch_sub(1, Ordering::Relaxed);
                state.leave.notify_one();
                return true;
            }
        }
        row.in_vain = Some(now);
        false
    }
}

impl Inner {
    fn now(&self) -> u64 {
        // Not 0, which stands for none.
        u64::try_from(self.started.elapsed().as_millis()).map_or(u64::MAX, |now| now + 1)
    }
}

impl Seat {
    /// Some bytes have come.
    pub(crate) fn heard(&self) {
        let state = &self.0.state;
        if state.phase.load(Ordering::Relaxed) == IDLE {
            self.phase(HEAD);
        }
    }

    /// What is written is not taken, or is again.
    pub(crate) fn blocked(&self, is_blocked: bool) {
        let blocked = &self.0.state.blocked;
        if is_blocked != (blocked.load(Ordering::Relaxed) != 0) {
            let since = if is_blocked { self.0.inner.now() } else { 0 };
            blocked.store(since, Ordering::Relaxed);
        }
    }

    /// A request has come. It ends with the body of its answer.
    pub(crate) fn begin(&self) {
        self.0.state.used.store(true, Ordering::Relaxed);
        self.0.state.phase.store(BUSY, Ordering::Relaxed);
    }

    /// The body of the answer, with which the request ends.
    pub(crate) fn until_the_end_of<B>(&self, body: B) -> Ending<B> {
        let seat = self.clone();
        Ending { body, seat }
    }

    /// The connection is no longer one of HTTP: others watch over it.
    pub(crate) fn hand_over(&self) {
        self.0.state.phase.store(BUSY, Ordering::Relaxed);
    }

    /// Waits until the place is wanted for another.
    pub(crate) async fn leave(&self) {
        self.0.state.leave.notified().await;
    }

    /// Whether the connection takes too long for what it is doing.
    pub(crate) fn verdict(&self) -> Verdict {
        let Seated { state, inner } = &*self.0;
        let settings = &inner.settings;
        let now = inner.now();
        let after = |since: u64| Duration::from_millis(now.saturating_sub(since));
        let blocked = state.blocked.load(Ordering::Relaxed);
        if blocked != 0 && after(blocked) >= settings.send_timeout {
            return Verdict::Over("the caller takes nothing of the answer");
        }
        let since = after(state.since.load(Ordering::Relaxed));
        let (limit, why) = match state.phase.load(Ordering::Relaxed) {
            IDLE => (settings.idle_timeout, "no request came"),
            HEAD => (settings.header_timeout, "the head did not arrive in time"),
            _ => return Verdict::Stays(settings.header_timeout.min(settings.send_timeout)),
        };
        if since >= limit {
            return Verdict::Over(why);
        }
        // A head may begin in the next moment.
        Verdict::Stays(limit.saturating_sub(since).min(settings.header_timeout))
    }

    fn phase(&self, phase: u8) {
        let Seated { state, inner } = &*self.0;
        state.since.store(inner.now(), Ordering::Relaxed);
        state.phase.store(phase, Ordering::Relaxed);
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        if !self.state.left.swap(true, Ordering::Relaxed) {
            self.inner.open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The body of an answer, with whose end its connection is free for the next request.
pub(crate) struct Ending<B> {
    body: B,
    seat: Seat,
}

impl<B> Drop for Ending<B> {
    fn drop(&mut self) {
        self.seat.phase(IDLE);
    }
}

impl<B: Body + Unpin> Body for Ending<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

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

    #[test]
    fn the_longest_unused_connection_makes_room_and_one_with_a_request_never() {
        let connections = connections(3);
        let [busy, used, idle] = [(); 3].map(|()| connections.enter().unwrap());
        busy.begin();
        used.begin();
        drop(used.until_the_end_of(()));
        let next = connections.enter().unwrap();
        assert!(has_to_leave(&idle) && !has_to_leave(&busy) && !has_to_leave(&used));
        next.begin();
        // What was used has had its second chance.
        let last = connections.enter().unwrap();
        assert!(has_to_leave(&used) && !has_to_leave(&busy));
        last.begin();
        assert!(connections.enter().is_none(), "all are busy");
        // Whoever has left is not counted again when it has gone.
        drop((idle, used));
        assert_eq!(connections.0.open.load(Ordering::Relaxed), 3);
        drop((busy, next, last));
        assert_eq!(connections.0.open.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_row_does_not_grow_with_connections_that_have_gone() {
        let connections = connections(10);
        for _ in 0..10_000 {
            drop(connections.enter());
        }
        assert!(connections.0.row.lock().unwrap().connections.len() < 100);
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
        assert!(matches!(seat.verdict(), Verdict::Stays(_)));
        seat.heard();
        assert_eq!(
            seat.verdict(),
            Verdict::Over("the head did not arrive in time")
        );
        seat.begin();
        assert!(matches!(seat.verdict(), Verdict::Stays(_)));
        seat.blocked(true);
        assert_eq!(
            seat.verdict(),
            Verdict::Over("the caller takes nothing of the answer")
        );
    }
}
