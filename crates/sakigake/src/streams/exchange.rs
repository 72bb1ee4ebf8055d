//! One request to a service and its response: polled when it rings, pulled only while its stream has room.

use super::{room, waits::Owed};
use crate::early::{Early, is_document_head};
use crate::service::{BodyError, EarlyHints, Failure, Inflow, Outgoing, Pending, Ring, head};
use bytes::Bytes;
use http_body::Body as _;
use sakigake_semantics::{Chunk, Http, Misuse, Reason, Response, StreamId};
use sakigake_wire::Instant;
use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Frames of one body in one turn: a handler that always has another must let others speak.
const FRAMES_A_TURN: usize = 32;

/// A request under way.
pub(crate) struct Exchange {
    phase: Phase,
    inflow: Option<Arc<Inflow>>,
    ring: Waker,
    is_head: bool,
    /// The client waits for 100 (Continue) before it sends the body.
    expects: bool,
    /// The request's body is the one end of a tunnel, which may be silent for as long as it likes.
    is_tunnel: bool,
    /// What the client still sends is refused, once it has the whole response.
    is_refused: bool,
    /// What a client that does not know the PRELOAD frame is to be told.
    early: Option<Early>,
    /// Where else it finds the same.
    alternative: Option<Box<str>>,
    /// What the handler itself may say ahead of its response.
    own: Option<EarlyHints>,
    outcome: Outcome,
}

/// What the log says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    /// Bytes of the response's body that the stream's queue has taken.
    pub(crate) bytes: u64,
    /// Bytes of those that had not left when the engine was last asked, or were queued since.
    pub(crate) queued: u64,
    /// Hints that left in a 103.
    pub(crate) early_hints: usize,
    /// Whether the response has left, all of it.
    pub(crate) is_whole: bool,
    /// What the handler did wrong.
    pub(crate) fault: Option<String>,
}

enum Phase {
    Asking(Pending),
    Answering(Sending),
    /// The stream's queue has the rest of it.
    Leaving,
    /// The response has left, or nobody wants it; the request's body may not be over.
    Answered,
}

struct Sending {
    body: Outgoing,
    /// What the body gave and the stream had no room for.
    held: Bytes,
    /// What content-length promised beyond what the body gave.
    left: Option<u64>,
}

/// When it is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// When it rings.
    Waits,
    /// Whenever something has left.
    Wants,
    /// Never.
    Over,
}

/// How sending went.
enum Sent {
    /// The body has nothing at present.
    Nothing,
    /// The stream has no room.
    Full,
    /// That was all.
    All,
    /// The handler broke its word, or panicked.
    Broken(String),
    /// There is no such stream any more.
    Gone,
}

impl Exchange {
    pub(crate) fn new(pending: Pending, inflow: Option<Arc<Inflow>>, ring: Arc<Ring>) -> Self {
        Self {
            phase: Phase::Asking(pending),
            inflow,
            ring: ring.into(),
            is_head: false,
            expects: false,
            is_tunnel: false,
            is_refused: false,
            early: None,
            alternative: None,
            own: None,
            outcome: Outcome::default(),
        }
    }

    /// The request was HEAD: its response has no body, whatever it says.
    pub(crate) fn head(mut self, is_head: bool) -> Self {
        self.is_head = is_head;
        self
    }

    /// The client waits for 100 (Continue).
    pub(crate) fn expects(mut self, expects: bool) -> Self {
        self.expects = expects;
        self
    }

    /// The request asks for a tunnel.
    pub(crate) fn tunnel(mut self, is_tunnel: bool) -> Self {
        self.is_tunnel = is_tunnel;
        self
    }

    /// The client is told this if a document comes, and before anybody knows that one does.
    pub(crate) fn early(mut self, early: Option<Early>) -> Self {
        self.early = early;
        self
    }

    /// The client is told that it finds the same there, unless the handler tells it something else.
    pub(crate) fn alternative(mut self, alternative: Option<&str>) -> Self {
        self.alternative = alternative.map(Into::into);
        self
    }

    /// The handler may say this itself.
    pub(crate) fn own_hints(mut self, own: Option<EarlyHints>) -> Self {
        self.own = own;
        self
    }

    /// What became of it so far.
    pub(crate) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Where its body goes, if it has one.
    pub(crate) fn inflow(&self) -> Option<&Inflow> {
        self.inflow.as_deref()
    }

    /// Whether its response has not left, or not all of it.
    pub(crate) fn is_awaited(&self) -> bool {
        !matches!(self.phase, Phase::Answered)
    }

    /// Whether something of its response waits in the engine.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving) || (self.outcome.queued > 0 && self.is_awaited())
    }

    /// Notes how much of its response waits in the engine, and whether all has left.
    pub(crate) fn look(&mut self, stream: StreamId, http: &dyn Http) {
        if !self.is_awaited() || http.has_given_up() {
            return; // What was noted before is all that is known.
        }
        self.outcome.queued = http.queued(stream);
        if matches!(self.phase, Phase::Leaving) && http.has_sent_end(stream) {
            self.outcome.is_whole = true;
            self.turn(Phase::Answered);
        }
    }

    /// The peer gave it up.
    pub(crate) fn cancel(&mut self, code: u64) {
        if let Some(inflow) = &self.inflow {
            inflow.fail(BodyError::Reset(code));
        }
    }

    /// What its client owes it.
    pub(crate) fn owed(&self) -> Option<Owed> {
        let inflow = self.inflow.as_ref().filter(|_| !self.is_refused)?;
        match self.phase {
            Phase::Leaving | Phase::Answered => (!inflow.is_over()).then_some(Owed::End),
            _ if self.is_tunnel => None,
            _ => inflow.starved().map(Owed::Bytes),
        }
    }

    /// What its client owes did not come: the request ends, with 408 where it has no response yet. A response under way
    /// is given up, and one that is over is followed by the refusal of the rest.
    pub(crate) fn give_up(&mut self, stream: StreamId, http: &mut dyn Http) {
        if let Some(inflow) = &self.inflow {
            inflow.fail(BodyError::Slow);
        }
        match self.phase {
            Phase::Asking(_) => {
                self.say_instead(408, stream, http);
                self.is_refused = true;
            }
            Phase::Answering(_) => http.reset(stream, Reason::Cancel),
            Phase::Leaving | Phase::Answered => return self.is_refused = true,
        }
        self.turn(Phase::Answered);
    }

    /// What its handler still has goes: a panic in there is its last fault.
    pub(crate) fn let_go(&mut self) {
        self.turn(Phase::Answered);
    }

    fn turn(&mut self, phase: Phase) {
        let gone = match core::mem::replace(&mut self.phase, phase) {
            Phase::Asking(mut pending) => pending.let_go(),
            Phase::Answering(mut sending) => sending.body.let_go(),
            Phase::Leaving | Phase::Answered => Ok(()),
        };
        if let Err(failure) = gone {
            self.outcome.fault.get_or_insert_with(|| failure.to_string());
        }
    }

    /// Goes on as far as it can.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        stream: StreamId,
        http: &mut dyn Http,
        queue_bytes: usize,
    ) -> Step {
        self.ask(stream, http);
        let step = self.send(stream, http, queue_bytes);
        self.look(stream, http);
        self.settle(now, stream, http, step)
    }

    fn ask(&mut self, stream: StreamId, http: &mut dyn Http) {
        let Phase::Asking(pending) = &mut self.phase else { return };
        let polled = Pin::new(pending).poll(&mut Context::from_waker(&self.ring));
        self.precede(stream, http, polled.is_ready());
        match polled {
            Poll::Pending => {
                self.hint(stream, http);
                self.bid_continue(stream, http);
            }
            Poll::Ready(Ok(response)) => self.begin(stream, response, http),
            Poll::Ready(Err(Failure::Panicked)) => self.end(stream, http, Failure::Panicked.to_string()),
            Poll::Ready(Err(failure)) => self.refuse(stream, http, failure.to_string()),
        }
    }

    /// Somebody reads the body: a client that asked may send it (RFC 9110 section 10.1.1).
    fn bid_continue(&mut self, stream: StreamId, http: &mut dyn Http) {
        if self.expects && self.inflow.as_ref().is_some_and(|inflow| inflow.is_asked()) {
            self.expects = false;
            // A stream that is gone wants nothing; its reset is on its way to us.
            let _ = http.respond(stream, &Response::new(100), false);
        }
    }

    /// While the handler thinks, the client may ask for what the page will name.
    fn hint(&mut self, stream: StreamId, http: &mut dyn Http) {
        let told = self.early.as_mut().map_or(0, |early| early.precede(stream, http));
        self.outcome.early_hints += told;
    }

    /// The handler's own 103 leaves, unless ours has.
    fn precede(&mut self, stream: StreamId, http: &mut dyn Http, is_last: bool) {
        let Some(interim) = self.own.as_ref().and_then(|own| own.take(is_last)) else { return };
        if self.outcome.early_hints == 0 && http.respond(stream, &interim, false).is_ok() {
            self.outcome.early_hints += interim.fields.find_all(b"link").count();
            self.early = None;
        }
    }

    fn begin(&mut self, stream: StreamId, response: http::Response<Outgoing>, http: &mut dyn Http) {
        let (mut parts, body) = response.into_parts();
        let exact = body.size_hint().exact();
        let (mut head, left) = match head::response(&mut parts, exact, self.is_head) {
            Ok(head) => head,
            Err(invalid) => return self.refuse(stream, http, invalid.to_string()),
        };
        self.outcome.status = head.status;
        if let Some(early) = self.early.as_ref().filter(|_| is_document_head(&head)) {
            early.say(&mut head.fields);
            self.hint(stream, http);
        }
        if let Some(alternative) =
            self.alternative.as_ref().filter(|_| head.fields.find(b"alt-svc").is_none())
        {
            head.fields.push(b"alt-svc", alternative.as_bytes());
        }
        let has_body = !self.is_head && !matches!(head.status, 204 | 304) && !body.is_end_stream();
        let said = http.respond(stream, &head, !has_body);
        if said == Err(Misuse::TooLarge) {
            return self.refuse(stream, http, "the handler's head is longer than the client takes".into());
        }
        let is_said = said.is_ok();
        self.turn(Phase::Answering(Sending { body, held: Bytes::new(), left }));
        // Where it is not said, the stream was reset in the meantime: the event is on its way to us.
        if !(is_said && has_body) {
            self.outcome.is_whole = is_said;
            self.turn(Phase::Answered);
        }
    }

    /// What the handler gave cannot be sent: 500 instead, and a line in the log.
    fn refuse(&mut self, stream: StreamId, http: &mut dyn Http, why: String) {
        self.turn(Phase::Answered);
        self.say_instead(500, stream, http);
        self.outcome.fault = Some(why);
    }

    /// The server's own word, and no body. A client that takes not even that is told that nothing comes.
    fn say_instead(&mut self, status: u16, stream: StreamId, http: &mut dyn Http) {
        let said = http.respond(stream, &Response::new(status).with("content-length", "0"), true);
        if said == Err(Misuse::TooLarge) {
            http.reset(stream, Reason::InternalError); // spec: 9114-4.2.2-b
        }
        (self.outcome.status, self.outcome.is_whole) = (status, said.is_ok());
    }

    /// The handler cannot go on: its stream ends, and no other.
    fn end(&mut self, stream: StreamId, http: &mut dyn Http, why: String) {
        http.reset(stream, Reason::InternalError);
        self.outcome.fault = Some(why);
        self.turn(Phase::Answered);
        if let Some(inflow) = self.inflow.take() {
            inflow.fail(BodyError::Reset(http.code(Reason::InternalError)));
        }
    }

    fn send(&mut self, stream: StreamId, http: &mut dyn Http, queue_bytes: usize) -> Step {
        let Phase::Answering(sending) = &mut self.phase else { return Step::Waits };
        let mut cx = Context::from_waker(&self.ring);
        for _ in 0..FRAMES_A_TURN {
            let sent = match sending.flush(stream, http, queue_bytes, &mut self.outcome) {
                None => sending.pull(stream, http, queue_bytes, &mut cx),
                sent => sent,
            };
            match sent {
                None => {}
                Some(Sent::Nothing) => return Step::Waits,
                Some(Sent::Full) => return Step::Wants,
                Some(Sent::Broken(why)) => {
                    self.end(stream, http, why);
                    return Step::Waits;
                }
                Some(Sent::All) => {
                    self.turn(Phase::Leaving);
                    return Step::Waits;
                }
                Some(Sent::Gone) => {
                    self.turn(Phase::Answered);
                    return Step::Waits;
                }
            }
        }
        self.ring.wake_by_ref();
        Step::Waits
    }

    /// Credit for what was read, and whether it is over: the request's body may outlive the response.
    pub(crate) fn settle(&self, now: Instant, stream: StreamId, http: &mut dyn Http, step: Step) -> Step {
        if self.is_refused {
            if !http.has_sent_end(stream) {
                return Step::Wants;
            }
            http.reset(stream, Reason::NoError);
            return Step::Over;
        }
        let Some(inflow) = &self.inflow else {
            return if self.is_awaited() { step } else { Step::Over };
        };
        let is_over = inflow.is_over(); // Before the last credit is taken, so that none is left behind.
        let read = inflow.take_read();
        if read > 0 {
            http.consume(now, stream, read);
        }
        match (self.is_awaited(), is_over) {
            (true, _) => step,
            (false, true) => Step::Over,
            // The client goes on sending what nobody reads, although it has its answer, or will have: it is told to stop
            // when the last of that has left, and not before it has shown what it sends.
            (false, false) if inflow.is_unwanted() && http.has_sent_end(stream) => {
                http.reset(stream, Reason::NoError); // spec: 9113-8.1-e
                Step::Over
            }
            (false, false) if inflow.is_unwanted() => Step::Wants,
            (false, false) => Step::Waits,
        }
    }
}

impl Sending {
    /// Hands on what is held, as far as there is room. `None`: all of it.
    fn flush(
        &mut self,
        stream: StreamId,
        http: &mut dyn Http,
        queue_bytes: usize,
        outcome: &mut Outcome,
    ) -> Option<Sent> {
        while !self.held.is_empty() {
            let room = room(stream, http, queue_bytes);
            if room == 0 {
                return Some(Sent::Full);
            }
            let piece = self.held.split_to(room.min(self.held.len()));
            let is_last = self.held.is_empty() && self.body.is_end_stream() && self.left.unwrap_or(0) == 0;
            outcome.bytes += piece.len() as u64;
            outcome.queued += piece.len() as u64;
            if http.send(stream, Chunk::Owned(piece.into()), is_last).is_err() {
                return Some(Sent::Gone);
            }
            if is_last {
                return Some(Sent::All);
            }
        }
        None
    }

    /// Asks the body for a frame, if the stream has room for one. `None`: there was one.
    fn pull(
        &mut self,
        stream: StreamId,
        http: &mut dyn Http,
        queue_bytes: usize,
        cx: &mut Context<'_>,
    ) -> Option<Sent> {
        if room(stream, http, queue_bytes) == 0 {
            return Some(Sent::Full);
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return Some(Sent::Nothing),
            Poll::Ready(Some(Err(failure))) => return Some(Sent::Broken(failure.to_string())),
            Poll::Ready(None) => return Some(self.finish(stream, http, None)),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        match frame.into_data() {
            Ok(data) => self.hold(data),
            Err(frame) => {
                let trailers = frame.into_trailers().ok()?;
                Some(self.finish(stream, http, Some(&trailers)))
            }
        }
    }

    /// Content-length is a promise: a body that exceeds it would be malformed (RFC 9113 section 8.1.1).
    fn hold(&mut self, data: Bytes) -> Option<Sent> {
        let len = data.len() as u64;
        match self.left.map(|left| left.checked_sub(len)) {
            Some(None) => return Some(Sent::Broken("the body is longer than its content-length".into())),
            Some(left) => self.left = left,
            None => {}
        }
        self.held = data;
        None
    }

    fn finish(&mut self, stream: StreamId, http: &mut dyn Http, trailers: Option<&http::HeaderMap>) -> Sent {
        if self.left.unwrap_or(0) > 0 {
            return Sent::Broken("the body is shorter than its content-length".into());
        }
        let ended = match trailers {
            Some(trailers) => http.trailers(stream, &head::fields(trailers)),
            None => http.send(stream, Chunk::Owned(Vec::new()), true),
        };
        match ended {
            Ok(()) => Sent::All,
            Err(Misuse::TooLarge) => Sent::Broken("the trailers are longer than the client takes".into()), // spec: 9114-4.2.2-b
            Err(_) => Sent::Gone,
        }
    }
}

impl Drop for Exchange {
    /// Whoever still reads learns that nothing more will come.
    fn drop(&mut self) {
        if let Some(inflow) = &self.inflow {
            inflow.fail(BodyError::Lost);
        }
    }
}
