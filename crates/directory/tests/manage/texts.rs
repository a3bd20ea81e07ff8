//! Texts that callers choose.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "facts are tests, made into such elsewhere"
)]

use directory::manage::list::{Page, Reader};
use directory::manage::{Grantee, Operation};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::authority::world;
use crate::home::{Home, organization, project, resource, subject};
use crate::manager::{
    NOW, all, by, by_operator, kind, new_organization, now, operate, place, reader, renaming, role,
    text, with_key, withdrawal,
};

/// Texts that have broken something somewhere.
const NASTY: [&str; 16] = [
    "",
    " ",
    "'; DROP TABLE users; --",
    "$1",
    "?",
    "%",
    "_",
    "\\",
    "a\0b",
    "a\nb",
    "\u{202e}abc",
    "\u{fffe}",
    "\u{10ffff}",
    "ÄÖÜßſİ",
    "\"quoted\"",
    "{}",
];

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,40}",
        "\\PC{0,300}",
        any::<String>(),
        proptest::sample::select(&NASTY[..]).prop_map(str::to_owned),
    ]
}

/// A name is kept as it was given, or refused with nothing written; and nothing is out of order.
pub async fn a_name_is_kept_or_refused(home: &Home) {
    let directory = world(home).await;
    let fits = |text: &str| {
        !text.trim().is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
    };
    let mut runner = TestRunner::new(Config::default());
    let drawn = (0..60).map(|_| any_text().new_tree(&mut runner).unwrap().current());
    let mut cases: Vec<String> = drawn.collect();
    cases.extend(NASTY.map(str::to_owned));
    let mut tag = None;
    for name in cases {
        let result = directory.write(by("keeper"), renaming("acme", &name)).await;
        if fits(&name) {
            assert_eq!(text(&result.unwrap(), "name"), name);
        } else {
            assert_eq!(kind(&result), "invalid", "{name:?}");
            let read = directory.organization(&organization("acme")).await.unwrap();
            assert!(tag.is_none_or(|tag| tag == read.etag));
        }
        let read = directory.organization(&organization("acme")).await.unwrap();
        assert!(!fits(&name) || read.record.name == name);
        tag = Some(read.etag);
        // The same text in every other place.
        for result in [
            directory
                .write(by("keeper"), role("x", &name, "acme"))
                .await,
            directory
                .write(by("keeper"), withdrawal(&name, "acme"))
                .await,
            directory
                .write(
                    by("keeper"),
                    Operation::Grant {
                        place: place("acme"),
                        to: Grantee::Email(name.clone()),
                        role: "Viewer".to_owned(),
                        expires_at: None,
                    },
                )
                .await,
        ] {
            assert!(
                ["invalid", "not found"].contains(&kind(&result)),
                "{name:?}: {result:?}"
            );
        }
        let keyed = with_key(by_operator(), &name);
        let keyed = directory.write(keyed, renaming("globex", "same")).await;
        assert_eq!(kind(&keyed), if fits(&name) { "done" } else { "invalid" });
        let listed = directory.users(&Reader::Operator, &name, 10).await;
        assert!(
            ["done", "invalid"].contains(&kind(&listed)),
            "{name:?}: {listed:?}"
        );
        let page = Page {
            after: Some(name.clone()),
            limit: 10,
        };
        for kind in [
            kind(&directory.organizations(&reader("keeper"), &page).await),
            kind(&directory.projects(&reader("keeper"), None, &page).await),
            kind(
                &directory
                    .resources(&Reader::Operator, &project("shop"), &page)
                    .await,
            ),
            kind(&directory.assignments(&place("/shop"), now(), &page).await),
            kind(&directory.audit(&place("acme"), &page).await),
        ] {
            assert!(["done", "invalid"].contains(&kind), "{name:?}: {kind}");
        }
        assert_ne!(
            kind(&directory.role_permissions(&name).await),
            "unavailable"
        );
    }
}

/// Settings are kept to the byte, or refused; none of them spoils a list.
pub async fn settings_are_kept_as_they_are(home: &Home) {
    let directory = world(home).await;
    let long = format!("\"{}\"", "x".repeat(64 * 1024 - 2));
    let too_long = format!("\"{}\"", "x".repeat(64 * 1024 - 1));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let too_deep = format!("{}{}", "[".repeat(30000), "]".repeat(30000));
    for (settings, is_kept) in [
        ("{}", true),
        ("{\"a\": 1.0, \"a\": 2.50e+1, \"b\":[ ]}", true),
        (
            "{\n  \"z\": \"\\u00fc\\n\",\t\"a\": \"\\ud83d\\ude00 \u{1f600}\" }",
            true,
        ),
        ("[1,2]", true),
        ("\"text\"", true),
        ("12345678901234567890123", true),
        ("true", true),
        (&long, true),
        (&deep, true),
        (&too_long, false),
        (&too_deep, false),
        ("", false),
        ("{", false),
        ("{}{}", false),
        ("{'a': 1}", false),
        ("{\"a\": \"\\u0000\"}", false),
        ("{\"\\u0000\": 1}", false),
        ("\"\\ud800\"", false),
        ("NaN", false),
        ("01", false),
    ] {
        let update = Operation::UpdateResource {
            project: project("shop"),
            id: resource("api"),
            name: None,
            sku: None,
            settings: Some(settings.to_owned()),
        };
        let shown = &settings[..settings.len().min(60)];
        let result = directory.write(by("keeper"), update).await;
        let read = directory
            .resources(&reader("keeper"), &project("shop"), &all())
            .await;
        let read = read.unwrap().records.remove(0);
        if is_kept {
            assert_eq!(kind(&result), "done", "{shown}: {result:?}");
            assert_eq!(read.settings_json.unwrap().get(), settings, "{shown}");
        } else {
            assert_eq!(kind(&result), "invalid", "{shown}");
            assert_ne!(read.settings_json.unwrap().get(), settings, "{shown}");
        }
    }
}

/// A subject is an opaque value of whatever characters, and never two of them the same.
pub async fn any_subject_can_be_given_a_role(home: &Home) {
    let directory = world(home).await;
    let long = "s".repeat(255);
    for who in [
        "auth0|5f7c",
        "abc@clients",
        "https://idp/x y",
        "a'b",
        "a\"b",
        "%",
        "$1",
        "?1",
        "ü",
        "\u{1f600}",
        "{}",
        "*",
        "null",
        "NULL",
        "'",
        "\\",
        &long,
    ] {
        let given = directory
            .write(by("keeper"), role(who, "Viewer", "/shop"))
            .await
            .unwrap();
        assert_eq!(text(&given, "user_id"), who);
        let held = directory
            .permissions_at(&subject(who), &place("/shop"), now())
            .await;
        assert_eq!(held.unwrap().len(), 1, "{who}");
        let mine = directory
            .projects(&reader(who), None, &all())
            .await
            .unwrap();
        assert_eq!(mine.records.len(), 1, "{who}");
        operate(
            &directory,
            withdrawal(&text(&given, "assignment_id"), "/shop"),
        )
        .await;
    }
    let (mut early, mut late) = (by("x"), by("x"));
    early.now = crate::home::at(-1);
    late.now = crate::home::at(NOW * 100);
    let early = directory.write(early, new_organization("early")).await;
    assert_eq!(kind(&early), "invalid");
    directory
        .write(late, new_organization("late"))
        .await
        .unwrap();
}
