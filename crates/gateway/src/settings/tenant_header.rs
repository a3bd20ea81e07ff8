//! The name of the header that binds a request to its tenant.

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL,
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderName,
    ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, REFERER, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT, VIA,
};

/// The name of the header that binds a request to its tenant: `X-Scope-OrgID` unless a proxy in
/// front of the backend takes it under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantHeader(HeaderName);

/// Why a name cannot be that of the tenant header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATenantHeader {
    /// It is no name of a header (RFC 9110, section 5.1).
    #[error("is no name of a header")]
    Name,
    /// The header has another meaning already: the gateway sets it, passes the caller's on, or
    /// HTTP itself needs it. The tenant and the other value would overwrite each other.
    #[error("is a header with another meaning")]
    Taken,
}

/// The default name, which Loki and Mimir take.
const SCOPE_ORG_ID: HeaderName = HeaderName::from_static("x-scope-orgid");

/// Headers that HTTP or a client gives a meaning, and those that the gateway sets itself.
const TAKEN: [HeaderName; 28] = [
    ACCEPT,
    ACCEPT_CHARSET,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    AUTHORIZATION,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    EXPECT,
    HOST,
    ORIGIN,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    RANGE,
    REFERER,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    USER_AGENT,
    VIA,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-prom-label-policy"),
];

/// Beginnings of names that are taken as a whole: `Sec-WebSocket-Key` and its kin, for instance.
const TAKEN_BEGINNINGS: [&str; 3] = ["sec-", "x-loki-", "x-forwarded-"];

impl TenantHeader {
    /// `name`, unless it is none or has another meaning. Case does not matter.
    pub fn new(name: &str) -> Result<Self, NotATenantHeader> {
        let name = HeaderName::try_from(name).map_err(|_| NotATenantHeader::Name)?;
        let begins_taken = TAKEN_BEGINNINGS
            .iter()
            .any(|beginning| name.as_str().starts_with(beginning));
        if begins_taken || TAKEN.contains(&name) || crate::scope::passes_on(&name) {
            return Err(NotATenantHeader::Taken);
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.0
    }
}

impl Default for TenantHeader {
    fn default() -> Self {
        Self(SCOPE_ORG_ID)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_header_is_a_name_without_another_meaning() {
        for name in ["X-Scope-OrgID", "X-Tenant", "THANOS-TENANT", "AccountID"] {
            assert!(TenantHeader::new(name).is_ok(), "{name}");
        }
        for name in ["", "X Tenant", "X-Tenant:", "X-Tenänt", "a\r\nb"] {
            assert_eq!(TenantHeader::new(name), Err(NotATenantHeader::Name));
        }
        for name in [
            "Authorization",
            "Host",
            "Connection",
            "X-Request-ID",
            "X-Prom-Label-Policy",
            "X-Query-Tags",
            "traceparent",
            "Accept-Encoding",
            "X-Loki-Response-Encoding-Flags",
            "Sec-WebSocket-Key",
        ] {
            assert_eq!(
                TenantHeader::new(name),
                Err(NotATenantHeader::Taken),
                "{name}"
            );
        }
    }
}
