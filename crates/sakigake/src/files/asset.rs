//! One version of a file and its coded forms, ready to be sent: what is the same for everybody who asks is made once.

use super::ask::{Ask, Wants};
use super::coding::{Accepted, CODINGS, Coding};
use super::encode::Encoders;
use super::form::{Form, Head, Source};
use super::tree::{Found, Opened, Stamp, find_in};
use super::{Body, Reply};
use std::cmp::Reverse;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

/// A version of a file.
pub(super) struct Asset {
    /// Absolute.
    path: PathBuf,
    stamp: Stamp,
    plain: Form,
    /// Those that lie beside the file, as found.
    stored: Vec<(Stamp, Form)>,
    /// Those that were made of it, once they were asked for; none where it did not become shorter.
    made: [OnceLock<Option<Form>>; CODINGS.len()],
    head: Head,
    /// Where it may be compressed.
    encoders: Option<Encoders>,
}

/// What comes of a request for a file that is there.
pub(super) enum Outcome {
    Reply(Reply),
    /// 406.
    NotAcceptable,
    /// 412.
    Failed,
    /// 416, with the length in bytes.
    Unsatisfiable(u64),
}

/// A file and what lies beside it, open.
pub(super) struct Survey {
    plain: Opened,
    stored: Vec<(Coding, Opened)>,
}

impl Survey {
    /// The file alone.
    pub(super) fn of(plain: Opened) -> Self {
        Self { plain, stored: Vec::new() }
    }

    /// The file with its coded forms, as far as they are of this version.
    pub(super) fn with_stored(plain: Opened, root: &OwnedFd, name: &[u8]) -> Self {
        let mut survey = Self::of(plain);
        for coding in CODINGS {
            let beside = find_in(root, &[name, coding.ending().as_bytes()].concat());
            // One that cannot be read is as none.
            if let Ok(Found::File(file)) = beside
                && file.len > 0
                && survey.plain.stamp.is_covered_by(&file.stamp)
            {
                survey.stored.push((coding, file));
            }
        }
        survey
    }
}

impl Asset {
    /// Takes what was opened; into memory what has at most `most` bytes.
    pub(super) fn new(
        path: PathBuf,
        mut head: Head,
        survey: Survey,
        encoders: Option<&Encoders>,
        most: usize,
        now: SystemTime,
    ) -> io::Result<Self> {
        let Survey { plain: file, stored } = survey;
        let can_be_made = |encoders: &&Encoders| {
            let choice = encoders.choice();
            (choice.least_bytes..=choice.most_bytes).contains(&file.len) && head.may_be_transformed()
        };
        let encoders = encoders.filter(can_be_made).cloned();
        head.is_negotiated = encoders.is_some() || !stored.is_empty();
        let form = |file: &Opened, coding: Coding| {
            let validators = file.stamp.validators(now, coding.mark(), true);
            Ok::<_, io::Error>(Form::new(&head, coding, validators, Source::of(file, most)?))
        };
        let plain = form(&file, Coding::Identity)?;
        let stored = stored
            .iter()
            .map(|(coding, file)| Ok((file.stamp, form(file, *coding)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { path, stamp: file.stamp, plain, stored, made: Default::default(), head, encoders })
    }

    /// Whether the file at its path is still this version, as far as one look can say.
    pub(super) fn is_current(&self) -> bool {
        Stamp::at(&self.path) == Some(self.stamp)
    }

    /// Whether what was opened anew is the same.
    pub(super) fn is_of(&self, path: &Path, survey: &Survey) -> bool {
        let stamps = self.stored.iter().map(|(stamp, form)| (form.coding(), *stamp));
        self.path == path
            && self.stamp == survey.plain.stamp
            && stamps.eq(survey.stored.iter().map(|(coding, file)| (*coding, file.stamp)))
    }

    /// Whether all of it is in memory, in at most `most` bytes each, and its next change will show.
    pub(super) fn may_be_kept(&self, most: usize, now: SystemTime) -> bool {
        let is_short = |form: &Form| form.bytes().is_some_and(|bytes| bytes.len() <= most);
        is_short(&self.plain)
            && self.stamp.is_still(now)
            && self.stored.iter().all(|(stamp, form)| is_short(form) && stamp.is_still(now))
    }

    /// Bytes that it takes in memory, or may come to take: what is made of it is shorter than itself.
    pub(super) fn cost(&self) -> usize {
        let forms = if self.encoders.is_some() { 1 + CODINGS.len() - self.stored.len() } else { 1 };
        let stored: usize = self.stored.iter().map(|(_, form)| form.cost()).sum();
        self.plain.cost() * forms + stored + self.path.as_os_str().len() + OVERHEAD_BYTES
    }

    /// The file's own bytes, where they are in memory, and their type.
    pub(super) fn content(&self) -> Option<(&Arc<[u8]>, &'static str)> {
        self.plain.bytes().map(|bytes| (bytes, self.head.content_type))
    }

    /// Answers a GET or HEAD.
    pub(super) fn answer(&self, ask: &Ask<'_>, wants: &Wants<'_>, now: SystemTime) -> Outcome {
        if !self.head.is_negotiated {
            return self.plain.answer(ask, wants, &self.head);
        }
        let accepted = Accepted::read(wants.accept_encoding.as_deref());
        let weight = |coding| accepted.weight(coding);
        // Of equals the last counts, and ours are in our order.
        let stored = self.stored.iter().rev().map(|(_, form)| form).filter(|form| weight(form.coding()) > 0);
        let stored = stored.max_by_key(|form| (weight(form.coding()), Reverse(form.len())));
        let identity = weight(Coding::Identity);
        // What lies beside the file was compressed with more patience: what is made here must be liked better.
        let least = stored.map_or(identity, |form| weight(form.coding()) + 1).max(identity).max(1);
        let mut codings = CODINGS;
        codings.sort_by_key(|&coding| Reverse(weight(coding)));
        for coding in codings.into_iter().filter(|&coding| weight(coding) >= least) {
            if let Some(outcome) = self.made(coding, ask, wants, now) {
                return outcome;
            }
        }
        match stored.filter(|form| weight(form.coding()) >= identity) {
            Some(form) => form.answer(ask, wants, &self.head),
            None if identity > 0 => self.plain.answer(ask, wants, &self.head),
            None => Outcome::NotAcceptable, // spec: 9110-12.5.3-c
        }
    }

    /// The answer with a form that is made here. `None` where it is not to be made, or cannot be now.
    fn made(&self, coding: Coding, ask: &Ask<'_>, wants: &Wants<'_>, now: SystemTime) -> Option<Outcome> {
        let encoders = self.encoders.as_ref()?;
        // Another release of an encoder may give other bytes for the same file: the tag is weak.
        let validators = || self.stamp.validators(now, coding.mark(), false);
        match self.plain.source() {
            Source::Bytes(bytes) => {
                let make = || {
                    let coded = encoders.whole(coding, bytes)?;
                    Some(Form::new(&self.head, coding, validators(), Source::Made(coded.into())))
                };
                let form = self.made[coding as usize].get_or_init(make).as_ref()?;
                Some(form.answer(ask, wants, &self.head))
            }
            Source::File(file, len) => {
                let form = Form::new(&self.head, coding, validators(), Source::Stream);
                let outcome = form.answer(ask, wants, &self.head);
                match outcome {
                    Outcome::Reply(Reply { response, .. }) if response.status == 200 && !ask.is_head() => {
                        let body = Body::coded(encoders.stream(coding)?, file.clone(), *len);
                        Some(Outcome::Reply(Reply { response, body }))
                    }
                    outcome => Some(outcome),
                }
            }
            Source::Made(_) | Source::Stream => None,
        }
    }
}

/// What the parts of an entry take beside their bytes, roughly.
const OVERHEAD_BYTES: usize = 1024;
