//! The limit of UDP: datagrams without keys, loss or streams, as many in a call as the system takes, a window at a time.
//!
//! A side that pours never has more than [`WINDOW`] bytes under way; who drinks says now and then how much that was.

use ends::{Client, DATAGRAM_BYTES, Exchange, Meter, Outcome, Spent, Task, Told, look_at, ready, udp};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    process::ExitCode,
};

/// Bytes under way.
const WINDOW: usize = 1 << 20;
/// So often who drinks says how much it had.
const SIP: usize = WINDOW / 4;
const MESSAGE_BYTES: usize = 1 << 16;
/// What leaves in a call: 44 datagrams.
const CALL_BYTES: usize = 44 * DATAGRAM_BYTES as usize;
/// The bytes of a head: those of the request and of the response. What is poured comes in larger datagrams.
const HEAD_BYTES: usize = 16;
/// On loopback nothing takes as long, unless it was lost.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

fn main() -> ExitCode {
    ends::main(serve, Caller::new)
}

struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
    place: Vec<u8>,
    met: [RecvMeta; BATCH_SIZE],
}

impl Port {
    fn new() -> Outcome<Self> {
        let socket = udp()?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let met = [RecvMeta::default(); BATCH_SIZE];
        Ok(Self { socket, state, place: vec![0; BATCH_SIZE * MESSAGE_BYTES], met })
    }

    fn wait(&self, what: PollFlags, patience: Option<&Timespec>) -> Outcome {
        loop {
            match poll(&mut [PollFd::new(&self.socket, what)], patience) {
                Ok(0) => return Err("a datagram was lost".into()),
                Err(Errno::INTR) => {}
                outcome => return Ok(outcome.map(drop)?),
            }
        }
    }

    /// Takes what came, in so many messages at most; shows each, which may be many datagrams.
    fn recv(
        &mut self,
        most: usize,
        patience: Option<&Timespec>,
        mut heard: impl FnMut(SocketAddr, &[u8]),
    ) -> Outcome {
        loop {
            let Self { socket, state, place, met } = self;
            let mut parts = place.chunks_exact_mut(MESSAGE_BYTES);
            let mut places: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
            match state.recv(UdpSockRef::from(&*socket), &mut places[..most], met) {
                Ok(messages) => {
                    for (place, met) in places.iter().zip(met).take(messages) {
                        heard(met.addr, &place[..met.len]);
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::IN, patience)?
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn send(&self, to: SocketAddr, bytes: &[u8]) -> Outcome {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: bytes,
            segment_size: Some(DATAGRAM_BYTES.into()),
            src_ip: None,
        };
        loop {
            match self.state.try_send(UdpSockRef::from(&self.socket), &transmit) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait(PollFlags::OUT, Some(&PATIENCE))?;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    fn pour(&mut self, to: SocketAddr, bytes: usize) -> Outcome {
        let data = vec![0x55; CALL_BYTES];
        let (mut sent, mut drunk) = (0, 0);
        while drunk < bytes {
            while sent < bytes && sent - drunk < WINDOW {
                // None is as short as a head.
                let len = CALL_BYTES.min(bytes - sent).max(HEAD_BYTES + 1);
                self.send(to, &data[..len])?;
                sent += len;
            }
            // One: what follows the last one is for whoever comes after this.
            self.recv(1, Some(&PATIENCE), |_, message| {
                // Words of the same size may have been joined: the last one says all.
                if let Some(last) = message.last_chunk::<8>() {
                    drunk = u64::from_be_bytes(*last) as usize;
                }
            })?;
        }
        Ok(())
    }

    fn drink(&mut self, from: SocketAddr, bytes: usize) -> Outcome {
        let (mut drunk, mut told) = (0, 0);
        while drunk < bytes {
            self.recv(BATCH_SIZE, Some(&PATIENCE), |_, message| drunk += look_at(message))?;
            if drunk >= bytes || drunk - told >= SIP {
                told = drunk;
                self.send(from, &(drunk as u64).to_be_bytes())?;
            }
        }
        Ok(())
    }
}

fn serve(_: &Told) -> Outcome {
    let mut port = Port::new()?;
    ready(port.socket.local_addr()?.port())?;
    loop {
        let mut asked = None;
        port.recv(1, None, |from, message| {
            if let Ok(head) = <[u8; HEAD_BYTES]>::try_from(message) {
                asked = Some((from, u128::from_be_bytes(head)));
            }
        })?;
        let Some((from, head)) = asked else { continue };
        port.send(from, &0u64.to_be_bytes())?;
        port.drink(from, (head >> 64) as usize)?;
        port.pour(from, head as u64 as usize)?;
    }
}

struct Caller {
    port: Port,
    server: SocketAddr,
}

impl Caller {
    fn new(told: &Told) -> Outcome<Self> {
        Ok(Self { port: Port::new()?, server: told.server })
    }

    fn carry(&mut self, exchange: Exchange) -> Outcome {
        let Exchange { request_bytes, response_bytes, .. } = exchange;
        let head = (request_bytes as u128) << 64 | response_bytes as u128;
        self.port.send(self.server, &head.to_be_bytes())?;
        self.port.recv(1, Some(&PATIENCE), |_, _| {})?; // It drinks from now on.
        self.port.pour(self.server, request_bytes)?;
        self.port.drink(self.server, response_bytes)
    }
}

impl Client for Caller {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        let Task::Exchange { exchange, times } = task else { return Err("UDP has no handshakes".into()) };
        self.carry(Task::WARM_UP)?;
        let begun = meter.begin();
        for _ in 0..times {
            self.carry(exchange)?;
        }
        Ok(begun.end())
    }
}
