use super::frame;
use crate::{Fault, extension::NewSessionTicketExtensions, rules::HandshakeType};
use sakigake_wire::{Grow, Reader};

/// NewSessionTicket (RFC 9846 section 4.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewSessionTicket<'a> {
    /// Seconds for which it may be used; nobody keeps one for longer than 7 days.
    pub ticket_lifetime: u32,
    /// What obscures its age.
    pub ticket_age_add: u32,
    /// Makes its key unique on this connection; at most 255 bytes.
    pub ticket_nonce: &'a [u8],
    /// The ticket, at least one byte.
    pub ticket: &'a [u8],
    /// The extensions.
    pub extensions: NewSessionTicketExtensions<'a>,
}

impl<'a> NewSessionTicket<'a> {
    pub(super) fn read(body: &mut Reader<'a>) -> Result<Self, Fault> {
        let (ticket_lifetime, ticket_age_add) = (body.u32()?, body.u32()?);
        let ticket_nonce = body.vector_u8()?.rest();
        let ticket = body.vector_u16()?.rest();
        if ticket.is_empty() {
            return Err(Fault::VectorTooShort);
        }
        let extensions = NewSessionTicketExtensions::read(body.vector_u16()?.rest())?;
        Ok(Self { ticket_lifetime, ticket_age_add, ticket_nonce, ticket, extensions })
    }

    /// Appends the message, header included.
    pub fn write(&self, out: &mut Vec<u8>) {
        frame(HandshakeType::NEW_SESSION_TICKET, out, |out| {
            out.u32(self.ticket_lifetime);
            out.u32(self.ticket_age_add);
            out.vector_u8(|out| out.put(self.ticket_nonce));
            out.vector_u16(|out| out.put(self.ticket));
            self.extensions.write(out);
        });
    }
}
