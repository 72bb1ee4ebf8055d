//! Answers that leave nothing behind: Version Negotiation, Retry, and the refusal of a connection.
//!
//! Each answers a datagram of 1,200 bytes or more and is shorter; none is of a kind that another endpoint answers.

use super::route::{Arrived, Dropped, LEAST_INITIAL_BYTES, Reply, Route};
use super::{Accepted, Endpoint};
use crate::frame::ConnectionClose;
use crate::ids::ConnectionId;
use crate::packet::{self, Draft, Keys, Long, Number};
use crate::rules::versions::{LongType, Version, reserved};
use crate::rules::{Side, frames::kind};
use sakigake_crypto::TAG_BYTES;
use sakigake_wire::{Entropy, Writer};

impl Endpoint {
    /// Answers a packet of a version that we do not take. The ids may have up to 255 bytes.
    pub(super) fn negotiate(
        &mut self,
        arrived: &Arrived<'_>,
        dcid: &[u8],
        scid: &[u8],
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        if arrived.bytes.len() < LEAST_INITIAL_BYTES {
            return Route::Drop(Dropped::Small); // spec: 9000-5.2.2-b
        }
        if !self.version_negotiations.take(arrived.now) {
            return Route::Drop(Dropped::Overloaded);
        }
        let mut chance = [0; 5];
        entropy.fill(&mut chance);
        let [low, grease @ ..] = chance;
        let ours = self.versions.iter().map(|version| version.number);
        let versions: Vec<u32> = ours.chain([reserved(u32::from_be_bytes(grease))]).collect();
        let mut writer = Writer::new(out);
        let written = packet::version::write(&mut writer, dcid, scid, &versions, low); // spec: 9000-5.2.2-a
        reply(written.map(|()| writer.written()), Reply::VersionNegotiation)
    }

    /// Asks the client to come back with a token, or refuses it where there is none to give.
    pub(super) fn retry(
        &mut self,
        arrived: &Arrived<'_>,
        about: (&'static Version, ConnectionId, ConnectionId),
        entropy: &mut dyn Entropy,
        out: &mut [u8],
    ) -> Route {
        let (version, dcid, peer) = about;
        let next = self.ids.draw();
        let token = self.validation.as_ref().and_then(|validation| {
            let client = arrived.addresses.peer;
            validation.tokens.retry(arrived.unix_secs, version, client, &dcid, &next, entropy)
        });
        let Some(token) = token else { return self.refuse(arrived, about, Reply::Refused, out) };
        if !self.retries.take(arrived.now) {
            return Route::Drop(Dropped::Overloaded);
        }
        let mut chance = [0];
        entropy.fill(&mut chance);
        let retry = packet::retry::Retry { version, dcid: peer.as_ref(), scid: next.as_ref(), token: &token };
        let mut writer = Writer::new(out);
        let written = retry.write(&mut writer, self.suite, dcid.as_ref(), chance[0]);
        reply(written.map(|()| writer.written()), Reply::Retry)
    }

    /// Refuses whom [`Route::Accept`] told of, and the owner does not want: the client need not wait until it has lost patience.
    /// `arrived` is the same datagram.
    pub fn turn_away(&mut self, arrived: &Arrived<'_>, accepted: &Accepted, out: &mut [u8]) -> Route {
        let about = (accepted.version, accepted.dcid, accepted.peer);
        let route = self.refuse(arrived, about, Reply::Refused, out); // spec: 9000-5.2.2-c
        self.counters.count(&route);
        route
    }

    /// Closes a connection that never was, in an Initial packet.
    pub(super) fn refuse(
        &mut self,
        arrived: &Arrived<'_>,
        (version, dcid, peer): (&'static Version, ConnectionId, ConnectionId),
        why: Reply,
        out: &mut [u8],
    ) -> Route {
        if !self.refusals.take(arrived.now) {
            return Route::Drop(Dropped::Overloaded);
        }
        let mut keys = Keys::initial(self.suite, version, dcid.as_ref(), Side::Server).send;
        let local = self.ids.draw();
        let header =
            Long { version, kind: LongType::Initial, dcid: peer.as_ref(), scid: local.as_ref(), token: &[] };
        let close = ConnectionClose { code: why.code().0, frame_type: Some(kind::PADDING), reason: b"" };
        let number = Number::with_len(0, 2).expect("0 fits two bytes");
        let mut writer = Writer::new(out);
        let Ok(draft) = Draft::long(&mut writer, &header, number) else {
            return Route::Drop(Dropped::Overloaded);
        };
        if close.write(&mut writer).is_err() || writer.room() < TAG_BYTES {
            return Route::Drop(Dropped::Overloaded);
        }
        let payload = writer.written() - draft.payload_at();
        let sealed = draft.seal(&mut keys, out, payload);
        Route::Reply { len: sealed.expect("the first packet under a key"), reply: why }
    }
}

/// A buffer that is too small for an answer is as good as none.
fn reply(written: Result<usize, sakigake_wire::Full>, reply: Reply) -> Route {
    match written {
        Ok(len) => Route::Reply { len, reply },
        Err(_) => Route::Drop(Dropped::Overloaded),
    }
}

#[cfg(test)]
mod tests;
