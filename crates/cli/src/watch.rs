//! What is seen of a QUIC connection: its trace, on standard error or as qlog, and its secrets.

use sakigake::{key_log::KeyLogFile, qlog::Qlog};
use sakigake_net::quic::{Connection, Event};
use sakigake_quic::streams::Heard;
use sakigake_wire::Instant;
use std::{
    env,
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
            qlog.begun(now, connection.side());
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
                    qlog.note(*at, record);
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
