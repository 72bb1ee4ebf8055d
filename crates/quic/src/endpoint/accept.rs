//! Who may begin a connection: the Initial packets of clients (RFC 9000 sections 5.2.2, 7.2, 8.1 and 14.1).

use super::Endpoint;
use super::route::{Arrived, Dropped, LEAST_INITIAL_BYTES, Reply, Route};
use super::token::{AddressTokens, Judged};
use crate::ids::ConnectionId;
use crate::paths::Addresses;
use crate::rules::{codes::TransportErrorCode, versions::Version};
use sakigake_wire::Entropy;
use std::sync::Arc;

/// What a server's endpoint found in a client's first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The version of the packet.
    pub version: &'static Version,
    /// Where the client's very first packet went, before any Retry.
    pub original_dcid: ConnectionId,
    /// The id that a Retry of ours gave, if there was one.
    pub retry_source: Option<ConnectionId>,
    /// Where this packet went: Initial keys follow from it.
    pub dcid: ConnectionId,
    /// Our id from here on.
    pub local: ConnectionId,
    /// The client's id.
    pub peer: ConnectionId,
    /// Both ends of the path.
    pub addresses: Addresses,
    /// Whether a token showed that the client is there.
    pub is_validated: bool,
}

/// How a server makes sure that clients are where they say, before it does any work for them.
#[derive(Clone)]
pub struct Validation {
    /// Makes and judges tokens.
    pub tokens: Arc<AddressTokens>,
    /// Whom it asks.
    pub retry: Retry,
}

/// Which clients without a good token are asked to come back with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// None, unless as many connections as may be are half open.
    Never,
    /// All, which costs each of them a round trip.
    Always,
    /// All, while so many connections are half open.
    From(usize),
}

/// Bytes of the id that a client makes up for a server, at least (RFC 9000 section 7.2).
pub(super) const LEAST_ID_BYTES: usize = 8;

impl Endpoint {
    /// An Initial packet of a version that we take, for an id that no connection has: `about` is its version and its
    /// Destination and Source Connection ID.
    pub(super) fn initial(
        &mut self,
        arrived: &Arrived<'_>,
        about: (&'static Version, ConnectionId, ConnectionId),
        token: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        let (version, dcid, peer) = about;
        if arrived.bytes.len() < LEAST_INITIAL_BYTES {
            return Route::Drop(Dropped::Small); // spec: 9000-14.1-e
        }
        if dcid.len() < LEAST_ID_BYTES {
            return Route::Drop(Dropped::ShortId); // spec: 9000-7.2-e
        }
        let judged = self.judge(arrived, version, &dcid, token);
        let retried = match judged {
            Some(Judged::Retried { original }) => Some(original),
            Some(Judged::Refused(_)) => {
                return self.refuse(arrived, about, Reply::InvalidToken, out); // spec: 9000-8.1.2-b
            }
            _ => None,
        };
        // Clients come to ids of ours by a Retry, or they had a connection.
        if retried.is_none() && self.is_of_our_making(dcid.as_ref()) {
            return Route::Drop(Dropped::NoConnection);
        }
        if self.is_draining || self.routes.connections() >= self.limits.connections {
            return self.refuse(arrived, about, Reply::Refused, out); // spec: 9000-5.2.2-c
        }
        let is_validated = retried.is_some() || self.is_known(arrived, judged); // spec: 9000-8.1.2-e
        if !is_validated && self.wants_retry() {
            return self.retry(arrived, about, entropy, out);
        }
        Route::Accept(Accepted {
            version,
            original_dcid: retried.unwrap_or(dcid),
            retry_source: retried.map(|_| dcid),
            dcid,
            local: self.ids.draw(),
            peer,
            addresses: arrived.addresses,
            is_validated,
        })
    }

    fn judge(
        &self,
        arrived: &Arrived<'_>,
        version: &Version,
        dcid: &ConnectionId,
        token: &[u8],
    ) -> Option<Judged> {
        let validation = self.validation.as_ref().filter(|_| !token.is_empty())?;
        Some(validation.tokens.judge(arrived.unix_secs, version, arrived.addresses.peer, dcid, token))
    }

    /// Whether a NEW_TOKEN token is good that nobody has used; from here on somebody has.
    fn is_known(&mut self, arrived: &Arrived<'_>, judged: Option<Judged>) -> bool {
        match judged {
            Some(Judged::Known { serial, until_unix_secs }) => {
                let unix_secs = arrived.unix_secs;
                match &self.register {
                    Some(register) => register.spend(unix_secs, until_unix_secs, serial),
                    None => self.spent.spend(unix_secs, until_unix_secs, serial),
                }
            }
            _ => false,
        }
    }

    fn wants_retry(&self) -> bool {
        let half_open = self.routes.half_open();
        let is_due = match self.validation.as_ref().map(|validation| validation.retry) {
            None | Some(Retry::Never) => false,
            Some(Retry::Always) => true,
            Some(Retry::From(least)) => half_open >= least,
        };
        is_due || half_open >= self.limits.half_open
    }
}

impl Reply {
    /// The code that a reply closes with.
    pub(super) const fn code(self) -> TransportErrorCode {
        match self {
            Self::InvalidToken => TransportErrorCode::INVALID_TOKEN,
            _ => TransportErrorCode::CONNECTION_REFUSED,
        }
    }
}

#[cfg(test)]
mod tests;
