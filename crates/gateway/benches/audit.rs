//! What the audit costs a request on the thread that serves it.
//!
//! `cargo bench -p gateway --bench audit` measures a record's whole life: opened, filled as the
//! pipeline fills it, and let go of. What the thread that writes does meanwhile is not in it, but
//! shares the machine.

#![allow(clippy::unwrap_used)] // the helpers of a benchmark may

use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use gateway::audit::{Audit, Opening};
use gateway::directory::policy::{OrganizationId, Subject};
use gateway::routes::Target;
use gateway::{AuditOutput, AuditQueries, AuditSettings, SystemClock};
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;

const QUERY: &str = r#"sum by (level) (count_over_time({app="api", resource_id="shop-api"}[1m]))"#;

fn main() {
    divan::main();
}

fn request(audit: &Audit, id: &HeaderValue, subject: &Subject, organization: &OrganizationId) {
    let opening = Opening {
        request_id: id.clone(),
        time: Timestamp::UNIX_EPOCH,
        started: Instant::now(),
        endpoint: "logs",
        action: Some("read"),
    };
    // The bound is there to be kept: a request that it refuses is not what is measured.
    let Ok(record) = audit.open(opening) else {
        return std::thread::sleep(Duration::from_micros(50));
    };
    record.target(Target::Resource("acme-shop", "shop-api"));
    record.subject(subject);
    record.allowed(Some("0191b1a2-5d7c-7c44-8a65-3f5c5d0a1e11"));
    record.organization(organization);
    record.queries([QUERY].into_iter());
    record.answered(StatusCode::OK, None);
    drop(black_box(record));
}

fn measure(bencher: Bencher, output: AuditOutput, queries: AuditQueries) {
    let settings = AuditSettings { output, queries };
    let audit = Audit::start(&settings, Arc::new(SystemClock)).unwrap();
    let id = HeaderValue::from_static("019ab1a2-5d7c-7c44-8a65-3f5c5d0a1e11");
    let subject = Subject::new("auth0|5f7c8ec7").unwrap();
    let organization = OrganizationId::new("acme").unwrap();
    bencher
        // Between two samples what was queued is written, as between two requests of a real load.
        .with_inputs(|| ())
        .bench_values(|()| request(&audit, &id, &subject, &organization));
    audit.close();
}

#[divan::bench(sample_count = 1000, sample_size = 10)]
fn off(bencher: Bencher) {
    measure(bencher, AuditOutput::Off, AuditQueries::None);
}

#[divan::bench(args = ["full", "hash", "none"], sample_count = 1000, sample_size = 10)]
fn file(bencher: Bencher, queries: &str) {
    let dir = tempfile::tempdir().unwrap();
    let output = AuditOutput::File(dir.path().join("audit.jsonl"));
    let queries = match queries {
        "full" => AuditQueries::Full,
        "hash" => AuditQueries::Hash,
        _ => AuditQueries::None,
    };
    measure(bencher, output, queries);
}
