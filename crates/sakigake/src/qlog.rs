//! What a QUIC connection does, as a qlog file of its own.

use sakigake_quic::{
    ids::ConnectionId,
    qlog::{EXTENSION, Writer},
    rules::Side,
    trace::{Party, Record},
};
use sakigake_wire::Instant;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
};

/// A connection's qlog file, named for the id that the client's first packet went to.
pub struct Qlog {
    folder: PathBuf,
    side: Side,
    start: Instant,
    /// What came before that id was known.
    early: Vec<(Instant, Record)>,
    open: Option<(Writer, File)>,
    text: String,
    /// There is no such file, and will be none.
    is_lost: bool,
}

impl Qlog {
    /// The file will lie in `folder`, which is made where there is none.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            side: Side::Client,
            start: Instant::from_nanos(0),
            early: Vec::new(),
            open: None,
            text: String::new(),
            is_lost: false,
        }
    }

    /// The connection begins, and this is our side of it.
    pub fn begun(&mut self, now: Instant, side: Side) {
        (self.start, self.side) = (now, side);
    }

    /// Takes what it did; [`Qlog::flush`] writes it.
    pub fn note(&mut self, at: Instant, record: &Record) {
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
            && let Err(error) = self.begin(&id)
        {
            (self.is_lost, self.early) = (true, Vec::new());
            eprintln!("warning: no qlog can be written into {}: {error}", self.folder.display());
        }
    }

    fn begin(&mut self, id: &ConnectionId) -> io::Result<()> {
        let side = if self.side == Side::Client { "client" } else { "server" };
        fs::create_dir_all(&self.folder)?;
        let file = File::create(self.folder.join(format!("{id}_{side}.{EXTENSION}")))?;
        let writer = Writer::begin(self.side, id, self.start, &mut self.text).map_err(io::Error::other)?;
        for (at, record) in self.early.drain(..) {
            writer.write(at, &record, &mut self.text).map_err(io::Error::other)?;
        }
        self.open = Some((writer, file));
        Ok(())
    }

    /// Writes what was noted.
    pub fn flush(&mut self) {
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
