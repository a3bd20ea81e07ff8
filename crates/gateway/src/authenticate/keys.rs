//! The issuer's keys: held as a snapshot, fetched on the background runtime.
//!
//! One task fetches. It is the only one, so no two fetches run at a time, and it answers requests
//! for a refresh in their order: whoever asked while a fetch ran finds its result.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{mpsc, oneshot, watch};

pub use super::fetch::FetchError;
use super::fetch::Fetcher;
use crate::clock::Clock;

/// How often tokens with an unknown `kid` may cause a fetch (threat 19).
const UNKNOWN_KID_INTERVAL: SignedDuration = SignedDuration::from_secs(30);

/// How long fetched keys are used without another look.
const REFRESH_INTERVAL: Duration = Duration::from_hours(1);

/// How long to wait after a failed fetch: from the first of these, doubling, to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// How many requests may wait for a refresh at the most; more are refused as if there had been none.
const WAITING: usize = 256;

/// Such a part of all connections may wait for a refresh, if that is less: anybody can make up tokens that
/// have to wait for one.
const WAITING_OF_ALL: usize = 16;

/// One public key.
struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

/// The issuer's usable public keys at one moment.
pub struct KeySet(Vec<Key>);

/// The key for a token.
pub(super) enum Chosen<'a> {
    /// This one.
    Key(&'a DecodingKey),
    /// The token's key is known and does not fit its algorithm, or there are several to choose of.
    Unfit,
    /// No key has this id.
    Unknown,
}

impl KeySet {
    /// Takes the usable keys of a key set (RFC 7517). A key that is malformed, symmetric, for
    /// encryption, or of an unknown kind is left out: the others are good all the same.
    pub(super) fn new(keys: Vec<serde_json::Value>) -> Self {
        Self(keys.into_iter().filter_map(usable).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one for this algorithm.
    #[must_use]
    pub fn has_for(&self, algorithm: Algorithm) -> bool {
        self.0.iter().any(|key| key.algorithms.contains(&algorithm))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The key with this id that fits this algorithm. A token without a key id is checked only
    /// where there is one fitting key: guessing among several is trying until one works.
    pub(super) fn choose(&self, kid: Option<&str>, algorithm: Algorithm) -> Chosen<'_> {
        let named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        let mut fitting = self
            .0
            .iter()
            .filter(named)
            .filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Chosen::Key(&only.public),
            (Some(_), Some(_)) => Chosen::Unfit,
            (None, _) if kid.is_none() || self.0.iter().any(|key| named(&key)) => Chosen::Unfit,
            (None, _) => Chosen::Unknown,
        }
    }
}

/// The key in `value`, unless it must not be used to check signatures.
fn usable(value: serde_json::Value) -> Option<Key> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let signs = match &jwk.common.public_key_use {
        Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)) => false,
        Some(PublicKeyUse::Signature) | None => true,
    };
    let verifies = jwk
        .common
        .key_operations
        .as_ref()
        .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return None;
    }
    let of_its_type: &[Algorithm] = if let AlgorithmParameters::RSA(_) = &jwk.algorithm {
        &[RS256, RS384, RS512, PS256, PS384, PS512]
    } else if let AlgorithmParameters::EllipticCurve(parameters) = &jwk.algorithm {
        if parameters.curve == EllipticCurve::P256 {
            &[ES256]
        } else if parameters.curve == EllipticCurve::P384 {
            &[ES384]
        } else {
            &[]
        }
    } else if let AlgorithmParameters::OctetKeyPair(parameters) = &jwk.algorithm {
        if parameters.curve == EllipticCurve::Ed25519 {
            &[EdDSA]
        } else {
            &[]
        }
    } else {
        &[]
    };
    let algorithms: Vec<Algorithm> = of_its_type
        .iter()
        .copied()
        .filter(|algorithm| {
            jwk.common
                .key_algorithm
                .is_none_or(|stated| stated == (*algorithm).into())
        })
        .collect();
    if algorithms.is_empty() {
        return None;
    }
    Some(Key {
        public: DecodingKey::from_jwk(&jwk).ok()?,
        kid: jwk.common.key_id,
        algorithms,
    })
}

/// A handle on the issuer's keys.
#[derive(Clone)]
pub struct Keys {
    /// What every request reads, without a lock.
    held: Arc<ArcSwapOption<KeySet>>,
    /// Whether the first fetch has ended, in whichever way.
    tried: watch::Receiver<bool>,
    refresh: mpsc::Sender<oneshot::Sender<()>>,
    fetched: Arc<Mutex<Fetched>>,
}

/// What fetching has come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fetched {
    /// When the keys were fetched that are held.
    pub(crate) at: Option<Timestamp>,
    /// How often it failed.
    pub(crate) failures: u64,
}

impl Keys {
    /// Starts fetching on `background`, at once and from then on. An issuer that is down is no
    /// error: it is asked again until it answers. There are at most so many `connections` of callers.
    pub(crate) fn start(
        fetcher: Fetcher,
        background: &tokio::runtime::Handle,
        clock: Arc<dyn Clock>,
        connections: usize,
    ) -> Self {
        let held = Arc::new(ArcSwapOption::empty());
        let (has_tried, tried) = watch::channel(false);
        let fetched = Arc::default();
        let (refresh, requests) = mpsc::channel((connections / WAITING_OF_ALL).clamp(1, WAITING));
        let task = Refresher {
            fetcher,
            clock,
            held: Arc::clone(&held),
            fetched: Arc::clone(&fetched),
            has_tried,
            requests,
            wait: RETRY.0,
            last_for_unknown_kid: None,
        };
        background.spawn(task.run());
        Self {
            held,
            tried,
            refresh,
            fetched,
        }
    }

    /// What fetching has come to.
    pub(crate) fn fetched(&self) -> Fetched {
        *self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether keys are held.
    #[must_use]
    pub fn are_held(&self) -> bool {
        self.held.load().is_some()
    }

    /// The keys, if any are held.
    pub(super) fn now(&self) -> Option<Arc<KeySet>> {
        self.held.load_full()
    }

    /// The keys; waits for the first fetch to end, once in the life of the process.
    pub(super) async fn held(&self) -> Option<Arc<KeySet>> {
        if let Some(keys) = self.now() {
            return Some(keys);
        }
        let mut tried = self.tried.clone();
        // An error means that the task has ended; what is held is then the last.
        let _ = tried.wait_for(|tried| *tried).await;
        self.now()
    }

    /// The keys after a refresh, or as they were where none may be had now.
    pub(super) async fn refreshed(&self) -> Option<Arc<KeySet>> {
        let (done, wait) = oneshot::channel();
        if self.refresh.try_send(done).is_ok() {
            // An error means that the task has ended; the keys held are then the last.
            let _ = wait.await;
        }
        self.now()
    }
}

/// The task that fetches.
struct Refresher {
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    held: Arc<ArcSwapOption<KeySet>>,
    fetched: Arc<Mutex<Fetched>>,
    has_tried: watch::Sender<bool>,
    requests: mpsc::Receiver<oneshot::Sender<()>>,
    wait: Duration,
    last_for_unknown_kid: Option<Timestamp>,
}

impl Refresher {
    async fn run(mut self) {
        self.fetch().await;
        loop {
            tokio::select! {
                request = self.requests.recv() => match request {
                    Some(done) => {
                        if self.may_refresh() {
                            self.fetch().await;
                        }
                        // An error means that who asked has gone.
                        let _ = done.send(());
                    }
                    // The gateway has gone.
                    None => return,
                },
                () = tokio::time::sleep(self.wait) => self.fetch().await,
            }
        }
    }

    fn note(&self, has_worked: bool) {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if has_worked {
            fetched.at = Some(self.clock.now());
        } else {
            fetched.failures += 1;
        }
    }

    fn may_refresh(&mut self) -> bool {
        let now = self.clock.now();
        let may = self
            .last_for_unknown_kid
            // A clock that was set back is no reason to refuse for longer.
            .is_none_or(|last| now < last || now.duration_since(last) >= UNKNOWN_KID_INTERVAL);
        if may {
            self.last_for_unknown_kid = Some(now);
        }
        may
    }

    async fn fetch(&mut self) {
        let fetched = self.fetcher.fetch().await;
        self.note(fetched.is_ok());
        match fetched {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "fetched the issuer's keys");
                self.wait = REFRESH_INTERVAL;
                self.held.store(Some(Arc::new(keys)));
            }
            Err(error) => {
                tracing::warn!(%error, "the issuer's keys cannot be fetched");
                // Keys that are held stay in use.
                self.wait = if self.wait == REFRESH_INTERVAL {
                    RETRY.0
                } else {
                    (self.wait * 2).min(RETRY.1)
                };
            }
        }
        self.has_tried.send_replace(true);
    }
}
