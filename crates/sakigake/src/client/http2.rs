//! The loader's commands over HTTP/2.

use super::{
    Shared,
    connection::{Command, Ear, News},
};
use core::task::{Context, Poll};
use sakigake_net::Application;
use sakigake_page::load::Id;
use sakigake_semantics::{Event, StreamId};
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
    streams: BTreeMap<StreamId, Id>,
    /// The other way round, also of streams that ended: the credit of their last bytes goes back all the same.
    ids: BTreeMap<Id, StreamId>,
    is_ready: bool,
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
            ids: BTreeMap::new(),
            is_ready: false,
            is_over: false,
        }
    }

    /// The commands that were not yet carried out, and those to come.
    pub(super) fn into_commands(self) -> (Vec<Command>, mpsc::UnboundedReceiver<Command>) {
        (self.waiting, self.commands)
    }

    fn carry_out(&mut self, now: Instant, command: Command, session: &mut Session) {
        let Some(http) = session.http() else { return };
        match command {
            Command::Request(id, request) => match http.request(&request, true) {
                Ok(stream) => {
                    self.streams.insert(stream, id);
                    self.ids.insert(id, stream);
                }
                Err(misuse) => self.ear.tell(News::Failed(id, misuse.to_string())),
            },
            Command::Cancel(id) => {
                if let Some(stream) = self.ids.remove(&id) {
                    http.reset(stream, CANCEL);
                    self.streams.remove(&stream);
                }
            }
            Command::Used(id, len) => {
                if let Some(stream) = self.ids.get(&id) {
                    http.consume(now, *stream, len);
                }
            }
        }
    }

    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Preload { block } => self.ear.tell(News::Preload(block.to_vec())),
            Event::Response { stream, response, end } => {
                if let Some(id) = self.streams.get(&stream) {
                    self.ear.tell(News::Head(*id, Box::new(response)));
                }
                self.finish(stream, end);
            }
            Event::Data { stream, bytes, end } => {
                if let Some(id) = self.streams.get(&stream)
                    && !bytes.is_empty()
                {
                    self.ear.tell(News::Data(*id, bytes.to_vec()));
                }
                self.finish(stream, end);
            }
            Event::Trailers { stream, .. } => self.finish(stream, true),
            Event::Reset { stream, code, .. } => {
                if let Some(id) = self.streams.remove(&stream) {
                    self.ear.tell(News::Failed(id, format!("the server reset the stream (code {code})")));
                }
            }
            Event::Settings
            | Event::Informational { .. }
            | Event::GoAway { .. }
            | Event::Request { .. }
            | Event::Writable { .. }
            | Event::Finished { .. } => {}
        }
    }

    /// The response is whole.
    fn finish(&mut self, stream: StreamId, end: bool) {
        if end && let Some(id) = self.streams.remove(&stream) {
            self.ear.tell(News::End(id));
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
