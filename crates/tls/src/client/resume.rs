//! A client's offer to go on with an earlier connection (RFC 9846 section 4.3.11).

use super::Config;
use crate::{
    EarlyOffer, Session, TrafficSecret, Verdict, Verifier,
    extension::{Binder, PskIdentity},
    schedule::Early,
    transcript::{Transcript, Unhashed},
};
use sakigake_crypto::{Secret, Suite};
use sakigake_wire::Instant;
use std::sync::Arc;

/// A session that fits here and now.
pub(super) struct Resumable {
    session: Session,
    /// The session's: what is negotiated has to have the same hash.
    suite: &'static Suite,
}

impl Resumable {
    /// None where the session is for another host, too old, of a suite that is not offered, or where its server's certificate
    /// is not, or no longer, one that we trust. Who judges certificates itself has to judge sessions too.
    pub(super) fn new(
        mut session: Session,
        config: &Config,
        server_name: &str,
        is_quic: bool,
        now: Instant,
    ) -> Option<Self> {
        let suite = config.provider.suite(session.suite)?;
        let unix_ms = config.unix_ms(now);
        let fits = config.tickets.is_some()
            && session.server_name == server_name // spec: 9846-4.7.1-h
            && session.is_fresh(unix_ms, config.chain_secs)
            && session.client_certificates == config.client_certificates()
            && session.transport().is_some() == is_quic
            && session.ticket.len() <= MOST_TICKET_BYTES;
        if !fits {
            return None;
        }
        if let Some(verifier) = &config.verifier {
            judge(&mut session, &**verifier, unix_ms / 1_000)?;
        }
        Some(Self { session, suite })
    }

    /// Whether a connection under `suite` can go on from it.
    pub(super) fn fits(&self, suite: &Suite) -> bool {
        core::ptr::eq(suite.hash, self.suite.hash)
    }

    /// The pre-shared key.
    pub(super) fn secret(&self) -> &Secret {
        &self.session.secret
    }

    /// When the server last proved itself by a certificate.
    pub(super) fn authenticated_unix_secs(&self) -> u64 {
        self.session.authenticated_unix_secs
    }

    /// The chain that the server showed, leaf first, and what was found of it.
    pub(super) fn into_chain(self) -> (Arc<[Vec<u8>]>, Verdict) {
        (self.session.chain, self.session.verdict)
    }

    /// The early data that may be sent, where both sides want any: under the terms of the session alone.
    pub(super) fn early(&self, config: &Config) -> Option<EarlyOffer> {
        let Session { alpn, max_early_data, .. } = &self.session;
        let fits = config.early_data // spec: 9846-2.3-a
            && *max_early_data > 0
            && alpn.as_ref().map_or(config.alpn.is_empty(), |alpn| config.alpn.contains(alpn));
        fits.then(|| EarlyOffer { suite: self.suite.id, alpn: alpn.clone(), max_bytes: *max_early_data })
    }

    /// What protects early data behind this ClientHello.
    pub(super) fn early_secret(&self, client_hello: &[u8]) -> TrafficSecret {
        let mut transcript = Unhashed::new(Vec::new()).start(self.suite.hash);
        transcript.add(client_hello);
        let early = Early::new(self.suite, Some(&self.session.secret));
        early.client_early_traffic_secret(&transcript.digest()).expect("a pre-shared key was given")
    }

    pub(super) fn identity(&self, config: &Config, now: Instant) -> PskIdentity<'_> {
        let obfuscated_ticket_age = self.session.obfuscated_age(config.unix_ms(now));
        PskIdentity { identity: &self.session.ticket, obfuscated_ticket_age }
    }

    /// What stands in the binder's place until [`Resumable::bind`].
    pub(super) fn no_binder(&self) -> Binder<'static> {
        Binder(&[0; 64][..self.suite.hash.len])
    }

    /// Puts the binder at the end of a ClientHello. `before` holds the messages before it, where there are any.
    pub(super) fn bind(&self, client_hello: &mut [u8], before: Option<&Transcript>) {
        let binder_len = self.suite.hash.len;
        let (truncated, binders) = client_hello.split_at_mut(client_hello.len() - (3 + binder_len)); // Two lengths.
        let mut transcript = match before {
            Some(before) => before.fork(),
            None => Unhashed::new(Vec::new()).start(self.suite.hash),
        };
        transcript.add(truncated);
        let binder = Early::new(self.suite, Some(&self.session.secret)).binder(&transcript.digest());
        let binder = binder.expect("a pre-shared key was given");
        binders[3..].copy_from_slice(binder.as_ref());
    }
}

/// Whether the session's chain is one that we trust, by what is known of it or by a walk along it; none where it is not.
fn judge(session: &mut Session, verifier: &dyn Verifier, unix_secs: u64) -> Option<()> {
    let Session { server_name, chain, verdict, .. } = session;
    let ders: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let earlier = verdict.grounds(server_name, chain);
    let grounds = verifier.judge(server_name, &ders, earlier, unix_secs).ok()?; // The reason is told by the full handshake.
    if grounds.as_ref() != earlier {
        *verdict = Verdict::new(server_name, chain, grounds);
    }
    Some(())
}

/// The longest ticket that is sent back: it stands beside a cookie and our lists in the two-byte length of ClientHello's
/// extensions.
const MOST_TICKET_BYTES: usize = 16_384;
