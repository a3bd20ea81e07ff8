//! A request as it goes to one URL of a backend.

use bytes::Bytes;
use directory::policy::ProjectId;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::Full;

use query::Matcher;

use super::{REQUEST_ID, SendError, Upstream, form};
use crate::ingest::Write;
use crate::memo::Memo;
use crate::routes::Backend;
use crate::scope::Request;
use crate::transport::Endpoint;

/// What a backend that enforces label policies is to enforce: `<tenant>:<selector>`, the selector
/// percent-encoded. Loki (`-lbac.enabled`), Mimir and their Enterprise gateways know it.
const POLICY: HeaderName = HeaderName::from_static("x-prom-label-policy");

/// The longest URL that is sent, in bytes. Above, the parameters go in a form: servers and proxies
/// commonly stop at 8 KiB.
pub(super) const MAX_URL_LENGTH: usize = 8000;

type Built = Result<http::Request<Full<Bytes>>, SendError>;

impl Upstream {
    /// Sets the headers of a read that are the gateway's own; once, however often it is sent.
    pub(super) fn sign_read(
        &self,
        request: &mut Request,
        request_id: &HeaderValue,
    ) -> Result<(), SendError> {
        self.sign(&mut request.headers, &request.tenant, request_id)?;
        if self.policy
            && let Some(by) = &request.bound
        {
            let policy = self.policies.of(&request.tenant, by)?;
            request.headers.insert(POLICY, policy);
        }
        Ok(())
    }

    /// Sets the gateway's own headers. They come last, so that nothing before can have set them
    /// (threat 13).
    pub(super) fn sign(
        &self,
        headers: &mut HeaderMap,
        tenant: &ProjectId,
        request_id: &HeaderValue,
    ) -> Result<(), SendError> {
        let tenant = HeaderValue::from_str(tenant.as_str()).map_err(unbuilt)?;
        headers.insert(self.tenant_header.clone(), tenant);
        headers.insert(REQUEST_ID, request_id.clone());
        if let Some(authorization) = self.transport.authorization() {
            headers.insert(AUTHORIZATION, authorization);
        }
        Ok(())
    }

    /// Builds a read, of which the headers are signed.
    pub(super) fn build(&self, at: &Endpoint, request: &mut Request) -> Built {
        let Endpoint { host, prefix, .. } = at;
        let path = prefix.len() + request.path.len();
        let mut target = Vec::with_capacity(path + 1 + form::about(&request.parameters));
        target.extend_from_slice(prefix.as_bytes());
        target.extend_from_slice(request.path.as_bytes());
        target.push(b'?');
        form::append(&mut target, &request.parameters);
        let length = "https://".len() + host.len() + target.len();
        if length <= MAX_URL_LENGTH || !takes_forms(self.backend, &request.path) {
            return built(at, target, &mut request.headers, Bytes::new());
        }
        let parameters = target.split_off(path + 1);
        target.truncate(path);
        let mut built = built(at, target, &mut request.headers, parameters.into())?;
        *built.method_mut() = Method::POST;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        built.headers_mut().insert(CONTENT_TYPE, form);
        Ok(built)
    }

    /// Builds a write, of which the headers are signed.
    pub(super) fn build_write(at: &Endpoint, write: &Write, headers: &mut HeaderMap) -> Built {
        let target = [&at.prefix, write.path].concat().into_bytes();
        let mut built = built(at, target, headers, write.body.clone())?;
        *built.method_mut() = Method::POST;
        Ok(built)
    }
}

/// Builds a question of the gateway's own, of which the headers are signed.
pub(super) fn own(at: &Endpoint, path: &str, headers: &mut HeaderMap) -> Built {
    let target = [&at.prefix, path].concat().into_bytes();
    built(at, target, headers, Bytes::new())
}

/// A GET of this path and query. The headers are copied: what is not answered may be sent once more.
fn built(at: &Endpoint, target: Vec<u8>, headers: &mut HeaderMap, body: Bytes) -> Built {
    headers.insert(HOST, at.host.clone());
    let mut built = http::Request::new(Full::new(body));
    let target = PathAndQuery::from_maybe_shared(Bytes::from(target));
    *built.uri_mut() = Uri::from(target.map_err(unbuilt)?);
    *built.headers_mut() = headers.clone();
    Ok(built)
}

fn unbuilt(error: impl Into<http::Error>) -> SendError {
    SendError::Unbuilt(error.into())
}

/// Whether a backend takes the parameters of a path in a form, too. Prometheus does where queries and
/// selectors are long, but not for the values of a label.
fn takes_forms(backend: Backend, path: &str) -> bool {
    match backend {
        Backend::Loki => true,
        Backend::Mimir => !path.ends_with("/values"),
    }
}

/// The label policies that one thread has made.
#[derive(Default)]
pub(super) struct Policies(Memo<(ProjectId, Matcher, HeaderValue)>);

impl Policies {
    /// The label policy that binds to `by` in this tenant.
    fn of(&self, tenant: &ProjectId, by: &Matcher) -> Result<HeaderValue, SendError> {
        let place = (tenant, by);
        let known = |(of, bound, policy): &(ProjectId, Matcher, HeaderValue)| {
            (of == tenant && bound == by).then(|| policy.clone())
        };
        if let Some(policy) = self.0.recall(&place, known) {
            return Ok(policy);
        }
        let selector = query::scope::logql("{}", by).map_err(|_| SendError::NoPolicy)?;
        let policy = HeaderValue::try_from(policy(tenant.as_str(), &selector)).map_err(unbuilt)?;
        let entry = (tenant.clone(), by.clone(), policy.clone());
        self.0.remember(&place, entry);
        Ok(policy)
    }
}

/// A label policy: commas stand between several and a colon behind the tenant, so that none may stand
/// unencoded in the selector.
fn policy(tenant: &str, selector: &str) -> Vec<u8> {
    let mut policy = Vec::with_capacity(tenant.len() + 1 + 2 * selector.len());
    policy.extend_from_slice(tenant.as_bytes());
    policy.push(b':');
    form::append_escaped(&mut policy, selector);
    policy
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;

    use super::*;

    #[test]
    fn a_label_policy_is_that_of_its_tenant_and_of_what_is_bound_to() {
        let policies = Policies::default();
        for _ in 0..2 {
            for (tenant, resource) in [("p1", "r1"), ("p1", "r2"), ("p2", "r1")] {
                let by = Matcher::equal("resource_id", resource);
                let policy = policies.of(&ProjectId::new(tenant).unwrap(), &by).unwrap();
                let expected = format!("{tenant}:%7Bresource_id=%22{resource}%22%7D");
                assert_eq!(policy, expected);
            }
        }
    }

    #[test]
    fn a_label_policy_holds_any_id_as_one_selector_of_one_tenant() {
        for (id, encoded) in [
            ("r1", "r1"),
            ("a b", "a%20b"),
            ("a,b:c", "a%2Cb%3Ac"),
            ("a%2C\u{e9}+", "a%252C%C3%A9%2B"),
            ("a\\\"b", "a%5C%22b"),
        ] {
            let selector = format!("{{resource_id=\"{id}\"}}");
            let sent = String::from_utf8(policy("p1", &selector)).unwrap();
            assert_eq!(sent, format!("p1:%7Bresource_id=%22{encoded}%22%7D"));
            let (_, back) = sent.split_once(':').unwrap();
            assert_eq!(percent_decode_str(back).decode_utf8().unwrap(), selector);
        }
    }
}
