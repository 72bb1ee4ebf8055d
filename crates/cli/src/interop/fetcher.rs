//! Fetches files: the client's side of a connection.

use super::Way;
use crate::watch::Watch;
use sakigake_net::quic::{Application, Connection, Event};
use sakigake_quic::{
    connection::Closed,
    streams::{Chunk, Direction, Heard, StreamId},
};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
};

/// How much is fetched before the client moves or changes keys.
const ENOUGH_BYTES: u64 = 64 << 10;

/// One file to fetch.
pub(super) struct Request {
    pub(super) path: String,
    pub(super) file: PathBuf,
}

/// One connection's work.
pub(super) struct Fetcher {
    watch: Watch,
    way: Way,
    /// Where the client moves to.
    elsewhere: Option<SocketAddr>,
    waiting: VecDeque<Request>,
    open: BTreeMap<StreamId, Download>,
    heard: Vec<(StreamId, u64)>,
    fetched_bytes: u64,
    is_confirmed: bool,
    wants_ticket: bool,
    /// What a later connection goes on from.
    pub(super) session: Option<Box<tls::Session>>,
    /// A token of the server's for a later connection.
    pub(super) token: Vec<u8>,
    is_closed: bool,
    pub(super) failure: Option<String>,
}

struct Download {
    path: String,
    file: File,
}

impl Fetcher {
    pub(super) fn new(watch: Watch, requests: Vec<Request>, way: Way, wants_ticket: bool) -> Self {
        Self {
            watch,
            way,
            elsewhere: None,
            waiting: requests.into(),
            open: BTreeMap::new(),
            heard: Vec::new(),
            fetched_bytes: 0,
            is_confirmed: false,
            wants_ticket,
            session: None,
            token: Vec::new(),
            is_closed: false,
            failure: None,
        }
    }

    pub(super) const fn way(&self) -> Way {
        self.way
    }

    /// The client goes on from there when it has fetched enough.
    pub(super) fn move_to(&mut self, elsewhere: SocketAddr) {
        self.elsewhere = Some(elsewhere);
    }

    fn fail(&mut self, why: impl ToString) {
        self.failure.get_or_insert_with(|| why.to_string());
    }

    fn hear(&mut self, event: &Heard<'_>) {
        match *event {
            Heard::Data { id, bytes } => {
                self.heard.push((id, bytes.len() as u64));
                self.fetched_bytes += bytes.len() as u64;
                let Some(download) = self.open.get_mut(&id) else { return };
                if let Err(error) = download.file.write_all(bytes) {
                    let why = format!("{} cannot be written: {error}", download.path);
                    self.fail(why);
                }
            }
            Heard::Finished { id } => drop(self.open.remove(&id)),
            Heard::Reset { id, code } | Heard::Stopped { id, code } => {
                if let Some(download) = self.open.remove(&id) {
                    self.fail(format!("{}: the server refuses it ({code:#x})", download.path));
                }
            }
            _ => {}
        }
    }

    /// Asks for as much as the server allows.
    fn ask(&mut self, connection: &mut Connection) -> io::Result<()> {
        while !self.waiting.is_empty() {
            let Some(id) = connection.open(Direction::Bidirectional) else { break };
            let Some(Request { path, file }) = self.waiting.pop_front() else { break };
            let file = File::create(file)?;
            let line = format!("GET {path}\r\n").into_bytes();
            let asked = connection.write(id, Chunk::Owned(line)).and_then(|()| connection.finish(id));
            asked.map_err(io::Error::other)?;
            self.open.insert(id, Download { path, file });
        }
        Ok(())
    }

    /// What the test case wants in the middle of a transfer.
    fn interfere(&mut self, now: Instant, connection: &mut Connection) {
        if !self.is_confirmed || self.fetched_bytes < ENOUGH_BYTES {
            return;
        }
        match self.way {
            // It is refused while an earlier one of either side is not settled: then it is tried again.
            Way::KeyUpdate if connection.update_keys(now).is_ok() => self.way = Way::Together,
            Way::Migrate => {
                if let Some(elsewhere) = self.elsewhere.take()
                    && let Err(refused) = connection.probe_from(now, elsewhere, true)
                {
                    self.fail(format!("the client may not move: {refused:?}"));
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, why: &Closed) {
        self.is_closed = true;
        let is_fine = match why {
            Closed::Local => true,
            Closed::Peer { code: 0, .. } => self.has_all(),
            _ => false,
        };
        if !is_fine {
            self.fail(format!("the connection ended: {why:?}"));
        }
    }

    fn has_all(&self) -> bool {
        self.waiting.is_empty() && self.open.is_empty()
    }
}

impl Application for Fetcher {
    fn begun(&mut self, now: Instant, connection: &mut Connection) {
        self.watch.begun(now, connection);
    }

    fn heard(&mut self, _: Instant, event: Event<'_>) {
        self.watch.heard(&event);
        match event {
            Event::Stream(heard) => self.hear(&heard),
            Event::Confirmed => self.is_confirmed = true,
            Event::Ticket(session) => self.session = Some(session),
            Event::NewToken(token) => self.token = token.to_vec(),
            Event::Closed(why) => self.closed(&why),
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, connection: &mut Connection) {
        self.watch.look(connection);
        self.heard.drain(..).for_each(|(id, bytes)| connection.consume(id, bytes));
        if let Err(error) = self.ask(connection) {
            self.fail(error);
        }
        self.interfere(now, connection);
        let is_done = self.has_all() && (!self.wants_ticket || self.session.is_some());
        if (is_done || self.failure.is_some()) && !self.is_closed {
            self.is_closed = true;
            connection.close(now, 0, b"");
        }
    }
}
