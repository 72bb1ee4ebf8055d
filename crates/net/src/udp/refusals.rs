//! What the network says of datagrams that found nobody (ICMP, port unreachable), for a client that has not been answered yet.
//!
//! Whoever sees a datagram may forge such a word, or guesses our port in time: the system takes it only where it quotes that and the peer's.
//! Who has been answered must not go by it.

use nix::{
    cmsg_space,
    libc::{ECONNREFUSED, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, sock_extended_err},
    sys::socket::{
        ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, setsockopt,
        sockopt::{Ipv4RecvErr, Ipv6RecvErr},
    },
};
use std::{
    io::{self, ErrorKind, IoSliceMut},
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd},
};
use tokio::{io::Interest, net::UdpSocket};

/// The words that come for one port, beside what it receives, until this is dropped: a runtime that has met an error of a socket takes
/// it to be writable for ever, so that one which has found its peer had better meet none (what is too large for the path is one).
pub struct Refusals {
    socket: UdpSocket,
    is_v6: bool,
}

impl Refusals {
    pub(super) fn of(socket: &impl AsFd, is_v6: bool) -> io::Result<Self> {
        let socket: std::net::UdpSocket = socket.as_fd().try_clone_to_owned()?.into();
        let refusals = Self { socket: UdpSocket::from_std(socket)?, is_v6 };
        refusals.keep(true)?;
        Ok(refusals)
    }

    /// The system keeps errors from here on, or forgets those that it has.
    fn keep(&self, is_on: bool) -> nix::Result<()> {
        match self.is_v6 {
            true => setsockopt(&self.socket, Ipv6RecvErr, &is_on),
            false => setsockopt(&self.socket, Ipv4RecvErr, &is_on),
        }
    }

    /// Waits for the next one: at this address nobody listens. It may be dropped while it waits.
    ///
    /// # Errors
    /// The socket is of no use any more.
    pub async fn next(&mut self) -> io::Result<SocketAddr> {
        loop {
            self.socket.ready(Interest::ERROR).await?;
            match self.socket.try_io(Interest::ERROR, || Ok(take(&self.socket)?)) {
                Ok(Some(peer)) => return Ok(peer),
                Ok(None) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Refusals {
    /// Ends when the network says that nobody listens at `peer`. Once `answered` has ended, or the socket is of no use, it never does:
    /// whoever has answered is there, and who waits for an answer has a clock for that.
    pub async fn refuse(mut self, peer: SocketAddr, answered: impl Future) {
        let refused = async {
            while let Ok(at) = self.next().await {
                if (at.ip(), at.port()) == (peer.ip(), peer.port()) {
                    return true;
                }
            }
            false
        };
        let is_refused = tokio::select! {
            is_refused = refused => is_refused,
            _ = answered => false,
        };
        if !is_refused {
            drop(self);
            core::future::pending().await
        }
    }
}

impl Drop for Refusals {
    fn drop(&mut self) {
        // What the system allowed to turn on it allows to turn off; if not, errors are kept that nobody reads.
        let _ = self.keep(false);
    }
}

/// Takes one error off the socket's queue. Gives whom it was sent to, if that was refused.
fn take(socket: &UdpSocket) -> nix::Result<Option<SocketAddr>> {
    let mut space = cmsg_space!([u8; 512]); // The error, who reports it, and what else is told of each datagram.
    let mut quoted = [0; 64];
    let mut places = [IoSliceMut::new(&mut quoted)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut places, Some(&mut space), flags)?;
    let is_refused = message.cmsgs()?.any(|told| match told {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            is_refusal(&error)
        }
        _ => false,
    });
    Ok(message.address.filter(|_| is_refused).as_ref().and_then(address))
}

/// Other errors pass: a route that is away may come back.
fn is_refusal(error: &sock_extended_err) -> bool {
    matches!(error.ee_origin, SO_EE_ORIGIN_ICMP | SO_EE_ORIGIN_ICMP6)
        && i32::try_from(error.ee_errno) == Ok(ECONNREFUSED)
}

fn address(peer: &SockaddrStorage) -> Option<SocketAddr> {
    peer.family()?;
    let v4 = peer.as_sockaddr_in().map(|&peer| SocketAddrV4::from(peer).into());
    v4.or_else(|| peer.as_sockaddr_in6().map(|&peer| SocketAddrV6::from(peer).into()))
}
