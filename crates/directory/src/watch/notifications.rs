//! PostgreSQL that is ours: its triggers tell what changed.
//!
//! A connection of its own listens, and sends itself a numbered notification over and over.
//! PostgreSQL hands out notifications in the order of the commits that sent them, so one's own
//! coming back proves that those of all commits before it have come too. Notifications that a
//! connection lost while it was broken are lost for good: everything is forgotten once a new one
//! listens, before anything is believed again.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::Lost;
use crate::cache::Cache;
use crate::change::Change;

/// The channel of the triggers.
const CHANGES: &str = "ktrlplane_directory";

/// How often the listener tells itself something. What is remembered stays believed as long as the
/// way back takes less than the bound without this.
const BEAT: Duration = Duration::from_millis(150);

/// Watches until the connection is lost, or says nothing for `patience`.
pub(super) async fn watch(
    address: &PgConnectOptions,
    patience: Duration,
    cache: &Cache,
) -> Result<Infallible, Lost> {
    let late = |_| {
        Lost::Unavailable(format!(
            "the notifications did not come within {patience:?}"
        ))
    };
    // The listener takes its connection from a pool; this one exists for that alone.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(patience)
        .connect_lazy_with(address.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    // Others need not hear the beat. The order of notifications is one for all channels.
    let own = format!("{CHANGES}_{}", Uuid::now_v7().simple());
    timeout(patience, listener.listen_all([CHANGES, &own]))
        .await
        .map_err(late)??;
    cache.forget(&Change::Everything);
    let mut number: u64 = 0;
    loop {
        let started = Instant::now();
        number = number.wrapping_add(1);
        let beat = number.to_string();
        timeout(patience, confirmed(&mut listener, &own, &beat, cache))
            .await
            .map_err(late)??;
        cache.lease().confirm(started.into_std());
        let next = started + BEAT;
        // The time is looked at, too: there may be a next change at once, each time.
        while Instant::now() < next {
            match timeout_at(next, listener.try_recv()).await {
                Ok(notification) => {
                    heard(&own, notification?, cache)?;
                }
                Err(_) => break,
            }
        }
    }
}

/// Sends the beat, and applies all that comes until it is back.
async fn confirmed(
    listener: &mut PgListener,
    own: &str,
    beat: &str,
    cache: &Cache,
) -> Result<(), Lost> {
    let send = sqlx::query("SELECT pg_catalog.pg_notify($1, $2)");
    send.bind(own).bind(beat).execute(&mut *listener).await?;
    loop {
        let notification = listener.try_recv().await?;
        if heard(own, notification, cache)?.as_deref() == Some(beat) {
            return Ok(());
        }
    }
}

/// Applies a change, or says which beat it was.
fn heard(
    own: &str,
    notification: Option<PgNotification>,
    cache: &Cache,
) -> Result<Option<String>, Lost> {
    let Some(notification) = notification else {
        return Err(Lost::Unavailable("the connection was closed".to_owned()));
    };
    if notification.channel() == own {
        return Ok(Some(notification.payload().to_owned()));
    }
    cache.forget(&Change::read(notification.payload()));
    Ok(None)
}
