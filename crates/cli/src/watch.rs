//! What is seen of a QUIC connection: its trace, on standard error or as qlog, and its secrets.

use sakigake::key_log::KeyLogFile;
use sakigake_net::quic::{Connection, Event};
use sakigake_quic::{
    ids::ConnectionId,
    qlog::{EXTENSION, Writer},
    rules::Side,
    streams::Heard,
    trace::{Party, Record},
};
use sakigake_wire::Instant;
use std::{
    env,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Looks at one connection.
pub(crate) struct Watch {
    key_log: Option<KeyLogFile>,
    is_traced: bool,
    qlog: Option<Qlog>,
    start: Instant,
    is_told: bool,
}

/// Where qlog files go: an option says it, or the variable that the interop runner sets.
pub(crate) fn qlog_folder(option: Option<&Path>) -> Option<PathBuf> {
    let told = || env::var_os("QLOGDIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    option.map(Path::to_owned).or_else(told)
}

impl Watch {
    pub(crate) fn new(key_log: Option<KeyLogFile>, is_traced: bool, qlog: Option<PathBuf>) -> Self {
        let qlog = qlog.map(Qlog::new);
        Self { key_log, is_traced, qlog, start: Instant::from_nanos(0), is_told: false }
    }

    pub(crate) fn begun(&mut self, now: Instant, connection: &mut Connection) {
        self.start = now;
        if let Some(qlog) = &mut self.qlog {
            qlog.side = connection.side();
        }
        if self.is_traced || self.qlog.is_some() {
            connection.trace(now);
        }
    }

    pub(crate) fn heard(&mut self, event: &Event<'_>) {
        match event {
            Event::KeyLog(line) => {
                if let Some(Err(error)) = self.key_log.as_ref().map(|file| file.write(line)) {
                    eprintln!("warning: the key log cannot be written: {error}");
                }
            }
            Event::Traced { at, record } => {
                if let Some(qlog) = &mut self.qlog {
                    qlog.note(self.start, *at, record);
                }
                if self.is_traced {
                    let millis = at.since(self.start).as_nanos() as f64 / 1e6;
                    eprintln!("{millis:9.3} {record}");
                }
            }
            _ if !self.is_traced => {}
            // The packets tell of them.
            Event::Stream(Heard::Data { .. }) | Event::NewToken(_) | Event::Datagram(_) => {}
            Event::Ticket(_) => eprintln!("Ticket"),
            event => eprintln!("{event:?}"),
        }
    }

    /// Tells once what was agreed on below TLS, and writes what was noted.
    pub(crate) fn look(&mut self, connection: &Connection) {
        if self.is_traced && connection.is_established() && !core::mem::replace(&mut self.is_told, true) {
            let peer = connection.paths().active().addresses.peer;
            eprintln!("QUIC {} with {peer}", connection.version().name);
        }
        if let Some(qlog) = &mut self.qlog {
            qlog.flush();
        }
    }
}

/// A connection's qlog file, named for the id that the client's first packet went to.
struct Qlog {
    folder: PathBuf,
    side: Side,
    /// What came before that id was known.
    early: Vec<(Instant, Record)>,
    open: Option<(Writer, File)>,
    text: String,
    /// There is no such file, and will be none.
    is_lost: bool,
}

impl Qlog {
    fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            side: Side::Client,
            early: Vec::new(),
            open: None,
            text: String::new(),
            is_lost: false,
        }
    }

    fn note(&mut self, start: Instant, at: Instant, record: &Record) {
        if let Some((writer, _)) = &self.open {
            // A string takes everything.
            let _ = writer.write(at, record, &mut self.text);
            return;
        }
        if self.is_lost {
            return;
        }
        self.early.push((at, record.clone()));
        let id = match record {
            Record::ParametersSet(Party::Local, own) => own.original_destination_connection_id,
            Record::Sent(packet) | Record::Received(packet) => Some(packet.dcid),
            _ => None,
        };
        if let Some(id) = id
            && let Err(error) = self.begin(start, &id)
        {
            (self.is_lost, self.early) = (true, Vec::new());
            eprintln!("warning: no qlog can be written into {}: {error}", self.folder.display());
        }
    }

    fn begin(&mut self, start: Instant, id: &ConnectionId) -> io::Result<()> {
        let side = if self.side == Side::Client { "client" } else { "server" };
        let file = File::create(self.folder.join(format!("{id}_{side}.{EXTENSION}")))?;
        let writer = Writer::begin(self.side, id, start, &mut self.text).map_err(io::Error::other)?;
        for (at, record) in self.early.drain(..) {
            writer.write(at, &record, &mut self.text).map_err(io::Error::other)?;
        }
        self.open = Some((writer, file));
        Ok(())
    }

    fn flush(&mut self) {
        let text = core::mem::take(&mut self.text);
        let written = self.open.as_mut().map(|(_, file)| file.write_all(text.as_bytes()));
        if let Some(Err(error)) = written {
            eprintln!("warning: qlog cannot be written: {error}");
        }
    }
}

/// The last records, of which nobody looks after any more.
impl Drop for Qlog {
    fn drop(&mut self) {
        self.flush();
    }
}
