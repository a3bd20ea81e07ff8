//! The Explore page.

use super::*;

#[test]
fn the_page_is_off_until_the_issuer_knows_it() {
    assert!(good("", &[]).explore.is_none());
    assert!(good("explore: {contact: ops}\n", &[]).explore.is_none());
    let page = good("explore: {client_id: page}\n", &[]).explore.unwrap();
    assert_eq!(page.client_id, "page");
    assert_eq!(page.scopes, ["openid", "profile", "offline_access"]);
    assert_eq!(page.contact, None);
    // Nobody is to be chosen where the demo is not.
    assert!(page.users.is_empty());
}

#[test]
fn its_scopes_are_a_list_with_openid_in_it() {
    let scopes = |file: &str| good(file, &[]).explore.unwrap().scopes;
    let given = scopes("explore: {client_id: page, scopes: [openid, email]}\n");
    assert_eq!(given, ["openid", "email"]);
    let given = scopes("explore: {client_id: page, scopes: \"openid email\"}\n");
    assert_eq!(given, ["openid", "email"]);
    let variables = [
        ("KTRLPLANE_EXPLORE_CLIENT_ID", "page"),
        ("KTRLPLANE_EXPLORE_CONTACT", "the platform team"),
    ];
    let page = good("", &variables).explore.unwrap();
    assert_eq!(page.contact.as_deref(), Some("the platform team"));
    let sentence = sentence("explore: {client_id: page, scopes: email}\n", &[]);
    assert!(sentence.contains("without openid"), "{sentence}");
}
