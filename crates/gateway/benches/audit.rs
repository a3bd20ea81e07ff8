//! What the audit costs a request on the thread that serves it.
//!
//! `cargo bench -p gateway --bench audit` measures a record's whole life: opened, filled as the
//! pipeline fills it, and let go of. What the thread that writes does meanwhile is not in it, but
//! shares the machine.

#![allow(clippy::unwrap_used)] // the helpers of a benchmark may

use std::sync::Arc;
use std::time::Instant;

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
    // All that is measured here fits into the queue.
    let record = audit.open(opening).unwrap();
    record.target(Target::Resource("acme-shop", "shop-api"));
    record.subject(subject);
    record.allowed(Some("0191b1a2-5d7c-7c44-8a65-3f5c5d0a1e11"));
    record.organization(organization);
    record.queries([QUERY].into_iter());
    record.answered(StatusCode::OK, None);
    drop(black_box(record));
}

fn start(output: AuditOutput, queries: &str) -> Audit {
    let queries = match queries {
        "full" => AuditQueries::Full,
        "hash" => AuditQueries::Hash,
        _ => AuditQueries::None,
    };
    let settings = AuditSettings { output, queries };
    Audit::start(&settings, Arc::new(SystemClock)).unwrap()
}

fn requests(audit: &Audit) -> impl Fn() {
    let id = HeaderValue::from_static("019ab1a2-5d7c-7c44-8a65-3f5c5d0a1e11");
    let subject = Subject::new("auth0|5f7c8ec7").unwrap();
    let organization = OrganizationId::new("acme").unwrap();
    move || request(audit, &id, &subject, &organization)
}

#[divan::bench(sample_count = 1000, sample_size = 10)]
fn off(bencher: Bencher) {
    let audit = start(AuditOutput::Off, "none");
    bencher.bench_local(requests(&audit));
}

#[divan::bench(args = ["full", "hash", "none"], sample_count = 1000, sample_size = 10)]
fn file(bencher: Bencher, queries: &str) {
    let dir = tempfile::tempdir().unwrap();
    let audit = start(AuditOutput::File(dir.path().join("audit.jsonl")), queries);
    bencher.bench_local(requests(&audit));
    audit.close();
}

/// Ten thousand lines, from the first record to the last byte in the file: what both threads take.
#[divan::bench(args = ["full", "hash", "none"], sample_count = 20, sample_size = 1)]
fn ten_thousand_written(bencher: Bencher, queries: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    bencher
        .with_inputs(|| start(AuditOutput::File(path.clone()), queries))
        .bench_local_values(|audit| {
            (0..10_000).for_each(|_| requests(&audit)());
            audit.close();
        });
}
