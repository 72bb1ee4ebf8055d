//! What both stacks are made to do, so that one loop measures either.

/// The terms of a connection, the same for every stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub suite: u16,
    pub group: u16,
    pub tickets: Tickets,
}

/// Whether connections are resumed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tickets {
    /// No ticket is sent, asked for or kept.
    None,
    /// A server sends so many stateless ones after each handshake, full or resumed, sealed under a key of its memory; a
    /// client keeps them in memory, and uses each once, the last one first.
    Each(u8),
}

/// A stack, set up once for many connections.
pub trait Stack {
    fn name(&self) -> &'static str;
    fn client(&self) -> Box<dyn Side>;
    fn server(&self) -> Box<dyn Side>;
}

/// One side of a connection in memory.
pub trait Side {
    /// Takes handshake records and fills `out` with what there is to say; gives its length.
    fn turn(&mut self, input: &mut [u8], out: &mut [u8]) -> usize;
    /// Whether the peer's Finished was verified.
    fn is_established(&self) -> bool;
    /// Whether the handshake went on from a ticket.
    fn is_resumed(&self) -> bool;
    /// Seals all of `data` into records in `out`; gives their length.
    fn seal(&mut self, data: &[u8], out: &mut [u8]) -> usize;
    /// Opens whole records; gives the bytes of application data in them, each piece of which was shown to the caller.
    fn open(&mut self, records: &mut [u8]) -> usize;
}

/// What a reader of application data does at the least.
pub fn look_at(data: &[u8]) -> usize {
    std::hint::black_box(data).len()
}

/// A connection over which nothing is left to say.
pub fn connect(client: &mut dyn Side, server: &mut dyn Side) {
    let (mut to_server, mut to_client) = (vec![0; 32_768], vec![0; 32_768]);
    let mut len = client.turn(&mut [], &mut to_server);
    while len > 0 {
        let back = server.turn(&mut to_server[..len], &mut to_client);
        len = client.turn(&mut to_client[..back], &mut to_server);
    }
    assert!(client.is_established() && server.is_established(), "a handshake ends");
}
