//! Two replicas on one database, behind nginx: what a platform runs once one machine is not enough.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::gateway::{Gateway, Settings};
use crate::http::{Answer, get, post_json, try_get};
use crate::postgres;
use crate::process::{Process, find, free_port, missing};
use crate::prometheus::{Data, Prometheus, range};
use crate::world::{PROJECT, RESOURCE, World, eventually};

const DATA: Data = &[("shop-api", "ours")];
/// How long something may take that takes a moment, on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// Debian's nginx, which spreads requests over both ports and asks the other one where one is gone.
struct Balancer {
    _process: Process,
    url: String,
}

impl Balancer {
    fn start(directory: &Path, replicas: [u16; 2]) -> Option<Self> {
        let Some(nginx) = find("nginx") else {
            missing("nginx");
            return None;
        };
        let port = free_port();
        let home = directory.join("nginx");
        std::fs::create_dir_all(&home).expect("a directory can be made");
        let [one, other] = replicas;
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("    {name}_temp_path {}/{name};\n", home.display()))
            .concat();
        let config = format!(
            "daemon off;
master_process off;
pid {home}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
{paths}    upstream gateways {{
        server 127.0.0.1:{one} max_fails=0;
        server 127.0.0.1:{other} max_fails=0;
        keepalive 8;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://gateways;
            proxy_http_version 1.1;
            proxy_connect_timeout 1s;
            proxy_set_header Connection \"\";
        }}
    }}
}}
",
            home = home.display()
        );
        let file = home.join("nginx.conf");
        std::fs::write(&file, config).expect("a file can be written");
        let mut process = Process::start(nginx, directory, |command| {
            command.arg("-p").arg(&home).arg("-c").arg(&file);
            command.args(["-e", "stderr"]);
        });
        let url = format!("http://127.0.0.1:{port}");
        process.wait_until("answering", || {
            try_get(&format!("{url}/livez"), None).is_ok_and(|answer| answer.status == 200)
        });
        Some(Self {
            _process: process,
            url,
        })
    }

    fn metrics(&self, token: &str) -> Answer {
        get(&metrics(&self.url), Some(token))
    }
}

fn metrics(url: &str) -> String {
    let path = format!("{url}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/metrics/query_range");
    range(&path, "up")
}

/// How many lines of the audit are about metrics that were read.
fn answered(gateway: &Gateway) -> usize {
    let log = gateway.log();
    log.lines()
        .filter(|line| line.contains("\"metrics_query_range\""))
        .count()
}

#[test]
fn two_replicas_behind_nginx_are_one_gateway() {
    let Some(database) = postgres::database() else {
        return;
    };
    let temporary = tempfile::tempdir().expect("a directory");
    let Some(mut world) = World::with(temporary, database.url.clone()) else {
        return;
    };
    let Some(prometheus) = Prometheus::anywhere(world.path(), DATA) else {
        return;
    };
    let ports = [free_port(), free_port()];
    let settings = Settings {
        issuer: &world.issuer.url.clone(),
        database: &world.database.clone(),
        loki: None,
        mimir: Some(&prometheus.url),
    };
    let directory = world.path().to_owned();
    let start = |port| Gateway::start_on(port, &directory, &settings, &[]);
    let mut gateways = ports.map(|port| Some(start(port)));
    let Some(balancer) = Balancer::start(&directory, ports) else {
        return;
    };
    let [victor, mallory, alice] =
        ["victor", "mallory", "alice"].map(|who| world.issuer.token(who));

    // Both of them answer, and alike.
    for _ in 0..20 {
        balancer.metrics(&victor).expect(200);
        balancer.metrics(&mallory).expect(403);
    }
    for gateway in gateways.iter().flatten() {
        assert!(answered(gateway) > 0, "{}", gateway.log());
    }

    // What is granted through one is in force on both, and what is withdrawn as well.
    let assignments = format!("{}/api/v1/projects/{PROJECT}/rbac", balancer.url);
    let role = r#"{"user_id": "mallory", "role_id": "Viewer"}"#;
    post_json(&assignments, &alice, role).expect(201);
    for gateway in gateways.iter().flatten() {
        let ask = || get(&metrics(&gateway.url), Some(&mallory));
        eventually(200, LONG, ask);
    }

    // One after the other is stopped and started anew, and one is killed; nobody notices.
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let failed = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut failed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match try_get(&metrics(&balancer.url), Some(&victor)) {
                    Ok(answer) if answer.status == 200 => {}
                    other => failed.push(format!("{other:?}")),
                }
                asked.fetch_add(1, Ordering::Relaxed);
            }
            failed
        });
        let some_more = || {
            let (before, begun) = (asked.load(Ordering::Relaxed), Instant::now());
            while asked.load(Ordering::Relaxed) < before + 20 && begun.elapsed() < LONG {
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        for (at, port) in ports.into_iter().enumerate() {
            some_more();
            let old = gateways[at].take().expect("it runs");
            assert_eq!(old.stop(), 0);
            some_more();
            gateways[at] = Some(start(port));
            some_more();
        }
        // Dropped, it is killed.
        gateways[0] = None;
        some_more();
        stop.store(true, Ordering::Relaxed);
        load.join().expect("the load goes on to its end")
    });
    let asked = asked.into_inner();
    assert!(asked >= 100, "{asked}");
    assert!(
        failed.is_empty(),
        "{} of {asked}: {:?}",
        failed.len(),
        failed[0]
    );
}
