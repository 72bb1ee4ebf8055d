//! rustls by its unbuffered interface, which opens and seals in the caller's buffers as ours does.

use crate::{
    credentials::HOST,
    stack::{Side, Stack, look_at},
    theirs::Configs,
};
use rustls::{
    HandshakeKind,
    client::UnbufferedClientConnection,
    pki_types::ServerName,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, UnbufferedStatus},
};
use std::sync::Arc;

pub struct Unbuffered(pub Configs);

impl Stack for Unbuffered {
    fn name(&self) -> &'static str {
        "rustls, unbuffered"
    }

    fn client(&self) -> Box<dyn Side> {
        let name = ServerName::try_from(HOST).expect("the name is good");
        let client = UnbufferedClientConnection::new(Arc::clone(&self.0.client), name);
        Box::new(Client(client.expect("the configuration is good")))
    }

    fn server(&self) -> Box<dyn Side> {
        let server = UnbufferedServerConnection::new(Arc::clone(&self.0.server));
        Box::new(Server(server.expect("the configuration is good")))
    }
}

struct Client(UnbufferedClientConnection);
struct Server(UnbufferedServerConnection);

/// Goes from state to state until input is missing or application data may go out, which `data` then does.
fn pump<Data>(
    mut step: impl for<'c, 'i> FnMut(&'c mut Data, &'i mut [u8], &mut Turn<'_>) -> (usize, bool),
    connection: &mut Data,
    input: &mut [u8],
    turn: &mut Turn<'_>,
) {
    let mut at = 0;
    loop {
        let (discard, goes_on) = step(connection, &mut input[at..], turn);
        at += discard;
        if !goes_on {
            return;
        }
    }
}

/// What a call of ours wants.
struct Turn<'a> {
    out: &'a mut [u8],
    /// Bytes of `out` that are filled.
    written: usize,
    /// To be sealed once that is possible.
    data: &'a [u8],
    /// Bytes of application data that came.
    heard: usize,
}

fn step<D>(status: UnbufferedStatus<'_, '_, D>, turn: &mut Turn<'_>) -> (usize, bool) {
    let UnbufferedStatus { mut discard, state, .. } = status;
    let goes_on = match state.expect("the peer is right") {
        ConnectionState::EncodeTlsData(mut encode) => {
            turn.written += encode.encode(&mut turn.out[turn.written..]).expect("there is room");
            true
        }
        ConnectionState::TransmitTlsData(transmit) => {
            transmit.done();
            true
        }
        ConnectionState::ReadTraffic(mut traffic) => {
            while let Some(record) = traffic.next_record() {
                let record = record.expect("the peer is right");
                discard += record.discard;
                turn.heard += look_at(record.payload);
            }
            true
        }
        ConnectionState::WriteTraffic(mut traffic) => {
            if !turn.data.is_empty() {
                turn.written +=
                    traffic.encrypt(turn.data, &mut turn.out[turn.written..]).expect("there is room");
            }
            false
        }
        ConnectionState::BlockedHandshake => false,
        other => panic!("nobody asked for {other:?}"),
    };
    (discard, goes_on)
}

impl Client {
    fn pump(&mut self, input: &mut [u8], turn: &mut Turn<'_>) {
        pump(
            |c: &mut UnbufferedClientConnection, i, turn| step(c.process_tls_records(i), turn),
            &mut self.0,
            input,
            turn,
        );
    }
}

impl Server {
    fn pump(&mut self, input: &mut [u8], turn: &mut Turn<'_>) {
        pump(
            |c: &mut UnbufferedServerConnection, i, turn| step(c.process_tls_records(i), turn),
            &mut self.0,
            input,
            turn,
        );
    }
}

macro_rules! side {
    ($side:ty) => {
        impl Side for $side {
            fn turn(&mut self, input: &mut [u8], out: &mut [u8]) -> usize {
                let mut turn = Turn { out, written: 0, data: &[], heard: 0 };
                self.pump(input, &mut turn);
                turn.written
            }

            fn is_established(&self) -> bool {
                !self.0.is_handshaking()
            }

            fn is_resumed(&self) -> bool {
                self.0.handshake_kind() == Some(HandshakeKind::Resumed)
            }

            fn seal(&mut self, data: &[u8], out: &mut [u8]) -> usize {
                let mut turn = Turn { out, written: 0, data, heard: 0 };
                self.pump(&mut [], &mut turn);
                turn.written
            }

            fn open(&mut self, records: &mut [u8]) -> usize {
                let mut turn = Turn { out: &mut [], written: 0, data: &[], heard: 0 };
                self.pump(records, &mut turn);
                turn.heard
            }
        }
    };
}

side!(Client);
side!(Server);
