//! `tail`: lines as they come, over a WebSocket.
//!
//! A thread of its own takes lines through the query's pipeline and makes frames of them, and stops
//! while the client is slow. What comes meanwhile waits in a buffer of the store; what does not fit
//! is dropped, and the next frame says what.

use std::sync::Arc;
use std::time::Duration;

use ::query::logql::Expr;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::response::Response;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{self, MissedTickBehavior};

use super::asked;

use super::follow::{Follower, Told};
use super::frame::Frames;
use super::{Call, Refusal, bad, check_limit, parse};
use crate::http::{Shared, work};
use crate::limits::{CancelOnDrop, EvalError, Stop};
use crate::logql::lines::{self, Pipeline};
use crate::logql::work::Work;
use crate::logql::{Direction, Request as Query};
use crate::store::Tail;

/// The longest `delay_for`, in seconds.
const MAX_DELAY: u64 = 5;
/// Frames between the thread and the connection.
const FRAMES_AHEAD: usize = 4;
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long a client may take for one frame.
const MAX_SEND: Duration = Duration::from_secs(15);
/// Clients have nothing to say but to close.
const MAX_INCOMING: usize = 4 << 10;

pub(super) async fn tail(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Refusal> {
    let (mut parts, body) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let call = Call::read(shared, Request::from_parts(parts, body)).await?;
    let (start_ns, _) = asked::bounds(&call.params, call.now_ns)?;
    let limit = asked::limit(&call.params)?;
    let delay = delay(call.params.get("delay_for"))?;
    let clock = Arc::clone(&call.shared.backend.clock);
    let upgrade = upgrade.map_err(|_| bad("the client is not using the websocket protocol"))?;
    let query = call.params.get("query").to_owned();
    let now_ns = call.now_ns;
    let flags = call.flags.clone();
    let asked_flags = flags.clone();
    let tails = Arc::clone(&call.shared.tails);
    let seat = tails.seat()?;
    let (tail, stop, pipeline, work, history) = call
        .work(move |backend, tenant, stop| {
            let Expr::Log(expr) = parse(&query, stop)? else {
                return Err(EvalError::Invalid(
                    "only log selector is supported".to_owned(),
                ));
            };
            check_limit(limit, &backend.limits)?;
            let own_work = Work::new(stop);
            let pipeline = Pipeline::new(&expr, now_ns, &own_work)?;
            let logs = backend.store.logs_to_come(tenant);
            let (tail, streams) = logs.tail(&expr.selector.matchers, start_ns, &backend.limits)?;
            // The query that reads the history is over before the tail is.
            let own_stop = Stop::within_time(&backend.limits, Duration::ZERO);
            let tail = Open {
                tail,
                _stop: own_stop.cancel_on_drop(),
            };
            let asked = Query {
                query: &Expr::Log(expr),
                start_ns,
                end_ns: i64::MAX,
                step_ns: 0,
                interval_ns: 0,
                limit,
                direction: Direction::Backward,
                instant: false,
                categorize: asked_flags.categorize(),
                now_ns,
                stop,
            };
            let history = lines::over(&streams, &asked, &own_work, &pipeline)?;
            Ok((
                tail,
                own_stop,
                pipeline,
                own_work,
                Frames::of_history(history, &asked_flags),
            ))
        })
        .await?;
    let (sender, receiver) = mpsc::channel(FRAMES_AHEAD);
    let follower = Follower {
        tail: Arc::clone(&tail.tail),
        tails,
        seat,
        pipeline,
        work,
        stop,
        flags,
        delay,
        clock,
        runtime: Handle::current(),
        sender,
    };
    work::spawn("tail", move || follower.run(history))?;
    Ok(upgrade
        .max_message_size(MAX_INCOMING)
        .on_upgrade(move |socket| serve(socket, receiver, tail)))
}

/// A tail that closes when nobody holds this any more, and whose work ends then.
struct Open {
    tail: Arc<Tail>,
    _stop: CancelOnDrop,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.tail.close();
    }
}

/// Serves the connection until the client or the thread ends.
async fn serve(mut socket: WebSocket, mut told: mpsc::Receiver<Told>, _tail: Open) {
    let mut pings = time::interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            incoming = socket.recv() => match incoming {
                None | Some(Err(_)) => return,
                // The library answers a farewell while it is read on. Whatever else is sent now would
                // be an error, and end the connection before the answer is out.
                Some(Ok(Message::Close(_))) => {
                    while let Ok(Some(Ok(_))) = time::timeout(MAX_SEND, socket.recv()).await {}
                    return;
                }
                // It answers pings by itself as well.
                Some(Ok(
                    Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_),
                )) => continue,
            },
            told = told.recv() => match told {
                Some(Told::Frame(frame)) => Message::Text(frame.into()),
                Some(Told::End(reason)) => farewell(&reason),
                None => farewell("the tail broke off"),
            },
            _ = pings.tick() => Message::Ping(axum::body::Bytes::new()),
        };
        let is_last = matches!(message, Message::Close(_));
        let sent = time::timeout(MAX_SEND, socket.send(message)).await;
        if is_last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// The message that ends a connection. A reason has 123 bytes at the most.
fn farewell(reason: &str) -> Message {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    Message::Close(Some(CloseFrame {
        code: close_code::ERROR,
        reason: reason.get(..end).unwrap_or_default().to_owned().into(),
    }))
}

fn delay(written: &str) -> Result<Duration, Refusal> {
    if written.is_empty() {
        return Ok(Duration::ZERO);
    }
    let seconds: i64 = written
        .parse()
        .map_err(|_| bad(format!("delay_for value {written:?} is not a number")))?;
    match u64::try_from(seconds) {
        Ok(seconds) if seconds <= MAX_DELAY => Ok(Duration::from_secs(seconds)),
        Ok(_) => Err(bad(format!("delay_for can't be greater than {MAX_DELAY}"))),
        Err(_) => Err(bad(format!(
            "delay_for value {seconds} is out of range [0, {MAX_DELAY}]"
        ))),
    }
}
