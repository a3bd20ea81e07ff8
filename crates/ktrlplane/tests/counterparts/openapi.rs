//! The `OpenAPI` document, held against the running gateway by the `PyPI` package `schemathesis`.

use std::path::Path;
use std::process::{Command, Output};

use crate::demo::Demo;
use crate::http::{get, post_json};
use crate::python::Package;

fn run(command: &mut Command, directory: &Path) -> Output {
    command.current_dir(directory).output().expect("it runs")
}

#[track_caller]
fn succeeds(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}

/// Valid by the meta-schema of `OpenAPI` 3.1; and whatever is asked by it, well or badly formed, is
/// answered as it says: nothing is a fault of the server, no status, header, type or shape is missing
/// from it, what breaks a schema is refused, and nothing is answered without a token or by another
/// method.
#[test]
fn the_gateway_does_what_its_document_says() {
    let Some(package) = Package::find("schemathesis") else {
        return;
    };
    let mut validate = package.program("openapi-spec-validator");
    let mut ask = package.program("schemathesis");
    let demo = Demo::start();
    let url = format!("{}/openapi.json", demo.url);
    let directory = tempfile::tempdir().expect("a directory");
    let document = directory.path().join("openapi.json");
    std::fs::write(&document, get(&url, None).expect(200).body).expect("a file");
    succeeds(&run(validate.arg(&document), directory.path()));

    let token = demo.token("victor");
    let organization = r#"{"id": "sandbox", "name": "Sandbox"}"#;
    let organizations = format!("{}/api/v1/organizations", demo.url);
    post_json(&organizations, token, organization).expect(201);

    ask.arg("--config-file")
        .arg(package.home.join("schemathesis.toml"))
        .args(["run", "--no-color", &url])
        .env("KTRLPLANE_TOKEN", token);
    let output = run(&mut ask, directory.path());
    succeeds(&output);
    let said = String::from_utf8_lossy(&output.stdout);
    let summary = said.split("SUMMARY").last().unwrap_or_default();
    println!("{}", summary.trim_matches(['=', ' ', '\n']));
}
