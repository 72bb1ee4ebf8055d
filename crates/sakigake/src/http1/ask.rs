//! A service asked over HTTP/1.1.

use crate::service::{Body, Failure, Local, Outgoing, Peer, Pending, head};
use http::{HeaderValue, Method, StatusCode, header, request};
use http_body::Body as _;

/// What the service answers, or why that cannot be sent.
pub(super) async fn ask(
    local: &Local,
    mut parts: request::Parts,
    body: Body,
    peer: Peer,
) -> Result<http::Response<Outgoing>, String> {
    let is_head = parts.method == Method::HEAD;
    let pending = match refusal(&parts) {
        Some(status) => Pending::refusal(status),
        None => {
            name_host(&mut parts);
            peer.extend(&mut parts.extensions);
            local.ask(http::Request::from_parts(parts, body))
        }
    };
    let response = pending.await.map_err(|failure: Failure| failure.to_string())?;
    let (mut parts, body) = response.into_parts();
    // The one interim status that ends HTTP: the connection is the service's from here on.
    if parts.status != StatusCode::SWITCHING_PROTOCOLS {
        head::check(&mut parts, body.size_hint().exact(), is_head).map_err(|invalid| invalid.to_string())?;
    }
    Ok(http::Response::from_parts(parts, body))
}

/// Where the target names a host, the field `host` counts for nothing: the service is not to believe another than the one for
/// which it was chosen.
fn name_host(parts: &mut request::Parts) {
    let Some(authority) = parts.uri.authority().map(http::uri::Authority::as_str) else { return };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Ok(host) = HeaderValue::from_str(host) {
        parts.headers.insert(header::HOST, host); // spec: 9112-3.2.2-a
    }
}

/// What the server answers in the service's place.
fn refusal(parts: &request::Parts) -> Option<StatusCode> {
    if parts.method == Method::CONNECT {
        return Some(StatusCode::NOT_IMPLEMENTED); // No tunnels to elsewhere.
    }
    (!head::may_expect(&parts.headers)).then_some(StatusCode::EXPECTATION_FAILED)
}
