//! One connection: a socket, a session and what its owner does with it.

use crate::{Clock, PlainStream, buffers};
use core::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
};
use sakigake_session::{Answer, Carrier, Event, Fault, Protocol, Session};
use sakigake_wire::{Instant, Span};
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

    /// Called whenever the session may have room: answer, send, consume, close. All that it gave before is with the
    /// socket then, and nothing was heard in between, unless the socket was full.
    fn act(&mut self, now: Instant, session: &mut dyn Carrier);

    /// Whether more than what the session has by now is to leave in the order of priorities: [`Application::act`] is called
    /// again then before much of it has left.
    fn has_more(&self) -> bool {
        true
    }

    /// Ready when [`Application::act`] has something to do though nothing was heard.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let _ = cx; // Most owners act only on what they hear.
        Poll::Pending
    }

    /// Ready with the answer to an [`Event::Wanted`] that was heard, as soon as it is known. The connection waits for it
    /// without keeping anybody else waiting, until the handshake's time is over or the peer has gone.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        let _ = cx; // Most owners leave nothing open that could be wanted.
        Poll::Pending
    }

    /// How long the peer may take nothing of what waits for the socket.
    fn patience(&self) -> Span {
        Span::from_secs(60)
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
    let mut driver = Driver {
        stream,
        session,
        clock,
        unsent: Vec::new(),
        stalled: None,
        is_read_out: false,
        is_spoken_to: false,
        plain: None,
    };
    let outcome = match driver.run(application).await {
        // Many peers leave without a word when they have all they want; that is an end like any other.
        Err(Failure::Socket(error)) if is_gone(&error) && driver.session.end().is_ok() => Ok(()),
        outcome => outcome,
    };
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
    /// Since when the socket has taken nothing of that.
    stalled: Option<Instant>,
    /// The socket brings nothing more.
    is_read_out: bool,
    /// The socket has something that nobody reads before the session has its answer.
    is_spoken_to: bool,
    /// Set when ALPN chose a protocol without an engine: plaintext that came with the handshake's end, or as early data.
    plain: Option<Vec<u8>>,
}

impl Driver {
    async fn run<A: Application>(&mut self, application: &mut A) -> Result<(), Failure> {
        loop {
            let more = self.write(application)?;
            let is_over = self.session.has_said_all() || self.plain.is_some();
            // Whom nothing can reach any more, and who has nothing left to say, is done too.
            if self.unsent.is_empty() && (is_over || (self.is_read_out && !more)) {
                return Ok(());
            }
            if more {
                tokio::task::yield_now().await;
            }
            if self.session.is_waiting() {
                self.await_answer(application, more).await?;
            } else if self.wait(application, more).await? {
                self.read(application)?;
            }
            // Whoever wakes itself again and again must not have the thread for itself.
            tokio::task::coop::consume_budget().await;
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
            let Self { stream, session, unsent, stalled, .. } = self;
            let wrote = buffers::lend(|buffers| -> io::Result<bool> {
                let place = buffers.place(application.has_more());
                let Some(len) = session.transmit(now, place) else { return Ok(false) };
                let sent = try_write(stream, &place[..len])?;
                unsent.extend_from_slice(&place[sent..len]);
                *stalled = (sent < len).then_some(now);
                Ok(true)
            })?;
            self.session.tell(&mut |event| application.heard(now, event));
            if !wrote {
                return Ok(false);
            }
        }
        let is_out = self.unsent.is_empty();
        if is_out {
            application.act(self.clock.now(), &mut self.session);
        }
        Ok(is_out)
    }

    /// Whether everything that waited is out.
    fn write_unsent(&mut self) -> io::Result<bool> {
        if !self.unsent.is_empty() {
            let sent = try_write(&self.stream, &self.unsent)?;
            self.unsent.drain(..sent);
            if sent > 0 {
                self.stalled = Some(self.clock.now());
            }
            if self.unsent.is_empty() {
                self.unsent = Vec::new();
                self.stalled = None;
            }
        }
        Ok(self.unsent.is_empty())
    }

    /// Waits for the application, the socket or the clock; says whether the socket may be read. The application comes
    /// first: a peer that always has something to say must not make it deaf; nor, once it has woken, is the peer unheard.
    async fn wait<A: Application>(&mut self, application: &mut A, poll_only: bool) -> Result<bool, Failure> {
        self.is_spoken_to = false;
        let interest = match (self.is_read_out, self.unsent.is_empty()) {
            (false, true) => Interest::READABLE,
            (false, false) => Interest::READABLE | Interest::WRITABLE,
            (true, _) => Interest::WRITABLE, // What was read to its end stays readable for ever.
        };
        let patience = application.patience();
        let stalled_since = self.stalled;
        let stalled = stalled_since.map(|since| since + patience);
        let deadline = [self.session.deadline(), stalled].into_iter().flatten().min();
        let timer = async {
            match deadline {
                _ if poll_only => {}
                Some(at) => time::sleep_until(self.clock.timer(at)).await,
                None => core::future::pending().await,
            }
        };
        let readable = tokio::select! {
            biased;
            () = poll_fn(|cx| application.poll_wake(cx)) => !self.is_read_out, // It costs nothing where nothing came.
            ready = self.stream.ready(interest) => ready?.is_readable() && !self.is_read_out,
            () = timer => false,
        };
        let now = self.clock.now();
        if deadline.is_some_and(|at| at <= now) {
            self.session.expire(now).map_err(Failure::Peer)?;
            self.session.tell(&mut |event| application.heard(now, event));
        }
        if stalled.is_some_and(|at| at <= now) && !self.write_unsent()? && self.stalled == stalled_since {
            let why = "the peer reads nothing of what it asked for";
            return Err(Failure::Socket(io::Error::new(io::ErrorKind::TimedOut, why)));
        }
        Ok(readable)
    }

    /// Waits for what the session has asked of its owner, the clock, or the peer's end. What else comes could only be held: it
    /// had better stay with the system.
    async fn await_answer<A: Application>(
        &mut self,
        application: &mut A,
        poll_only: bool,
    ) -> Result<(), Failure> {
        let deadline = self.session.deadline();
        let timer = async {
            match deadline {
                _ if poll_only => {}
                Some(at) => time::sleep_until(self.clock.timer(at)).await,
                None => core::future::pending().await,
            }
        };
        let woken = poll_fn(|cx| match application.poll_answer(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => application.poll_wake(cx).map(|()| None),
        });
        let mut answer = None;
        tokio::select! {
            biased;
            woken = woken => answer = woken,
            ready = self.stream.writable(), if !self.unsent.is_empty() => ready?,
            heard = listen(&self.stream, self.is_spoken_to), if !self.is_read_out => match heard? {
                0 => {
                    self.is_read_out = true;
                    self.session.end().map_err(Failure::Peer)?;
                }
                _ => self.is_spoken_to = true,
            },
            () = timer => {}
        }
        let now = self.clock.now();
        if let Some(answer) = answer {
            let heard = &mut |event: Event<'_>| application.heard(now, event);
            self.session.answer(now, answer, heard).map_err(Failure::Peer)?;
        }
        if deadline.is_some_and(|at| at <= now) {
            self.session.expire(now).map_err(Failure::Peer)?;
            self.session.tell(&mut |event| application.heard(now, event));
        }
        Ok(())
    }

    /// Reads once and lets the session hear it.
    fn read<A: Application>(&mut self, application: &mut A) -> Result<(), Failure> {
        let Self { stream, session, clock, plain, is_read_out, .. } = self;
        buffers::lend(|buffers| {
            let len = match stream.try_read(&mut buffers.input) {
                Ok(0) => {
                    *is_read_out = true;
                    return session.end().map_err(Failure::Peer);
                }
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Failure::Socket(error)),
            };
            let now = clock.now();
            session
                .handle(now, &mut buffers.input[..len], &mut |event| {
                    match &event {
                        // What came as early data is in it already.
                        Event::Ready { protocol: Protocol::Plain, .. } => {
                            plain.get_or_insert_default();
                        }
                        Event::Bytes(bytes) => plain.get_or_insert_default().extend_from_slice(bytes),
                        _ => {}
                    }
                    application.heard(now, event);
                })
                .map_err(Failure::Peer)
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
            if self.session.has_said_all() && !self.session.is_closed() {
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

/// How many bytes the peer has said: none where it has ended. They stay where they are; behind them only a connection that is
/// torn down is heard.
async fn listen(stream: &TcpStream, is_spoken_to: bool) -> io::Result<usize> {
    if !is_spoken_to {
        return stream.peek(&mut [0]).await;
    }
    stream.ready(Interest::ERROR).await?;
    Err(stream.take_error()?.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into()))
}

/// The peer has torn the connection down.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionReset | ConnectionAborted | BrokenPipe)
}

fn try_write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.try_write(bytes) {
        Ok(sent) => Ok(sent),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error),
    }
}
