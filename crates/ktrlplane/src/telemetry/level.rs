//! What is logged, which may change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

/// What is logged now.
#[derive(Clone)]
pub(super) struct Level(Arc<ArcSwap<Targets>>);

/// Lets pass what is logged now.
///
/// Each place that logs asks once and keeps the answer until the level changes, so that a line costs what it
/// costs without this. `tracing_subscriber::reload` takes a lock for each span and line besides, which all
/// threads share.
pub(super) struct Passing(Level);

impl Level {
    pub(super) fn new(targets: Targets) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(targets)))
    }

    pub(super) fn layer(&self) -> Passing {
        Passing(self.clone())
    }

    /// Logs this from now on.
    pub(super) fn set(&self, targets: Targets) {
        self.0.store(Arc::new(targets));
        tracing::callsite::rebuild_interest_cache();
    }
}

impl<S: Subscriber> Layer<S> for Passing {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let targets = self.0.0.load();
        Layer::<S>::register_callsite(&**targets, metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.0.0.load().enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&**self.0.0.load())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// The levels of what was logged.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Heard {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let level = event.metadata().level().to_string();
            self.0.lock().unwrap().push(level);
        }
    }

    fn log() {
        tracing::debug!("one place");
        tracing::warn!("another one");
    }

    #[test]
    fn the_same_places_are_heard_or_not_as_the_level_changes() {
        let (level, heard) = (Level::new(Targets::new()), Heard::default());
        let subscriber = tracing_subscriber::registry().with(level.layer());
        tracing::subscriber::with_default(subscriber.with(heard.clone()), || {
            let said = |at| {
                level.set(Targets::new().with_default(at));
                log();
                std::mem::take(&mut *heard.0.lock().unwrap())
            };
            assert_eq!(said(LevelFilter::INFO), ["WARN"]);
            assert_eq!(said(LevelFilter::DEBUG), ["DEBUG", "WARN"]);
            assert_eq!(said(LevelFilter::INFO), ["WARN"]);
            assert_eq!(said(LevelFilter::OFF), [""; 0]);
        });
    }
}
