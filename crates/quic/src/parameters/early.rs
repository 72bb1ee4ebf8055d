//! What outlives a connection for the early data of the next (RFC 9000 section 7.4.1).

use super::{Parameters, Slot, Value, entry};
use crate::{
    Fault,
    rules::{
        PARAMETERS, ParameterRule, parameter,
        parameters::{Early, id},
    },
};
use sakigake_wire::{Full, Reader, Writer};

/// A server's parameters as far as early data depends on them: a client keeps them beside its ticket, a server inside it.
/// All others have their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered(Parameters);

impl Remembered {
    pub(super) fn of(declared: &Parameters) -> Self {
        let mut kept = Parameters::default();
        for rule in rows() {
            match (declared.value(rule.id), kept.slot(rule.id)) {
                (Some(Value::Integer(value)), Some(Slot::Integer(slot))) => *slot = *value, // spec: 9000-7.4.1-m
                (Some(Value::Flag(value)), Some(Slot::Flag(slot))) => *slot = *value,
                _ => {}
            }
        }
        Self(kept)
    }

    /// Under which early data is sent: nothing of the new handshake counts for it.
    pub fn parameters(&self) -> &Parameters {
        &self.0
    }

    /// Appends them, for a ticket or for what is kept beside it.
    pub fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.all_or_nothing(|out| rows().try_for_each(|rule| self.0.put(rule, out)))
    }

    /// What [`Remembered::write`] wrote. What is not for remembering is passed over.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut kept = Parameters::default();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (id, value) = entry(&mut reader)?;
            match parameter(id) {
                Some(rule) if rule.early != Early::Forgotten => kept.take(rule, value)?, // spec: 9000-7.4.1-n
                _ => {}
            }
        }
        Ok(Self(kept))
    }

    /// A client's look at what a server declares that has taken early data: nothing that it sent early may exceed it.
    pub fn check_kept(&self, declared: &Parameters) -> Result<(), Fault> {
        let reduced = rows().find(|rule| rule.early == Early::Binding && !self.is_kept(rule, declared));
        match reduced {
            Some(rule) => Err(Fault::ReducedParameter { parameter: rule.id }), // spec: 9221-3-c rsa-3-n
            None => Ok(()),
        }
    }

    /// Whether a server that is to declare `declared` may take early data that was sent under these.
    pub fn may_take_early_data(&self, declared: &Parameters) -> bool {
        rows().all(|rule| self.is_kept(rule, declared)) // spec: 9000-7.4.1-o
    }

    /// Whether anything can be sent under these at all: data on a stream of either kind.
    pub fn has_room(&self) -> bool {
        let Parameters { initial_max_data, initial_max_streams_bidi, initial_max_streams_uni, .. } = self.0;
        let bidirectional = initial_max_streams_bidi.min(self.0.initial_max_stream_data_bidi_remote);
        let unidirectional = initial_max_streams_uni.min(self.0.initial_max_stream_data_uni);
        initial_max_data > 0 && bidirectional.max(unidirectional) > 0
    }

    fn is_kept(&self, rule: &ParameterRule, declared: &Parameters) -> bool {
        match (self.0.value(rule.id), declared.value(rule.id)) {
            (Some(Value::Integer(old)), Some(Value::Integer(new))) if rule.id == id::MAX_IDLE_TIMEOUT => {
                // 0 is no timeout: the longest.
                old.wrapping_sub(1) <= new.wrapping_sub(1)
            }
            (Some(Value::Integer(old)), Some(Value::Integer(new))) => old <= new,
            // This one takes a freedom; the others give one.
            (Some(Value::Flag(old)), Some(Value::Flag(new))) if rule.id == id::DISABLE_ACTIVE_MIGRATION => {
                *old || !*new
            }
            (Some(Value::Flag(old)), Some(Value::Flag(new))) => !*old || *new,
            _ => true,
        }
    }
}

/// The rows that are remembered.
fn rows() -> impl Iterator<Item = &'static ParameterRule> {
    PARAMETERS.iter().filter(|rule| rule.early != Early::Forgotten)
}
