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
};

/// A TLS stream whose handshake is over. Writes gather until flushed, so that what is written in one turn leaves in one
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
}

/// Hears what the session says beside plaintext: traces, key log lines.
type Watcher = Box<dyn FnMut(Event<'_>) + Send>;

impl PlainStream {
    pub(crate) fn new(stream: TcpStream, session: Session, clock: Clock, heard: Vec<u8>) -> Self {
        Self {
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

    /// Reads once from the socket into `heard`.
    fn hear(&mut self) -> io::Result<()> {
        let Self { stream, session, clock, heard, ended, watcher, .. } = self;
        buffers::lend(|buffers| {
            let len = stream.try_read(&mut buffers.input)?;
            let now = clock.now();
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
        })
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
            ready!(this.stream.poll_read_ready(cx))?;
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
