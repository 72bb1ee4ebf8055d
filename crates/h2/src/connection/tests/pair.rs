//! Two ends and the pipe between them; an owner that writes down what it hears.

use super::*;

/// An event that outlived its call.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) enum Heard {
    Settings,
    Request(u64, Request, bool),
    Informational(u64, u16),
    Response(u64, Response, bool),
    Data(u64, Vec<u8>, bool),
    Trailers(u64, Fields),
    Writable(u64),
    Reset(u64, u64, bool),
    Finished(u64),
    GoAway(u64, u64),
    Origin,
    Preload(Vec<u8>),
}

pub(super) fn listen(log: &mut Vec<Heard>) -> impl FnMut(Event<'_>) {
    move |event| {
        let heard = match event {
            Event::Settings => Heard::Settings,
            Event::Request { stream, request, end } => Heard::Request(stream.0, request, end),
            Event::Informational { stream, response } => Heard::Informational(stream.0, response.status),
            Event::Response { stream, response, end } => Heard::Response(stream.0, response, end),
            Event::Data { stream, bytes, end } => {
                // Pieces of one body are one to the stories, whatever the split.
                if let Some(Heard::Data(last, body, ended @ false)) = log.last_mut()
                    && *last == stream.0
                {
                    body.extend_from_slice(bytes);
                    *ended = end;
                    return;
                }
                Heard::Data(stream.0, bytes.to_vec(), end)
            }
            Event::Trailers { stream, fields } => Heard::Trailers(stream.0, fields),
            Event::Writable { stream } => Heard::Writable(stream.0),
            Event::Reset { stream, code, untouched } => Heard::Reset(stream.0, code, untouched),
            Event::Finished { stream } => Heard::Finished(stream.0),
            Event::GoAway { last, code } => Heard::GoAway(last.0, code),
            Event::Origin => Heard::Origin,
            Event::Preload { block } => Heard::Preload(block.to_vec()),
        };
        log.push(heard);
    }
}

pub(super) const fn ms(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// A client, a server, and what each heard. Nothing takes time but what a story says.
pub(super) struct Pair {
    pub(super) client: Connection,
    pub(super) server: Connection,
    pub(super) to_client: Vec<Heard>,
    pub(super) to_server: Vec<Heard>,
    pub(super) now: Instant,
    /// How many bytes go at a time.
    pub(super) split: usize,
    /// Whether what was heard counts as read.
    pub(super) consumes: bool,
}

impl Pair {
    pub(super) fn new(client: Config, server: Config) -> Self {
        let now = ms(1);
        Self {
            client: Connection::client(client, now),
            server: Connection::server(server, now),
            to_client: Vec::new(),
            to_server: Vec::new(),
            now,
            split: usize::MAX,
            consumes: true,
        }
    }

    /// Carries bytes until both are silent.
    pub(super) fn run(&mut self) {
        while self.carry(true) | self.carry(false) {}
    }

    /// One turn of one direction. Whether anything moved.
    pub(super) fn carry(&mut self, up: bool) -> bool {
        let (from, to, log) = match up {
            true => (&mut self.client, &mut self.server, &mut self.to_server),
            false => (&mut self.server, &mut self.client, &mut self.to_client),
        };
        let mut out = vec![0; 16_384.min(self.split)];
        let mut moved = false;
        while let Some(len) = from.transmit(self.now, &mut out) {
            moved = true;
            let mut read = Vec::new();
            let mut sink = listen(log);
            to.handle(self.now, &out[..len], &mut |event| {
                if let Event::Data { stream, bytes, .. } = &event {
                    read.push((*stream, bytes.len()));
                }
                sink(event);
            })
            .expect("the two ends understand each other");
            for (stream, bytes) in read.into_iter().filter(|_| self.consumes) {
                to.consume(self.now, stream, bytes);
            }
        }
        self.client.tell(&mut listen(&mut self.to_client));
        self.server.tell(&mut listen(&mut self.to_server));
        moved
    }

    pub(super) fn get(&mut self, path: &str) -> StreamId {
        self.client.request(&Request::get("example.org", path), true).expect("the client may ask")
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new(Config::default(), Config::default())
    }
}
