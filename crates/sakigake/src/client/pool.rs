//! The connections of one load: which of them carries what, and what waits for one.

mod sharing;

use super::{
    Shared,
    connection::{self, Call, Command, Ear, News, Protocol, Ready},
    failure::Failed,
};
use sakigake_h2 as h2;
use sakigake_page::{Origin, load::Id};
use sharing::Sharing;
use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};
use tokio::sync::mpsc;

/// For whom a pool asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// One page, which takes what comes.
    Page,
    /// Many who know nothing of each other. What one of them leaves unread holds up no other one's: each request has its share of a
    /// connection's window, and no connection carries more requests than it has shares.
    Many,
}

impl Asker {
    /// Bytes of a response over HTTP/2 or HTTP/3 that may be unread, where many ask.
    pub(super) const SHARE_BYTES: u32 = 1 << 20;
    /// Requests that one connection carries, where many ask: fewer than origins let be under way.
    pub(super) const SHARES: u32 = 64;

    /// Requests that one connection carries.
    const fn requests(self) -> usize {
        match self {
            Self::Page => usize::MAX,
            Self::Many => Self::SHARES as usize,
        }
    }

    /// Connections that one origin is asked for at the same time: over HTTP/1.1, by browsers' habit six.
    const fn connections(self, is_http1: bool) -> usize {
        match self {
            Self::Page => 6,
            Self::Many if is_http1 => 256,
            Self::Many => 16,
        }
    }
}

/// Connections that may refuse a request before anybody gives up.
const FRUITLESS: usize = 2;

pub(super) struct Pool {
    shared: Rc<Shared>,
    connections: Vec<Connection>,
    /// How many connections were opened: the number of the next.
    opened: usize,
    /// Connections that refused requests before they had answered any.
    fruitless: usize,
    /// Which connection carries it.
    carriers: BTreeMap<Id, usize>,
    /// Requests that all connections of their origin are too busy for, oldest first.
    waiting: VecDeque<(Origin, Id, Box<Call>)>,
    sharing: Sharing,
    ear: mpsc::UnboundedSender<(usize, News)>,
    watches: bool,
    asker: Asker,
}

/// A connection, as far as the pool knows.
pub(super) struct Connection {
    pub(super) number: usize,
    pub(super) origin: Origin,
    /// What came of the handshake.
    pub(super) ready: Option<Ready>,
    /// What the server says that it is for.
    origin_set: Option<h2::OriginSet>,
    /// The request that it was opened for.
    pub(super) first: Option<Id>,
    commands: mpsc::UnboundedSender<Command>,
    /// It takes no new requests; what it has begun it may finish.
    is_retired: bool,
    has_answered: bool,
    /// Requests that it carries.
    carries: usize,
}

impl Connection {
    /// `is_http1` says that others to the same origin speak HTTP/1.1, as this one may.
    fn has_room(&self, asker: Asker, is_http1: bool) -> bool {
        let most = match self.protocol() {
            Some(Protocol::Http1) => 1,
            None if is_http1 && asker == Asker::Many => 1,
            _ => asker.requests(),
        };
        !self.is_retired && self.carries < most
    }

    /// What is spoken there, once ALPN has decided.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        self.ready.as_ref().map(|ready| ready.protocol)
    }
}

impl Pool {
    pub(super) fn new(
        shared: Rc<Shared>,
        asker: Asker,
        watches: bool,
        ear: mpsc::UnboundedSender<(usize, News)>,
    ) -> Self {
        Self {
            shared,
            connections: Vec::new(),
            opened: 0,
            fruitless: 0,
            carriers: BTreeMap::new(),
            waiting: VecDeque::new(),
            sharing: Sharing::default(),
            ear,
            watches,
            asker,
        }
    }

    /// The connection of that number, unless it is gone.
    pub(super) fn find(&self, number: usize) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.number == number)
    }

    fn find_mut(&mut self, number: usize) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.number == number)
    }

    /// Hands a request to a connection of its origin that has room, opens one where there may be more, or lets it wait.
    pub(super) fn request(&mut self, origin: &Origin, id: Id, call: Box<Call>) {
        let own = || self.connections.iter().filter(|connection| connection.origin == *origin);
        let open = own().filter(|connection| !connection.is_retired).count();
        let is_http1 = own().any(|connection| connection.protocol() == Some(Protocol::Http1));
        let most = self.asker.connections(is_http1);
        let has_room = |connection: &&Connection| connection.has_room(self.asker, is_http1);
        let own = own().find(has_room).map(|connection| connection.number);
        let host = self.host_of(origin);
        let number = match (own, host) {
            (Some(own), _) => own,
            (None, Some(host)) => {
                self.remember(origin, id, &call);
                host
            }
            (None, None) if open == 0 && self.seeks(origin) => {
                return self.waiting.push_back((origin.clone(), id, call));
            }
            (None, None) if open < most => self.open(origin),
            (None, None) => return self.waiting.push_back((origin.clone(), id, call)),
        };
        self.carriers.insert(id, number);
        if let Some(connection) = self.find_mut(number) {
            connection.carries += 1;
            connection.first.get_or_insert(id);
            let Err(unsent) = connection.commands.send(Command::Request(id, call)) else { return };
            // It has just ended, which its news will say; of this request nobody has heard.
            if let Command::Request(id, call) = unsent.0 {
                connection.is_retired = true;
                self.release(number, id);
                self.request(origin, id, call);
            }
        }
    }

    fn open(&mut self, origin: &Origin) -> usize {
        let number = self.opened;
        self.opened += 1;
        let (commands, receiver) = mpsc::unbounded_channel();
        let (news, watches, asker) = (self.ear.clone(), self.watches, self.asker);
        let ear = Ear { origin: origin.clone(), number, news, watches, asker };
        let known = self.known(origin);
        tokio::task::spawn_local(connection::run(self.shared.clone(), ear, receiver, known));
        self.connections.push(Connection {
            number,
            origin: origin.clone(),
            ready: None,
            origin_set: None,
            first: None,
            commands,
            is_retired: false,
            has_answered: false,
            carries: 0,
        });
        number
    }

    pub(super) fn cancel(&mut self, id: Id) {
        self.waiting.retain(|(_, waiting, _)| *waiting != id);
        self.command_for(id, Command::Cancel(id));
    }

    pub(super) fn used(&mut self, id: Id, len: usize) {
        self.command_for(id, Command::Used(id, len));
    }

    fn command_for(&mut self, id: Id, command: Command) {
        let Some(number) = self.carriers.get(&id).copied() else { return };
        if let Some(connection) = self.find(number) {
            let _ = connection.commands.send(command); // A connection that just ended says so in its news.
        }
    }

    pub(super) fn ready(&mut self, number: usize, ready: Ready) {
        if let Some(connection) = self.find_mut(number) {
            connection.ready = Some(ready);
        }
    }

    pub(super) fn origins(&mut self, number: usize, set: h2::OriginSet) {
        if let Some(connection) = self.find_mut(number) {
            connection.origin_set = Some(set);
            self.review_guests(number);
        }
    }

    /// Whether a connection is the one that carries a request: others have nothing to say of it.
    pub(super) fn is_carried(&self, id: Id, number: usize) -> bool {
        self.carriers.get(&id) == Some(&number)
    }

    pub(super) fn answered(&mut self, number: usize) {
        if let Some(connection) = self.find_mut(number) {
            connection.has_answered = true;
            self.fruitless = 0; // What a pool lives through in days is no reason to give up.
        }
    }

    /// It is over, well or not: another request may take its place.
    pub(super) fn finish(&mut self, number: usize, id: Id, is_whole: bool) {
        self.release(number, id);
        self.forget(id);
        if let Some(connection) = self.find_mut(number)
            && connection.protocol() == Some(Protocol::Http1)
            && !is_whole
        {
            connection.is_retired = true;
        }
        self.serve_waiting(number);
    }

    /// Nobody asks for more of it, whether it is over (`is_whole`) or not.
    pub(super) fn leave(&mut self, id: Id, is_whole: bool) {
        if !is_whole {
            self.cancel(id);
        }
        if let Some(number) = self.carriers.get(&id).copied() {
            self.finish(number, id, is_whole);
        }
    }

    /// A connection gave it back unsent.
    pub(super) fn returned(&mut self, number: usize, id: Id, call: Box<Call>) {
        self.release(number, id);
        let Some(origin) = self.origin_of(number, id) else { return };
        self.request(&origin, id, call);
    }

    /// The peer did not act on it. `false` when that happens too often to try again.
    pub(super) fn refused(&mut self, number: usize, id: Id, call: Box<Call>) -> bool {
        self.release(number, id);
        let Some(origin) = self.origin_of(number, id) else { return false };
        let Some(connection) = self.find_mut(number) else { return false };
        if !core::mem::replace(&mut connection.is_retired, true) && !connection.has_answered {
            self.fruitless += 1;
        }
        if self.fruitless > FRUITLESS {
            return false;
        }
        self.request(&origin, id, call);
        true
    }

    fn release(&mut self, number: usize, id: Id) {
        if self.carriers.get(&id) == Some(&number) {
            self.carriers.remove(&id);
            if let Some(connection) = self.find_mut(number) {
                connection.carries = connection.carries.saturating_sub(1);
            }
        }
    }

    /// The oldest request that waits for this origin gets its turn.
    fn serve_waiting(&mut self, number: usize) {
        let Some(origin) = self.find(number).map(|connection| connection.origin.clone()) else { return };
        self.serve_origin(&origin);
    }

    fn serve_origin(&mut self, origin: &Origin) {
        if let Some(at) = self.waiting.iter().position(|(waiting, ..)| waiting == origin)
            && let Some((origin, id, call)) = self.waiting.remove(at)
        {
            self.request(&origin, id, call);
        }
    }

    /// The connection is gone: what it carried is lost, and if nobody could be reached, so is what waited for it.
    pub(super) fn gone(&mut self, number: usize) -> Vec<Id> {
        let Some(at) = self.connections.iter().position(|connection| connection.number == number) else {
            return Vec::new();
        };
        let connection = self.connections.remove(at);
        let carried = self.carriers.iter().filter(|(_, carrier)| **carrier == number);
        let mut lost: Vec<Id> = carried.map(|(id, _)| *id).collect();
        self.carriers.retain(|_, carrier| *carrier != number);
        let is_alone = self.connections.iter().all(|other| other.origin != connection.origin);
        self.evict(number);
        if connection.ready.is_none() && is_alone {
            let (vain, waiting) = core::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|(origin, ..)| *origin == connection.origin);
            self.waiting = waiting;
            let vain: VecDeque<(Origin, Id, Box<Call>)> = vain;
            lost.extend(vain.into_iter().map(|(_, id, _)| id));
        } else {
            // Where many ask, it may have carried more than one.
            let turns = if self.asker == Asker::Many { self.waiting.len() } else { 1 };
            (0..turns).for_each(|_| self.serve_origin(&connection.origin));
        }
        lost
    }

    /// Tells all connections that nothing more is to come; gives their number.
    pub(super) fn close(&mut self) -> usize {
        let open = self.connections.len();
        self.connections.clear();
        self.waiting.clear();
        open
    }
}

/// What is said of what a connection was to bring when it ended without a fault.
pub(super) fn closed() -> Failed {
    Failed::new(super::Cause::GotNothing, "the server closed the connection")
}

#[cfg(test)]
mod tests;
