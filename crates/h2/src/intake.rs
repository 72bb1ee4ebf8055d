//! Bytes into frames, whatever the split. A payload that lies whole in the input is borrowed from it; DATA goes through
//! piece by piece; only the rest of a frame cut in two is copied, and that buffer is gone when the frame is.

use crate::frame::FrameHead;
use crate::rules::{HEAD_BYTES, PREFACE};
use core::ops::Deref;

/// The cutter.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    held: Vec<u8>,
    /// A head cut in two needs no allocation.
    head: [u8; HEAD_BYTES],
    head_len: usize,
}

/// A whole payload.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Borrowed(&'a [u8]),
    Joined(Vec<u8>),
}

impl Deref for Payload<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Joined(bytes) => bytes,
        }
    }
}

impl Intake {
    /// Exactly `len` bytes, once they are there. `len` was checked against a limit before.
    pub(crate) fn whole<'a>(&mut self, input: &mut &'a [u8], len: usize) -> Option<Payload<'a>> {
        if self.held.is_empty()
            && let Some((bytes, rest)) = input.split_at_checked(len)
        {
            *input = rest;
            return Some(Payload::Borrowed(bytes));
        }
        self.hold(input, len);
        (self.held.len() == len).then(|| Payload::Joined(core::mem::take(&mut self.held)))
    }

    /// The next frame's head.
    pub(crate) fn head(&mut self, input: &mut &[u8]) -> Option<FrameHead> {
        if self.head_len == 0
            && let Some((head, rest)) = input.split_first_chunk()
        {
            *input = rest;
            return Some(FrameHead::read(*head));
        }
        let missing = &mut self.head[self.head_len..];
        let (now, rest) = input.split_at(input.len().min(missing.len()));
        missing[..now.len()].copy_from_slice(now);
        self.head_len += now.len();
        *input = rest;
        (self.head_len == HEAD_BYTES).then(|| {
            self.head_len = 0;
            FrameHead::read(self.head)
        })
    }

    /// The client's preface: whether it is there and right, as soon as that can be said.
    pub(crate) fn preface(&mut self, input: &mut &[u8]) -> Option<bool> {
        self.hold(input, PREFACE.len());
        if !PREFACE.starts_with(&self.held) {
            return Some(false);
        }
        (self.held.len() == PREFACE.len()).then(|| {
            self.held = Vec::new();
            true
        })
    }

    fn hold(&mut self, input: &mut &[u8], len: usize) {
        let (head, rest) = input.split_at(input.len().min(len - self.held.len()));
        self.held.extend_from_slice(head);
        *input = rest;
    }
}
