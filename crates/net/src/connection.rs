//! One connection: a socket, a session and what its owner does with it.

use crate::{Clock, PlainStream, buffers};
use core::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};
use sakigake_session::{Event, Fault, Protocol, Session};
use sakigake_wire::Instant;
use std::io;
use tokio::{io::AsyncWriteExt, io::Interest, net::TcpStream, time};

/// Turns in which a connection may write before it lets others run.
const WRITES_A_TURN: usize = 8;
/// How long, and how much, a closing connection still listens, so that its last words are not lost to a reset.
const LINGER: core::time::Duration = core::time::Duration::from_millis(500);
const LINGER_READS: usize = 32;

/// What a connection's owner does: listens, and acts when the session is free.
pub trait Application {
    /// The session heard something. Keep what is needed; acts come in [`Application::act`].
    fn heard(&mut self, now: Instant, event: Event<'_>);

    /// Called whenever the session may have room: answer, send, consume, close.
    fn act(&mut self, now: Instant, session: &mut Session);

    /// Ready when [`Application::act`] has something to do though nothing was heard.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx; // Most owners act only on what they hear.
        Poll::Pending
    }
}

/// How a connection ended well.
pub enum Ended {
    /// Both sides said all.
    Closed,
    /// No engine here speaks its protocol: the owner goes on with plaintext.
    Plain(Box<PlainStream>),
}

/// How a connection ended badly.
#[derive(Debug)]
pub enum Failure {
    /// The peer broke a rule, or told us that we did.
    Peer(Fault),
    /// The socket failed.
    Socket(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(fault) => fault.fmt(f),
            Self::Socket(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

/// Drives a connection to its end.
///
/// # Errors
/// [`Failure`]: the peer or the socket; what the peer had to be told was sent.
pub async fn drive<A: Application>(
    stream: TcpStream,
    session: Session,
    application: &mut A,
    clock: Clock,
) -> Result<Ended, Failure> {
    stream.set_nodelay(true)?;
    let mut driver = Driver { stream, session, clock, unsent: Vec::new(), plain: None };
    let outcome = driver.run(application).await;
    match (outcome, driver.plain.take()) {
        (Ok(()), Some(heard)) => {
            Ok(Ended::Plain(Box::new(PlainStream::new(driver.stream, driver.session, clock, heard))))
        }
        (outcome, _) => {
            driver.linger().await;
            outcome.map(|()| Ended::Closed)
        }
    }
}

struct Driver {
    stream: TcpStream,
    session: Session,
    clock: Clock,
    /// What the socket did not take of the last turn's output; empty, and without memory, while the connection waits.
    unsent: Vec<u8>,
    /// Set when ALPN chose a protocol without an engine: plaintext that came with the handshake's end.
    plain: Option<Vec<u8>>,
}

impl Driver {
    async fn run<A: Application>(&mut self, application: &mut A) -> Result<(), Failure> {
        loop {
            let more = self.write(application)?;
            if self.unsent.is_empty() && (self.session.has_said_all() || self.plain.is_some()) {
                return Ok(());
            }
            if more {
                tokio::task::yield_now().await;
            }
            if self.wait(application, more).await? && !self.read(application)? {
                return Ok(());
            }
        }
    }

    /// Writes what the session has, until the socket or the turn is full; says whether there may be more.
    fn write<A: Application>(&mut self, application: &mut A) -> Result<bool, Failure> {
        for _ in 0..WRITES_A_TURN {
            if !self.write_unsent()? {
                return Ok(false);
            }
            let now = self.clock.now();
            application.act(now, &mut self.session);
            let Self { stream, session, unsent, .. } = self;
            let wrote = buffers::lend(|buffers| -> io::Result<bool> {
                let Some(len) = session.transmit(now, &mut buffers.output) else { return Ok(false) };
                let sent = try_write(stream, &buffers.output[..len])?;
                unsent.extend_from_slice(&buffers.output[sent..len]);
                Ok(true)
            })?;
            self.session.tell(&mut |event| application.heard(now, event));
            if !wrote {
                return Ok(false);
            }
        }
        Ok(self.unsent.is_empty())
    }

    /// Whether everything that waited is out.
    fn write_unsent(&mut self) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let sent = try_write(&self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
            }
        }
        Ok(self.unsent.is_empty())
    }

    /// Waits for the socket, the clock or the application; says whether the socket may be read.
    async fn wait<A: Application>(&mut self, application: &mut A, poll_only: bool) -> Result<bool, Failure> {
        let interest = match self.unsent.is_empty() {
            true => Interest::READABLE,
            false => Interest::READABLE | Interest::WRITABLE,
        };
        let deadline = self.session.deadline();
        let timer = async {
            match deadline {
                _ if poll_only => {}
                Some(at) => time::sleep_until(self.clock.timer(at)).await,
                None => core::future::pending().await,
            }
        };
        let readable = tokio::select! {
            biased;
            ready = self.stream.ready(interest) => ready?.is_readable(),
            () = poll_fn(|cx| application.poll_wake(cx)) => false,
            () = timer => false,
        };
        let now = self.clock.now();
        if deadline.is_some_and(|at| at <= now) {
            self.session.expire(now).map_err(Failure::Peer)?;
        }
        Ok(readable)
    }

    /// Reads once and lets the session hear it; false when the peer's direction is over.
    fn read<A: Application>(&mut self, application: &mut A) -> Result<bool, Failure> {
        let Self { stream, session, clock, plain, .. } = self;
        buffers::lend(|buffers| {
            let len = match stream.try_read(&mut buffers.input) {
                Ok(0) => {
                    return session.end().map(|()| false).map_err(Failure::Peer);
                }
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(Failure::Socket(error)),
            };
            let now = clock.now();
            session
                .handle(now, &mut buffers.input[..len], &mut |event| {
                    match &event {
                        Event::Ready { protocol: Protocol::Plain, .. } => *plain = Some(Vec::new()),
                        Event::Bytes(bytes) => plain.get_or_insert_default().extend_from_slice(bytes),
                        _ => {}
                    }
                    application.heard(now, event);
                })
                .map_err(Failure::Peer)?;
            Ok(true)
        })
    }

    /// Sends the last words (an alert, GOAWAY, close_notify), then listens a little, so that unread input does not make
    /// the system answer with a reset that overtakes them. Errors no longer matter to anybody here.
    async fn linger(&mut self) {
        let words = buffers::lend(|buffers| {
            let len = self.session.transmit(self.clock.now(), &mut buffers.output).unwrap_or(0);
            buffers.output[..len].to_vec()
        });
        self.unsent.extend_from_slice(&words);
        let goodbye = async {
            self.stream.write_all(&self.unsent).await?;
            self.stream.shutdown().await?;
            if !self.session.is_closed() {
                return Ok(()); // A client that has all it came for: what still comes matters to nobody.
            }
            for _ in 0..LINGER_READS {
                self.stream.readable().await?;
                let read = buffers::lend(|buffers| self.stream.try_read(&mut buffers.input));
                match read {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            Ok::<(), io::Error>(())
        };
        let _ = time::timeout(LINGER, goodbye).await; // The connection is over either way.
    }
}

fn try_write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.try_write(bytes) {
        Ok(sent) => Ok(sent),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error),
    }
}
