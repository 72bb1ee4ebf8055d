//! version_information: which versions each end speaks, so that nobody in between chooses for them (RFC 9368).

use crate::{Fault, rules::parameters::id};
use sakigake_wire::{Full, Reader, Writer};

/// The version that its sender has chosen, and those that it could have (RFC 9368 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionInformation {
    /// The version of this connection.
    pub chosen: u32,
    /// A client's: versions that its first flight can become, best first, the chosen one among them. A server's: versions
    /// that all of its fleet speaks.
    pub available: Vec<u32>,
}

impl VersionInformation {
    /// The parameter's value, whole.
    pub(super) fn read(value: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(value);
        let mut versions = Vec::with_capacity(value.len() / 4);
        while !reader.is_empty() {
            versions.push(reader.u32().map_err(|_| MALFORMED)?); // spec: 9368-4-a
        }
        if versions.is_empty() || versions.contains(&0) {
            return Err(MALFORMED); // spec: 9368-4-b
        }
        Ok(Self { chosen: versions.remove(0), available: versions })
    }

    /// Whether a client offers what it has chosen.
    pub(super) fn check_offer(&self) -> Result<(), Fault> {
        if self.available.contains(&self.chosen) { Ok(()) } else { Err(MALFORMED) } // spec: 9368-4-c
    }

    /// Appends the parameter's value.
    pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), Full> {
        out.u32(self.chosen)?;
        self.available.iter().try_for_each(|version| out.u32(*version))
    }

    /// Bytes of the value.
    pub(super) fn len(&self) -> usize {
        4 + 4 * self.available.len()
    }

    /// A server's look at what the client sent in a first flight of version `in_use` (section 4).
    pub fn check_client(&self, in_use: u32) -> Result<(), Fault> {
        if self.chosen == in_use { Ok(()) } else { Err(Fault::VersionNegotiation) } // spec: 9368-4-d
    }

    /// A client's look at what the server sent on a connection that came to speak `in_use` (section 4). This is what the
    /// client itself had `sent`; `reacted_by` are the versions it speaks, best first, where a Version Negotiation packet had
    /// led it to this attempt.
    pub fn check_server(
        server: Option<&Self>,
        sent: &Self,
        in_use: u32,
        reacted_by: Option<&[u32]>,
    ) -> Result<(), Fault> {
        let Some(server) = server else {
            // Nobody vouches for a version that the client did not choose at first.
            let is_own_choice = reacted_by.is_none() && in_use == sent.chosen;
            return if is_own_choice { Ok(()) } else { Err(Fault::VersionNegotiation) }; // spec: 9368-4-e
        };
        if server.chosen != in_use || !sent.available.contains(&server.chosen) {
            return Err(Fault::VersionNegotiation); // spec: 9368-4-f
        }
        let Some(spoken) = reacted_by else { return Ok(()) };
        let honest =
            spoken.iter().find(|version| server.available.contains(version) || **version == in_use).copied();
        if server.available.is_empty() || honest != Some(sent.chosen) {
            return Err(Fault::VersionNegotiation); // spec: 9368-4-g
        }
        Ok(())
    }
}

const MALFORMED: Fault = Fault::MalformedParameter { parameter: id::VERSION_INFORMATION };
