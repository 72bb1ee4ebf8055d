//! What a process hands on of its QUIC to the one that comes after it, so that connections outlive the change: the keys of
//! connection ids and resets, the sockets, and ways from each process to the others.
//!
//! ```text
//!   predecessor                                            successor
//!   Estate::bequeath -> Bequest -> Successor::start_with   inherited() -> Inherited::quic
//!                                  Successor::wait         Member::crew(&Heritage::secrets, ..), UdpPort::adopt each socket
//!                                                          Inherited::serves
//!   Estate::retire                                         reads all sockets from here on; gives back what is not its own
//!   ends when its connections are over                     answers for them with stateless resets
//! ```
//!
//! From the moment in which the successor serves both read the sockets, which are the same for the system, so that no client
//! changes sides. The one that retired reads none: what is for its connections comes by its inboxes. A handshake that it has begun
//! goes on too: for some seconds the successor asks it first about clients that it does not know.

mod deed;

#[cfg(test)]
mod tests;

pub use deed::{Bequest, Heritage, Lent};

use super::{
    Limits, Secrets,
    crew::Crew,
    kin::{self, Kin, Way},
    mailbox::{Mailbox, News},
};
use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, MutexGuard, PoisonError},
};

/// What the workers of a crew share that a successor may go on with. Any thread may have it.
#[derive(Clone)]
pub struct Estate {
    pub(super) crew: Arc<Crew>,
}

/// The processes that a crew's may hand datagrams to, and how they reach it.
#[derive(Default)]
pub(super) struct Family {
    /// Those before it, the last one its predecessor.
    pub(super) ancestors: Vec<Kin>,
    heir: Option<Kin>,
    /// The ways to its own workers, for those that come after it.
    pub(super) own: Vec<Way>,
    /// The ends of its inboxes, until a crew reads them.
    pub(super) ends: Vec<OwnedFd>,
}

impl Estate {
    /// Prepares a successor, which goes on with these sockets: all that the workers have ([`Worker::lend`](super::Worker::lend)), or those
    /// of the addresses that it is to serve. It may be prepared again, when one that was started does not serve.
    ///
    /// # Errors
    /// The system has no descriptors or memory left.
    pub fn bequeath(&self, sockets: Vec<Lent>) -> io::Result<Bequest> {
        let Crew { secrets, mailboxes, limits, .. } = &*self.crew;
        let mut family = self.family();
        family.settle(mailboxes, limits)?;
        let (heir, ends) = inboxes(mailboxes.len(), limits)?;
        let heir = Kin { process: secrets.another(&family.ancestors), ways: heir };
        let ours = Kin { process: secrets.process(), ways: family.own.clone() };
        let kin: Vec<Kin> = family.ancestors.iter().cloned().chain([ours]).collect();
        let bequest = Bequest::write(secrets, &kin, &heir, ends, sockets)?;
        family.heir = Some(heir);
        family.publish(mailboxes);
        Ok(bequest)
    }

    /// The successor serves: from here on the workers accept nobody and read no port. Their connections go on until they are over. Where
    /// nobody was prepared they go on reading.
    pub fn retire(&self) {
        let heir = self.family().heir.as_ref().map(|heir| heir.process);
        for mailbox in &self.crew.mailboxes {
            mailbox.tell(News::Retire { heir });
        }
    }

    fn family(&self) -> MutexGuard<'_, Family> {
        self.crew.family.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Family {
    /// Gives the workers of a crew what it begins with.
    pub(super) fn begin(&mut self, mailboxes: &[Mailbox]) {
        for (number, end) in self.ends.drain(..).enumerate() {
            mailboxes[number % mailboxes.len()].tell(News::Inbox(end));
        }
        if let Some(predecessor) = self.ancestors.last() {
            let predecessor = predecessor.process;
            self.publish(mailboxes);
            mailboxes.iter().for_each(|mailbox| mailbox.tell(News::Ask { predecessor }));
        }
    }

    /// Forgets who has gone, and makes inboxes where there are none yet.
    fn settle(&mut self, mailboxes: &[Mailbox], limits: &Limits) -> io::Result<()> {
        self.ancestors.retain(|kin| !kin.is_gone());
        if self.own.is_empty() {
            let (ways, ends) = inboxes(mailboxes.len(), limits)?;
            self.own = ways;
            for (mailbox, end) in mailboxes.iter().zip(ends) {
                mailbox.tell(News::Inbox(end));
            }
        }
        Ok(())
    }

    fn publish(&self, mailboxes: &[Mailbox]) {
        let kin: Vec<Kin> = self.ancestors.iter().chain(&self.heir).cloned().collect();
        mailboxes.iter().for_each(|mailbox| mailbox.tell(News::Kin(kin.clone())));
    }
}

fn inboxes(count: usize, limits: &Limits) -> io::Result<(Vec<Way>, Vec<OwnedFd>)> {
    let inboxes: Vec<_> = (0..count).map(|_| kin::inbox(limits)).collect::<io::Result<_>>()?;
    Ok(inboxes.into_iter().unzip())
}
