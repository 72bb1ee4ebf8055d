//! HTML as it arrives: bytes in, resources out as soon as their tag is complete.
//!
//! html5gum's tokenizer pulls and cannot pause, so each piece is tokenized from the last complete tag on, with the tokenizer's
//! state of that point. What was not complete is looked at again only when it grew by an eighth, so that no split of
//! the input makes the work more than linear.

use super::{Limits, Resource, names::Walker};
use crate::Url;
use core::{cell::Cell, convert::Infallible};
use html5gum::{
    Emitter, Reader, Span, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
    naive_next_state,
};

#[cfg(test)]
mod tests;

/// A scan of one HTML document.
#[derive(Debug)]
pub struct Html {
    limits: Limits,
    /// What follows the last complete tag.
    pending: Vec<u8>,
    /// How much of `pending` was looked at without finding a tag's end.
    seen: usize,
    /// Whether what was not looked at may end a tag. Each byte is searched once, however small the pieces.
    may_end_tag: bool,
    /// The element whose text `pending` begins in, when its text is not markup.
    raw: Option<Vec<u8>>,
    walker: Walker,
    has_ended: bool,
}

/// A tag as the tokenizer completes it.
#[derive(Debug, Default)]
pub(super) struct Tag {
    pub(super) name: Vec<u8>,
    pub(super) attributes: Vec<(Vec<u8>, String)>,
}

impl Html {
    /// A document at `base`, of which nothing arrived yet.
    pub fn new(base: Url, limits: Limits) -> Self {
        Self {
            limits,
            pending: Vec::new(),
            seen: 0,
            may_end_tag: false,
            raw: None,
            walker: Walker::new(base, limits.resources, limits.css_bytes),
            has_ended: false,
        }
    }

    /// Takes the next bytes and reports what they complete.
    pub fn feed(&mut self, bytes: &[u8], found: &mut impl FnMut(Resource)) {
        if self.has_ended {
            return;
        }
        self.pending.extend_from_slice(bytes);
        self.may_end_tag |= bytes.contains(&b'>');
        let grown = self.pending.len() - self.seen;
        if grown > self.seen / 8 && self.may_end_tag {
            self.tokenize(false, found);
        }
        if self.pending.len() > self.limits.pending_bytes {
            self.has_ended = true;
            self.pending = Vec::new();
        }
    }

    /// The document's end: a style that nothing closed still counts.
    pub fn finish(&mut self, found: &mut impl FnMut(Resource)) {
        if !self.has_ended {
            self.tokenize(true, found);
            self.has_ended = true;
            self.pending = Vec::new();
        }
    }

    fn tokenize(&mut self, is_last: bool, found: &mut impl FnMut(Resource)) {
        let position = Cell::new(0);
        let mut kept = 0;
        let mut raw = self.raw.clone();
        let mut tag = Tag::default();
        let mut text = String::new();
        let walker = &mut self.walker;
        let mut emitter =
            CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
                match event {
                    CallbackEvent::OpenStartTag { name } => {
                        tag = Tag { name: name.to_vec(), attributes: Vec::new() }
                    }
                    CallbackEvent::AttributeName { name } => {
                        tag.attributes.push((name.to_vec(), String::new()))
                    }
                    CallbackEvent::AttributeValue { value } => {
                        if let Some((_, slot)) = tag.attributes.last_mut() {
                            *slot = String::from_utf8_lossy(value).into_owned();
                        }
                    }
                    CallbackEvent::CloseStartTag { .. } => {
                        kept = position.get();
                        raw = naive_next_state(&tag.name).is_some().then(|| tag.name.clone());
                        walker.open(&tag, found);
                        text.clear();
                    }
                    CallbackEvent::EndTag { name } => {
                        kept = position.get();
                        if raw.take().is_some_and(|raw| raw == b"style") {
                            walker.style(&text, found);
                        }
                        walker.close(name);
                    }
                    CallbackEvent::String { value } if raw.as_deref() == Some(b"style") => {
                        text.push_str(&String::from_utf8_lossy(value));
                    }
                    _ => {}
                }
                None
            });
        emitter.naively_switch_states(true);
        emitter.set_last_start_tag(self.raw.as_deref());
        let reader = Counted { rest: &self.pending, position: &position };
        let mut tokenizer = Tokenizer::new_with_emitter(reader, emitter);
        if let Some(state) = self.raw.as_deref().and_then(naive_next_state) {
            tokenizer.set_state(state);
        }
        let Ok(()) = tokenizer.finish();
        if is_last && raw.as_deref() == Some(b"style") {
            walker.style(&text, found);
        }
        self.raw = raw;
        self.pending.drain(..kept);
        self.seen = self.pending.len();
        self.may_end_tag = false;
    }
}

/// A reader that says how far it was read.
struct Counted<'a> {
    rest: &'a [u8],
    position: &'a Cell<usize>,
}

impl<'a> Counted<'a> {
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.position.set(self.position.get() + taken.len());
        taken
    }
}

impl Reader for Counted<'_> {
    type Error = Infallible;

    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        Ok(self.take(1).first().copied())
    }

    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let is_there = self
            .rest
            .get(..wanted.len())
            .is_some_and(|next| next == wanted || (!case_sensitive && next.eq_ignore_ascii_case(wanted)));
        if is_there {
            self.take(wanted.len());
        }
        Ok(is_there)
    }

    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        _: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Infallible> {
        let until = self.rest.iter().position(|byte| needle.contains(byte)).unwrap_or(self.rest.len());
        let taken = self.take(until.max(1));
        Ok((!taken.is_empty()).then_some(taken))
    }
}
