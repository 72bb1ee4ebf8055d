//! The logs of all spaces. The handshake's are apart, since a connection outlives them by far, and go when its last space does.

use super::{Space, log::Log};

pub(super) struct Logs<T> {
    opening: Option<Box<Opening<T>>>,
    pub(super) application: Log<T>,
}

struct Opening<T> {
    initial: Log<T>,
    handshake: Log<T>,
}

impl<T> Logs<T> {
    pub(super) fn new() -> Self {
        let opening = Opening { initial: Log::new(), handshake: Log::new() };
        Self { opening: Some(Box::new(opening)), application: Log::new() }
    }

    /// None for a space of the handshake, once that is over.
    pub(super) fn get(&self, space: Space) -> Option<&Log<T>> {
        let opening = self.opening.as_deref();
        match space {
            Space::Initial => opening.map(|opening| &opening.initial),
            Space::Handshake => opening.map(|opening| &opening.handshake),
            Space::Application => Some(&self.application),
        }
    }

    pub(super) fn get_mut(&mut self, space: Space) -> Option<&mut Log<T>> {
        let opening = self.opening.as_deref_mut();
        match space {
            Space::Initial => opening.map(|opening| &mut opening.initial),
            Space::Handshake => opening.map(|opening| &mut opening.handshake),
            Space::Application => Some(&mut self.application),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Log<T>> {
        Space::ALL.into_iter().filter_map(|space| self.get(space))
    }

    pub(super) fn each(&mut self, mut work: impl FnMut(&mut Log<T>)) {
        for space in Space::ALL {
            if let Some(log) = self.get_mut(space) {
                work(log);
            }
        }
    }

    /// Nothing more is sent in a space. Handshake packets are the last ones of the handshake.
    pub(super) fn discard(&mut self, space: Space) {
        if space == Space::Handshake {
            self.opening = None;
        } else if let Some(log) = self.get_mut(space) {
            log.clear();
        }
    }
}
