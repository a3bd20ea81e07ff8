//! The caller's side of a WebSocket's opening (RFC 6455, section 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::error::Error;
use crate::stream::Body;

/// A caller that asked for a WebSocket properly.
///
/// Where the page is from that opened it (`Origin`) is not looked at: browsers send nothing by
/// themselves that this gateway would take for a permission.
pub(super) struct Handshake {
    pub(super) upgrade: OnUpgrade,
    accept: HeaderValue,
}

impl Handshake {
    /// Reads what the caller asked for; anything but a WebSocket of version 13 is
    /// [`Error::NotAWebSocket`] (threat 14).
    pub(super) fn read(headers: &HeaderMap, upgrade: Option<OnUpgrade>) -> Result<Self, Error> {
        let asked = names(headers, &CONNECTION, "upgrade")
            && single(headers, &UPGRADE).is_some_and(|name| name.eq_ignore_ascii_case("websocket"))
            && single(headers, &SEC_WEBSOCKET_VERSION) == Some("13");
        let key = single(headers, &SEC_WEBSOCKET_KEY)
            .filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
        let (true, Some(key), Some(upgrade)) = (asked, key, upgrade) else {
            return Err(Error::NotAWebSocket);
        };
        let accept = derive_accept_key(key.as_bytes());
        Ok(Self {
            upgrade,
            accept: HeaderValue::from_str(&accept).map_err(|_| Error::Internal)?,
        })
    }

    /// The answer that switches the protocol. Neither extensions nor subprotocols are agreed to.
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::Own(Full::default()));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        response
    }
}

/// The value of a header that is there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}

/// Whether one of a header's list is this.
fn names(headers: &HeaderMap, header: &HeaderName, name: &str) -> bool {
    let values = headers.get_all(header).iter();
    let mut options = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case(name))
}
