//! Plaintext over TLS for protocols that have no engine here: HTTP/1.1 above all.

use crate::{Clock, buffers};
use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use sakigake_session::{Event, Session};
use std::io;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

/// A TLS stream whose handshake is over, or goes on beside it where the client sent early data: then what is read may be that, as
/// [`PlainStream::is_early`] tells. Writes gather until flushed, so that what is written in one turn leaves in one
/// record; reads take no more than the reader wants.
pub struct PlainStream {
    stream: TcpStream,
    session: Session,
    clock: Clock,
    heard: Vec<u8>,
    read: usize,
    unsent: Vec<u8>,
    ended: bool,
    closing: bool,
    watcher: Option<Watcher>,
    /// As long as the handshake is not over.
    early: Option<Early>,
}

/// A handshake that is not over.
struct Early {
    deadline: Pin<Box<Sleep>>,
    told: Option<WhenReady>,
}

/// Hears that the handshake is over.
type WhenReady = Box<dyn FnOnce(&Session) + Send>;

/// Hears what the session says beside plaintext: traces, key log lines.
type Watcher = Box<dyn FnMut(Event<'_>) + Send>;

impl PlainStream {
    pub(crate) fn new(stream: TcpStream, session: Session, clock: Clock, heard: Vec<u8>) -> Self {
        let deadline = session.deadline().filter(|_| !session.is_ready()).map(|at| clock.timer(at));
        let early = deadline.map(|at| Early { deadline: Box::pin(tokio::time::sleep_until(at)), told: None });
        Self {
            early,
            stream,
            session,
            clock,
            heard,
            read: 0,
            unsent: Vec::new(),
            ended: false,
            closing: false,
            watcher: None,
        }
    }

    /// Hands what the session says beside plaintext to `watcher` from here on.
    pub fn watch(&mut self, watcher: impl FnMut(Event<'_>) + Send + 'static) {
        self.watcher = Some(Box::new(watcher));
    }

    /// Whether the handshake is not over: what is read now came as early data.
    pub fn is_early(&self) -> bool {
        self.early.is_some()
    }

    /// Calls `told` when the handshake is over; never where it is over already.
    pub fn when_ready(&mut self, told: impl FnOnce(&Session) + Send + 'static) {
        if let Some(early) = &mut self.early {
            early.told = Some(Box::new(told));
        }
    }

    /// The session below, to ask what was negotiated.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session below, to act on it.
    pub fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The socket below, to ask for addresses.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    fn deliver(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let waiting = &self.heard[self.read..];
        let len = waiting.len().min(out.remaining());
        out.put_slice(&waiting[..len]);
        self.read += len;
        if self.read == self.heard.len() {
            self.heard = Vec::new();
            self.read = 0;
        }
        len > 0
    }

    /// Ready when the handshake has taken too long, which [`PlainStream::hear`] tells then.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.early {
            Some(early) => early.deadline.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    /// Reads once from the socket into `heard`.
    fn hear(&mut self) -> io::Result<()> {
        let Self { stream, session, clock, heard, ended, watcher, early, .. } = self;
        let now = clock.now();
        let result = buffers::lend(|buffers| {
            let len = stream.try_read(&mut buffers.input)?;
            let result = match len {
                0 => {
                    *ended = true;
                    session.end()
                }
                _ => session.handle(now, &mut buffers.input[..len], &mut |event| match event {
                    Event::Bytes(bytes) => heard.extend_from_slice(bytes),
                    Event::Closed => *ended = true,
                    event => {
                        if let Some(watcher) = watcher {
                            watcher(event);
                        }
                    }
                }),
            };
            result.map_err(|fault| {
                let kind = if len == 0 { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
                io::Error::new(kind, fault)
            })
        });
        if session.is_ready() {
            if let Some(told) = early.take().and_then(|early| early.told) {
                told(session);
            }
        } else {
            // Too late, though all that had come by now was heard.
            session.expire(now).map_err(|fault| io::Error::new(io::ErrorKind::TimedOut, fault))?;
        }
        result
    }

    /// Moves everything that waits in the session to the socket.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.unsent.is_empty() {
                ready!(self.stream.poll_write_ready(cx))?;
                match self.stream.try_write(&self.unsent) {
                    Ok(sent) => drop(self.unsent.drain(..sent)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            let Self { session, clock, unsent, .. } = self;
            let wrote = buffers::lend(|buffers| {
                let len = session.transmit(clock.now(), &mut buffers.output)?;
                unsent.extend_from_slice(&buffers.output[..len]);
                Some(len)
            });
            if let Some(watcher) = &mut self.watcher {
                self.session.tell(watcher);
            }
            if wrote.is_none() {
                self.unsent = Vec::new();
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Who writes and leaves without a flush would lose words that a socket would have taken at once: what the system takes now
/// still goes. No close_notify: what was not shut down may be cut short, and the peer is to see that.
impl Drop for PlainStream {
    fn drop(&mut self) {
        if self.unsent.is_empty() && self.session.is_flushed() {
            return;
        }
        let now = self.clock.now();
        while let Some(len) = buffers::lend(|buffers| {
            let len = self.session.transmit(now, &mut buffers.output)?;
            self.unsent.extend_from_slice(&buffers.output[..len]);
            Some(len)
        }) {
            debug_assert!(len > 0, "a session never transmits nothing");
        }
        let mut rest = &self.unsent[..];
        while let Ok(sent @ 1..) = self.stream.try_write(rest) {
            rest = &rest[sent..];
        }
    }
}

impl AsyncRead for PlainStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.deliver(out) || this.ended || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            // A key update, or an alert, may have to go out before anything more comes in.
            if let Poll::Ready(Err(error)) = this.poll_drain(cx) {
                return Poll::Ready(Err(error));
            }
            if this.stream.poll_read_ready(cx)?.is_pending() {
                ready!(this.poll_deadline(cx));
            }
            match this.hear() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    if let Poll::Ready(Err(lost)) = this.poll_drain(cx) {
                        return Poll::Ready(Err(lost));
                    }
                    return Poll::Ready(Err(error));
                }
                Ok(()) => {}
            }
        }
    }
}

impl AsyncWrite for PlainStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            let taken = this.session.write(bytes);
            if taken > 0 || bytes.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            if this.closing || this.session.is_closed() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            ready!(this.poll_drain(cx))?;
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_drain(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closing {
            ready!(this.poll_drain(cx))?;
            this.closing = true;
            this.session.close(this.clock.now());
        }
        ready!(this.poll_drain(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}
