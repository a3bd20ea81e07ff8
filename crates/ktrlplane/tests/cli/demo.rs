//! `ktrlplane demo` and `ktrlplane token`, end to end.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use crate::harness::{
    NOTHING, demo, demo_that_prints, get, ktrlplane, last_hour, run, stderr, stdout, token,
};

const SHOP_API: &str = "/api/v1/projects/acme-shop/resources/shop-api";

/// The `resource_id`s in an answer of Loki's or of Prometheus's.
fn resources(answer: &Value) -> Vec<&str> {
    let mut found: Vec<&str> = answer["data"]["result"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter()
        .map(|result| {
            let labels = result.get("stream").or_else(|| result.get("metric"));
            labels.unwrap()["resource_id"].as_str().unwrap()
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn a_viewer_gets_the_resource_s_logs_and_metrics_and_nothing_of_its_neighbour() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let ask = |resource: &str, api: &str, query: &str| {
        let path = format!("/api/v1/projects/acme-shop/resources/{resource}/{api}");
        let parameters = last_hour(query);
        let (status, answer) = get(url, &path, Some(token(&told, "victor")), &parameters);
        assert_eq!(status, 200, "{query}: {answer}");
        answer
    };
    // The documentation's two examples.
    assert_eq!(
        resources(&ask("shop-api", "logs", "{level=\"error\"}")),
        ["shop-api"]
    );
    let cpu = ask("shop-api", "metrics/query_range", "cpu_usage_percent");
    assert_eq!(resources(&cpu), ["shop-api"]);
    // The neighbour is there, in the same tenant.
    assert_eq!(
        resources(&ask("shop-db", "logs", "{level=~\".+\"}")),
        ["shop-db"]
    );
    // However it is asked for, it is not seen from here.
    for query in [
        "{resource_id=~\".+\"}",
        "{resource_id!=\"nobody\"}",
        "{job=~\".+\"}",
    ] {
        assert_eq!(
            resources(&ask("shop-api", "logs", query)),
            ["shop-api"],
            "{query}"
        );
    }
    let named = ask("shop-api", "logs", "{resource_id=\"shop-db\"}");
    assert_eq!(resources(&named), Vec::<&str>::new());
    for query in [
        "{__name__=~\".+\"}",
        "http_requests_total{resource_id!=\"\"}",
    ] {
        let answer = ask("shop-api", "metrics/query_range", query);
        assert_eq!(resources(&answer), ["shop-api"], "{query}");
    }
    let named = ask(
        "shop-api",
        "metrics/query_range",
        "up or {resource_id=\"shop-db\"}",
    );
    assert_eq!(resources(&named), Vec::<&str>::new());
    let quantile = "histogram_quantile(0.9, sum by (le, resource_id) \
                    (rate(http_request_duration_seconds_bucket[5m])))";
    let answer = ask("shop-api", "metrics/query_range", quantile);
    assert_eq!(resources(&answer), ["shop-api"]);
}

#[test]
fn everybody_gets_what_their_role_says() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let status = |path: &str, user: Option<&str>| {
        get(url, path, user.map(|user| token(&told, user)), NOTHING).0
    };
    let lab = "/api/v1/projects/acme-lab/resources/lab-flow/logs";
    let iot = "/api/v1/projects/globex-iot/resources/iot-graph/logs";
    let shop = &format!("{SHOP_API}/logs");
    for (user, in_shop, in_lab, in_iot) in [
        ("alice", 200, 200, 403),
        ("erin", 200, 403, 403),
        ("victor", 200, 403, 403),
        ("gina", 403, 403, 200),
        ("mallory", 403, 403, 403),
        ("robot", 200, 403, 403),
    ] {
        for (path, expected) in [(shop.as_str(), in_shop), (lab, in_lab), (iot, in_iot)] {
            assert_eq!(status(path, Some(user)), expected, "{user} {path}");
        }
    }
    assert_eq!(status(shop, None), 401);
    let nope = "/api/v1/projects/acme-shop/resources/nope/logs";
    assert_eq!(status(nope, Some("victor")), 404);
    let of_another_project = "/api/v1/projects/acme-shop/resources/lab-flow/logs";
    assert_eq!(status(of_another_project, Some("alice")), 404);
    let no_project = "/api/v1/projects/nope/resources/shop-api/logs";
    assert_eq!(status(no_project, Some("alice")), 403);
}

#[test]
fn tokens_issuer_and_data_survive_a_restart() {
    let dir = tempdir().unwrap();
    let (first, before) = demo(dir.path());
    assert!(
        first.terminate(),
        "the demo ends cleanly when it is asked to"
    );
    let (_second, after) = demo(dir.path());
    assert_eq!(before["issuer"], after["issuer"]);
    let url = after["url"].as_str().unwrap();
    let (status, _) = get(
        url,
        &format!("{SHOP_API}/logs"),
        Some(token(&before, "victor")),
        NOTHING,
    );
    assert_eq!(status, 200);
}

/// What an instant query says at `time`, as whole numbers.
fn counts(url: &str, told: &Value, api: &str, query: &str, time: i64) -> Vec<u64> {
    let parameters = [("query", query.to_owned()), ("time", time.to_string())];
    let victor = Some(token(told, "victor"));
    let (status, answer) = get(url, &format!("{SHOP_API}/{api}"), victor, &parameters);
    assert_eq!(status, 200, "{query}: {answer}");
    let series = answer["data"]["result"].as_array().unwrap();
    let value = |one: &Value| one["value"][1].as_str().unwrap().parse::<u64>().unwrap();
    series.iter().map(value).collect()
}

#[test]
fn sample_data_survive_a_restart_and_the_gap_is_filled_and_nothing_is_there_twice() {
    let dir = tempdir().unwrap();
    let (first, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    // Everything before the start is there when the guide is.
    let before = jiff::Timestamp::now().as_second() - 60;
    let lines = "sum by (level) (count_over_time({cluster=\"demo\"}[30m]))";
    let samples = "sum(count_over_time(http_requests_total{cluster=\"demo\"}[30m]))";
    let old_lines = counts(url, &told, "loki/api/v1/query", lines, before);
    let old_samples = counts(url, &told, "prometheus/api/v1/query", samples, before);
    assert!(old_lines.iter().sum::<u64>() > 1000, "{old_lines:?}");
    // Killed, in the midst of whatever it does.
    drop(first);
    // Until a scrape is missing.
    let killed = jiff::Timestamp::now().as_second();
    while jiff::Timestamp::now().as_second() <= killed + 16 {
        std::thread::sleep(Duration::from_millis(100));
    }
    let (second, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let same = |url: &str, told: &Value| {
        assert_eq!(
            counts(url, told, "loki/api/v1/query", lines, before),
            old_lines
        );
        assert_eq!(
            counts(url, told, "prometheus/api/v1/query", samples, before),
            old_samples
        );
    };
    same(url, &told);
    // A gauge is sampled four times a minute, before, meanwhile and after.
    let now = jiff::Timestamp::now().as_second();
    let last_scrape = now - now % 15 - 15;
    let gauge = "count_over_time(cpu_usage_percent{cluster=\"demo\"}[30m])";
    let pods = counts(url, &told, "prometheus/api/v1/query", gauge, last_scrape);
    assert_eq!(pods, [120, 120]);
    assert!(second.terminate());
    let (_third, told) = demo(dir.path());
    same(told["url"].as_str().unwrap(), &told);
}

#[test]
fn a_service_account_sends_the_data_of_its_project_and_can_do_nothing_else() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    for (project, owner) in [
        ("acme-shop", "alice"),
        ("acme-lab", "alice"),
        ("globex-iot", "gina"),
    ] {
        let path = format!("/api/v1/projects/{project}/rbac");
        let (status, answer) = get(url, &path, Some(token(&told, owner)), NOTHING);
        assert_eq!(status, 200, "{answer}");
        let assignments = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
        let senders: Vec<_> = assignments
            .iter()
            .map(|one| (one["user_id"].as_str().unwrap(), one))
            .filter(|(id, _)| id.ends_with("-sender@clients"))
            .collect();
        // Of all projects' senders, one reaches this project, by a role held on the project itself.
        let [(id, assignment)] = senders.as_slice() else {
            panic!("{answer}");
        };
        assert_eq!(*id, format!("{project}-sender@clients"));
        assert_eq!(assignment["role"]["name"], "Editor", "{answer}");
        assert_eq!(assignment["inheritance_type"], "direct", "{answer}");
        let sender = format!("{project}-sender");
        let mut command = ktrlplane(dir.path());
        command.args(["token", &sender, "--data-dir", "data"]);
        let output = run(&mut command, "");
        let sender = stdout(&output);
        let sender = Some(sender.trim_end());
        let (_, me) = get(url, "/api/v1/me", sender, NOTHING);
        assert_eq!(me["user_id"], *id);
        let (_, projects) = get(url, "/api/v1/projects", sender, NOTHING);
        let reached: Vec<&str> = projects
            .as_array()
            .unwrap_or_else(|| panic!("{projects}"))
            .iter()
            .map(|one| one["project_id"].as_str().unwrap())
            .collect();
        assert_eq!(reached, [project]);
        assert_eq!(get(url, &path, sender, NOTHING).0, 403, "it manages nobody");
    }
}

#[test]
fn the_line_that_a_demo_prints_for_erin_can_be_pasted() {
    let dir = tempdir().unwrap();
    let printed = dir.path().join("printed");
    let file = std::fs::File::create(&printed).unwrap();
    let (_demo, _) = demo_that_prints(dir.path(), file);
    let begin = Instant::now();
    let script = loop {
        let text = std::fs::read_to_string(&printed).unwrap();
        if let (Some(begin), Some(end)) = (text.find("ERIN="), text.find("Mallory has")) {
            break text[begin..end].to_owned();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut shell = std::process::Command::new("sh");
    let output = run(shell.args(["-c", &script]), "");
    assert!(output.status.success(), "{script}: {}", stderr(&output));
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    let stream = &answer["data"]["result"][0];
    assert_eq!(stream["values"][0][1], "hello from Erin", "{answer}");
    assert_eq!(stream["stream"]["resource_id"], "shop-api", "{answer}");
}

#[test]
fn the_page_is_told_of_the_issuer_and_of_whom_one_may_be() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let (status, config) = get(url, "/explore/config.json", None, NOTHING);
    assert_eq!(status, 200, "{config}");
    assert_eq!(config["issuer"], told["issuer"]);
    assert_eq!(config["audience"], told["audience"]);
    let names: Vec<&Value> = config["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["name"])
        .collect();
    assert_eq!(names, ["alice", "erin", "victor", "gina", "mallory"]);
    // The issuer sends codes to that page and to no other one.
    let issuer = told["issuer"].as_str().unwrap();
    let asked = |page: String| {
        [
            ("client_id", "explore".to_owned()),
            ("redirect_uri", page),
            ("login_hint", "victor".to_owned()),
        ]
    };
    let elsewhere = asked("http://127.0.0.1:1/explore/".to_owned());
    let elsewhere = elsewhere
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    assert_eq!(get(issuer, "/authorize", None, &elsewhere).0, 400);
    let here = asked(format!("{url}/explore/"));
    let here = here.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(get(issuer, "/authorize", None, &here).0, 303);
}

#[test]
fn new_data_keep_coming() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let newest = || {
        let (_, answer) = get(
            url,
            &format!("{SHOP_API}/logs"),
            Some(token(&told, "victor")),
            &[
                ("query", "{level=~\".+\"}"),
                ("limit", "1"),
                ("direction", "backward"),
            ],
        );
        let entry = &answer["data"]["result"][0]["values"][0][0];
        entry
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .parse::<i64>()
            .unwrap()
    };
    let before = newest();
    let begin = Instant::now();
    while newest() == before {
        assert!(begin.elapsed() < Duration::from_secs(40));
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(newest() > before);
}

#[test]
fn a_token_from_the_command_line_is_as_good_and_ends_with_its_time() {
    let dir = tempdir().unwrap();
    let (_demo, told) = demo(dir.path());
    let url = told["url"].as_str().unwrap();
    let issue = |more: &[&str]| {
        let mut command = ktrlplane(dir.path());
        command
            .args(["token", "robot", "--data-dir", "data"])
            .args(more);
        let output = run(&mut command, "");
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output).trim_end().to_owned()
    };
    let status = |token: &str| get(url, &format!("{SHOP_API}/logs"), Some(token), NOTHING).0;
    assert_eq!(status(&issue(&[])), 200);
    assert_eq!(status(&issue(&["--ttl", "5m"])), 200);
    let mut forged = issue(&[]);
    forged.pop();
    assert_eq!(status(&forged), 401);
}

#[test]
fn the_command_that_a_demo_prints_for_more_tokens_can_be_pasted() {
    let dir = tempdir().unwrap();
    let printed = dir.path().join("printed");
    let (_demo, told) = demo_that_prints(dir.path(), std::fs::File::create(&printed).unwrap());
    let begin = Instant::now();
    let line = loop {
        let text = std::fs::read_to_string(&printed).unwrap();
        if let Some(line) = text.lines().find(|line| line.contains(" token USER ")) {
            break line.to_owned();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let command = line.split('`').nth(1).unwrap().replace("USER", "victor");
    let mut shell = std::process::Command::new("sh");
    let output = run(shell.current_dir(dir.path()).args(["-c", &command]), "");
    assert!(output.status.success(), "{command}: {}", stderr(&output));
    let url = told["url"].as_str().unwrap();
    let token = stdout(&output);
    let path = format!("{SHOP_API}/logs");
    assert_eq!(get(url, &path, Some(token.trim_end()), NOTHING).0, 200);
}

#[test]
fn a_token_is_for_a_known_user_of_a_demo_that_ran() {
    let dir = tempdir().unwrap();
    let output = run(ktrlplane(dir.path()).args(["token", "victor"]), "");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "ktrlplane: there is no demo in .demo; `ktrlplane demo --data-dir .demo` makes one\n"
    );
    let output = run(ktrlplane(dir.path()).args(["token", "bob"]), "");
    assert_eq!(
        stderr(&output),
        "ktrlplane: there is no user \"bob\"; the demo's users are alice, erin, victor, gina, \
         mallory, robot, and the service accounts that send its data acme-shop-sender, \
         acme-lab-sender, globex-iot-sender\n"
    );
    let output = run(
        ktrlplane(dir.path()).args(["token", "victor", "--ttl", "-1h"]),
        "",
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_files_of_a_demo_are_for_its_user_alone_and_a_second_demo_keeps_off() {
    let dir = tempdir().unwrap();
    let (_demo, _) = demo(dir.path());
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
    let mut second = ktrlplane(dir.path());
    let output = run(
        second.args(["demo", "--listen", "127.0.0.1:0", "--data-dir", "data"]),
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "ktrlplane: a demo is running on data already; stop it, or give this one its own \
         --data-dir\n"
    );
}

#[test]
fn a_demo_stays_on_this_machine_and_says_when_its_port_is_taken() {
    let dir = tempdir().unwrap();
    for address in ["0.0.0.0:8080", "[::]:0", "192.0.2.1:80"] {
        let output = run(
            ktrlplane(dir.path()).args(["demo", "--listen", address]),
            "",
        );
        assert_eq!(output.status.code(), Some(1));
        let said = stderr(&output);
        assert!(
            said.contains(&format!("the demo does not listen on {address}: ")),
            "{said}"
        );
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(
        ktrlplane(dir.path()).args(["demo", "--listen", &address]),
        "",
    );
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains(&format!("cannot listen on {address}: ")),
        "{said}"
    );
}
