//! Datagrams that the system gave to another process than their connection's: a predecessor and who comes after it share their
//! sockets, and each has inboxes that the others write to.
//!
//! An inbox is one end of a pair of local sockets that nobody else can find: its worker reads one end, and copies of the other one are in all
//! processes of the family. The system holds what waits in between, by bytes, and says when nobody reads any more.

mod parcel;

pub(super) use parcel::FORM;

#[cfg(test)]
mod tests;

use super::{Limits, mailbox::Put};
use crate::Datagram;
use parcel::MOST_BYTES;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, SendAncillaryBuffer, SendFlags, SocketFlags, SocketType, sendmsg, socketpair,
        sockopt::set_socket_send_buffer_size,
    },
};
use std::{
    io::{self, IoSlice},
    os::{fd::OwnedFd, unix::net},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::net::UnixDatagram;

/// Parcels that are read from one inbox before the connections have their turn.
const PARCELS_A_TURN: usize = 256;

/// Whether whoever gets a datagram may say that another process is to decide what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may.
    Open,
    /// It may not: it was asked to decide.
    Settled,
}

/// Another process, and the ways to its workers.
#[derive(Clone, Debug)]
pub(super) struct Kin {
    pub(super) process: u32,
    pub(super) ways: Vec<Way>,
}

/// The end of an inbox that is written to.
#[derive(Clone, Debug)]
pub(super) struct Way(Arc<OwnedFd>);

/// The ends that a worker reads.
#[derive(Default)]
pub(super) struct Inboxes {
    /// Of sockets that keep messages apart, which is all that is asked of this type.
    ends: Vec<UnixDatagram>,
    buffer: Vec<u8>,
}

/// A new inbox: where it is written to, and where it is read.
pub(super) fn inbox(limits: &Limits) -> io::Result<(Way, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // Whole messages, and both ends hear of the other's end, which datagram sockets' do not.
    let (way, end) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    set_socket_send_buffer_size(&way, limits.handed_bytes)?;
    Ok((Way::new(way), end))
}

impl Kin {
    /// Sends a copy to one of its workers.
    pub(super) fn put(&self, worker: u16, standing: Standing, datagram: &Datagram<'_>) -> Put {
        // Where it has fewer inboxes than workers, whoever reads one hands on within its process.
        let number = usize::from(worker) % self.ways.len().max(1);
        self.ways.get(number).map_or(Put::Closed, |way| way.put(standing, datagram))
    }

    /// Nobody reads any of its inboxes.
    pub(super) fn is_gone(&self) -> bool {
        self.ways.iter().all(Way::is_closed)
    }
}

impl Way {
    pub(super) fn new(end: OwnedFd) -> Self {
        Self(Arc::new(end))
    }

    /// Another descriptor of the same.
    pub(super) fn lend(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    fn put(&self, standing: Standing, datagram: &Datagram<'_>) -> Put {
        let head = parcel::head(standing, datagram);
        let parts = [IoSlice::new(&head), IoSlice::new(datagram.bytes)];
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        match sendmsg(&*self.0, &parts, &mut SendAncillaryBuffer::default(), flags) {
            Ok(_) => Put::Kept,
            Err(Errno::PIPE | Errno::CONNRESET | Errno::CONNREFUSED | Errno::NOTCONN) => Put::Closed,
            // It is full, or the system has no memory: lost, as the network loses datagrams.
            Err(_) => Put::Full,
        }
    }

    fn is_closed(&self) -> bool {
        let mut end = [PollFd::new(&*self.0, PollFlags::OUT)];
        let polled = poll(&mut end, Some(&Timespec::default()));
        // One that cannot be asked is of no use either.
        polled.is_err() || end[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }
}

impl Inboxes {
    /// Reads one more. Called where tokio's runtime runs.
    pub(super) fn add(&mut self, end: OwnedFd) -> io::Result<()> {
        self.buffer.resize(MOST_BYTES, 0);
        self.ends.push(UnixDatagram::from_std(net::UnixDatagram::from(end))?);
        Ok(())
    }

    /// Ready when something may have come.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut is_ready = false;
        for end in &self.ends {
            if let Poll::Ready(outcome) = end.poll_recv_ready(cx) {
                outcome?;
                is_ready = true;
            }
        }
        if is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Takes what has come.
    pub(super) fn read(&mut self, mut read: impl FnMut(Standing, Datagram<'_>)) -> io::Result<()> {
        let Self { ends, buffer } = self;
        let mut over = None;
        for (number, end) in ends.iter().enumerate() {
            for _ in 0..PARCELS_A_TURN {
                match end.try_recv(buffer) {
                    Ok(0) => {
                        over = Some(number); // Nobody can write to it any more.
                        break;
                    }
                    Ok(len) => {
                        // One that is none of these parcels is from nobody who means us.
                        if let Some((standing, datagram)) = parcel::open(&mut buffer[..len]) {
                            read(standing, datagram);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(number) = over {
            ends.swap_remove(number);
        }
        Ok(())
    }
}
