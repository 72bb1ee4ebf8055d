//! A connection's commands over HTTP/1.1, by hyper: one request after the other.

use super::{
    connection::{Call, Command, Ear, News},
    failure::{Cause, Failed},
    outflow::{Payload, Streamed},
};
use crate::service::{BoxError, head};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use sakigake_net::PlainStream;
use sakigake_page::load::Id;
use sakigake_semantics::{Fields, Request, Response};
use std::{error::Error as _, io};
use tokio::sync::mpsc;

/// Bytes of a body that may wait for the loader before the socket is left alone.
const UNREAD_BYTES: usize = 1 << 20;

/// Serves commands until the pool has no more, or the server ends the connection. Of what waits, the first request is
/// this connection's; the others go back to the pool, since they would have to wait here.
pub(super) async fn serve(
    stream: PlainStream,
    ear: &Ear,
    (waiting, commands): (Vec<Command>, mpsc::UnboundedReceiver<Command>),
) -> Result<(), Failed> {
    let opened = hyper::client::conn::http1::handshake::<_, Streamed>(TokioIo::new(stream)).await;
    let (sender, connection) = opened.map_err(|error| Failed::new(Cause::RecvError, error))?;
    let connection = tokio::task::spawn_local(connection);
    let mut carrier = Carrier { sender, commands, ear, next: None, answers: 0 };
    for command in waiting {
        carrier.keep_or_return(command);
    }
    let outcome = carrier.run().await;
    drop(carrier);
    if outcome == Outcome::Cancelled {
        connection.abort(); // The rest of that response is of no use to anybody.
        return Ok(());
    }
    match connection.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(&error, false)),
        Err(error) => Err(Failed::new(Cause::RecvError, error)),
    }
}

/// How a connection's work ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Cancelled,
}

struct Carrier<'a> {
    sender: SendRequest<Streamed>,
    commands: mpsc::UnboundedReceiver<Command>,
    ear: &'a Ear,
    next: Option<(Id, Box<Call>)>,
    answers: usize,
}

/// Why there is no response.
enum Trouble {
    /// It was not sent.
    Unsent(Failed),
    /// Not a byte of it came.
    Unanswered(Failed),
    /// It broke off, or could not be asked for.
    Broken(Failed),
    /// Nobody wants it any more.
    Cancelled,
}

impl Carrier<'_> {
    async fn run(&mut self) -> Outcome {
        loop {
            let (id, mut call) = match self.next.take() {
                Some(next) => next,
                None => match self.commands.recv().await {
                    Some(command) => {
                        self.keep_or_return(command);
                        continue;
                    }
                    None => return Outcome::Done,
                },
            };
            match self.try_exchange(id, &mut call).await {
                Ok(()) => self.answers += 1,
                // The server ends a connection when it likes: what it has not answered another one may carry.
                Err(Trouble::Unanswered(_))
                    if self.answers > 0
                        && is_idempotent(call.request.method())
                        && call.body.is_untouched() =>
                {
                    self.ear.tell(News::Refused(id, call));
                    return Outcome::Done;
                }
                Err(Trouble::Unsent(_)) if self.answers > 0 => {
                    self.ear.tell(News::Refused(id, call));
                    return Outcome::Done;
                }
                Err(Trouble::Unsent(why) | Trouble::Unanswered(why) | Trouble::Broken(why)) => {
                    self.ear.tell(News::Failed(id, why));
                    return Outcome::Done;
                }
                Err(Trouble::Cancelled) => return Outcome::Cancelled,
            }
        }
    }

    /// One request at a time: a second one goes back.
    fn keep_or_return(&mut self, command: Command) {
        match command {
            Command::Request(id, call) if self.next.is_none() => self.next = Some((id, call)),
            Command::Request(id, call) => self.ear.tell(News::Returned(id, call)),
            Command::Cancel(id) => {
                let is_it = |(next, _): &mut (Id, Box<Call>)| *next == id;
                drop(self.next.take_if(is_it));
            }
            Command::Used(..) => {} // Of a response that is over.
        }
    }

    /// One request and its response.
    async fn try_exchange(&mut self, id: Id, call: &mut Call) -> Result<(), Trouble> {
        let unanswered = |error: hyper::Error| Trouble::Unanswered(failed(&error, false));
        self.sender.ready().await.map_err(|error| Trouble::Unsent(failed(&error, false)))?;
        let request = to_hyper(&call.request, body(&mut call.body));
        let request = request.map_err(|error| Trouble::Broken(Failed::new(Cause::UrlMalformat, error)))?;
        self.ear.frame(|| format!("> {} {} HTTP/1.1", request.method(), request.uri()));
        let mut answer = Box::pin(self.sender.send_request(request));
        let response = loop {
            tokio::select! {
                response = &mut answer => break response.map_err(unanswered)?,
                command = self.commands.recv() => match command {
                    None => return Err(Trouble::Cancelled),
                    Some(Command::Cancel(other)) if other == id => return Err(Trouble::Cancelled),
                    Some(Command::Request(other, call)) => self.ear.tell(News::Returned(other, call)),
                    Some(Command::Cancel(_) | Command::Used(..)) => {}
                },
            }
        };
        drop(answer);
        self.ear.frame(|| format!("< HTTP/1.1 {}", response.status()));
        let (parts, body) = response.into_parts();
        let fields: Fields =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        self.ear.tell(News::Head(id, Box::new(Response { status: parts.status.as_u16(), fields })));
        self.receive(id, body).await?;
        self.ear.tell(News::End(id));
        Ok(())
    }

    /// The body, no faster than the loader uses it.
    async fn receive(&mut self, id: Id, mut body: Incoming) -> Result<(), Trouble> {
        let mut unread = 0_usize;
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return Err(Trouble::Cancelled),
                    Some(Command::Cancel(other)) if other == id => return Err(Trouble::Cancelled),
                    Some(Command::Used(other, len)) if other == id => unread = unread.saturating_sub(len),
                    Some(command) => self.keep_or_return(command),
                },
                frame = body.frame(), if unread < UNREAD_BYTES => {
                    let Some(frame) = frame else { return Ok(()) };
                    let frame = frame.map_err(|error| Trouble::Broken(failed(&error, true)))?;
                    match frame.into_data().map_err(Frame::into_trailers) {
                        Ok(bytes) => {
                            unread += bytes.len();
                            self.ear.tell(News::Data(id, bytes.to_vec()));
                            tokio::task::yield_now().await;
                        }
                        Err(Ok(fields)) => self.ear.tell(News::Trailers(id, Box::new(head::fields(&fields)))),
                        Err(Err(_)) => {} // A kind of frame that is none of HTTP's.
                    }
                }
            }
        }
    }
}

/// Methods that may be asked again without doing more than once (RFC 9110 section 9.2.2).
pub(super) fn is_idempotent(method: &[u8]) -> bool {
    matches!(method, b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE")
}

/// What went wrong, and what that came of.
fn failed(error: &hyper::Error, has_begun: bool) -> Failed {
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_cut = error.is_incomplete_message()
        || error.is_canceled()
        || error.is_closed()
        || io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    let cause = match (is_cut, has_begun) {
        (true, true) => Cause::PartialFile,
        (true, false) => Cause::GotNothing,
        _ if error.is_parse() => Cause::WeirdServerReply,
        _ => Cause::RecvError,
    };
    match error.source() {
        Some(source) => Failed::new(cause, format_args!("HTTP/1.1: {error}: {source}")),
        None => Failed::new(cause, format_args!("HTTP/1.1: {error}")),
    }
}

/// A request as hyper has it.
pub(crate) fn to_hyper<B: http_body::Body>(
    request: &Request,
    body: B,
) -> Result<http::Request<B>, http::Error> {
    let mut builder = http::Request::builder()
        .method(request.method())
        .uri(request.path())
        .header("host", request.authority());
    let has = |name: &[u8]| request.fields.find_all(name).next().is_some();
    let length = body.size_hint().exact();
    // What has trailers is sent in chunks, however much is known of its length; and so is what comes with GET, where hyper would
    // send nothing.
    let is_chunked = length != Some(0) && (has(b"trailer") || length.is_none() && !has(b"content-length"));
    for line in request.fields.iter().filter(|line| !is_chunked || line.name != b"content-length") {
        builder = builder.header(line.name, line.value);
    }
    if is_chunked {
        builder = builder.header("transfer-encoding", "chunked");
    }
    if has(b"te") {
        builder = builder.header("connection", "te"); // RFC 9110 section 10.1.4.
    }
    builder.body(body)
}

/// A request's body as hyper asks for it.
fn body(payload: &mut Payload) -> Streamed {
    let whole = |bytes| -> Streamed { Box::pin(Full::new(bytes).map_err(BoxError::from)) };
    match payload {
        Payload::None => whole(Bytes::new()),
        Payload::Whole(bytes) => whole(Bytes::copy_from_slice(bytes)),
        Payload::Stream(outflow) => outflow.take().unwrap_or_else(|| whole(Bytes::new())),
    }
}
