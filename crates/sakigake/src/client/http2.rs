//! The loader's commands over HTTP/2.

use super::{
    Shared,
    connection::{Command, Ear, News},
};
use core::task::{Context, Poll};
use sakigake_h2::Misuse;
use sakigake_net::Application;
use sakigake_page::load::Id;
use sakigake_semantics::{Event, Request, StreamId};
use sakigake_session::{self as session, Protocol, Session};
use sakigake_wire::Instant;
use std::{collections::BTreeMap, rc::Rc};
use tokio::sync::mpsc;

/// Nobody needs the stream any more (RFC 9113 section 7).
const CANCEL: u32 = 0x8;

/// One connection's requests.
pub(super) struct Http2 {
    shared: Rc<Shared>,
    ear: Ear,
    commands: mpsc::UnboundedReceiver<Command>,
    waiting: Vec<Command>,
    streams: BTreeMap<StreamId, Exchange>,
    is_ready: bool,
    is_over: bool,
}

/// A request and what came of it.
struct Exchange {
    id: Id,
    request: Box<Request>,
    /// Bytes of the body that the loader has not used yet.
    unread: usize,
    /// The response is complete; only its last credit is outstanding.
    is_over: bool,
}

impl Http2 {
    pub(super) fn new(shared: Rc<Shared>, ear: Ear, commands: mpsc::UnboundedReceiver<Command>) -> Self {
        Self {
            shared,
            ear,
            commands,
            waiting: Vec::new(),
            streams: BTreeMap::new(),
            is_ready: false,
            is_over: false,
        }
    }

    /// The commands that were not yet carried out, and those to come.
    pub(super) fn into_commands(self) -> (Vec<Command>, mpsc::UnboundedReceiver<Command>) {
        (self.waiting, self.commands)
    }

    fn stream_of(&self, id: Id) -> Option<StreamId> {
        self.streams.iter().find(|(_, exchange)| exchange.id == id).map(|(stream, _)| *stream)
    }

    fn carry_out(&mut self, now: Instant, command: Command, session: &mut Session) {
        let Some(http) = session.http() else { return };
        match command {
            Command::Request(id, request) => match http.request(&request, true) {
                Ok(stream) => {
                    let exchange = Exchange { id, request, unread: 0, is_over: false };
                    self.streams.insert(stream, exchange);
                }
                // It waits for a stream to end.
                Err(Misuse::TooManyStreams) => self.waiting.push(Command::Request(id, request)),
                Err(Misuse::Closing | Misuse::NoMoreStreams) => self.ear.tell(News::Refused(id, request)),
                Err(misuse) => self.ear.tell(News::Failed(id, misuse.to_string())),
            },
            Command::Cancel(id) => {
                self.waiting.retain(|waiting| !matches!(waiting, Command::Request(other, _) if *other == id));
                if let Some(stream) = self.stream_of(id) {
                    http.reset(stream, CANCEL);
                    self.streams.remove(&stream);
                }
                let is_it = |waiting: &Command| matches!(waiting, Command::Request(of, _) if *of == id);
                self.waiting.retain(|waiting| !is_it(waiting));
            }
            Command::Used(id, len) => {
                if let Some(stream) = self.stream_of(id) {
                    http.consume(now, stream, len);
                    self.settle(stream, |exchange| exchange.unread = exchange.unread.saturating_sub(len));
                }
            }
        }
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Preload { block } => self.ear.tell(News::Preload(block.to_vec())),
            Event::Response { stream, response, end } => {
                if let Some(exchange) = self.streams.get(&stream) {
                    self.ear.tell(News::Head(exchange.id, Box::new(response)));
                }
                self.finish(stream, end);
            }
            Event::Data { stream, bytes, end } => {
                if let Some(exchange) = self.streams.get_mut(&stream)
                    && !bytes.is_empty()
                {
                    exchange.unread += bytes.len();
                    self.ear.tell(News::Data(exchange.id, bytes.to_vec()));
                }
                self.finish(stream, end);
            }
            Event::Trailers { stream, .. } => self.finish(stream, true),
            Event::Reset { stream, code, untouched } => {
                let Some(Exchange { id, request, is_over: false, .. }) = self.streams.remove(&stream) else {
                    return;
                };
                self.ear.tell(match untouched {
                    true => News::Refused(id, request),
                    false => News::Failed(id, format!("the server reset the stream (code {code})")),
                });
            }
            Event::Settings
            | Event::Origin
            | Event::Informational { .. }
            | Event::GoAway { .. }
            | Event::Request { .. }
            | Event::Writable { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// The response is whole, if that was its end.
    fn finish(&mut self, stream: StreamId, end: bool) {
        if end && let Some(exchange) = self.streams.get(&stream) {
            self.ear.tell(News::End(exchange.id));
            self.settle(stream, |exchange| exchange.is_over = true);
        }
    }

    /// A stream is remembered until its last byte was used: the connection's window is owed that credit.
    fn settle(&mut self, stream: StreamId, change: impl FnOnce(&mut Exchange)) {
        let Some(exchange) = self.streams.get_mut(&stream) else { return };
        change(exchange);
        if exchange.is_over && exchange.unread == 0 {
            self.streams.remove(&stream);
        }
    }
}

impl Application for Http2 {
    fn heard(&mut self, _: Instant, event: session::Event<'_>) {
        match event {
            session::Event::Ready { protocol, .. } => {
                self.is_ready = true;
                self.ear.tell(News::Ready(match protocol {
                    Protocol::H2 => "HTTP/2",
                    Protocol::Plain => "HTTP/1.1",
                }));
            }
            session::Event::Http(event) => self.hear(event),
            session::Event::Frame { is_sent, seen } => {
                self.ear.frame(|| format!("{} {seen}", if is_sent { '>' } else { '<' }));
            }
            session::Event::KeyLog(line) => {
                if let Some(Err(error)) = self.shared.key_log.as_ref().map(|file| file.write(line)) {
                    self.ear.frame(|| format!("the key log: {error}"));
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, now: Instant, session: &mut Session) {
        if self.is_ready && session.http().is_some() {
            for command in core::mem::take(&mut self.waiting) {
                self.carry_out(now, command, session);
            }
        }
        if self.is_over {
            session.close(now);
        }
    }

    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over {
            return Poll::Pending;
        }
        match core::task::ready!(self.commands.poll_recv(cx)) {
            Some(command) => self.waiting.push(command),
            None => self.is_over = true,
        }
        while let Ok(command) = self.commands.try_recv() {
            self.waiting.push(command);
        }
        Poll::Ready(())
    }
}
