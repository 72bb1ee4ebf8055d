use crate::{PATIENCE, Server, frames};
use sakigake::client::Trust;
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_net::{Clock, SystemEntropy, unix_secs};
use sakigake_tls::{self as tls, Connection, Credential, Event, Fault};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// A client over our own TLS engine and a blocking socket, where nothing is read or written unless the test says so.
pub struct Raw {
    /// The socket.
    pub stream: TcpStream,
    /// The engine.
    pub tls: Connection,
    clock: Clock,
    /// What came and was not yet taken.
    pub plain: Vec<u8>,
    /// How many bytes each record of application data carried.
    pub records: Vec<usize>,
    /// Reads from the socket that brought something.
    pub reads: usize,
    /// The server has verified nothing yet, but we have it.
    pub is_established: bool,
    /// The server's close_notify came.
    pub is_closed: bool,
    /// What was wrong with what the server sent.
    pub fault: Option<Fault>,
}

/// What one read from the socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So many bytes.
    Some(usize),
    /// The server has closed the connection.
    End,
    /// It was torn down.
    Reset,
    /// Nothing came in time.
    Nothing,
}

impl Raw {
    /// Opens a connection, and has sent ClientHello.
    ///
    /// # Panics
    /// When the server does not listen.
    pub fn open(server: &Server, name: &str, alpn: &[&str]) -> Self {
        Self::open_as(server, name, alpn, &[])
    }

    /// The same, with certificates to show.
    ///
    /// # Panics
    /// When the server does not listen.
    pub fn open_as(server: &Server, name: &str, alpn: &[&str], credentials: &[Arc<Credential>]) -> Self {
        let mut options = tls::client::Options::new(&PROVIDER);
        options.verifier = Some(Trust::File(server.ca.clone()).verifier().expect("the CA can be read"));
        options.credentials = credentials.to_vec();
        options.alpn = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        options.unix_secs_at_start = unix_secs();
        Self::dial(server.address, name, options)
    }

    /// The same to whoever listens there.
    ///
    /// # Panics
    /// When nobody does, or TLS refuses the options.
    pub fn dial(address: SocketAddr, name: &str, options: tls::client::Options) -> Self {
        let clock = Clock::start();
        let config = options.build().expect("the options are good");
        let tls = Connection::client(config, name, clock.now(), Box::new(SystemEntropy));
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let mut raw = Self {
            stream,
            tls: tls.expect("a good name"),
            clock,
            plain: Vec::new(),
            records: Vec::new(),
            reads: 0,
            is_established: false,
            is_closed: false,
            fault: None,
        };
        raw.flush();
        raw
    }

    /// Opens a connection, and has sent Finished. Application data that came with the server's flight is kept.
    ///
    /// # Panics
    /// When the handshake fails.
    pub fn connect(server: &Server, name: &str, alpn: &[&str]) -> Self {
        Self::connect_as(server, name, alpn, &[])
    }

    /// The same, with certificates to show.
    ///
    /// # Panics
    /// When the handshake fails.
    pub fn connect_as(server: &Server, name: &str, alpn: &[&str], credentials: &[Arc<Credential>]) -> Self {
        let mut raw = Self::open_as(server, name, alpn, credentials);
        raw.read_until("the server's flight", |raw| raw.is_established);
        raw.flush();
        raw
    }

    /// As [`Raw::connect`], over HTTP/2; these settings, as much window for the connection as there can be, and the receipt
    /// of the server's settings have left: without that it waits for a client only so long.
    ///
    /// # Panics
    /// When the handshake fails.
    pub fn h2(server: &Server, settings: &[(u16, u32)]) -> Self {
        let mut raw = Self::connect(server, "www.saki.test", &["h2"]);
        let mut hello = frames::hello(settings);
        let most = (0x7fff_ffff_u32 - 65_535).to_be_bytes();
        hello.extend(frames::frame(frames::WINDOW_UPDATE, 0, 0, &most));
        hello.extend(frames::frame(frames::SETTINGS, frames::ACK, 0, &[]));
        raw.send(&hello);
        raw
    }

    /// Sends what the engine has to say of its own.
    ///
    /// # Panics
    /// When the socket does not take it.
    pub fn flush(&mut self) {
        let mut out = vec![0; 65_536];
        while let Some(len) = self.tls.transmit(self.clock.now(), &mut out) {
            self.stream.write_all(&out[..len]).expect("the server takes it");
        }
    }

    /// Sends application data.
    ///
    /// # Panics
    /// When the socket does not take it.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server takes it");
    }

    /// Sends application data to a server that may have had enough of it.
    ///
    /// # Errors
    /// It had.
    pub fn try_send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut out = vec![0; 65_536];
        while !bytes.is_empty() {
            let len = self.tls.seal(&mut out, &mut |payload| {
                let len = bytes.len().min(payload.len());
                payload[..len].copy_from_slice(&bytes[..len]);
                bytes = &bytes[len..];
                len
            });
            assert!(len > 0, "the connection may send");
            self.stream.write_all(&out[..len])?;
        }
        Ok(())
    }

    /// Reads once from the socket.
    ///
    /// # Panics
    /// When the socket fails in a way of its own.
    pub fn read(&mut self, wait: Duration) -> Reading {
        let mut buffer = vec![0; 65_536];
        self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).expect("a socket");
        let len = match self.stream.read(&mut buffer) {
            Ok(0) => return Reading::End,
            Ok(len) => len,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Reading::Nothing,
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Reading::Reset,
                _ => panic!("{error}"),
            },
        };
        self.reads += 1;
        let Self { tls, plain, records, is_established, is_closed, .. } = self;
        let result = tls.handle(self.clock.now(), &mut buffer[..len], &mut |event| match event {
            Event::Established => *is_established = true,
            Event::Data(bytes) => {
                records.push(bytes.len());
                plain.extend_from_slice(bytes);
            }
            Event::Closed => *is_closed = true,
            _ => {}
        });
        if let Err(fault) = result {
            self.fault.get_or_insert(fault);
        }
        Reading::Some(len)
    }

    /// Reads until it is so.
    ///
    /// # Panics
    /// When that takes too long, or the connection ends before.
    pub fn read_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            let left = PATIENCE.checked_sub(began.elapsed());
            let left = left.unwrap_or_else(|| panic!("{what}: did not come in time"));
            match self.read(left) {
                Reading::Some(_) => {}
                reading => panic!("{what}: {reading:?} before it came, fault {:?}", self.fault),
            }
        }
    }

    /// Reads to the end of the connection, and says how it ended.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn read_to_end(&mut self) -> Reading {
        let began = Instant::now();
        loop {
            match self.read(PATIENCE) {
                Reading::Some(_) => assert!(began.elapsed() < PATIENCE, "the connection does not end"),
                Reading::Nothing => panic!("the connection does not end"),
                end => return end,
            }
        }
    }

    /// The whole frames that came so far.
    pub fn frames(&self) -> Vec<frames::Heard> {
        frames::parse(&self.plain).0
    }

    /// Takes the whole frames that came so far.
    pub fn take_frames(&mut self) -> Vec<frames::Heard> {
        let (heard, len) = frames::parse(&self.plain);
        self.plain.drain(..len);
        heard
    }

    /// Whether a frame of that type came on that stream.
    pub fn has(&self, kind: u8, stream: u32) -> bool {
        self.frames().iter().any(|frame| frame.kind == kind && frame.stream == stream)
    }

    /// Whether a stream has ended.
    pub fn has_end(&self, stream: u32) -> bool {
        let ends = |frame: &frames::Heard| frame.kind <= frames::HEADERS && frame.flags & 1 == 1;
        self.frames().iter().any(|frame| frame.stream == stream && ends(frame))
    }

    /// Says close_notify, and that nothing follows.
    pub fn close(&mut self) {
        self.tls.close();
        self.flush();
        // Whoever was closed already has heard enough.
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
