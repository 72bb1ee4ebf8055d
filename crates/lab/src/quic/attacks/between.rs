//! Somebody between the ends, who may let everything pass and look on, or send what he likes in anybody's name.

use crate::datagram::{Incoming, Node, Note, Outgoing};
use core::net::SocketAddr;
use sakigake_quic::recovery::acks::Mark;
use sakigake_wire::Instant;
use std::collections::BTreeMap;

/// What he does.
pub trait Scheme {
    /// A datagram passes: what goes on is what he posts.
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post);

    /// It is time; gives when to be called again.
    fn act(&mut self, now: Instant, post: &mut Post) -> Option<Instant> {
        let _ = (now, post); // Most wait for what passes.
        None
    }
}

/// A datagram with what stands on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it carries.
    pub bytes: Vec<u8>,
    /// Whose address stands in it.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// Its ECN mark.
    pub mark: Mark,
}

/// What is to leave, by its time.
#[derive(Debug, Default)]
pub struct Post {
    due: BTreeMap<(Instant, u64), Letter>,
    posted: u64,
    /// When the scheme acts next; it may set it.
    pub next: Option<Instant>,
}

/// A node with a scheme.
pub struct Between<S> {
    scheme: S,
    post: Post,
}

/// Lets everything pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch;

impl Letter {
    /// The same bytes in another envelope.
    #[must_use]
    pub fn readdressed(&self, from: SocketAddr, to: SocketAddr) -> Self {
        Self { from, to, ..self.clone() }
    }

    /// Other bytes, the way this one goes.
    #[must_use]
    pub fn with(&self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self.clone() }
    }

    /// Other bytes, back to where this one came from.
    #[must_use]
    pub fn answer(&self, bytes: Vec<u8>) -> Self {
        Self { bytes, from: self.to, to: self.from, mark: Mark::NotEct }
    }
}

impl Post {
    /// Leaves at that moment; what is posted first leaves first.
    pub fn send(&mut self, at: Instant, letter: Letter) {
        self.posted += 1;
        if !letter.bytes.is_empty() {
            self.due.insert((at, self.posted), letter);
        }
    }
}

impl<S: Scheme> Between<S> {
    /// Does that.
    pub fn new(scheme: S) -> Self {
        Self { scheme, post: Post::default() }
    }

    /// Acts from that moment on.
    #[must_use]
    pub fn from(mut self, at: Instant) -> Self {
        self.post.next = Some(at);
        self
    }
}

impl Scheme for Watch {
    fn pass(&mut self, now: Instant, letter: Letter, post: &mut Post) {
        post.send(now, letter);
    }
}

impl<S: Scheme> Node for Between<S> {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        let Incoming { bytes, from, to, mark } = datagram;
        self.scheme.pass(now, Letter { bytes: bytes.to_vec(), from, to, mark }, &mut self.post);
    }

    fn expire(&mut self, now: Instant) {
        if self.post.next.take_if(|next| *next <= now).is_some() {
            self.post.next = self.scheme.act(now, &mut self.post);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let first = self.post.due.first_key_value().map(|((at, _), _)| *at);
        first.into_iter().chain(self.post.next).min()
    }

    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        let first = self.post.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let Letter { bytes, from, to, mark } = first.remove();
        out[..bytes.len()].copy_from_slice(&bytes);
        Some(Outgoing { len: bytes.len(), segment_bytes: None, from, to, mark })
    }

    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}
