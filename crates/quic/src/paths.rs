//! Paths to the peer: how many bytes each may carry, whether the peer is there, and when a connection moves (RFC 9000
//! sections 8, 9 and 14).

mod amplification;
mod mtu;
mod validation;

pub use amplification::Credit;
pub use mtu::{Loss, Mtu};
pub use validation::{PathData, Shown, Validation};

use crate::rate::Rate;
use core::net::SocketAddr;
use sakigake_wire::{Entropy, Instant, Span};

/// A path of one connection; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathId(pub u32);

/// Both ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addresses {
    /// Ours.
    pub local: SocketAddr,
    /// The peer's, as we see it.
    pub peer: SocketAddr,
}

/// What a connection holds of paths at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Paths at once; the longest unheard makes room for a new one. At least 3: two that matter, and one that begins.
    pub paths: usize,
    /// Challenges of the peer on one path that wait for their answer; of more, the oldest stay without one.
    pub path_responses: usize,
    /// Answers in a second on paths that are not in use, all together: there no congestion window holds them back.
    pub responses_elsewhere_per_s: u32,
    /// The largest datagram that is looked for.
    pub datagram_bytes: u16,
}

/// All paths of a connection. One is active: all but probes goes there.
#[derive(Debug)]
pub struct Paths {
    paths: Vec<Path>,
    active: PathId,
    /// The last one that was active and validated, until the active one is: kept even where it answers no more, since a peer
    /// that is nowhere for a while may yet be heard of.
    fallback: Option<PathId>,
    next_id: u32,
    is_client: bool,
    /// Before that nobody moves (RFC 9000 section 9).
    is_confirmed: bool,
    /// A server's other address, told to the client.
    preferred: Option<SocketAddr>,
    /// The highest number of a packet with more than probing frames.
    largest: Option<u64>,
    /// Answers on paths that are not active.
    elsewhere: Rate,
    limits: Limits,
}

/// One path.
#[derive(Debug)]
pub struct Path {
    /// Which one.
    pub id: PathId,
    /// From where to where.
    pub addresses: Addresses,
    /// How many bytes may go there.
    pub credit: Credit,
    /// How large a datagram may be.
    pub mtu: Mtu,
    validation: Validation,
    is_validated: bool,
    /// The connection moves here once it is validated.
    wants_move: bool,
    was_active: bool,
    /// We have left it, and forget it then; until that what was on its way still comes.
    leaves: Option<Instant>,
    /// Challenges of the peer that wait for their answer.
    responses: Vec<PathData>,
    heard: Instant,
}

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The peer is there.
    Validated {
        /// Where.
        path: PathId,
    },
    /// All but probes goes elsewhere from here on.
    Moved(Move),
    /// It is forgotten; its connection id is to be retired.
    Gone {
        /// Which one.
        path: PathId,
    },
    /// The peer is nowhere and never was anywhere: the connection is silently over (RFC 9000 section 9.3.2).
    NoPath,
}

/// From one path to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Where it was.
    pub from: PathId,
    /// Where it is.
    pub to: PathId,
    /// For what reason.
    pub reason: Reason,
    /// Only the peer's port is another: what is known of round trips and congestion may stay. Else both begin anew.
    pub keeps_estimates: bool,
}

/// Why a connection moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The peer kept its connection id: something between us gave it another address. Ours is kept too.
    Rebinding,
    /// The peer came with another connection id: we answer with another one.
    Migration,
    /// The new path failed, and the old one is back.
    Reverted,
    /// We chose it, a client that migrates or goes to a preferred address; or our own preferred address is in use now.
    Chosen,
}

/// What is to be sent on a path beside the connection's own packets, in a datagram of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where.
    pub path: PathId,
    /// PATH_RESPONSE.
    pub response: Option<PathData>,
    /// PATH_CHALLENGE.
    pub challenge: Option<PathData>,
    /// The datagram is padded to so many bytes; not at all where the address is owed too little for that.
    pub padded_bytes: Option<u16>,
}

/// Why a client may not begin a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The handshake is not confirmed.
    NotConfirmed,
    /// The server said disable_active_migration.
    Disabled,
    /// Servers do not move by themselves.
    Server,
    /// It has that path, or one as good.
    AlreadyThere,
}

impl Default for Limits {
    fn default() -> Self {
        Self { paths: 5, path_responses: 4, responses_elsewhere_per_s: 100, datagram_bytes: 1_472 }
    }
}

impl Addresses {
    /// Whether nothing but the peer's port is different, as after NAT rebinding.
    pub fn differ_in_port(&self, other: &Self) -> bool {
        self.local == other.local && self.peer.ip() == other.peer.ip()
    }
}

impl Paths {
    /// A client's, with the path of its handshake.
    pub fn client(now: Instant, addresses: Addresses, limits: Limits) -> Self {
        Self::new(now, addresses, limits, true)
    }

    /// A server's, with the path of its handshake: limited until the client has shown that it is there. `preferred` is the
    /// address that its preferred_address parameter tells, of the handshake's family.
    pub fn server(now: Instant, addresses: Addresses, preferred: Option<SocketAddr>, limits: Limits) -> Self {
        Self { preferred, ..Self::new(now, addresses, limits, false) }
    }

    fn new(now: Instant, addresses: Addresses, limits: Limits, is_client: bool) -> Self {
        let limits = Limits { paths: limits.paths.max(3), ..limits };
        let (active, paths) = (PathId(0), Vec::with_capacity(1));
        let (is_confirmed, preferred, largest, fallback) = (false, None, None, None);
        let (next_id, elsewhere) = (0, Rate::new(limits.responses_elsewhere_per_s));
        let mut paths = Self {
            paths,
            active,
            fallback,
            next_id,
            is_client,
            is_confirmed,
            preferred,
            largest,
            elsewhere,
            limits,
        };
        paths.add(now, addresses);
        paths.paths[0].was_active = true;
        paths
    }

    /// The path with this id.
    pub fn get(&self, path: PathId) -> Option<&Path> {
        self.paths.iter().find(|other| other.id == path)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, path: PathId) -> Option<&mut Path> {
        self.paths.iter_mut().find(|other| other.id == path)
    }

    /// The active path.
    pub fn active(&self) -> &Path {
        self.get(self.active).expect("the active path is never forgotten")
    }

    /// The same, to be changed.
    pub fn active_mut(&mut self) -> &mut Path {
        self.get_mut(self.active).expect("the active path is never forgotten")
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// The path between these addresses.
    pub fn find(&self, addresses: &Addresses) -> Option<PathId> {
        self.paths.iter().find(|path| path.addresses == *addresses).map(|path| path.id)
    }

    /// Whether there is a path between these addresses that may carry no more than the peer's bytes allow.
    pub fn is_limited(&self, addresses: &Addresses) -> bool {
        self.paths.iter().any(|path| path.credit.is_limited() && path.addresses == *addresses)
    }

    /// A datagram for this connection came, readable or not. Whether somebody waits for the room that it makes: see
    /// [`Credit::received`].
    pub fn datagram(&mut self, addresses: &Addresses, datagram_bytes: usize) -> bool {
        let path = self.paths.iter_mut().find(|path| path.addresses == *addresses);
        path.is_some_and(|path| path.credit.received(datagram_bytes))
    }

    /// A packet that its key opened came between these addresses, in a datagram of so many bytes: the path that it belongs
    /// to, which may have begun with it. None: it is dropped.
    pub fn packet(
        &mut self,
        now: Instant,
        addresses: &Addresses,
        datagram_bytes: usize,
        heard: &mut impl FnMut(Change),
    ) -> Option<PathId> {
        if let Some(path) = self.paths.iter_mut().find(|path| path.addresses == *addresses) {
            path.heard = now;
            return Some(path.id);
        }
        if self.is_client {
            // A server that is known, though not from there: packets that were on their way when we left.
            let known = self.paths.iter().find(|path| path.addresses.peer == addresses.peer);
            return known.map(|path| path.id); // spec: 9000-9-c
        }
        let is_ours =
            addresses.local == self.active().addresses.local || Some(addresses.local) == self.preferred;
        if !self.is_confirmed || !is_ours {
            return None; // spec: 9000-9-a
        }
        self.make_room(heard);
        let path = self.add(now, *addresses);
        if let Some(path) = self.get_mut(path) {
            path.credit.received(datagram_bytes);
        }
        Some(path)
    }

    /// A packet with more than probing frames came on `path`, under this number and sent to the connection id that was in
    /// use before (`keeps_id`) or to another. The highest one tells where the peer is. `pto` is the current probe timeout.
    pub fn non_probing(
        &mut self,
        now: Instant,
        path: PathId,
        number: u64,
        keeps_id: bool,
        pto: Span,
        heard: &mut impl FnMut(Change),
    ) {
        if !self.is_newest(number) {
            return; // spec: 9000-9.3-b
        }
        self.largest = Some(number);
        let Some(new) = self.get(path).filter(|_| !self.is_client && path != self.active) else { return };
        let (is_validated, local) = (new.is_validated, new.addresses.local);
        if Some(self.active().addresses.local) == self.preferred && Some(local) != self.preferred {
            return; // From there nobody goes back.
        }
        if !is_validated && local != self.active().addresses.local {
            self.begin(now, path, pto, true); // spec: 9000-9.6.2-b
            return;
        }
        let reason = match () {
            () if local != self.active().addresses.local => Reason::Chosen,
            () if keeps_id => Reason::Rebinding,
            () => Reason::Migration,
        };
        self.follow(now, path, reason, pto, heard);
    }

    /// Whether no packet with more than probing frames had a higher number.
    pub fn is_newest(&self, number: u64) -> bool {
        self.largest.is_none_or(|largest| number > largest)
    }

    /// PATH_CHALLENGE came on `path`; the answer goes there.
    pub fn challenged(&mut self, path: PathId, data: PathData) {
        let limit = self.limits.path_responses.max(1);
        let Some(path) = self.get_mut(path) else { return };
        if path.responses.len() == limit {
            path.responses.remove(0);
        }
        path.responses.push(data); // spec: 9000-8.2.2-a
    }

    /// PATH_RESPONSE came, on whichever path. One that answers nothing may be late, and is no sin.
    pub fn responded(&mut self, now: Instant, data: &PathData, pto: Span, heard: &mut impl FnMut(Change)) {
        let answered = |path: &mut Path| path.validation.answer(now, data).map(|_| path.id);
        let Some(path) = self.paths.iter_mut().find_map(answered) else { return };
        self.validated(path, heard);
        self.settle(now, path, pto, heard);
    }

    /// The peer is where `path` says: a packet under Handshake keys came from there, or a token showed it.
    pub fn validated(&mut self, path: PathId, heard: &mut impl FnMut(Change)) {
        let is_confirmed = self.is_confirmed;
        let Some(path) = self.get_mut(path) else { return };
        path.credit.validate();
        if !core::mem::replace(&mut path.is_validated, true) {
            if is_confirmed {
                path.mtu.start();
            }
            heard(Change::Validated { path: path.id });
        }
    }

    /// The handshake is confirmed: the peer may move, we may, and the search for larger datagrams begins.
    pub fn confirm(&mut self) {
        self.is_confirmed = true;
        self.active_mut().mtu.start();
    }

    /// The peer's max_udp_payload_size holds on all paths, also on those to come.
    pub fn limit_datagrams(&mut self, max_udp_payload_size: u64) {
        let theirs = u16::try_from(max_udp_payload_size).unwrap_or(u16::MAX);
        self.limits.datagram_bytes = self.limits.datagram_bytes.min(theirs);
        self.paths.iter_mut().for_each(|path| path.mtu.limit(max_udp_payload_size));
    }

    /// A client probes the path from another address of its own to the same server, and moves there when it is validated if
    /// it `wants_move`. `is_disabled`: the server said disable_active_migration, and we are not at its preferred address.
    pub fn probe_from(
        &mut self,
        now: Instant,
        local: SocketAddr,
        wants_move: bool,
        is_disabled: bool,
        pto: Span,
        heard: &mut impl FnMut(Change),
    ) -> Result<PathId, Refused> {
        if is_disabled {
            return Err(Refused::Disabled); // spec: 9000-9-b
        }
        let peer = self.active().addresses.peer;
        self.reach(now, Addresses { local, peer }, wants_move, pto, heard)
    }

    /// A client tries one of the addresses that the server prefers, of the family that it uses already; it moves there once
    /// that is validated.
    pub fn prefer(
        &mut self,
        now: Instant,
        preferred: &[SocketAddr],
        pto: Span,
        heard: &mut impl FnMut(Change),
    ) -> Result<PathId, Refused> {
        let Addresses { local, peer } = self.active().addresses;
        let same = preferred.iter().find(|address| address.is_ipv4() == peer.is_ipv4());
        let peer = *same.ok_or(Refused::AlreadyThere)?;
        self.reach(now, Addresses { local, peer }, true, pto, heard)
    }

    /// What is to be sent on some path now, beside the connection's own packets. It counts as sent but for its bytes, which
    /// [`Credit::sent`] is told. `has_window` says whether the congestion window of the active path has room for a datagram:
    /// answers there wait for it, so that nobody has us send much for little; those on other paths keep to their rate. `has_id` says whether the path has a connection
    /// id, or gets one.
    pub fn outgoing(
        &mut self,
        now: Instant,
        has_window: bool,
        has_id: &mut impl FnMut(PathId) -> bool,
        entropy: &mut dyn Entropy,
    ) -> Option<Outgoing> {
        let active = self.active;
        let has_rate = self.elsewhere.has_room(now);
        let may_respond = |path: &Path| if path.id == active { has_window } else { has_rate }; // spec: 9000-8.2.2-d
        let is_wanted =
            |path: &Path| path.validation.is_due() || (!path.responses.is_empty() && may_respond(path));
        let path = self.paths.iter_mut().find_map(|path| {
            let may = is_wanted(path) && path.credit.may_send(LEAST_DATAGRAM_BYTES) && has_id(path.id);
            may.then_some(path)
        })?;
        let is_owed = path.credit.room() >= u64::from(Mtu::BASE_BYTES); // spec: 9000-8.2.1-c, 9000-8.2.2-c
        let padded_bytes = is_owed.then_some(Mtu::BASE_BYTES);
        let responds = !path.responses.is_empty() && may_respond(path);
        let response = responds.then(|| path.responses.remove(0)); // spec: 9000-8.2.2-b
        if responds && path.id != active {
            self.elsewhere.take(now);
        }
        let challenge = path.validation.challenge(now, padded_bytes.is_some(), entropy);
        Some(Outgoing { path: path.id, response, challenge, padded_bytes })
    }

    /// When [`Paths::expire`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let validations = self.paths.iter().filter_map(|path| path.validation.deadline());
        let left = self.paths.iter().filter_map(|path| path.leaves);
        validations.chain(left).chain(self.active().mtu.deadline()).min()
    }

    /// Time passed.
    pub fn expire(&mut self, now: Instant, heard: &mut impl FnMut(Change)) {
        self.active_mut().mtu.expire(now);
        let is_over = |path: &mut Path| {
            let is_left = path.leaves.is_some_and(|leaves| now >= leaves);
            (path.validation.expire(now) || is_left).then_some(path.id)
        };
        let failed: Vec<PathId> = self.paths.iter_mut().filter_map(is_over).collect();
        // What we stand on goes last, so that we fall back to nothing that fails with it, but to where the peer was last.
        let (active, others): (Vec<PathId>, Vec<PathId>) =
            failed.into_iter().partition(|id| *id == self.active);
        let is_settled = active.is_empty() && self.is_settled();
        let is_spare = |path: &PathId| Some(*path) != self.fallback || is_settled;
        let others: Vec<PathId> = others.into_iter().filter(is_spare).collect();
        others.into_iter().for_each(|path| self.forget(path, heard)); // spec: 9000-9.6.1-b
        if !active.is_empty() {
            self.revert(heard);
        }
    }

    /// A path that begins: at a server limited by what comes from there.
    fn add(&mut self, now: Instant, addresses: Addresses) -> PathId {
        let id = PathId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let credit = if self.is_client { Credit::unlimited() } else { Credit::limited() };
        self.paths.push(Path {
            id,
            addresses,
            credit,
            mtu: Mtu::new(self.limits.datagram_bytes),
            validation: Validation::default(),
            is_validated: false,
            wants_move: false,
            was_active: false,
            leaves: None,
            responses: Vec::new(),
            heard: now,
        });
        id
    }

    /// A client begins a path, or validates anew one that it has.
    fn reach(
        &mut self,
        now: Instant,
        addresses: Addresses,
        wants_move: bool,
        pto: Span,
        heard: &mut impl FnMut(Change),
    ) -> Result<PathId, Refused> {
        match () {
            () if !self.is_client => return Err(Refused::Server),
            () if !self.is_confirmed => return Err(Refused::NotConfirmed), // spec: 9000-9-d
            () if self.active().addresses == addresses => return Err(Refused::AlreadyThere),
            () => {}
        }
        let known = self.find(&addresses);
        if known.is_none() {
            self.make_room(heard);
        }
        let path = known.unwrap_or_else(|| self.add(now, addresses));
        self.begin(now, path, pto, wants_move);
        Ok(path)
    }

    fn begin(&mut self, now: Instant, path: PathId, pto: Span, wants_move: bool) {
        if let Some(path) = self.get_mut(path) {
            path.validation.start(now, pto);
            path.wants_move |= wants_move;
            path.leaves = None;
        }
    }

    /// The peer is elsewhere: so are we, at once, and both paths are validated.
    fn follow(
        &mut self,
        now: Instant,
        to: PathId,
        reason: Reason,
        pto: Span,
        heard: &mut impl FnMut(Change),
    ) {
        let from = self.active;
        let (was_validated, is_validated) = (self.active().is_validated, self.is_validated(to));
        self.shift(to, reason, heard);
        if was_validated {
            self.fallback = Some(from);
            self.begin(now, from, pto, false); // spec: 9000-9.3.3-a
        } else if self.fallback.is_some() {
            self.forget(from, heard); // It was spurious, or another move came before it was known.
        }
        if is_validated {
            self.fallback = self.fallback.filter(|path| *path != to);
            // The peer is there, as it was: no answer that is lost is to end the connection.
            self.get_mut(to).into_iter().for_each(|path| path.validation.stop());
            let failed = self.fallback.filter(|path| !self.is_running(*path));
            failed.into_iter().for_each(|path| self.forget(path, heard));
        } else {
            self.begin(now, to, pto, false); // spec: 9000-9.3-a
        }
    }

    /// Makes `to` the active path and says so.
    fn shift(&mut self, to: PathId, reason: Reason, heard: &mut impl FnMut(Change)) {
        let from = core::mem::replace(&mut self.active, to);
        let old = self.get(from).map(|path| (path.addresses, path.mtu.clone()));
        let new = self.active_mut();
        (new.was_active, new.wants_move, new.leaves) = (true, false, None);
        let mut keeps_estimates = false;
        if let Some((addresses, mtu)) = old {
            keeps_estimates = new.addresses.differ_in_port(&addresses); // spec: 9000-9.4-a
            if keeps_estimates && new.mtu.datagram_bytes() < mtu.datagram_bytes() {
                new.mtu = mtu.inherited();
            }
        }
        heard(Change::Moved(Move { from, to, reason, keeps_estimates }));
    }

    /// What follows from an answer to a challenge on `path`.
    fn settle(&mut self, now: Instant, path: PathId, pto: Span, heard: &mut impl FnMut(Change)) {
        if self.get(path).is_some_and(|path| path.wants_move) && path != self.active {
            let from = self.active;
            self.shift(path, Reason::Chosen, heard); // spec: 9000-9.6.1-a
            for other in self.paths.iter_mut().filter(|other| other.id != path) {
                other.wants_move = false;
                other.validation.stop(); // spec: 9000-9.6.3-a
            }
            if let Some(old) = self.get_mut(from) {
                old.leaves = Some(now + pto.times(3)); // spec: 9000-9.6.2-c
            }
        }
        if self.is_settled() && self.fallback.is_some_and(|path| !self.is_running(path)) {
            self.fallback = None;
        }
        if self.active().is_validated && !self.is_client {
            let matters = |path: &Path| path.id == self.active || Some(path.id) == self.fallback;
            let is_left = |path: &Path| path.was_active && path.leaves.is_none();
            let is_over = |path: &&Path| !matters(path) && is_left(path) && !path.validation.is_running();
            let over: Vec<PathId> = self.paths.iter().filter(is_over).map(|path| path.id).collect();
            over.into_iter().for_each(|path| self.forget(path, heard));
        }
    }

    /// The active path has failed.
    fn revert(&mut self, heard: &mut impl FnMut(Change)) {
        let failed = self.active;
        let fallback = self.fallback.take().filter(|path| self.is_validated(*path));
        let other =
            || self.paths.iter().find(|path| path.id != failed && path.is_validated).map(|path| path.id);
        match fallback.or_else(other) {
            Some(to) => {
                self.shift(to, Reason::Reverted, heard); // spec: 9000-9.3.2-a
                self.forget(failed, heard);
            }
            None => heard(Change::NoPath), // spec: 9000-9.3.2-b
        }
    }

    /// The longest unheard of those that nothing depends on makes room.
    fn make_room(&mut self, heard: &mut impl FnMut(Change)) {
        if self.paths.len() < self.limits.paths {
            return;
        }
        let matters = |path: &Path| path.id == self.active || Some(path.id) == self.fallback;
        let spare = self.paths.iter().filter(|path| !matters(path)).min_by_key(|path| (path.heard, path.id));
        if let Some(path) = spare.map(|path| path.id) {
            self.forget(path, heard);
        }
    }

    fn forget(&mut self, path: PathId, heard: &mut impl FnMut(Change)) {
        self.paths.retain(|other| other.id != path);
        self.fallback = self.fallback.filter(|other| *other != path);
        heard(Change::Gone { path });
    }

    fn is_validated(&self, path: PathId) -> bool {
        self.get(path).is_some_and(|path| path.is_validated)
    }

    /// Whether the peer is known to be on the active path, and nothing about that is still to be shown.
    fn is_settled(&self) -> bool {
        self.active().is_validated && !self.active().validation.is_running()
    }

    fn is_running(&self, path: PathId) -> bool {
        self.get(path).is_some_and(|path| path.validation.is_running())
    }
}

impl Path {
    /// Whether the peer has shown that it is there.
    pub const fn is_validated(&self) -> bool {
        self.is_validated
    }

    /// Whether challenges are on their way.
    pub const fn is_being_validated(&self) -> bool {
        self.validation.is_running()
    }

    /// The largest datagram that may be sent now; nothing where the address is owed less than any packet.
    pub fn room(&self) -> usize {
        usize::try_from(self.credit.room()).unwrap_or(usize::MAX).min(usize::from(self.mtu.datagram_bytes()))
    }
}

/// A short header with the longest id and packet number, PATH_RESPONSE, PATH_CHALLENGE, and a tag.
const LEAST_DATAGRAM_BYTES: usize = 1 + 20 + 4 + 9 + 9 + 16;

#[cfg(test)]
mod tests;
