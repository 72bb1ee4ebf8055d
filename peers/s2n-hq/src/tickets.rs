//! Tickets of s2n-tls: a server's key for them, and a client that keeps the last one and shows it.

use s2n_tls::{
    callbacks::{ConnectionFuture, SessionTicket, SessionTicketCallback},
    config::{Builder, ConnectionInitializer},
    connection::Connection,
    error::Error,
};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// A server that seals its tickets with a key that lasts as long as it; tests alone are sealed with a key that is known.
pub(crate) fn give(config: &mut Builder) -> Result<(), Error> {
    config.add_session_ticket_key(b"interop", &[0x5a; 32], SystemTime::now()).map(|_| ())
}

/// A client that resumes.
pub(crate) fn keep(config: &mut Builder) -> Result<(), Error> {
    let last = Last::default();
    config.set_session_ticket_callback(last.clone())?.set_connection_initializer(last).map(|_| ())
}

/// The last ticket that came.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Option<Vec<u8>>>>);

impl SessionTicketCallback for Last {
    fn on_session_ticket(&self, _connection: &mut Connection, ticket: &SessionTicket) {
        let bytes = ticket.len().and_then(|len| {
            let mut bytes = vec![0; len];
            ticket.data(&mut bytes).map(|()| bytes)
        });
        match bytes {
            Ok(bytes) => *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes),
            Err(why) => eprintln!("a ticket is lost: {why}"),
        }
    }
}

impl ConnectionInitializer for Last {
    fn initialize_connection(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Pin<Box<dyn ConnectionFuture>>>, Error> {
        if let Some(ticket) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            connection.set_session_ticket(ticket)?;
        }
        Ok(None)
    }
}
