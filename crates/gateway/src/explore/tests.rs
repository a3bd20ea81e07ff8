use super::*;

static FILES: [PageFile; 2] = [
    PageFile {
        name: "index.html",
        plain: b"<!doctype html>",
        gzip: None,
        brotli: None,
    },
    PageFile {
        name: "page-1a2b.js",
        plain: b"plain",
        gzip: Some(b"gzip"),
        brotli: Some(b"brotli"),
    },
];

fn issuer() -> IssuerSettings {
    IssuerSettings {
        issuer: "https://issuer.example:8443/tenant/".to_owned(),
        audience: "api".to_owned(),
        algorithms: Vec::new(),
    }
}

fn explore(files: &'static [PageFile]) -> Explore {
    let settings = ExploreSettings {
        client_id: "page".to_owned(),
        scopes: vec!["openid".to_owned()],
        contact: None,
        users: Vec::new(),
        files,
    };
    Explore::new(Some(&settings), &issuer()).unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

fn encoding_for(accepted: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT_ENCODING, accepted.parse().unwrap());
    let response = explore(&FILES).answer(Part::File, "page-1a2b.js", &headers);
    header(&response.unwrap(), "content-encoding").map(str::to_owned)
}

#[test]
fn a_file_is_sent_in_the_shortest_encoding_that_the_caller_names() {
    for (accepted, encoding) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip", Some("gzip")),
        ("br;q=0, GZIP;q=0.5", Some("gzip")),
        ("br; q=0.0", None),
        ("identity", None),
        ("*", None),
    ] {
        assert_eq!(encoding_for(accepted).as_deref(), encoding, "{accepted}");
    }
}

#[test]
fn names_that_change_are_kept_forever_and_the_page_is_asked_about() {
    let (page, none) = (explore(&FILES), HeaderMap::new());
    let file = page.answer(Part::File, "page-1a2b.js", &none).unwrap();
    assert!(
        header(&file, "cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(header(&file, "vary"), Some("Accept-Encoding"));
    for part in [Part::Page, Part::Config, Part::Door] {
        let answer = page.answer(part, "", &none).unwrap();
        assert_eq!(header(&answer, "cache-control"), Some("no-cache"));
    }
    // The page has one address, and one way of being kept.
    let index = page.answer(Part::File, "index.html", &none);
    assert_eq!(index.err(), Some(Error::UnknownPath));
}

#[test]
fn the_page_reaches_its_own_origin_and_the_issuer_s_alone() {
    let (page, none) = (explore(&FILES), HeaderMap::new());
    let index = page.answer(Part::Page, "", &none).unwrap();
    let policy = header(&index, "content-security-policy").unwrap();
    insta::assert_snapshot!(policy.replace("; ", "\n"), @r"
    default-src 'none'
    script-src 'self'
    style-src 'self'
    img-src 'self'
    connect-src 'self' https://issuer.example:8443
    base-uri 'none'
    form-action 'none'
    frame-ancestors 'none'
    ");
    let file = page.answer(Part::File, "page-1a2b.js", &none).unwrap();
    for answer in [&index, &file] {
        assert_eq!(header(answer, "content-security-policy"), Some(policy));
        assert_eq!(header(answer, "x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn without_a_built_page_the_server_says_how_to_build_one() {
    let answer = explore(&[]).answer(Part::Page, "", &HeaderMap::new());
    let answer = answer.unwrap();
    assert_eq!(
        header(&answer, "content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(NOT_BUILT.contains("npm run build"));
}

#[test]
fn a_page_that_is_switched_off_is_the_page_of_nothing() {
    let off = Explore::new(None, &issuer()).unwrap();
    for part in [Part::Door, Part::Page, Part::Config, Part::File] {
        let answer = off.answer(part, "", &HeaderMap::new());
        assert_eq!(answer.err(), Some(Error::UnknownPath));
    }
}
