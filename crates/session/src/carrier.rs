use crate::{Agreed, Mark, Session};
use sakigake_semantics::{Http, StreamId};
use sakigake_tls as tls;
use sakigake_wire::Instant;

/// A connection as an owner of HTTP sees it, whatever carries it: TLS over a byte pipe, or QUIC.
pub trait Carrier {
    /// The HTTP engine, once ALPN chose it; see [`Session::http`].
    fn http(&mut self) -> Option<&mut dyn Http>;

    /// What hints had to do with a server's request; asked once, after the input that brought it.
    fn mark(&mut self, stream: StreamId) -> Mark;

    /// The host that the client asked for, in lower case.
    fn server_name(&self) -> Option<&str>;

    /// What the peers agreed on, once they did.
    fn agreed(&self) -> Option<&Agreed>;

    /// Whether the handshake is over on this side.
    fn is_ready(&self) -> bool;

    /// Server: who the client is, as it has shown before [`crate::Event::Ready`].
    fn identity(&self) -> Option<&tls::Identity>;

    /// Keying material of this connection; none before the handshake is over.
    fn exporter(&self) -> Option<&tls::Exporter>;

    /// Plaintext for a protocol that has no engine here: takes what fits its queue and says how much that was. Only a byte
    /// pipe has such a thing.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let _ = bytes; // Nothing was taken, which is the answer.
        0
    }

    /// Ends politely: HTTP finishes what it serves (GOAWAY), then the connection ends.
    fn close(&mut self, now: Instant);
}

impl Carrier for Session {
    fn http(&mut self) -> Option<&mut dyn Http> {
        self.http().map(|http| http as &mut dyn Http)
    }

    fn mark(&mut self, stream: StreamId) -> Mark {
        self.mark(stream)
    }

    fn server_name(&self) -> Option<&str> {
        self.server_name()
    }

    fn agreed(&self) -> Option<&Agreed> {
        self.agreed()
    }

    fn is_ready(&self) -> bool {
        self.is_ready()
    }

    fn identity(&self) -> Option<&tls::Identity> {
        self.identity()
    }

    fn exporter(&self) -> Option<&tls::Exporter> {
        self.exporter()
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        self.write(bytes)
    }

    fn close(&mut self, now: Instant) {
        self.close(now);
    }
}
