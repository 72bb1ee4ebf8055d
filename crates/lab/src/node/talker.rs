//! Both ends of a TLS connection without HTTP: one talks, the other echoes.

use super::{pattern, pipes::secret};
use crate::{
    log::Note,
    pipe::{PipeId, Side},
    seed::Seed,
    world::{Node, NodeId},
};
use sakigake_tls::{self as tls, Answer, Connection, Event, Wanted, record::Padding};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// Plaintext that may wait to be sealed, in bytes: an echo beyond it is not kept, so talkers stay below.
const QUEUE_BYTES: usize = 1 << 20;

/// How a talker behaves.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    /// Bytes to say of its own accord: [`pattern`] of `"talk"`.
    pub say: usize,
    /// Says back what it hears.
    pub echo: bool,
    /// Closes once it heard so many bytes; a side without closes when the peer has.
    pub close_at: Option<usize>,
    /// Closes once it said so many bytes.
    pub hush_at: Option<usize>,
    /// New keys after so many bytes said.
    pub update_every: Option<usize>,
    /// The most plaintext in one record; 0 for as much as fits.
    pub record_bytes: usize,
    /// Records are padded to multiples of this.
    pub pad_to: usize,
    /// How long the answers take that the connection wants of its owner.
    pub answer_after: Span,
    /// Says nothing at all, not even its handshake: what it would send stays with it.
    pub is_silent: bool,
    /// Ends the pipe, without a word, once it heard so many bytes.
    pub vanish_at: Option<usize>,
}

/// What a talker answers when its connection wants something.
pub type Answers = Arc<dyn Fn(&Wanted) -> Answer + Send + Sync>;

/// Which end it is, with the configuration for it.
#[derive(Clone)]
pub enum Role {
    /// It dials that node, for that name.
    Client(Arc<tls::client::Config>, NodeId, String),
    /// It waits.
    Server(Arc<tls::server::Config>),
}

/// The node.
pub struct Talker {
    role: Role,
    habits: Habits,
    answers: Option<Answers>,
    has_dialled: bool,
    pipe: Option<PipeId>,
    connection: Option<Connection>,
    state: Talk,
    seed: Seed,
    notes: Vec<Note>,
}

/// How far the talk is.
#[derive(Default)]
struct Talk {
    queue: Vec<u8>,
    said: usize,
    said_since_update: usize,
    heard: Vec<u8>,
    wanted: Option<Wanted>,
    answer_at: Option<Instant>,
    is_over: bool,
    is_told: bool,
    is_peer_done: bool,
    has_closed: bool,
    is_cut: bool,
}

impl Talker {
    /// A talker; `answers` are given when its configuration leaves something to the owner.
    pub fn new(role: Role, habits: Habits, answers: Option<Answers>, seed: Seed) -> Self {
        let queue = pattern("talk", habits.say);
        let state = Talk { queue, ..Talk::default() };
        Self {
            role,
            habits,
            answers,
            has_dialled: false,
            pipe: None,
            connection: None,
            state,
            seed,
            notes: Vec::new(),
        }
    }

    fn fault(&mut self, why: String) {
        if let Some(pipe) = self.pipe {
            self.tell(false);
            self.state.is_over = true;
            self.notes.push(Note::Fault { pipe, why });
        }
    }

    fn tell(&mut self, whole: bool) {
        if let Some(pipe) = self.pipe
            && !core::mem::replace(&mut self.state.is_told, true)
        {
            self.notes.push(Note::Heard { pipe, bytes: self.state.heard.clone(), whole });
        }
    }

    /// What follows from what was heard.
    fn turn(&mut self, now: Instant) {
        let Self { connection: Some(connection), state, habits, notes, pipe, .. } = self else { return };
        if state.wanted.is_some() && state.answer_at.is_none() {
            state.answer_at = Some(now + habits.answer_after);
        }
        let heard_enough = habits.close_at.is_some_and(|at| state.heard.len() >= at);
        let said_enough = habits.hush_at.is_some_and(|at| state.said >= at);
        let answered = state.is_peer_done && state.queue.is_empty();
        let closes = connection.is_established() && (heard_enough || said_enough || answered);
        if closes && !core::mem::replace(&mut state.has_closed, true) {
            connection.close();
            notes.extend(pipe.map(|pipe| Note::Closed { pipe }));
        }
        if habits.vanish_at.is_some_and(|at| state.heard.len() >= at) {
            state.is_cut = true;
        }
        if state.is_peer_done {
            self.tell(true);
            if !core::mem::replace(&mut self.state.is_over, true) {
                self.notes.push(Note::Complete);
            }
        }
    }

    fn give(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut Connection, &mut dyn FnMut(Event<'_>)) -> Result<(), tls::Fault>,
    ) {
        let (Some(connection), Some(pipe)) = (&mut self.connection, self.pipe) else { return };
        let (state, habits, notes) = (&mut self.state, &self.habits, &mut self.notes);
        let outcome = act(connection, &mut |event| state.hear(event, habits, pipe, notes));
        if let Err(fault) = outcome {
            self.fault(format!("TLS: {fault}"));
        }
        self.turn(now);
    }
}

impl Talk {
    fn hear(&mut self, event: Event<'_>, habits: &Habits, pipe: PipeId, notes: &mut Vec<Note>) {
        match event {
            Event::Data(bytes) => {
                self.heard.extend_from_slice(bytes);
                if habits.echo && self.queue.len() + bytes.len() <= QUEUE_BYTES {
                    self.queue.extend_from_slice(bytes);
                }
            }
            Event::Established => notes.push(Note::Ready { pipe }),
            Event::Wanted(wanted) => self.wanted = Some(wanted),
            Event::KeyLog(line) => notes.push(secret(pipe, line)),
            Event::Closed => self.is_peer_done = true,
            Event::Negotiated(_)
            | Event::Authenticated(_)
            | Event::BarredRequest
            | Event::Ticket(_)
            | Event::Traced(_) => {}
        }
    }

    fn seal(&mut self, connection: &mut Connection, habits: &Habits, out: &mut [u8]) -> usize {
        let most = if habits.record_bytes == 0 { usize::MAX } else { habits.record_bytes };
        let sealed = connection.seal(out, &mut |place| {
            let len = place.len().min(self.queue.len()).min(most);
            place[..len].copy_from_slice(&self.queue[..len]);
            self.queue.drain(..len);
            self.said += len;
            self.said_since_update += len;
            len
        });
        if habits.update_every.is_some_and(|every| self.said_since_update >= every) {
            self.said_since_update = 0;
            connection.update_keys();
        }
        sealed
    }
}

impl Node for Talker {
    fn opened(&mut self, now: Instant, pipe: PipeId, _: Side) {
        self.pipe = Some(pipe);
        let entropy = Box::new(self.seed.fork());
        let mut connection = match &self.role {
            Role::Client(config, _, name) => match Connection::client(config.clone(), name, now, entropy) {
                Ok(connection) => connection,
                Err(misuse) => return self.notes.push(Note::Said(format!("cannot connect: {misuse}"))),
            },
            Role::Server(config) => Connection::server(config.clone(), now, entropy),
        };
        connection.pad(Padding::ToMultiple(self.habits.pad_to));
        self.connection = Some(connection);
    }

    fn handle(&mut self, now: Instant, _: PipeId, bytes: &mut [u8]) {
        self.give(now, |connection, mut heard| connection.handle(now, bytes, &mut heard));
    }

    fn ended(&mut self, now: Instant, _: PipeId, broken: bool) {
        if broken {
            self.state.is_cut = true;
            return self.fault("the pipe broke".into());
        }
        self.give(now, |connection, _| connection.eof());
        self.state.is_cut |= !self.state.is_peer_done;
    }

    fn expire(&mut self, now: Instant) {
        if self.state.answer_at.is_some_and(|at| at <= now) {
            self.state.answer_at = None;
            if let (Some(wanted), Some(answers)) = (self.state.wanted.take(), &self.answers) {
                let answer = answers(&wanted);
                self.give(now, |connection, mut heard| connection.answer(now, answer, &mut heard));
            }
        }
        let Some(connection) = &mut self.connection else { return };
        if connection.fault().is_none() && connection.deadline().is_some_and(|deadline| deadline <= now) {
            connection.expire(now);
            if let Some(fault) = connection.fault() {
                let why = format!("TLS: {fault}");
                self.fault(why);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let connection = self.connection.as_ref().and_then(Connection::deadline);
        [connection, self.state.answer_at].into_iter().flatten().min()
    }

    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        self.turn(now);
        let Self { connection: Some(connection), state, habits, notes, .. } = self else { return None };
        if state.is_cut || habits.is_silent {
            return None;
        }
        let mut len = 0;
        loop {
            let more = match connection.transmit(now, &mut out[len..]) {
                Some(more) => more,
                None => state.seal(connection, habits, &mut out[len..]),
            };
            if more == 0 {
                break;
            }
            len += more;
            // What it said may have been the last that it wanted to say.
            if connection.is_established()
                && habits.hush_at.is_some_and(|at| state.said >= at)
                && !core::mem::replace(&mut state.has_closed, true)
            {
                connection.close();
                notes.push(Note::Closed { pipe });
            }
        }
        (len > 0).then_some(len)
    }

    fn is_done(&self, _: PipeId) -> bool {
        self.state.is_cut || self.connection.as_ref().is_some_and(Connection::is_closed)
    }

    fn dials(&mut self) -> Option<NodeId> {
        match &self.role {
            Role::Client(_, server, _) if !core::mem::replace(&mut self.has_dialled, true) => Some(*server),
            _ => None,
        }
    }

    fn notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }
}
