//! Sealing and opening: a server writes, a client of the same stack reads what one write became at a time.

use bench_tls::stack::{Side, Stack, connect};
use pairs::cpu_ns;

/// Payload of a turn, so that the clock's own cost does not count.
const TURN_BYTES: usize = 1 << 20;

/// An established connection and its buffers.
pub(crate) struct Pipe {
    client: Box<dyn Side>,
    server: Box<dyn Side>,
    payload: Vec<u8>,
    wire: Vec<u8>,
    /// Where each write's records end in `wire`.
    ends: Vec<usize>,
}

impl Pipe {
    /// For writes of `len` bytes.
    pub(crate) fn new(stack: &dyn Stack, len: usize) -> Self {
        let (mut client, mut server) = (stack.client(), stack.server());
        connect(&mut *client, &mut *server);
        let writes = TURN_BYTES / len;
        let records = writes * len.div_ceil(1 << 14);
        let wire = vec![0; TURN_BYTES + 64 * records];
        Self { client, server, payload: vec![0x5a; len], wire, ends: Vec::with_capacity(writes) }
    }

    /// One turn: nanoseconds a write to seal and to open.
    pub(crate) fn turn(&mut self) -> [f64; 2] {
        let writes = TURN_BYTES / self.payload.len();
        self.ends.clear();
        let start = cpu_ns();
        let mut at = 0;
        for _ in 0..writes {
            at += self.server.seal(&self.payload, &mut self.wire[at..]);
            self.ends.push(at);
        }
        let sealed = cpu_ns();
        let (mut heard, mut at) = (0, 0);
        for end in &self.ends {
            heard += self.client.open(&mut self.wire[at..*end]);
            at = *end;
        }
        let opened = cpu_ns();
        assert_eq!(heard, TURN_BYTES, "all that was written is read");
        [(sealed - start) as f64 / writes as f64, (opened - sealed) as f64 / writes as f64]
    }
}
