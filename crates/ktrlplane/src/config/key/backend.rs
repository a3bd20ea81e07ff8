//! The keys of one backend, which are the same for both.

use super::{Key, Secret, key, time};

const SWITCH: &str = "true or false";
const URL: &str = "an http or https URL without query or fragment, such as \
                   \"http://loki-gateway:3100\", or \"embedded:\" for the backend in this process";
const URLS: &str = "at most 15 more http or https URLs of the same scheme without credentials, as a list \
                    or with commas between them";
const TIMEOUT: &str = "a time from 100ms to 1h, such as 30s or 2m";
const TENANT_HEADER: &str = "the name of a header that has no other meaning, such as X-Scope-OrgID";
const USERNAME: &str = "the user's name for HTTP Basic, without a colon, beside a password";
const PASSWORD: &str = "the user's password, here or in password_file, beside username";
const PASSWORD_FILE: &str = "the path of a file that holds the user's password, beside username";
const TOKEN: &str = "a bearer token: printable characters without spaces";
const TOKEN_FILE: &str = "the path of a file that holds a bearer token";
const CA_FILE: &str = "the path of a PEM file with the certificate authorities to trust, \
                       for an https URL";
const CERT_FILE: &str = "the path of a PEM file with a client certificate, for an https URL, \
                         beside tls.key_file";
const KEY_FILE: &str = "the path of a PEM file with the client certificate's private key, for an \
                        https URL, beside tls.cert_file";
const SERVER_NAME: &str = "the host name or IP address in the backend's certificate, for an https \
                           URL";

/// The paths of a backend's keys are put together here, since they live as long as the process.
macro_rules! keys_of {
    ($backend:literal) => {
        [
            key(path!($backend, "enabled"), Some("false"), SWITCH),
            secret(Secret::InUrl, key(path!($backend, "url"), None, URL)),
            Key {
                list: true,
                ..secret(Secret::InUrl, key(path!($backend, "urls"), None, URLS))
            },
            time(path!($backend, "timeout"), Some("2m"), TIMEOUT),
            key(
                path!($backend, "tenant_header"),
                Some("X-Scope-OrgID"),
                TENANT_HEADER,
            ),
            key(path!($backend, "policy"), Some("true"), SWITCH),
            key(path!($backend, "username"), None, USERNAME),
            secret(
                Secret::Whole,
                key(path!($backend, "password"), None, PASSWORD),
            ),
            key(path!($backend, "password_file"), None, PASSWORD_FILE),
            secret(
                Secret::Whole,
                key(path!($backend, "bearer_token"), None, TOKEN),
            ),
            key(path!($backend, "bearer_token_file"), None, TOKEN_FILE),
            key(path!($backend, "tls.ca_file"), None, CA_FILE),
            key(path!($backend, "tls.cert_file"), None, CERT_FILE),
            key(path!($backend, "tls.key_file"), None, KEY_FILE),
            key(path!($backend, "tls.server_name"), None, SERVER_NAME),
        ]
    };
}

macro_rules! path {
    ($backend:literal, $name:literal) => {
        concat!("observability.", $backend, ".", $name)
    };
}

const fn secret(secret: Secret, key: Key) -> Key {
    Key { secret, ..key }
}

pub(super) const LOKI: [Key; 15] = keys_of!("loki");

pub(super) const MIMIR: [Key; 15] = keys_of!("mimir");
