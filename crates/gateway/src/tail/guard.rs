//! Whether a tail may go on.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::end::End;
use super::seats::Seat;
use crate::authorize::Permit;
use crate::error::Error;
use crate::open::Held;
use crate::pipeline::Shared;
use crate::settings::TailSettings;

/// What a tail is held to while it lasts. The gateway's stop waits until it is dropped.
pub(super) struct Guard {
    shared: Arc<Shared>,
    permit: Permit,
    /// Only held.
    _seat: Seat,
    held: Held,
}

impl Guard {
    pub(super) fn new(shared: Arc<Shared>, permit: Permit, seat: Seat, held: Held) -> Self {
        Self {
            shared,
            permit,
            _seat: seat,
            held,
        }
    }

    /// What a tail may take.
    pub(super) fn settings(&self) -> TailSettings {
        self.shared.tail
    }

    /// Waits until the tail has to end, and says why.
    ///
    /// Token and role are watched apart, so that a directory that hangs does not lengthen a token's
    /// life (threat 20).
    pub(super) async fn ended(&self) -> End {
        let mut held = self.held.clone();
        tokio::select! {
            biased;
            () = held.stop() => End::Stopping,
            () = self.expired() => End::Expired,
            end = self.withdrawn() => end,
        }
    }

    /// Unlike a request, a tail gets nothing on top of the token's life: the skew that is allowed to
    /// the issuer's clock would be a minute of reading.
    async fn expired(&self) {
        let expires_at = self.permit.principal().expires_at();
        while self.shared.clock.now() < expires_at {
            sleep(self.settings().check_every).await;
        }
    }

    async fn withdrawn(&self) -> End {
        let TailSettings {
            check_every,
            directory_patience,
            ..
        } = self.settings();
        let mut allowed_at = Instant::now();
        loop {
            sleep(check_every).await;
            let asked = self
                .permit
                .renewed(&self.shared.directory, self.shared.clock.now());
            // A directory that hangs is as bad as one that refuses.
            let deadline = allowed_at + directory_patience;
            match tokio::time::timeout_at(deadline, asked).await {
                Ok(Ok(_)) => allowed_at = Instant::now(),
                Ok(Err(Error::Forbidden)) => return End::Withdrawn,
                Ok(Err(Error::UnknownResource)) => return End::ResourceGone,
                Ok(Err(error)) if Instant::now() < deadline => {
                    tracing::debug!(%error, "the tail goes on for a moment");
                }
                Ok(Err(_)) | Err(_) => return End::Undecidable,
            }
        }
    }
}
