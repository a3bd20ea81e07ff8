//! Certificates that are replaced while the gateway runs.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gateway::check;
use jiff::{Timestamp, ToSpan as _};
use tokio::io::AsyncWriteExt as _;

use super::{PATIENCE, Secured, connect, request, rest, with};
use crate::harness::client::Ask;
use crate::harness::tls::{Authority, Files};
use crate::harness::{LOGS, World, eventually, log};

/// As Kubernetes mounts a secret: the files are links through a link that is replaced as a whole.
struct Mounted {
    directory: tempfile::TempDir,
    files: Files,
}

impl Mounted {
    fn new(first: &Files) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        symlink(first.cert.parent().unwrap(), at("..data")).unwrap();
        for name in ["tls.crt", "tls.key"] {
            symlink(Path::new("..data").join(name), at(name)).unwrap();
        }
        let files = Files {
            cert: at("tls.crt"),
            key: at("tls.key"),
        };
        Self { directory, files }
    }

    fn swap(&self, next: &Files) {
        let new = self.directory.path().join("..new");
        symlink(next.cert.parent().unwrap(), &new).unwrap();
        std::fs::rename(new, self.directory.path().join("..data")).unwrap();
    }
}

/// The certificate that the gateway shows, as it is on disk.
async fn shown(secured: &Secured) -> Vec<u8> {
    let stream = secured.connect().await;
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain[0].to_vec()
}

async fn secured_by(mounted: &Mounted, authority: Authority) -> Secured {
    let world = World::with(|settings| {
        settings.tls = Some(with(&mounted.files));
        settings.workers = 2;
    })
    .await;
    Secured { world, authority }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_connections_and_no_request_is_lost() {
    let authority = Authority::new("ours");
    let first = authority.server_files(("first", "localhost"), |_| {});
    let second = authority.server_files(("second", "localhost"), |_| {});
    let mounted = Mounted::new(&first);
    let secured = Arc::new(secured_by(&mounted, authority).await);
    let before = shown(&secured).await;
    let mut old = secured.connect().await;

    let (stop, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load: Vec<_> = (0..3)
        .map(|_| {
            let (secured, stop, asked) =
                (Arc::clone(&secured), Arc::clone(&stop), Arc::clone(&asked));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answer = secured.get(LOGS).await;
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    eventually(async || asked.load(Ordering::Relaxed) > 10).await;
    mounted.swap(&second);
    eventually(async || shown(&secured).await != before).await;
    let so_far = asked.load(Ordering::Relaxed);
    eventually(async || asked.load(Ordering::Relaxed) > so_far + 10).await;
    stop.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    // The connection of before goes on as it was made.
    let request = secured.request(LOGS, "connection: close\r\n");
    old.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut old).await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_stays_out_and_the_log_says_why() {
    log::start();
    let authority = Authority::new("ours");
    let first = authority.server_files(("first", "localhost"), |_| {});
    let expired = authority.server_files(("expired", "localhost"), |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let misfit = authority.server_files(("misfit", "localhost"), |_| {});
    std::fs::copy(&first.key, &misfit.key).unwrap();
    let last = authority.server_files(("last", "localhost"), |_| {});
    let nowhere = Files {
        cert: authority.path().join("nowhere/tls.crt"),
        key: authority.path().join("nowhere/tls.key"),
    };
    let mounted = Mounted::new(&first);
    let secured = secured_by(&mounted, authority).await;
    let before = shown(&secured).await;
    let (certificate, key) = (
        mounted.files.cert.display().to_string(),
        mounted.files.key.display().to_string(),
    );
    for (bad, file, why) in [
        (&expired, &certificate, "expired at 2020-02-01T00:00:00Z"),
        (&misfit, &key, "is not the key of the certificate"),
        (&nowhere, &certificate, "cannot be read: No such file"),
    ] {
        mounted.swap(bad);
        secured.world.server.reread_certificate();
        let said = ["stays in force", file.as_str(), why, "\"ERROR\""];
        eventually(async || log::line(&said).is_some()).await;
        assert_eq!(shown(&secured).await, before, "{why}");
    }
    mounted.swap(&last);
    secured.world.server.reread_certificate();
    eventually(async || shown(&secured).await != before).await;
    let said = ["new connections get this certificate", certificate.as_str()];
    assert!(log::line(&said).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_becomes_everybodys_is_warned_of_once_and_when_somebody_asks() {
    log::start();
    let authority = Authority::new("ours");
    let files = authority.server_files(("exposed", "localhost"), |_| {});
    let allow = |mode: u32| {
        std::fs::set_permissions(&files.key, Permissions::from_mode(mode)).unwrap();
    };
    allow(0o600);
    let mounted = Mounted::new(&files);
    let secured = secured_by(&mounted, authority).await;
    let key = mounted.files.key.display().to_string();
    let warnings = || {
        let text = log::text();
        let warned = |line: &&str| line.contains("may read the key") && line.contains(&key);
        text.lines().filter(warned).count()
    };
    assert_eq!(warnings(), 0);
    allow(0o644);
    eventually(async || warnings() == 1).await;
    // Long enough for another look, on a machine that has the time for it.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(warnings(), 1);
    secured.world.server.reread_certificate();
    eventually(async || warnings() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_a_key_is_refused_and_not_waited_for() {
    log::start();
    let authority = Authority::new("ours");
    let first = authority.server_files(("first", "localhost"), |_| {});
    let second = authority.server_files(("second", "localhost"), |_| {});
    let mounted = Mounted::new(&first);
    let secured = secured_by(&mounted, authority).await;
    let before = shown(&secured).await;
    let made = |pipe: &Path| Command::new("mkfifo").arg(pipe).status().unwrap();
    let (pipe, good) = (second.key.clone(), second.key.with_extension("good"));
    std::fs::rename(&pipe, &good).unwrap();
    assert!(made(&pipe).success());
    mounted.swap(&second);
    let key = mounted.files.key.display().to_string();
    let said = [
        "stays in force",
        key.as_str(),
        "it is a pipe, and no regular file",
    ];
    eventually(async || log::line(&said).is_some()).await;
    std::fs::rename(&good, &pipe).unwrap();
    eventually(async || shown(&secured).await != before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_stops_the_start_and_the_check_says_the_same() {
    let authority = Authority::new("ours");
    let good = authority.server_files(("good", "localhost"), |_| {});
    let other = authority.server_files(("other", "localhost"), |_| {});
    let early = authority.server_files(("early", "localhost"), |params| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        params.not_after = rcgen::date_time_ymd(2999, 2, 1);
    });
    let past = authority.server_files(("past", "localhost"), |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let nothing = authority.path().join("nothing");
    let cases = [
        (&good.key, &good.key, "holds no certificate in PEM"),
        (&good.cert, &good.cert, "holds no private key in PEM"),
        (&good.cert, &nothing, "cannot be read: No such file"),
        (&good.cert, &other.key, "is not the key of the certificate"),
        (&past.cert, &past.key, "expired at 2020-02-01T00:00:00Z"),
        (&early.cert, &early.key, "is not valid before 2999-01-01"),
    ];
    let world = World::new().await;
    for (cert, key, why) in cases {
        let files = Files {
            cert: cert.clone(),
            key: key.clone(),
        };
        let finding = check::tls(&with(&files), Timestamp::now());
        assert!(!finding.ok && finding.sentence.contains(why), "{finding}");
        let started = crate::lifecycle::start(&world, |all| all.tls = Some(with(&files)));
        let error = started.err().unwrap().to_string();
        assert!(error.starts_with("TLS cannot be served: the "), "{error}");
        assert!(error.contains(why), "{error}");
    }
    let finding = check::tls(&with(&good), Timestamp::now());
    assert!(finding.ok, "{finding}");
    assert!(finding.sentence.contains("localhost"), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_near_its_end_is_warned_of() {
    log::start();
    let authority = Authority::new("ours");
    let end = Timestamp::now() + (9 * 24).hours();
    let soon = authority.server_files(("soon", "localhost"), |params| {
        params.not_after = std::time::SystemTime::from(end).into();
    });
    let secured = secured_by(&Mounted::new(&soon), authority).await;
    let said = ["\"WARN\"", "the certificate expires soon", "\"days\":8"];
    eventually(async || log::line(&said).is_some()).await;
    let answer = tokio::time::timeout(PATIENCE, secured.get(LOGS)).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 200"));
    let address = secured.address();
    let mut stream = connect(address, secured.client()).await.unwrap();
    let request = request(&secured.world, "/livez", "connection: close\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_when_the_certificate_expires_that_is_shown_now() {
    let authority = Authority::new("ours");
    let until = |name, year| {
        authority.server_files((name, "localhost"), |params| {
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
        })
    };
    let (first, second) = (until("first", 2090), until("second", 2091));
    let mounted = Mounted::new(&first);
    let world = World::with(|settings| {
        settings.tls = Some(with(&mounted.files));
        settings.metrics = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let at = world.server.metrics_addr().unwrap();
    let told = async || {
        let page = Ask::new(at, "/metrics").send().await.body;
        let mut lines = page.lines();
        let begin = "ktrlplane_tls_certificate_not_after_timestamp_seconds ";
        let value = lines.find_map(|line| line.strip_prefix(begin)).unwrap();
        value.trim_end_matches(".0").parse::<i64>().unwrap()
    };
    let seconds = |text: &str| {
        let time: Timestamp = text.parse().unwrap();
        time.as_second()
    };
    assert_eq!(told().await, seconds("2090-01-01T00:00:00Z"));
    mounted.swap(&second);
    eventually(async || told().await == seconds("2091-01-01T00:00:00Z")).await;
}
