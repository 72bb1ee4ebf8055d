//! An interim response that a handler sends itself.

use super::head;
use crate::service::inflow::Ring;
use http::HeaderMap;
use sakigake_semantics::Response;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Sends a 103 (Early Hints, RFC 8297) ahead of the response: an extension of requests over HTTP/2 and HTTP/3, not of HTTP/1.1, whose
/// clients have taken one for the answer.
///
/// ```
/// # fn handle(request: &http::Request<sakigake::service::Body>) {
/// if let Some(early_hints) = request.extensions().get::<sakigake::service::EarlyHints>() {
///     let mut fields = http::HeaderMap::new();
///     fields.insert("link", http::HeaderValue::from_static("</page.css>; rel=preload; as=style"));
///     early_hints.send(fields);
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct EarlyHints(Arc<Sender>);

struct Sender {
    slot: Mutex<Slot>,
    ring: Arc<Ring>,
}

enum Slot {
    Free,
    Full(HeaderMap),
    /// One has left, or can no more.
    Shut,
}

impl EarlyHints {
    pub(crate) fn new(ring: Arc<Ring>) -> Self {
        Self(Arc::new(Sender { slot: Mutex::new(Slot::Free), ring }))
    }

    /// Sends it, unless one was sent before or the response has begun: browsers act on the first alone. Whether it will leave.
    pub fn send(&self, fields: HeaderMap) -> bool {
        let mut slot = self.0.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = matches!(*slot, Slot::Free);
        if is_free {
            *slot = Slot::Full(fields);
            drop(slot);
            self.0.ring.ring();
        }
        is_free
    }

    /// The 103 that is to leave now, if any. `is_last` says that none can leave later.
    pub(crate) fn take(&self, is_last: bool) -> Option<Response> {
        let mut slot = self.0.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let fields = match &mut *slot {
            Slot::Full(fields) => Some(core::mem::take(fields)),
            Slot::Free | Slot::Shut => None,
        };
        if is_last || fields.is_some() {
            *slot = Slot::Shut;
        }
        let fields = fields?;
        Some(Response { status: 103, fields: head::fields(&fields) })
    }
}

impl fmt::Debug for EarlyHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EarlyHints")
    }
}
