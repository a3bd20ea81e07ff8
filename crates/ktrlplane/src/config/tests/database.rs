//! The password of the directory's database in a file of its own.

use super::*;

const PARTS: &str = "database: {host: db, user: k, dbname: d}\n";

fn in_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// The database of `file` with a password in `path`.
fn database(file: &str, path: &Path) -> Database {
    let path = path.display().to_string();
    good(file, &[("KTRLPLANE_DATABASE_PASSWORD_FILE", &path)]).database
}

#[test]
fn the_password_of_a_file_goes_into_the_url_without_its_line_end() {
    for (file, url) in [
        (PARTS, "postgres://k@db:5432/d?sslmode=prefer"),
        (
            "database: {url: \"postgres://k@db/d?sslmode=require\"}",
            "postgres://k@db/d?sslmode=require",
        ),
        (
            "database: {url: \"postgres:///d?host=%2Frun&user=k\"}",
            "postgres:///d?host=%2Frun&user=k",
        ),
    ] {
        let secret = in_file(" p/w:@&=+% \r\n");
        let database = database(file, secret.path());
        assert_eq!(database.url, url, "what is shown has none");
        let whole = url::Url::parse(&database.whole_url().unwrap()).unwrap();
        assert!(whole.as_str().starts_with(url), "{file}");
        let mut parameters = whole.query_pairs();
        let password = parameters.find(|(name, _)| name == "password").unwrap();
        assert_eq!(password.1, " p/w:@&=+% ");
        assert!(!mask_url(whole.as_str()).contains("p%2Fw"));
    }
    let without = good(PARTS, &[]).database;
    assert_eq!(without.whole_url().unwrap(), without.url);
}

#[test]
fn a_file_that_holds_no_password_is_named_and_not_quoted() {
    let empty = in_file("\n");
    let no_text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(no_text.path(), b"hunter2\xff").unwrap();
    for (path, wrong) in [
        (empty.path(), "is empty"),
        (no_text.path(), "is no text"),
        (Path::new("/nowhere/password"), "cannot be read"),
    ] {
        let error = database(PARTS, path).whole_url().unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(
            error.contains(wrong) && !error.contains("hunter"),
            "{error}"
        );
    }
}

#[test]
fn a_password_in_a_file_and_another_one_are_a_mistake_whichever_layer_gives_them() {
    let file = [("KTRLPLANE_DATABASE_PASSWORD_FILE", "/x")];
    let both = sentence(
        "database: {host: db, user: k, dbname: d, password: p}",
        &file,
    );
    assert!(
        both.starts_with(
            "database.password (KTRLPLANE_DATABASE_PASSWORD) and database.password_file are both \
             given, and only one of them can hold"
        ),
        "{both}"
    );
    for url in ["postgres://u:p@db/d", "postgres://u@db/d?password=p"] {
        let both = sentence(&format!("database: {{url: \"{url}\"}}"), &file);
        assert!(
            both.starts_with(
                "database.password_file (KTRLPLANE_DATABASE_PASSWORD_FILE) and the password in \
                 database.url are both given, and only one of them can hold"
            ),
            "{both}"
        );
    }
    let sqlite = sentence("database: {url: \"sqlite:k.db\"}", &file);
    assert!(sqlite.contains("database.url is SQLite"), "{sqlite}");
    let alone = sentences(AUTH, &file).join("\n");
    assert!(
        alone.contains("database.host (KTRLPLANE_DATABASE_HOST) is missing"),
        "{alone}"
    );
}
