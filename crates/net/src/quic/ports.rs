//! The ports of a worker, and which connections wait for each of them to take more.

use crate::{Batch, Sent, UdpPort};
use core::time::Duration;
use sakigake_quic::paths::Addresses;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{self, Sleep};

/// Slabs that one port may fill before the connections act on what they heard.
const SLABS_A_TURN: usize = 4;

/// How often what a port keeps is tried in a turn: the first time shows the runtime that it takes nothing, and then it says when it does.
const TRIES: usize = 2;
/// When it is tried again though the runtime does not say so: one that has met an error of a socket takes it to be writable for ever.
const AGAIN: Duration = Duration::from_millis(1);

/// Whether datagrams with that address of ours come and go by the port that is bound at `bound`.
pub(super) fn is_at(bound: SocketAddr, local: SocketAddr) -> bool {
    let is_any = bound.ip().is_unspecified() && bound.is_ipv4() == local.is_ipv4();
    bound.port() == local.port() && (is_any || bound.ip() == local.ip())
}

#[derive(Default)]
pub(super) struct Ports {
    ports: Vec<UdpPort>,
    /// By port. A connection that has gone since may still stand there.
    waiting: Vec<Vec<usize>>,
    /// Runs while a port is said to take more and does not.
    again: Option<Pin<Box<Sleep>>>,
    /// Another process reads them.
    is_deaf: bool,
}

impl Ports {
    pub(super) fn add(&mut self, port: UdpPort) {
        self.ports.push(port);
        self.waiting.push(Vec::new());
    }

    /// From here on nothing is read from them.
    pub(super) fn deafen(&mut self) {
        self.is_deaf = true;
    }

    /// How often each of them is read in a turn, at most.
    pub(super) fn slabs_a_turn(&self) -> usize {
        if self.is_deaf { 0 } else { SLABS_A_TURN }
    }

    pub(super) fn len(&self) -> usize {
        self.ports.len()
    }

    pub(super) fn get(&mut self, number: usize) -> &mut UdpPort {
        &mut self.ports[number]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &UdpPort> {
        self.ports.iter()
    }

    /// The port from which datagrams with that address of ours leave.
    pub(super) fn find(&self, local: SocketAddr) -> Option<usize> {
        self.ports.iter().position(|port| is_at(port.local(), local))
    }

    /// Forgets the port that is bound there. Whoever waits for it has gone.
    pub(super) fn remove(&mut self, bound: SocketAddr) {
        if let Some(number) = self.ports.iter().position(|port| port.local() == bound) {
            self.ports.remove(number);
            self.waiting.remove(number);
        }
    }

    /// Sends from the port that it is to leave from; none where there is no such port.
    pub(super) fn send(&mut self, batch: &Batch<'_>) -> Option<Sent> {
        let Addresses { local, .. } = batch.addresses;
        let number = self.find(local)?;
        Some(self.ports[number].send(batch))
    }

    /// Whether nothing can leave from that address of ours until a port takes more.
    pub(super) fn blocked(&self, local: SocketAddr) -> Option<usize> {
        self.find(local).filter(|number| self.ports[*number].is_blocked())
    }

    /// The connection `index` waits for that port.
    pub(super) fn wait(&mut self, number: usize, index: usize) {
        self.waiting[number].push(index);
    }

    /// Sends what ports had kept, where they take more now. Ready when something may have come, or when a port is free again:
    /// then `freed` hears who waited for it.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut freed: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        let (mut is_ready, mut is_stuck) = (false, false);
        for (port, waiting) in self.ports.iter_mut().zip(&mut self.waiting) {
            is_ready |= match port.poll_readable(cx) {
                Poll::Ready(outcome) if !self.is_deaf => outcome.map(|()| true)?,
                _ => false,
            };
            is_stuck |= is_stuck_after_tries(port, cx);
            if !port.is_blocked() && !waiting.is_empty() {
                waiting.drain(..).for_each(&mut freed);
                is_ready = true;
            }
        }
        self.come_again(is_stuck, cx);
        if is_ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Sees to it that ports are tried again which are said to take more and do not.
    fn come_again(&mut self, is_stuck: bool, cx: &mut Context<'_>) {
        if !is_stuck {
            self.again = None;
            return;
        }
        let again = self.again.get_or_insert_with(|| Box::pin(time::sleep(AGAIN)));
        while again.as_mut().poll(cx).is_ready() {
            again.as_mut().reset(time::Instant::now() + AGAIN);
        }
    }
}

/// Sends what a port has kept as far as it takes it. Whether it takes nothing though it is said to, so that nobody will be woken when it does.
fn is_stuck_after_tries(port: &mut UdpPort, cx: &mut Context<'_>) -> bool {
    for _ in 0..TRIES {
        if !port.is_blocked() || !matches!(port.poll_writable(cx), Poll::Ready(Ok(()))) {
            return false;
        }
        port.flush();
    }
    port.is_blocked()
}
