//! A stream whose peer has to take something now and then, and whose last words are heard.

use super::waiting::Silence;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::Sleep;

/// How long, and for how many bytes, a stream that was shut down still listens: unread input would make the system answer
/// with a reset, which overtakes the response.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 4 << 20;

/// Fails a write, a flush or a shutdown that waits longer than `limit` for the peer.
pub(super) struct Stall<I> {
    io: I,
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
    /// Who is told that something came.
    silence: Arc<Silence>,
    /// Tells whoever waits for the end, at the drop.
    _held: oneshot::Sender<Infallible>,
}

impl<I> Stall<I> {
    pub(super) fn new(
        io: I,
        limit: Duration,
        silence: Arc<Silence>,
        held: oneshot::Sender<Infallible>,
    ) -> Self {
        Self { io, limit, waiting: None, lingering: None, silence, _held: held }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<I: AsyncRead + Unpin> Stall<I> {
    /// Reads what the peer still sends, to its end or to ours.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { io, lingering, .. } = self;
        let (until, bytes) = lingering.get_or_insert_with(|| (Box::pin(tokio::time::sleep(LINGER)), 0));
        let mut sink = [0; 4_096];
        while *bytes < LINGER_BYTES && until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut sink);
            // However it ends: it was over anyway.
            if std::task::ready!(Pin::new(&mut *io).poll_read(cx, &mut buf)).is_err()
                || buf.filled().is_empty()
            {
                break;
            }
            *bytes += buf.filled().len();
        }
        Poll::Ready(())
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Stall<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.io).poll_read(cx, buf);
        self.silence.heard(buf.filled().len() - before);
        outcome
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stall<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.watch(cx, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let outcome = Pin::new(&mut self.io).poll_shutdown(cx);
            std::task::ready!(self.watch(cx, outcome))?;
        }
        self.linger(cx).map(Ok)
    }
}
