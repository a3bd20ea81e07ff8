//! The `PyPI` package `loki-logger-handler`: JSON with gzip, and structured metadata.

use serde_json::Value;

use super::stored::{backends, lines, read, run};
use crate::python::Package;
use crate::world::{PROJECT, RESOURCE, World};

#[test]
fn what_a_loki_client_pushes_is_the_resources_and_nobody_elses() {
    let Some(package) = Package::find("loki-logger-handler") else {
        return;
    };
    for backend in backends() {
        let Some(mut world) = World::new() else {
            return;
        };
        let gateway = world.gateway(Some(&backend), None);
        let (alice, victor) = (world.issuer.token("alice"), world.issuer.token("victor"));
        let url = format!(
            "{}/api/v1/projects/{PROJECT}/resources/{RESOURCE}/loki/api/v1/push",
            gateway.url
        );
        let (refused, taken) = (run(), run());
        let push = |token: &str, run: &str| package.script("push.py", &[&url, token, run], &[]);

        // A reader's token writes nothing, and the client can say why.
        let said = push(&victor, &refused)["error"].to_string();
        assert!(said.contains("403"), "{said}");
        let said = push(&alice, &taken);
        assert_eq!(said["error"], Value::Null, "{}", gateway.log());

        let streams = read(&gateway, &format!("{{run=\"{taken}\"}}"), 3, &victor);
        for stream in &streams {
            let labels = &stream["stream"];
            assert_eq!(labels["resource_id"], RESOURCE, "{stream}");
            assert_eq!(labels["app"], "shop", "{stream}");
            assert_eq!(labels["version"], "1.2", "{stream}");
        }
        let mut lines = lines(&streams);
        lines.sort_by_key(|line| line["timestamp"].to_string());
        let said: Vec<_> = lines
            .iter()
            .map(|line| (line["level"].as_str(), line["message"].as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Some("INFO"), Some("an order came in")),
                (Some("WARNING"), Some("zwölf Bestellungen\nwarten")),
                (Some("ERROR"), Some("no answer from the database")),
            ]
        );
        assert_eq!(lines[0]["order"], 7);

        // Neither where it claims to belong, nor under the claim, nor of the refused batch.
        let nothing = |resource: &str, query: &str| {
            let parameters = [("query", query), ("since", "1h")];
            let answer = gateway.logs(PROJECT, resource, &parameters, Some(&alice));
            let answer = answer.expect(200).json();
            assert_eq!(answer["data"]["result"], serde_json::json!([]), "{query}");
        };
        nothing("shop-db", &format!("{{run=\"{taken}\"}}"));
        nothing(RESOURCE, &format!("{{run=\"{refused}\"}}"));
        nothing(
            RESOURCE,
            &format!("{{run=\"{taken}\"}} | resource_id=\"shop-db\""),
        );
        // Three streams, one for each level, and three lines' metadata.
        assert!(gateway.log().contains("replaced=6"), "{}", gateway.log());
    }
}
