//! Debian's `promtool query`, unmodified, on a resource's URL.

use std::path::Path;
use std::process::Command;

use crate::forwarder::Forwarder;
use crate::process::{find, missing};
use crate::prometheus::{Data, Prometheus, START};
use crate::world::{PROJECT, RESOURCE, World};

const ALL: Data = &[
    ("shop-api", "ours"),
    ("shop-db", "theirs"),
    ("shop-api-2", "theirs"),
];
const OURS: Data = &[("shop-api", "ours")];

/// The tool, and how it brings its token.
struct Promtool<'a> {
    server: String,
    token: Option<&'a str>,
    directory: &'a Path,
}

impl Promtool<'_> {
    /// Runs `promtool query <what>` and gives its lines, sorted: servers order series as they like.
    fn query(
        &self,
        what: &str,
        flags: &[String],
        arguments: &[&str],
    ) -> Result<Vec<String>, String> {
        let mut command = Command::new("promtool");
        command.args(["query", what]).args(flags);
        // Kept until the tool has run.
        let mut _forwarder = None;
        let mut server = self.server.clone();
        if let Some(token) = self.token {
            if takes(what, "--http.config.file") {
                let file = self.directory.join("promtool.yml");
                let text = format!("authorization:\n  credentials: {token}\n");
                std::fs::write(&file, text).expect("a file can be written");
                command.arg(format!("--http.config.file={}", file.display()));
            } else if takes(what, "--header") {
                command.arg(format!("--header=Authorization=Bearer {token}"));
            } else {
                // Before 2.43 there is no way to give it one: a forwarder adds the header, and
                // everything else is as the tool sent it.
                let forwarder = Forwarder::start(&server, token);
                server = forwarder.url(&server);
                _forwarder = Some(forwarder);
            }
        }
        let output = command.arg(server).args(arguments).output();
        let output = output.expect("promtool runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(said);
        }
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        Ok(lines)
    }
}

/// Whether the installed version has this flag.
fn takes(what: &str, flag: &str) -> bool {
    let help = Command::new("promtool")
        .args(["query", what, "--help"])
        .output();
    let help = help.expect("promtool runs");
    [help.stdout, help.stderr]
        .iter()
        .any(|text| String::from_utf8_lossy(text).contains(flag))
}

#[test]
fn promtool_reads_a_resource_as_if_the_server_held_it_alone() {
    if find("promtool").is_none() {
        missing("Prometheus");
        return;
    }
    let Some(mut world) = World::new() else {
        return;
    };
    let (Some(shared), Some(alone)) = (
        Prometheus::anywhere(world.path(), ALL),
        Prometheus::anywhere(world.path(), OURS),
    ) else {
        return;
    };
    let gateway = world.gateway(None, Some(&shared.url));
    let token = world.issuer.token("victor");
    let mallory = world.issuer.token("mallory");
    let resource = format!(
        "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/prometheus",
        gateway.url
    );
    let through = |token| Promtool {
        server: resource.clone(),
        token: Some(token),
        directory: world.path(),
    };
    let direct = |server: &Prometheus| Promtool {
        server: format!("{}/prometheus", server.url),
        token: None,
        directory: world.path(),
    };
    let (start, end) = (START + 600, START + 3000);
    let bounds = [format!("--start={start}"), format!("--end={end}")];
    let with = |more: &[&str]| {
        [
            &bounds[..],
            &more.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>(),
        ]
        .concat()
    };
    let time = [format!("--time={end}")];
    for (what, flags, arguments) in [
        (
            "instant",
            time.to_vec(),
            &["sum by (canary, code) (http_requests_total)"][..],
        ),
        (
            "instant",
            time.to_vec(),
            &[r#"{__name__=~".+",resource_id!=""}"#],
        ),
        (
            "range",
            with(&["--step=60s"]),
            &["rate(http_requests_total[5m])"],
        ),
        (
            "range",
            with(&["--step=1m"]),
            &[r#"cpu_usage_percent{canary=~".*"}"#],
        ),
        (
            "series",
            with(&["--match=up", "--match={__name__=~\"only_.*|cpu.*\"}"]),
            &[],
        ),
        ("labels", bounds.to_vec(), &["canary"]),
        ("labels", bounds.to_vec(), &["__name__"]),
        // Without bounds it asks for all of time.
        ("labels", Vec::new(), &["resource_id"]),
        ("series", vec!["--match=up".to_owned()], &[]),
    ] {
        let name = format!("{what} {flags:?} {arguments:?}");
        let of_resource = through(&token).query(what, &flags, arguments);
        let of_resource = of_resource.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!of_resource.is_empty(), "{name}");
        let of_alone = direct(&alone).query(what, &flags, arguments);
        assert_eq!(Ok(of_resource.clone()), of_alone, "{name}");
        // The others are there to be seen.
        let of_all = direct(&shared).query(what, &flags, arguments);
        assert_ne!(Ok(of_resource), of_all, "{name}");
        let refused = through(&mallory).query(what, &flags, arguments);
        let refused = refused.expect_err("no role");
        assert!(refused.contains("no read permission"), "{name}: {refused}");
    }
    let bad = through(&token).query("instant", &[], &["info(up)"]);
    assert!(bad.expect_err("refused").contains("info"));
}
