//! What this binary is, and which languages it understands.

use std::sync::LazyLock;

use gateway::query::{logql, promql};

/// The version, the commit that it was built of, and what its grammars follow.
static LONG: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ncommit {}\nLogQL as {}\nPromQL as {}",
        env!("CARGO_PKG_VERSION"),
        env!("KTRLPLANE_COMMIT"),
        logql::GRAMMAR,
        promql::GRAMMAR,
    )
});

/// What `--version` says.
pub(super) fn long() -> &'static str {
    &LONG
}
