//! A connection over a blocking socket, read one record at a time, so that each is answered before the next is looked at.

use crate::{End, owner::Owner};
use sakigake_tls::{Connection, Event, Fault, Negotiated, Session, Traced, message::Message, rules::Side};
use sakigake_wire::{Entropy, Instant};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream},
    time,
};

/// Longer than any pause that the runner makes on purpose.
const PATIENCE: time::Duration = time::Duration::from_secs(60);
/// The clock stands still: the runner counts milliseconds of what it says that time has passed.
const NOW: Instant = Instant::from_nanos(0);
const RECORD_HEADER_BYTES: usize = 5;
const OUT_BYTES: usize = 20_000;

/// The operating system's randomness.
pub(crate) struct System;

impl Entropy for System {
    fn fill(&mut self, out: &mut [u8]) {
        sakigake_crypto::aws_lc::random(out);
    }
}

/// Where to connect, and as which of the runner's cases.
pub(crate) struct Runner {
    pub(crate) port: u16,
    pub(crate) ipv6: bool,
    pub(crate) shim_id: u64,
}

impl Runner {
    /// A connection to the runner's end of the case.
    pub(crate) fn connect(&self) -> Result<TcpStream, End> {
        let address: SocketAddr = match self.ipv6 {
            true => (Ipv6Addr::LOCALHOST, self.port).into(),
            false => (Ipv4Addr::LOCALHOST, self.port).into(),
        };
        let connect = || {
            let mut socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.write_all(&self.shim_id.to_le_bytes())?;
            Ok(socket)
        };
        connect().map_err(|error: std::io::Error| End::Failed(format!("the runner's socket: {error}")))
    }
}

/// A connection, its socket, and what it told.
pub(crate) struct Socket {
    tcp: TcpStream,
    tls: Connection,
    owner: Owner,
    /// Every byte is handed in by itself.
    byte_by_byte: bool,
    /// What is written, while the socket takes nothing.
    held: Option<Vec<u8>>,
    pub(crate) heard: Heard,
}

/// What the connection told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) data: Vec<u8>,
    pub(crate) negotiated: Option<Negotiated>,
    pub(crate) closed: bool,
    /// A HelloRetryRequest went over the wire.
    pub(crate) retried: bool,
    /// The type of the server's last message.
    last: Option<u8>,
    /// The peer's signature_algorithms.
    pub(crate) schemes: Vec<u16>,
    /// The server's certificate_authorities.
    pub(crate) authorities: Vec<Vec<u8>>,
    /// The last ticket that came.
    pub(crate) session: Option<Session>,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, mut tls: Connection, owner: Owner, byte_by_byte: bool) -> Self {
        tls.trace();
        Self { tcp, tls, owner, byte_by_byte, held: None, heard: Heard::default() }
    }

    /// Reads until the handshake is over. What came early is answered early.
    pub(crate) fn handshake(&mut self) -> Result<(), End> {
        self.flush()?;
        while !self.tls.is_established() {
            if !self.read_record()? {
                return Err(End::Failed("the peer's bytes ended within the handshake".into()));
            }
            if !self.tls.is_established() {
                self.echo(usize::MAX)?;
            }
        }
        Ok(())
    }

    /// Sends back what came, each of its bits flipped.
    pub(crate) fn echo(&mut self, record_bytes: usize) -> Result<(), End> {
        let mut data = std::mem::take(&mut self.heard.data);
        data.iter_mut().for_each(|byte| *byte ^= 0xff);
        self.write(&data, record_bytes)
    }

    /// Whether the ClientHello offers early data.
    pub(crate) fn offers_early_data(&self) -> bool {
        self.tls.early_data().is_some()
    }

    /// Sends as much as may go early, and gives the rest.
    pub(crate) fn write_early(&mut self, writes: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, End> {
        self.flush()?;
        let mut out = vec![0; OUT_BYTES];
        let mut left = Vec::new();
        for data in writes {
            let mut rest = data.as_slice();
            while !rest.is_empty() && self.tls.may_send() {
                let len = self.seal(&mut out, &mut rest, usize::MAX);
                if len == 0 {
                    break;
                }
                self.send(&out[..len])?;
            }
            if !rest.is_empty() {
                left.push(rest.to_vec());
            }
        }
        Ok(left)
    }

    /// From now on nothing leaves, until the peer is heard.
    pub(crate) fn hold(&mut self) -> Result<(), End> {
        self.flush()?;
        self.held.get_or_insert_default();
        Ok(())
    }

    /// Reads until the server's last message is of this type.
    pub(crate) fn read_until(&mut self, kind: u8) -> Result<(), End> {
        self.flush()?;
        while self.heard.last != Some(kind) {
            if !self.read_record()? {
                return Err(End::Failed(format!("no message of type {kind} came")));
            }
        }
        Ok(())
    }

    /// Takes the next record, and sends what it gives rise to. False when no more will come.
    pub(crate) fn read_record(&mut self) -> Result<bool, End> {
        let mut header = [0; RECORD_HEADER_BYTES];
        let read = self.read_full(&mut header)?;
        if let Some(bytes) = self.held.take() {
            self.send(&bytes)?;
        }
        self.feed(&mut header[..read])?;
        if read == header.len() {
            let [.., high, low] = header;
            let mut body = vec![0; usize::from(u16::from_be_bytes([high, low]))];
            let read = self.read_full(&mut body)?;
            self.feed(&mut body[..read])?;
            if read == body.len() {
                return Ok(!self.heard.closed);
            }
        }
        match self.tls.eof() {
            Err(fault) if !self.tls.is_established() => Err(named(&fault)),
            // An end without close_notify is the runner's own habit.
            Ok(()) | Err(_) => Ok(false),
        }
    }

    /// Sends `data`, in records of at most `record_bytes`.
    pub(crate) fn write(&mut self, data: &[u8], record_bytes: usize) -> Result<(), End> {
        let (mut rest, mut out) = (data, vec![0; OUT_BYTES]);
        while !rest.is_empty() {
            self.flush()?;
            let len = self.seal(&mut out, &mut rest, record_bytes);
            if len == 0 {
                return Err(End::Failed("application data cannot be sent".into()));
            }
            self.send(&out[..len])?;
        }
        Ok(())
    }

    fn seal(&mut self, out: &mut [u8], rest: &mut &[u8], record_bytes: usize) -> usize {
        self.tls.seal(out, &mut |room| {
            let data = *rest;
            let (head, tail) = data.split_at(data.len().min(room.len()).min(record_bytes));
            room[..head.len()].copy_from_slice(head);
            *rest = tail;
            head.len()
        })
    }

    pub(crate) fn update_keys(&mut self) -> Result<(), End> {
        self.tls.update_keys();
        self.flush()
    }

    /// Sends close_notify.
    pub(crate) fn close(&mut self) -> Result<(), End> {
        self.tls.close();
        self.flush()
    }

    /// Keying material for `label` and `context`.
    pub(crate) fn export(&self, label: &[u8], context: &[u8], len: usize) -> Result<Vec<u8>, End> {
        let mut out = vec![0; len];
        let exporter = self.tls.exporter().ok_or_else(|| End::Failed("no exporter".into()))?;
        exporter.export(label, context, &mut out).map_err(|misuse| End::Failed(misuse.to_string()))?;
        Ok(out)
    }

    /// Who answers for us, and what it has seen.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    fn feed(&mut self, input: &mut [u8]) -> Result<(), End> {
        let pieces = if self.byte_by_byte { 1 } else { input.len().max(1) };
        for piece in input.chunks_mut(pieces) {
            let was_established = self.tls.is_established();
            let mut result = self.handle(piece);
            while let (Ok(()), Some(wanted)) = (&result, self.owner.wanted.take()) {
                let answer = self.owner.answer(&wanted);
                let (heard, owner) = (&mut self.heard, &mut self.owner);
                result = self.tls.answer(NOW, answer, &mut |event| hear(heard, owner, event));
            }
            // Afterwards what is owed waits for the next thing that we say: that is how many KeyUpdates get one answer.
            if result.is_err() || !was_established {
                self.flush()?;
            }
            result.map_err(|fault| named(&fault))?;
        }
        Ok(())
    }

    fn handle(&mut self, input: &mut [u8]) -> Result<(), Fault> {
        let (heard, owner) = (&mut self.heard, &mut self.owner);
        self.tls.handle(NOW, input, &mut |event| hear(heard, owner, event))
    }

    fn flush(&mut self) -> Result<(), End> {
        let mut out = vec![0; OUT_BYTES];
        while let Some(len) = self.tls.transmit(NOW, &mut out) {
            self.send(&out[..len])?;
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        if let Some(held) = &mut self.held {
            held.extend_from_slice(bytes);
            return Ok(());
        }
        match self.tcp.write_all(bytes) {
            // The runner is gone; what it sent before that is still to be judged.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Ok(())
            }
            other => other.map_err(|error| End::Failed(format!("write: {error}"))),
        }
    }

    /// Fills `out` as far as bytes come.
    fn read_full(&mut self, out: &mut [u8]) -> Result<usize, End> {
        let mut filled = 0;
        while filled < out.len() {
            match self.tcp.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(len) => filled += len,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => return Err(End::Failed(format!("read: {error}"))),
            }
        }
        Ok(filled)
    }
}

impl Drop for Socket {
    /// Lets the runner read what was sent before it sees the end.
    fn drop(&mut self) {
        // Where the runner has closed already there is nothing to wait for.
        if self.tcp.shutdown(Shutdown::Write).is_ok() {
            let mut rest = [0; 4096];
            while self.tcp.read(&mut rest).is_ok_and(|len| len > 0) {}
        }
    }
}

impl Heard {
    fn message(&mut self, sender: Side, bytes: &[u8]) {
        let Ok(message) = Message::read(bytes) else { return }; // It has its fault.
        if sender == Side::Server {
            self.last = bytes.first().copied();
        }
        match message {
            Message::HelloRetryRequest(_) => self.retried = true,
            Message::ClientHello(hello) => {
                let schemes = hello.extensions.signature_algorithms.unwrap_or_default();
                self.schemes = schemes.iter().collect();
            }
            Message::CertificateRequest(request) => {
                let schemes = request.extensions.signature_algorithms.unwrap_or_default();
                self.schemes = schemes.iter().collect();
                let names = request.extensions.certificate_authorities.unwrap_or_default();
                self.authorities = names.iter().map(|name| name.0.to_vec()).collect();
            }
            _ => {}
        }
    }
}

fn hear(heard: &mut Heard, owner: &mut Owner, event: Event<'_>) {
    match event {
        Event::Wanted(wanted) => owner.wanted = Some(wanted),
        Event::Negotiated(negotiated) => heard.negotiated = Some(negotiated),
        Event::Ticket(session) => heard.session = Some(*session),
        Event::Data(data) => heard.data.extend_from_slice(data),
        Event::Closed => heard.closed = true,
        Event::Traced(Traced::Message { sender, bytes }) => heard.message(sender, bytes),
        Event::Authenticated(_)
        | Event::BarredRequest
        | Event::Established
        | Event::KeyLog(_)
        | Event::Traced(_) => {}
    }
}

/// The fault by the name of its variant: `bogo.toml` says which of BoringSSL's names stand for it.
fn named(fault: &Fault) -> End {
    End::Failed(format!("{fault:?}"))
}
