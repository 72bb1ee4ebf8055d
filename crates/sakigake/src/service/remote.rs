//! A service that runs on another runtime: a task a request there, a bounded channel back.

use super::{
    Body, BoxError, Failure, Outgoing,
    local::{Ask, Boxed},
};
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tower_service::Service;

/// Frames of a body that may wait between the two runtimes.
const FRAMES: usize = 2;

pub(super) struct Remote<S> {
    pub(super) handle: Handle,
    pub(super) service: S,
}

impl<S, B> Ask for Remote<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    fn ask(self: Rc<Self>, request: http::Request<Body>) -> Boxed {
        let service = self.service.clone();
        let handle = self.handle.clone();
        Box::pin(async move {
            let (head, answer) = oneshot::channel();
            let task = handle.spawn(answer_there(service, request, head));
            let task = Task(task.abort_handle());
            // No answer: it panicked, or its runtime has ended.
            let response = answer.await.map_err(|_| Failure::Panicked)?.map_err(Failure::Service)?;
            Ok(response.map(|channel| Outgoing::new(Arriving { channel, _task: task })))
        })
    }
}

type Head = oneshot::Sender<Result<http::Response<Channel>, BoxError>>;

/// What the body's frames come through, and how many bytes they are to have.
struct Channel {
    /// `None` is the end; a channel that is closed without it was cut off.
    frames: mpsc::Receiver<Option<Result<Frame<Bytes>, BoxError>>>,
    hint: SizeHint,
    is_empty: bool,
}

/// The whole of it, on the other runtime.
async fn answer_there<S, B>(mut service: S, request: http::Request<Body>, head: Head)
where
    S: Service<http::Request<Body>, Response = http::Response<B>, Error: Into<BoxError>>,
    B: http_body::Body<Error: Into<BoxError>>,
{
    let response = async {
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    };
    let (parts, body) = match response.await {
        Ok(response) => response.into_parts(),
        Err(error) => return drop(head.send(Err(error.into()))), // Whoever asked may be gone.
    };
    let (sender, frames) = mpsc::channel(FRAMES);
    let channel = Channel { frames, hint: body.size_hint(), is_empty: body.is_end_stream() };
    if head.send(Ok(http::Response::from_parts(parts, channel))).is_err() {
        return;
    }
    let mut body = pin!(body);
    // A frame is asked for only when there is room for it.
    while let Ok(place) = sender.reserve().await {
        let Some(frame) = body.frame().await else { return place.send(None) };
        let bytes = |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        place.send(Some(frame.map(bytes).map_err(Into::into)));
    }
}

/// A task that ends when nobody waits for it any more.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body at this end.
struct Arriving {
    channel: Channel,
    _task: Task,
}

impl http_body::Body for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(match ready!(self.channel.frames.poll_recv(cx)) {
            Some(frame) => frame,
            None => Some(Err(Box::new(Failure::Panicked))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.channel.is_empty
    }

    fn size_hint(&self) -> SizeHint {
        self.channel.hint
    }
}
