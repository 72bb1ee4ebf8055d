//! A UDP socket for QUIC: many datagrams a call, both ways, each with its addresses and its ECN mark.

mod outbox;
mod refusals;
mod slab;
#[cfg(test)]
mod tests;

pub use outbox::{Batch, Sent};
pub use refusals::Refusals;
pub use slab::{Datagram, Slab};

use core::task::{Context, Poll};
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimestampns};
use outbox::Outbox;
use quinn_udp::{EcnCodepoint, Transmit, UdpSockRef, UdpSocketState};
use rustix::io::Errno;
use sakigake_quic::recovery::acks::Mark;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::AsFd,
};
use tokio::io::Interest;

/// Errors of earlier datagrams that one [`UdpPort::recv`] passes over. What is left is passed over by the next.
const ECHOES: usize = 16;

/// How a port is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpOptions {
    /// The address may be shared with other ports that say the same (SO_REUSEPORT); the system spreads peers over them.
    pub is_shared: bool,
    /// An IPv6 port takes IPv4 too, whose addresses are written as IPv6 ones then.
    pub is_dual_stack: bool,
    /// What the system is asked to hold of datagrams that came and were not taken yet, in bytes. It may grant less.
    pub receive_bytes: usize,
    /// What it is asked to hold of those that are to leave.
    pub send_bytes: usize,
}

impl Default for UdpOptions {
    fn default() -> Self {
        Self { is_shared: false, is_dual_stack: false, receive_bytes: 4 << 20, send_bytes: 4 << 20 }
    }
}

/// One UDP socket. Datagrams that leave are never fragmented, whatever the system knows of the path (RFC 9000 section 14).
///
/// ```text
/// recv -> Datagrams, borrowed from the slab       send(Batch) -> Sent -> (something is kept) -> poll_writable -> flush
/// ```
pub struct UdpPort {
    local: SocketAddr,
    line: Line,
    outbox: Outbox,
}

impl UdpPort {
    /// Opens a port at `address` (port 0: one that is free). Call it where tokio's runtime runs.
    ///
    /// # Errors
    /// What the system says: the address is not ours, or is taken.
    pub fn bind(address: SocketAddr, options: &UdpOptions) -> io::Result<Self> {
        Self::adopt(open(address, options)?)
    }

    /// Sockets at one address for so many workers, each of which adopts one ([`UdpPort::adopt`]). The system spreads peers over them
    /// by their addresses, always in the same way while none is opened or closed. Another program, even another server of ours,
    /// may not have the address already.
    ///
    /// # Errors
    /// As [`UdpPort::bind`].
    pub fn share(address: SocketAddr, options: &UdpOptions, workers: u16) -> io::Result<Vec<UdpSocket>> {
        if address.port() != 0 {
            // Without SO_REUSEPORT the system refuses an address that anybody has.
            open(address, &UdpOptions { is_shared: false, ..*options })?;
        }
        Self::join(address, options, workers)
    }

    /// The same where other sockets of ours may have the address already, such as those that a server has yet to close. Which of them gets a
    /// newcomer's datagrams is the system's choice.
    ///
    /// # Errors
    /// As [`UdpPort::bind`].
    pub fn join(mut address: SocketAddr, options: &UdpOptions, workers: u16) -> io::Result<Vec<UdpSocket>> {
        let shared = UdpOptions { is_shared: true, ..*options };
        let mut sockets = Vec::new();
        for _ in 0..workers {
            let socket = open(address, &shared)?;
            address = socket.local_addr()?;
            sockets.push(socket);
        }
        Ok(sockets)
    }

    /// A port over a socket that is bound already, such as one of [`UdpPort::share`]. Call it where tokio's runtime runs.
    ///
    /// # Errors
    /// What the system says.
    pub fn adopt(socket: UdpSocket) -> io::Result<Self> {
        let state = learn(&socket)?;
        let local = socket.local_addr()?;
        let outbox = Outbox::new(state.max_gso_segments());
        let line = Line {
            socket: tokio::net::UdpSocket::from_std(socket)?,
            state,
            local,
            #[cfg(test)]
            fault: None,
        };
        Ok(Self { local, line, outbox })
    }

    /// Its socket once more, for another process.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn lend(&self) -> io::Result<UdpSocket> {
        Ok(self.line.socket.as_fd().try_clone_to_owned()?.into())
    }

    /// While this is held the system keeps what the network says of datagrams that found nobody. A call that comes upon such a word fails
    /// once, as if its datagram were lost on its way: this is for clients.
    ///
    /// # Errors
    /// What the system says.
    pub fn refusals(&self) -> io::Result<Refusals> {
        Refusals::of(&self.line.socket, self.local.is_ipv6())
    }

    /// Where it is bound.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Datagrams that leave in one call at most: more in a batch cost more calls.
    pub fn segments(&self) -> usize {
        self.outbox.segments()
    }

    /// Ready when something may have come. One task at a time waits.
    ///
    /// # Errors
    /// The runtime is going down.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.socket.poll_recv_ready(cx)
    }

    /// Ready when what is kept may leave ([`UdpPort::flush`]). One task at a time waits.
    ///
    /// # Errors
    /// The runtime is going down.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.socket.poll_send_ready(cx)
    }

    /// Takes what has come, as much as the slab holds; none: nothing more for now. The datagrams lie in the slab, to be opened in place.
    ///
    /// # Errors
    /// The socket is of no use any more. What the network says of datagrams that left earlier (ICMP) is no error here: anybody
    /// could have said it.
    pub fn recv<'a>(
        &self,
        slab: &'a mut Slab,
    ) -> io::Result<Option<impl Iterator<Item = Datagram<'a>> + use<'a>>> {
        let Line { socket, state, .. } = &self.line;
        for _ in 0..ECHOES {
            let taken = slab.fill(|places, met| {
                socket.try_io(Interest::READABLE, || state.recv(UdpSockRef::from(socket), places, met))
            });
            match taken {
                Ok(messages) => return Ok(Some(slab.datagrams(messages, self.local))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if is_echo(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Sends a batch, in as few calls as the system allows. What it does not take now is kept, and leaves by [`UdpPort::flush`];
    /// until then nothing more is taken (see [`UdpPort::is_blocked`]).
    pub fn send(&mut self, batch: &Batch<'_>) -> Sent {
        self.outbox.send(batch, &mut |piece| self.line.send(piece))
    }

    /// Sends what is kept. Call it when the socket is [`writable`](UdpPort::poll_writable).
    pub fn flush(&mut self) -> Sent {
        self.outbox.flush(&mut |piece| self.line.send(piece))
    }

    /// From here on its calls may fail as a test wants them to.
    #[cfg(test)]
    pub(crate) fn fail(&mut self, fault: impl Fn(&Batch<'_>) -> Option<rustix::io::Errno> + Send + 'static) {
        self.line.fault = Some(Box::new(fault));
    }

    /// Leaves and arrives by another port of the system, which nobody here notices: what a NAT does that forgot us.
    #[cfg(test)]
    pub(crate) fn rebind(&mut self) -> io::Result<()> {
        let address = SocketAddr::new(self.local.ip(), 0);
        let fresh = Self::bind(address, &UdpOptions::default())?;
        self.line = Line { local: self.local, ..fresh.line };
        Ok(())
    }

    /// Something is kept: a batch that is given now is lost, as the network loses datagrams.
    pub fn is_blocked(&self) -> bool {
        self.outbox.is_blocked()
    }
}

fn open(address: SocketAddr, options: &UdpOptions) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!options.is_dual_stack)?;
    }
    socket.set_reuse_port(options.is_shared)?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(options.receive_bytes)?;
    socket.set_send_buffer_size(options.send_bytes)?;
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

/// The address from which the system would send to `peer`. No datagram leaves.
///
/// # Errors
/// There is no way to it.
pub fn source_towards(peer: SocketAddr) -> io::Result<IpAddr> {
    let any = match peer {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(peer)?;
    Ok(socket.local_addr()?.ip())
}

/// The socket, and what is known of what it can do.
struct Line {
    socket: tokio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    #[cfg(test)]
    fault: Option<Fault>,
}

/// What the system says of a call in the place of taking it.
#[cfg(test)]
type Fault = Box<dyn Fn(&Batch<'_>) -> Option<rustix::io::Errno> + Send>;

impl Line {
    /// One call, with which all of the piece leaves or nothing.
    fn send(&mut self, piece: &Batch<'_>) -> io::Result<()> {
        let Self { socket, state, local, .. } = self;
        let source = piece.addresses.local.ip();
        let transmit = Transmit {
            destination: piece.addresses.peer,
            ecn: codepoint(piece.mark),
            contents: piece.bytes,
            segment_size: Some(piece.segment_bytes),
            // A socket that is bound to one address needs not be told it each time.
            src_ip: (local.ip().is_unspecified() && !source.is_unspecified()).then_some(source),
        };
        #[cfg(test)]
        let fault = &self.fault;
        let send = || {
            #[cfg(test)]
            if let Some(errno) = fault.as_ref().and_then(|fault| fault(piece)) {
                return Err(errno.into());
            }
            state.try_send(UdpSockRef::from(&*socket), &transmit)
        };
        // The runtime does not know of a new socket yet that it takes anything; of one that is full it has to be told.
        let outcome = match send() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.try_io(Interest::WRITABLE, send)
            }
            outcome => outcome,
        };
        if outcome.as_ref().is_err_and(outbox::is_of_segments) {
            // The state has drawn its own conclusions, one of which is never to mark a datagram again. The outbox draws better ones:
            // begin anew. Where that fails the old state goes on, without marks.
            if let Ok(fresh) = learn(&*socket) {
                *state = fresh;
            }
        }
        outcome
    }
}

/// Learns what the system can do for a socket, and asks it to.
fn learn(socket: &impl AsFd) -> io::Result<UdpSocketState> {
    let state = UdpSocketState::new(UdpSockRef::from(socket))?;
    // Its place for what the system says of a message (96 bytes in 0.6.3) has no room for the time of arrival, which it asks for and
    // nobody here needs, beside the rest: of joined datagrams the mark would be cut off.
    setsockopt(socket, ReceiveTimestampns, &false)?;
    Ok(state)
}

fn codepoint(mark: Mark) -> Option<EcnCodepoint> {
    match mark {
        Mark::NotEct => None,
        Mark::Ect0 => Some(EcnCodepoint::Ect0),
        Mark::Ect1 => Some(EcnCodepoint::Ect1),
        Mark::Ce => Some(EcnCodepoint::Ce),
    }
}

/// What the network, or somebody in its name, says of a datagram that left earlier: all that the system makes of ICMP, of which a port hears
/// while its [`Refusals`] are kept.
fn is_echo(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNREFUSED
                | Errno::CONNRESET
                | Errno::HOSTUNREACH
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::MSGSIZE
                | Errno::PROTO
                | Errno::ACCESS
        )
    )
}
