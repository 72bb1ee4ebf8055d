use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta};
use sakigake_quic::{paths::Addresses, recovery::acks::Mark};
use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
};

/// What one message may bring: UDP's largest, whether it is one datagram or many that the system has joined (GRO).
const MESSAGE_BYTES: usize = 1 << 16;

/// One datagram that came, where the system has put it.
#[derive(Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Its payload, never empty.
    pub bytes: &'a mut [u8],
    /// To which address of ours, and from whom.
    pub addresses: Addresses,
    /// Its ECN mark.
    pub mark: Mark,
}

/// Where datagrams lie while they are read: one for a worker, over and over. Its memory is the system's until it is written to.
pub struct Slab {
    bytes: Vec<u8>,
    met: [RecvMeta; BATCH_SIZE],
}

impl Default for Slab {
    fn default() -> Self {
        Self { bytes: vec![0; BATCH_SIZE * MESSAGE_BYTES], met: [RecvMeta::default(); BATCH_SIZE] }
    }
}

impl Slab {
    /// Lends a place for each message, and one for what is said of it.
    pub(super) fn fill<T>(
        &mut self,
        take: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut parts = self.bytes.chunks_exact_mut(MESSAGE_BYTES);
        let mut places: [IoSliceMut<'_>; BATCH_SIZE] =
            core::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
        take(&mut places, &mut self.met)
    }

    /// What the first `messages` hold, split into the datagrams that the system had joined.
    pub(super) fn datagrams(
        &mut self,
        messages: usize,
        bound: SocketAddr,
    ) -> impl Iterator<Item = Datagram<'_>> {
        let Self { bytes, met } = self;
        bytes.chunks_exact_mut(MESSAGE_BYTES).zip(&*met).take(messages).flat_map(move |(bytes, met)| {
            let local = SocketAddr::new(met.dst_ip.unwrap_or(bound.ip()), bound.port());
            let addresses = Addresses { local, peer: met.addr };
            let mark = mark(met.ecn);
            // One without payload has no stride either.
            let datagrams = bytes[..met.len].chunks_mut(met.stride.max(1));
            datagrams.map(move |bytes| Datagram { bytes, addresses, mark })
        })
    }
}

fn mark(codepoint: Option<EcnCodepoint>) -> Mark {
    match codepoint {
        None => Mark::NotEct,
        Some(EcnCodepoint::Ect0) => Mark::Ect0,
        Some(EcnCodepoint::Ect1) => Mark::Ect1,
        Some(EcnCodepoint::Ce) => Mark::Ce,
    }
}
