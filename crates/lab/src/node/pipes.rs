//! Sessions by pipe: the part of driving them that a client and a server share.

use crate::{log::Note, pipe::PipeId};
use sakigake_session::{self as session, Session};
use sakigake_tls::KeyLogLine;
use sakigake_wire::Instant;
use std::collections::BTreeMap;

/// A node's sessions, each with what the node keeps beside it.
pub(crate) struct Pipes<T> {
    open: BTreeMap<PipeId, Open<T>>,
}

struct Open<T> {
    session: Session,
    beside: T,
    /// A rule was broken, or the pipe was: what `transmit` still gives are the last words.
    is_over: bool,
    is_cut: bool,
}

impl<T> Default for Pipes<T> {
    fn default() -> Self {
        Self { open: BTreeMap::new() }
    }
}

impl<T> Pipes<T> {
    pub(crate) fn open(&mut self, pipe: PipeId, session: Session, beside: T) {
        self.open.insert(pipe, Open { session, beside, is_over: false, is_cut: false });
    }

    /// A session that is still alive, and what stands beside it.
    pub(crate) fn of(&mut self, pipe: PipeId) -> Option<(&mut Session, &mut T)> {
        self.open
            .get_mut(&pipe)
            .filter(|open| !open.is_over)
            .map(|open| (&mut open.session, &mut open.beside))
    }

    /// All of them.
    pub(crate) fn ids(&self) -> Vec<PipeId> {
        self.open.keys().copied().collect()
    }

    pub(crate) fn handle(
        &mut self,
        now: Instant,
        pipe: PipeId,
        bytes: &mut [u8],
        notes: &mut Vec<Note>,
        mut heard: impl FnMut(&mut T, session::Event<'_>, &mut Vec<Note>),
    ) {
        let Some(open) = self.open.get_mut(&pipe).filter(|open| !open.is_over) else { return };
        let Open { session, beside, is_over, .. } = open;
        let told = session.handle(now, bytes, &mut |event| match event {
            session::Event::KeyLog(line) => notes.push(secret(pipe, line)),
            event => heard(beside, event, notes),
        });
        if let Err(fault) = told {
            *is_over = true;
            notes.push(Note::Fault { pipe, why: fault.to_string() });
        }
    }

    pub(crate) fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool, notes: &mut Vec<Note>) {
        let Some(open) = self.open.get_mut(&pipe) else { return };
        if broken {
            (open.is_over, open.is_cut) = (true, true);
            notes.push(Note::Fault { pipe, why: "the pipe broke".into() });
        } else if !open.is_over {
            match open.session.end() {
                Ok(()) => open.session.close(now),
                Err(fault) => {
                    open.is_over = true;
                    notes.push(Note::Fault { pipe, why: fault.to_string() });
                }
            }
        }
    }

    pub(crate) fn expire(&mut self, now: Instant, notes: &mut Vec<Note>) {
        for (pipe, open) in self.open.iter_mut().filter(|(_, open)| !open.is_over) {
            if open.session.deadline().is_some_and(|deadline| deadline <= now)
                && let Err(fault) = open.session.expire(now)
            {
                open.is_over = true;
                notes.push(Note::Fault { pipe: *pipe, why: fault.to_string() });
            }
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.open.values().filter(|open| !open.is_over).filter_map(|open| open.session.deadline()).min()
    }

    /// The same, with what stands beside each session.
    pub(crate) fn deadline_with(&self, beside: impl Fn(&T) -> Option<Instant>) -> Option<Instant> {
        let live = self.open.values().filter(|open| !open.is_over);
        self.deadline().into_iter().chain(live.filter_map(|open| beside(&open.beside))).min()
    }

    pub(crate) fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        let open = self.open.get_mut(&pipe).filter(|open| !open.is_cut)?;
        open.session.transmit(now, out)
    }

    pub(crate) fn is_done(&self, pipe: PipeId) -> bool {
        self.open.get(&pipe).is_none_or(|open| open.is_over || open.session.is_closed())
    }
}

/// What a checker needs to open a record.
pub(crate) fn secret(pipe: PipeId, line: &KeyLogLine) -> Note {
    Note::Secret { pipe, label: line.label, secret: line.secret.as_ref().to_vec() }
}
