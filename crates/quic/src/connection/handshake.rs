//! TLS inside QUIC (RFC 9001 section 4): CRYPTO frames in, secrets and messages out, transport parameters both ways.

use super::{
    Connection, Event,
    begin::limits_of,
    keyring::Way,
    spaces::{level_of, space_of, space_of_level},
};
use crate::{
    Fault,
    frame::Crypto,
    ids::ConnectionId,
    parameters::{Parameters, PreferredAddress, Remembered, VersionInformation},
    recovery::Space,
    rules::{
        Epoch, Side,
        frames::kind,
        versions::{Version, version},
    },
};
use core::net::SocketAddr;
use sakigake_tls::{self as tls, Answer, EarlyData, Fact, Flight, Level, Step, Wanted};
use sakigake_wire::{Instant, Reader, Writer};

/// The longest that remembered parameters are.
const REMEMBERED_BYTES: usize = 256;

/// The entry of the application's terms; the number of no transport parameter, so that those who read these pass over it.
const TERMS: u64 = 0x3ff0_7465;

/// Bytes of the version before them.
const VERSION_BYTES: usize = 4;

impl Connection {
    /// CRYPTO: hands TLS what is in order now.
    pub(super) fn on_crypto(
        &mut self,
        now: Instant,
        epoch: Epoch,
        frame: &Crypto<'_>,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let space = space_of(epoch);
        let is_over = self.is_level_over(space);
        let Self { spaces, tls, .. } = self;
        let Some(number_space) = spaces.get_mut(space) else { return Ok(()) };
        let end = frame.offset.saturating_add(frame.data.len() as u64);
        if is_over && end > number_space.crypto.delivered() {
            return Err(Fault::CryptoBehindKeyChange); // spec: 9001-4.1.3-b
        }
        let (mut flight, mut result) = (Flight::default(), Ok(()));
        let accepted = number_space.crypto.accept(frame.offset, frame.data, &mut |bytes| {
            if result.is_ok() {
                result = tls.handle(now, level_of(space), bytes, &mut flight);
            }
        });
        accepted.map_err(|fault| fault.fault(kind::CRYPTO))?;
        let result = result.map_err(fault_of_tls).and_then(|()| self.refuse_held());
        self.absorb(now, flight, heard)?;
        result?;
        self.ask(now, heard)
    }

    /// Whether TLS reads from a later level than that of this space.
    pub(super) fn is_level_over(&self, space: Space) -> bool {
        self.tls.awaits().is_some_and(|awaited| awaited > level_of(space))
    }

    /// What is held behind a gap at a level that is over was said in vain.
    fn refuse_held(&self) -> Result<(), Fault> {
        let is_cut = |space: &Space| {
            let is_holding = self.spaces.get(*space).is_some_and(|space| space.crypto.is_holding());
            is_holding && self.is_level_over(*space)
        };
        match [Space::Initial, Space::Handshake].iter().any(is_cut) {
            true => Err(Fault::CryptoBehindKeyChange), // spec: 9001-4.1.3-c
            false => Ok(()),
        }
    }

    /// The owner's answer.
    pub(super) fn answer_tls(
        &mut self,
        now: Instant,
        answer: Answer,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        self.tell_tls(now, answer, heard)?;
        self.ask(now, heard)
    }

    fn tell_tls(
        &mut self,
        now: Instant,
        answer: Answer,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let mut flight = Flight::default();
        let result = self.tls.answer(now, answer, &mut flight).map_err(fault_of_tls);
        let result = result.and_then(|()| self.refuse_held());
        self.absorb(now, flight, heard)?;
        result
    }

    /// Client: what TLS does before anybody listens.
    pub(super) fn depart(&mut self, now: Instant, flight: Flight) {
        let Flight { steps, facts, key_log } = flight;
        self.carry_out(now, steps);
        let Some(opening) = &mut self.opening else { return };
        opening.key_log = key_log;
        for fact in facts {
            if let (Fact::EarlyData(offer), Some(remembered)) = (fact, &opening.remembered) {
                self.streams.grant(limits_of(remembered.parameters()));
                opening.early_offer = Some(offer);
            }
        }
    }

    /// Sends what is to be sent and installs what is to be installed.
    pub(super) fn carry_out(&mut self, now: Instant, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Send { level, message } => {
                    if let Some(space) = self.spaces.get_mut(space_of_level(level)) {
                        space.crypto.write(message);
                    }
                }
                Step::WriteKey(secret) => self.install(Way::Send, &secret),
                Step::ReadKey(secret) => self.install(Way::Receive, &secret),
                Step::WritePlain => self.reject_early_data(now),
                Step::LimitRecords { .. } => {} // There are none.
            }
        }
    }

    fn install(&mut self, way: Way, secret: &tls::TrafficSecret) {
        let is_unwanted = secret.level == Level::EarlyData
            && self.side == Side::Client
            && self.opening.as_ref().is_none_or(|opening| opening.remembered.is_none());
        if is_unwanted {
            return; // Nobody knows what the server would take.
        }
        // Early data is of the version that the client began with, whatever the server goes on in.
        let version = match &self.opening {
            Some(opening) if secret.level == Level::EarlyData => opening.first_version, // spec: 9369-4.1-a
            _ => self.version,
        };
        self.keys.install(version, way, secret);
        if secret.level == Level::Handshake && way == Way::Send {
            self.recovery.on_handshake_keys();
        }
    }

    /// What was logged before anybody listened: a server may never say anything that TLS hears.
    pub(super) fn tell_key_log(&mut self, heard: &mut impl FnMut(Event<'_>)) {
        let before = self.opening.as_mut().map(|opening| core::mem::take(&mut opening.key_log));
        before.iter().flatten().for_each(|line| heard(Event::KeyLog(line)));
    }

    fn absorb(
        &mut self,
        now: Instant,
        flight: Flight,
        heard: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Fault> {
        let Flight { steps, facts, key_log } = flight;
        key_log.iter().for_each(|line| heard(Event::KeyLog(line)));
        self.carry_out(now, steps);
        facts.into_iter().try_for_each(|fact| self.learn(now, fact, heard))
    }

    fn learn(&mut self, now: Instant, fact: Fact, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        match fact {
            Fact::EarlyData(_) => {}
            Fact::TransportParameters(bytes) => self.on_parameters_of_server(&bytes)?,
            Fact::Negotiated(negotiated) => {
                self.on_early_data(now, negotiated.early_data)?;
                self.watch.note_negotiated(&negotiated);
                heard(Event::Negotiated(negotiated));
            }
            Fact::Authenticated(identity) => heard(Event::Authenticated(identity)),
            Fact::Established => {
                self.is_established = true;
                heard(Event::Established);
                if self.side == Side::Server {
                    self.once.handshake_done = true; // spec: 9001-4.1.2-a
                    let has_early = self.keys.can_receive(Epoch::ZeroRtt);
                    self.key_times.early_until = has_early.then(|| now + self.pto().times(3)); // spec: 9001-4.9.3-b
                    self.draw_token(now);
                    self.confirm(now, heard);
                } else {
                    self.keys.discard(Epoch::ZeroRtt); // spec: 9001-4.9.3-a
                    // Our Finished is not held up by a window full of early data: until it arrives nothing of that is probed for.
                    self.probes[Space::Handshake as usize] = 1;
                }
            }
            Fact::BarredRequest => return Err(Fault::CertificateRequestAfterHandshake), // spec: 9001-4.4-a
            Fact::Ticket(mut session) => {
                if let Some(peer) = &self.peer {
                    let kept = session.set_transport(remembered_bytes(self.version, &peer.remembered(), &[]));
                    kept.expect("integers of a dozen parameters are within the bound");
                }
                heard(Event::Ticket(session));
            }
        }
        Ok(())
    }

    /// The handshake is confirmed (RFC 9001 section 4.1.2).
    pub(super) fn confirm(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) {
        if core::mem::replace(&mut self.is_confirmed, true) {
            return;
        }
        if let Some(phases) = self.keys.phases() {
            phases.confirm();
        }
        self.recovery.on_confirmed();
        self.paths.confirm();
        self.discard(now, Epoch::Initial);
        self.discard(now, Epoch::Handshake); // spec: 9001-4.9.2-a
        self.prefer(now, heard);
        heard(Event::Confirmed);
    }

    /// The keys of an epoch are of no use any more, nor is what was sent under them.
    pub(super) fn discard(&mut self, now: Instant, epoch: Epoch) {
        let space = space_of(epoch);
        if self.spaces.get(space).is_some() {
            self.keys.discard(epoch);
            self.spaces.discard(space);
            self.probes[space as usize] = 0;
            self.recovery.discard(now, space);
        }
    }

    /// Asks the owner, or answers ourselves what is ours to answer.
    fn ask(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) -> Result<(), Fault> {
        while let Some(Wanted::TransportParameters { peer, remembered }) = self.tls.wanted() {
            let (peer, remembered) = (peer.clone(), remembered.clone());
            let answer = self.agree(&peer, remembered.as_deref())?;
            self.tell_tls(now, answer, heard)?;
        }
        if let Some(wanted) = self.tls.wanted()
            && !core::mem::replace(&mut self.has_asked, true)
        {
            heard(Event::Wanted(wanted));
        }
        Ok(())
    }

    /// Server: what the client declared, and what we declare.
    fn agree(&mut self, peer: &[u8], remembered: Option<&[u8]>) -> Result<Answer, Fault> {
        let parameters = Parameters::read(peer, Side::Client)?;
        let Some(opening) = &self.opening else { return Err(Fault::Internal("a second ClientHello")) };
        parameters.authenticate(Side::Client, &opening.ids())?;
        if let Some(offered) = &parameters.version_information {
            offered.check_client(self.version.number)?;
            let is_offered = |number| offered.available.contains(&number);
            let best = self.config.versions.iter().find(|version| is_offered(version.number));
            if let Some(best) = best.filter(|best| **best != self.version) {
                self.version = best; // spec: 9368-2.3-a
                self.keys.choose(best, opening.keyed_by.as_ref());
            }
        }
        let first_version = opening.first_version;
        let own = self.own_parameters().ok_or(Fault::Internal("a second ClientHello"))?;
        self.adopt(parameters);
        let kept = remembered.and_then(|bytes| remembered_of(bytes, first_version));
        let parameters = own.to_vec(Side::Server, &mut *self.entropy);
        let has_same_terms = remembered.is_some_and(|bytes| terms_of(bytes) == self.early_terms);
        let remembered = remembered_bytes(self.version, &own.remembered(), &self.early_terms);
        Ok(match kept {
            Some(kept) => {
                let takes_early_data = has_same_terms && kept.may_take_early_data(&own);
                Answer::TransportParameters { parameters, remembered, takes_early_data }
            }
            None => Answer::FullHandshake { parameters, remembered }, // spec: 9369-5-b
        })
    }

    /// What we declare; none when the handshake is over.
    pub(super) fn own_parameters(&self) -> Option<Parameters> {
        let opening = self.opening.as_ref()?;
        let mut own = self.config.parameters();
        own.initial_source_connection_id = Some(opening.local);
        if self.side == Side::Client {
            own.version_information = Some(self.config.version_information(opening.first_version));
            return Some(own);
        }
        own.original_destination_connection_id = Some(opening.original_dcid);
        own.retry_source_connection_id = opening.retry_source;
        own.stateless_reset_token = Some(self.reset_key.token(opening.local.as_ref()));
        own.preferred_address = opening.preferred.map(|connection_id| PreferredAddress {
            ipv4: self.config.preferred_v4,
            ipv6: self.config.preferred_v6,
            connection_id,
            reset_token: self.reset_key.token(connection_id.as_ref()),
        });
        own.version_information = Some(self.config.version_information(self.version));
        Some(own)
    }

    /// Whether a server may tell of its preferred address, and has no id to go with it.
    pub(super) fn may_offer(&self) -> bool {
        let is_free = self.opening.as_ref().is_some_and(|opening| opening.preferred.is_none());
        let is_wanted = self.side == Side::Server && self.config.preferred_addresses().next().is_some();
        is_wanted && is_free && !self.arrived_at.is_empty()
    }

    /// Server: the id that its preferred address is told with; false where it is one that the client has.
    pub(super) fn offer(&mut self, id: ConnectionId) -> bool {
        let Some(opening) = self.opening.as_mut().filter(|opening| !id.is_empty() && id != opening.local)
        else {
            return false;
        };
        opening.preferred = Some(id);
        self.issued.prefer(id);
        true
    }

    /// Client: what the server declared.
    fn on_parameters_of_server(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let parameters = Parameters::read(bytes, Side::Server)?;
        let Some(opening) = &self.opening else { return Ok(()) };
        parameters.authenticate(Side::Server, &opening.ids())?;
        let sent = self.config.version_information(opening.first_version);
        let spoken = opening.has_reacted.then_some(&sent.available[..]);
        let theirs = parameters.version_information.as_ref();
        VersionInformation::check_server(theirs, &sent, self.version.number, spoken)?;
        if let Some(token) = parameters.stateless_reset_token {
            self.theirs.set_token(token);
        }
        if let Some(PreferredAddress { connection_id, reset_token, .. }) = parameters.preferred_address {
            self.theirs.prefer(connection_id, reset_token)?;
        }
        self.adopt(parameters);
        Ok(())
    }

    /// What became of early data: a server keeps none that it refused.
    fn on_early_data(&mut self, now: Instant, fate: EarlyData) -> Result<(), Fault> {
        if self.side == Side::Server {
            if let (Some(opening), false) = (&mut self.opening, self.keys.can_receive(Epoch::ZeroRtt)) {
                opening.early.retain(|early| early.epoch != Epoch::ZeroRtt);
            }
            return Ok(());
        }
        let remembered = self.opening.as_ref().and_then(|opening| opening.remembered.as_ref());
        match (fate, remembered, &self.peer) {
            (EarlyData::Accepted { .. }, Some(remembered), Some(peer)) => {
                remembered.check_kept(peer)?;
                self.streams.grant(limits_of(peer));
                Ok(())
            }
            (EarlyData::Rejected, ..) => {
                self.reject_early_data(now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Client: nothing that was sent early was seen; it leaves again within the limits that hold now.
    fn reject_early_data(&mut self, now: Instant) {
        self.keys.discard(Epoch::ZeroRtt);
        self.withdraw(now, Space::Application); // spec: 9001-4.6.2-a
        let limits = self.peer.as_ref().map(|peer| limits_of(peer)).unwrap_or_default();
        self.streams.restart(limits);
    }

    /// Server: a token for the client's next connection.
    fn draw_token(&mut self, now: Instant) {
        let Some(tokens) = &self.config.tokens else { return };
        let unix_secs = self.config.unix_secs_at_start + now.as_nanos() / 1_000_000_000;
        let client = self.paths.active().addresses.peer.ip();
        if let Some(token) = tokens.new_token(unix_secs, self.version, client, &mut *self.entropy) {
            (self.once.token, self.once.new_token) = (token, true);
        }
    }

    /// Client: goes where the server would rather be reached.
    fn prefer(&mut self, now: Instant, heard: &mut impl FnMut(Event<'_>)) {
        let preferred = self.peer.as_ref().and_then(|peer| peer.preferred_address);
        let Some(PreferredAddress { ipv4, ipv6, .. }) = preferred.filter(|_| self.side == Side::Client)
        else {
            return;
        };
        let addresses: Vec<SocketAddr> =
            ipv4.map(SocketAddr::V4).into_iter().chain(ipv6.map(SocketAddr::V6)).collect();
        let pto = self.pto();
        self.each_change(now, heard, |paths, changes| {
            // Where the path cannot be begun the connection stays where it is, as it may (RFC 9000 section 9.6.1).
            let _ = paths.prefer(now, &addresses, pto, &mut |change| changes.push(change));
        });
    }
}

/// What a fault of TLS is in QUIC: some of its sins have errors of QUIC's own.
fn fault_of_tls(fault: tls::Fault) -> Fault {
    match fault {
        tls::Fault::MessageSpansKeyChange => Fault::CryptoBehindKeyChange, // spec: 9001-4.1.3-a
        tls::Fault::MiddleboxCompatibility => Fault::SessionIdInClientHello, // spec: 9001-8.4-b
        tls::Fault::BadMaxEarlyDataSize => Fault::TicketBoundsEarlyData,   // spec: 9001-4.6.1-b
        fault => Fault::Tls(fault),
    }
}

/// The version that a ticket is of, and what is remembered with it.
fn remembered_bytes(version: &Version, remembered: &Remembered, terms: &[u8]) -> Vec<u8> {
    let mut bytes = [0; REMEMBERED_BYTES];
    let mut out = Writer::new(&mut bytes);
    let written = out.u32(version.number).and_then(|()| remembered.write(&mut out));
    let written = written.and_then(|()| match terms {
        [] => Ok(()),
        _ => {
            out.varint(TERMS)?;
            out.varint(terms.len() as u64)?;
            out.put(terms)
        }
    });
    written.expect("integers of a dozen parameters take less");
    let len = out.written();
    bytes[..len].to_vec()
}

/// The terms among them.
fn terms_of(bytes: &[u8]) -> &[u8] {
    let mut reader = Reader::new(bytes.get(VERSION_BYTES..).unwrap_or_default());
    while let (Ok(id), Ok(len)) = (reader.varint(), reader.varint()) {
        match usize::try_from(len).ok().and_then(|len| reader.take(len).ok()) {
            Some(terms) if id == TERMS => return terms,
            Some(_) => {}
            None => break,
        }
    }
    &[]
}

/// What [`remembered_bytes`] wrote for a ticket of `version`; none for another one's, and for what cannot be read.
pub(super) fn remembered_of(bytes: &[u8], version: &Version) -> Option<Remembered> {
    let rest = bytes.get(VERSION_BYTES..).filter(|_| version_of(bytes) == Some(version))?;
    Remembered::read(rest).ok() // We wrote it: what is not readable is another build's.
}

/// The version of the same.
pub(super) fn version_of(bytes: &[u8]) -> Option<&'static Version> {
    version(u32::from_be_bytes(*bytes.first_chunk::<VERSION_BYTES>()?))
}
