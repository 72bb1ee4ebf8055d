//! A UDP socket that takes and gives many datagrams a call, as the other ends have them: GRO, and GSO.

use ends::{Outcome, udp};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

const MESSAGE_BYTES: usize = 1 << 16;

pub(crate) struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    place: Vec<u8>,
    met: [RecvMeta; BATCH_SIZE],
}

impl Port {
    pub(crate) fn new() -> Outcome<Self> {
        let socket = udp()?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let local = socket.local_addr()?;
        let met = [RecvMeta::default(); BATCH_SIZE];
        Ok(Self { socket, state, local, place: vec![0; BATCH_SIZE * MESSAGE_BYTES], met })
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Datagrams in a call at most.
    pub(crate) fn segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Shows each datagram that is there; whether there was one.
    pub(crate) fn recv(&mut self, mut heard: impl FnMut(SocketAddr, &mut [u8]) -> Outcome) -> Outcome<bool> {
        let Self { socket, state, place, met, .. } = self;
        let mut parts = place.chunks_exact_mut(MESSAGE_BYTES);
        let mut places: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
        let messages = match state.recv(UdpSockRef::from(&*socket), &mut places, met) {
            Ok(messages) => messages,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for (place, met) in places.iter_mut().zip(met).take(messages) {
            for datagram in place[..met.len].chunks_mut(met.stride.max(1)) {
                heard(met.addr, datagram)?;
            }
        }
        Ok(true)
    }

    /// Sends datagrams that lie one after the other, all of `segment` bytes but the last, which may be shorter.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8], segment: usize) -> Outcome {
        let segment_size = (bytes.len() > segment).then_some(segment);
        let transmit = Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip: None };
        loop {
            match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::OUT, None)?,
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Waits until a datagram is there, or so long.
    pub(crate) fn rest(&self, patience: Option<Duration>) -> Outcome {
        self.wait(PollFlags::IN, patience)
    }

    fn wait(&self, what: PollFlags, patience: Option<Duration>) -> Outcome {
        let patience = patience.map(Timespec::try_from).transpose()?;
        match poll(&mut [PollFd::new(&self.socket, what)], patience.as_ref()) {
            // Whoever waits looks again anyway.
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
