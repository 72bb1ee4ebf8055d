//! The workers of one process that serve connections on the same addresses, and what they share.

#[cfg(test)]
mod tests;

use super::{
    Estate, Secrets,
    estate::Family,
    kin::{Kin, Standing},
    mailbox::{Mailbox, Post, Put},
};
use crate::Datagram;
use sakigake_quic::{
    endpoint::{
        self, Neighbours,
        token::{Judged, Register, Spent},
    },
    ids::Place,
};
use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

/// What workers hold for each other at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams that wait for one worker at a time, of other workers of its process.
    pub handed_datagrams: usize,
    /// Bytes of them. Twice as many stay allocated once there were so many. Of other processes as many wait with the system, which counts
    /// what it needs for each, and may grant less.
    pub handed_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handed_datagrams: 1_024, handed_bytes: 1 << 20 }
    }
}

/// What became of datagrams that the system gave to another worker than their connection's: since their peer's address changed,
/// or the number of sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// Copied for their worker, of this process or another.
    pub given: u64,
    /// Bytes of these copies.
    pub given_bytes: u64,
    /// Lost, since their worker has too many waiting.
    pub overflowed: u64,
    /// For a worker or a process that is there no more.
    pub orphaned: u64,
    /// Taken, by this worker, from others.
    pub taken: u64,
}

/// One worker's place among all that share the [`Secrets`] and the ports of a process, before [`Worker::member`] begins it. When it
/// is dropped, with its worker or without, the others know that nobody is there.
///
/// [`Worker::member`]: super::Worker::member
pub struct Member {
    crew: Arc<Crew>,
    number: u16,
    /// Other processes, as far as it was told.
    kin: Vec<Kin>,
}

pub(super) struct Crew {
    pub(super) secrets: Secrets,
    pub(super) mailboxes: Vec<Mailbox>,
    pub(super) limits: Limits,
    spent: Arc<SpentByAll>,
    pub(super) family: Mutex<Family>,
}

impl Member {
    /// Places for so many workers, each of which gets what is for its connections whoever received it. Where `secrets` are a
    /// [`Heritage`](super::Heritage)'s, the other processes' too, and its predecessor gets what is for its own.
    pub fn crew(secrets: &Secrets, workers: u16, limits: Limits) -> Vec<Self> {
        Self::of(secrets, workers, limits, secrets.family())
    }

    /// The only worker there is.
    pub(super) fn alone(secrets: &Secrets) -> Self {
        Self::of(secrets, 1, Limits::default(), Family::default()).remove(0)
    }

    fn of(secrets: &Secrets, workers: u16, limits: Limits, mut family: Family) -> Vec<Self> {
        let spent = Mutex::new(Spent::new(endpoint::Limits::default().tokens));
        let mailboxes: Vec<_> = (0..workers).map(|_| Mailbox::default()).collect();
        family.begin(&mailboxes);
        let crew = Arc::new(Crew {
            secrets: secrets.clone(),
            mailboxes,
            limits,
            spent: Arc::new(SpentByAll(spent)),
            family: Mutex::new(family),
        });
        (0..workers).map(|number| Self { crew: crew.clone(), number, kin: Vec::new() }).collect()
    }

    /// What the crew hands on to a successor.
    pub fn estate(&self) -> Estate {
        Estate { crew: self.crew.clone() }
    }

    pub(super) fn secrets(&self) -> &Secrets {
        &self.crew.secrets
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    pub(super) fn neighbours(&self) -> Neighbours {
        let workers = u16::try_from(self.crew.mailboxes.len()).expect("they were counted by a u16");
        Neighbours { workers, processes: Vec::new() }
    }

    /// Which tokens were used, by a client of whichever worker.
    pub(super) fn spent(&self) -> Arc<dyn Register> {
        self.crew.spent.clone()
    }

    /// The processes that it can hand datagrams to.
    pub(super) fn processes(&self) -> Vec<u32> {
        self.kin.iter().map(|kin| kin.process).collect()
    }

    /// From here on it can hand datagrams to these.
    pub(super) fn meet(&mut self, kin: Vec<Kin>) {
        self.kin = kin;
    }

    /// The worker of another process that has most to do with this one.
    pub(super) fn counterpart(&self, process: u32) -> Option<Place> {
        let kin = self.kin.iter().find(|kin| kin.process == process)?;
        let ways = u16::try_from(kin.ways.len()).ok().filter(|ways| *ways > 0)?;
        Some(Place { process, worker: self.number % ways })
    }

    /// Gives a datagram to the worker whose place its id tells.
    pub(super) fn hand(&self, place: Place, standing: Standing, datagram: &Datagram<'_>) -> Put {
        if place.process != self.secrets().process() {
            let kin = self.kin.iter().find(|kin| kin.process == place.process);
            return kin.map_or(Put::Closed, |kin| kin.put(place.worker, standing, datagram));
        }
        let mailbox = self.crew.mailboxes.get(usize::from(place.worker));
        mailbox.map_or(Put::Closed, |mailbox| mailbox.put(&self.crew.limits, datagram))
    }

    /// Ready with what others gave, in the place of an `empty` one.
    pub(super) fn poll_post(&self, cx: &mut Context<'_>, empty: &mut Post) -> Poll<()> {
        self.mailbox().poll_post(cx, empty)
    }

    fn mailbox(&self) -> &Mailbox {
        &self.crew.mailboxes[usize::from(self.number)]
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.mailbox().close();
    }
}

impl Handed {
    pub(super) fn count(&mut self, put: Put, bytes: usize) {
        match put {
            Put::Kept => {
                self.given += 1;
                self.given_bytes += bytes as u64;
            }
            Put::Full => self.overflowed += 1,
            Put::Closed => self.orphaned += 1,
        }
    }
}

struct SpentByAll(Mutex<Spent>);

impl Register for SpentByAll {
    fn spend(&self, unix_secs: u64, until_unix_secs: u64, serial: [u8; Judged::SERIAL_BYTES]) -> bool {
        // After a panic in between nobody knows what was used: then no token is good.
        self.0.lock().is_ok_and(|mut spent| spent.spend(unix_secs, until_unix_secs, serial))
    }
}
