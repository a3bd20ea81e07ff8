//! A connection's place, and what its connection is doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use http_body::Body;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Inner;
use super::bodies::{Ending, Watched};

/// How long a connection is spared that might be about to say something, or to take it, in milliseconds:
/// more than it takes to send a request over a slow line.
pub(super) const SPARED: u64 = 1000;

/// How long a probe's head may take, and half a head while the gateway stops.
const BRIEF: Duration = Duration::from_secs(1);

/// Nothing of a request has come yet.
const IDLE: u8 = 0;
/// A part of a head has.
const HEAD: u8 = 1;
/// A request is being answered.
const BUSY: u8 = 2;
/// One is, and the gateway waits for bytes of its body.
const BODY: u8 = 3;
/// One is refused, and that is held back.
const HELD: u8 = 4;
/// The body of an answer is on its way.
const ANSWER: u8 = 5;
/// The connection is no longer one of HTTP.
const UPGRADED: u8 = 6;

/// No request of the connection had a token that was accepted.
const STRANGER: u8 = 0;
/// One had.
const KNOWN: u8 = 1;
/// The connection is beyond the ceiling, and there for one probe.
const PROBE: u8 = 2;
/// Its place is free again.
const LEFT: u8 = 3;

/// What a connection is doing. Written and read on its own thread, but for `standing` and `used`.
#[derive(Debug)]
pub(super) struct State {
    standing: AtomicU8,
    phase: AtomicU8,
    /// Since when it is open, in milliseconds from the start of the gateway.
    opened: u64,
    /// Since when it has no request, or when the head of the last one began, likewise.
    since: AtomicU64,
    /// Since when the caller takes nothing of what is written, likewise, and 0 where it does.
    blocked: AtomicU64,
    /// Whether there was a request with a token since it was looked at.
    used: AtomicBool,
    /// Whether a request's body was left unread.
    unread: AtomicBool,
    /// Whether an answer broke off.
    broken: AtomicBool,
    leave: Notify,
    hurry: Notify,
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

impl State {
    pub(super) fn new(is_for_a_probe: bool, now: u64) -> Self {
        let standing = if is_for_a_probe { PROBE } else { STRANGER };
        Self {
            standing: AtomicU8::new(standing),
            phase: AtomicU8::new(IDLE),
            opened: now,
            since: AtomicU64::new(now),
            blocked: AtomicU64::new(0),
            used: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            leave: Notify::new(),
            hurry: Notify::new(),
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.standing.load(Ordering::Relaxed) == LEFT
    }

    pub(super) fn is_known(&self) -> bool {
        self.standing.load(Ordering::Relaxed) == KNOWN
    }

    /// Whether it is spared for now, being so new.
    pub(super) fn is_new(&self, now: u64) -> bool {
        now.saturating_sub(self.opened) < SPARED
    }

    /// Whether there was a request with a token since this was asked.
    pub(super) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Whether closing it costs its caller nothing but a new connection, or an answer that it has to
    /// wait for on purpose.
    pub(super) fn is_idle(&self) -> bool {
        let phase = self.phase.load(Ordering::Relaxed);
        matches!(phase, IDLE | HEAD | HELD) && self.blocked.load(Ordering::Relaxed) == 0
    }

    /// Whether the gateway waits for its caller, for as long as nobody is waited for who keeps others out.
    pub(super) fn waits_for_its_caller(&self, now: u64) -> bool {
        let phase = self.phase.load(Ordering::Relaxed);
        let blocked = self.blocked.load(Ordering::Relaxed);
        let is_long = |since: u64| now.saturating_sub(since) >= SPARED;
        match phase {
            UPGRADED => false,
            _ if blocked != 0 => is_long(blocked),
            BODY => is_long(self.since.load(Ordering::Relaxed)),
            _ => false,
        }
    }

    /// Has it leave. Whether it had not left before.
    pub(super) fn has_to_leave(&self, inner: &Inner) -> bool {
        let leaves = self.gives_up_its_place(inner);
        if leaves {
            self.leave.notify_one();
        }
        leaves
    }

    fn gives_up_its_place(&self, inner: &Inner) -> bool {
        let before = self.standing.swap(LEFT, Ordering::Relaxed);
        if before == STRANGER {
            inner.strangers.fetch_sub(1, Ordering::Relaxed);
        }
        match before {
            LEFT => return false,
            PROBE => inner.probes.fetch_sub(1, Ordering::Relaxed),
            _ => inner.open.fetch_sub(1, Ordering::Relaxed),
        };
        true
    }
}

impl Seat {
    pub(super) fn new(state: Arc<State>, inner: Arc<Inner>) -> Self {
        Self(Arc::new(Seated { state, inner }))
    }

    /// Some bytes have come.
    pub(crate) fn heard(&self) {
        if self.is(IDLE) {
            self.since_now(HEAD);
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
        self.set(BUSY);
    }

    /// Its token was accepted.
    pub(crate) fn authenticated(&self) {
        let Seated { state, inner } = &*self.0;
        state.used.store(true, Ordering::Relaxed);
        let standing = &state.standing;
        if standing.load(Ordering::Relaxed) == STRANGER {
            let known =
                standing.compare_exchange(STRANGER, KNOWN, Ordering::Relaxed, Ordering::Relaxed);
            if known.is_ok() {
                inner.strangers.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// The body of a request, watched.
    pub(crate) fn watch<B: Body>(&self, body: B) -> Watched<B> {
        Watched::new(body, self.clone())
    }

    /// The request's body does not come, or comes again.
    pub(super) fn waits_for_the_body(&self, waits: bool) {
        if waits && self.is(BUSY) {
            self.set(BODY);
        } else if !waits && self.is(BODY) {
            self.set(BUSY);
        }
    }

    /// Nobody reads the request's body to its end.
    pub(super) fn leaves_unread(&self) {
        self.0.state.unread.store(true, Ordering::Relaxed);
    }

    /// Whether nobody did.
    pub(crate) fn has_left_unread(&self) -> bool {
        self.0.state.unread.load(Ordering::Relaxed)
    }

    /// Holds a refusal back for so long, or until the place is wanted for another.
    pub(crate) async fn hold_back(&self, time: Duration) {
        self.set(HELD);
        tokio::select! {
            () = sleep(time) => {}
            () = self.0.state.hurry.notified() => {}
        }
        self.set(BUSY);
    }

    /// The body of the answer, with which the request ends.
    pub(crate) fn until_the_end_of<B>(self, body: B) -> Ending<B> {
        self.set(ANSWER);
        Ending::new(body, self)
    }

    /// The answer breaks off.
    pub(super) fn breaks(&self) {
        self.0.state.broken.store(true, Ordering::Relaxed);
    }

    /// The body of the answer has ended, or nobody wants it.
    pub(super) fn ends(&self) {
        self.since_now(IDLE);
    }

    /// Whether an answer would be cut off if the connection ended now. A caller must not take it for
    /// complete, and to one of HTTP/1.0 the end of the connection may be the end of the answer.
    pub(crate) fn is_in_an_answer(&self) -> bool {
        let state = &self.0.state;
        let is_blocked = state.blocked.load(Ordering::Relaxed) != 0;
        state.broken.load(Ordering::Relaxed) || self.is(ANSWER) || is_blocked && !self.is(UPGRADED)
    }

    /// The connection is no longer one of HTTP: others watch over it.
    pub(crate) fn hand_over(&self) {
        self.set(UPGRADED);
    }

    /// Whether the connection is beyond the ceiling, and there for one probe.
    pub(crate) fn is_for_a_probe(&self) -> bool {
        self.0.state.standing.load(Ordering::Relaxed) == PROBE
    }

    /// Waits until the place is wanted for another.
    pub(crate) async fn leave(&self) {
        self.0.state.leave.notified().await;
    }

    /// What is held back is to go out.
    pub(crate) fn hurry(&self) {
        self.0.state.hurry.notify_one();
    }

    /// Whether there may be something to write before the connection ends: not where its caller is what
    /// is waited for.
    pub(crate) fn has_something_to_say(&self) -> bool {
        let is_blocked = self.0.state.blocked.load(Ordering::Relaxed) != 0;
        !is_blocked && !self.is(HEAD) && !self.is(BODY)
    }

    /// Whether the connection takes too long for what it is doing, also where the gateway stops.
    pub(crate) fn verdict(&self, is_stopping: bool) -> Verdict {
        let Seated { state, inner } = &*self.0;
        let settings = &inner.settings;
        let now = inner.now();
        let after = |since: u64| Duration::from_millis(now.saturating_sub(since));
        let blocked = state.blocked.load(Ordering::Relaxed);
        if blocked != 0 && after(blocked) >= settings.send_timeout {
            return Verdict::Over("the caller takes nothing of the answer");
        }
        let since = after(state.since.load(Ordering::Relaxed));
        let head = if is_stopping || self.is_for_a_probe() {
            settings.header_timeout.min(BRIEF)
        } else {
            settings.header_timeout
        };
        let (limit, why) = match state.phase.load(Ordering::Relaxed) {
            IDLE if self.is_for_a_probe() => (head, "no request came"),
            IDLE => (settings.idle_timeout, "no request came"),
            HEAD => (head, "the head did not arrive in time"),
            _ => return Verdict::Stays(head.min(settings.send_timeout)),
        };
        if since >= limit {
            return Verdict::Over(why);
        }
        // A head may begin in the next moment.
        Verdict::Stays(limit.saturating_sub(since).min(head))
    }

    fn is(&self, phase: u8) -> bool {
        self.0.state.phase.load(Ordering::Relaxed) == phase
    }

    fn set(&self, phase: u8) {
        self.0.state.phase.store(phase, Ordering::Relaxed);
    }

    fn since_now(&self, phase: u8) {
        let Seated { state, inner } = &*self.0;
        state.since.store(inner.now(), Ordering::Relaxed);
        self.set(phase);
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.state.gives_up_its_place(&self.inner);
    }
}
