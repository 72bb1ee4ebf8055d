//! Full handshakes over X25519 with a P-256 certificate, and records of 16 KiB, all with TLS_AES_128_GCM_SHA256.

use crate::{
    WARM, when,
    world::{NOW, World},
};
use sakigake_tls::{Connection, Event};

const CONTENT_BYTES: usize = 1 << 14;

pub(crate) fn handshake_client(times: usize) {
    let world = World::new();
    for at in 0..times + WARM {
        let is_counted = at >= WARM;
        let (mut client, mut hello) = when(is_counted, || {
            let mut client = world.client();
            let hello = said(&mut client);
            (client, hello)
        });
        let mut server = world.server();
        hear(&mut server, &mut hello);
        let mut flight = said(&mut server);
        let mut finished = when(is_counted, || {
            hear(&mut client, &mut flight);
            said(&mut client)
        });
        hear(&mut server, &mut finished);
        assert!(client.is_established() && server.is_established(), "a handshake ends");
        when(is_counted, || drop(client));
    }
}

pub(crate) fn handshake_server(times: usize) {
    let world = World::new();
    for at in 0..times + WARM {
        let is_counted = at >= WARM;
        let mut client = world.client();
        let mut hello = said(&mut client);
        let (mut server, mut flight) = when(is_counted, || {
            let mut server = world.server();
            hear(&mut server, &mut hello);
            let flight = said(&mut server);
            (server, flight)
        });
        hear(&mut client, &mut flight);
        let mut finished = said(&mut client);
        when(is_counted, || hear(&mut server, &mut finished));
        assert!(client.is_established() && server.is_established(), "a handshake ends");
        when(is_counted, || drop(server));
    }
}

pub(crate) fn seal(times: usize) {
    let (_, mut server) = connected();
    let (content, mut out) = (vec![5; CONTENT_BYTES], vec![0; CONTENT_BYTES + 64]);
    for at in 0..times + WARM {
        when(at >= WARM, || write(&mut server, &content, &mut out));
    }
}

pub(crate) fn open(times: usize) {
    let (mut client, mut server) = connected();
    let (content, mut out) = (vec![5; CONTENT_BYTES], vec![0; CONTENT_BYTES + 64]);
    for at in 0..times + WARM {
        let len = write(&mut server, &content, &mut out);
        when(at >= WARM, || {
            let mut heard =
                |event: Event<'_>| assert!(matches!(event, Event::Data(data) if data.len() == CONTENT_BYTES));
            client.handle(NOW, &mut out[..len], &mut heard).expect("the peer is right");
        });
    }
}

fn connected() -> (Connection, Connection) {
    let world = World::new();
    let (mut client, mut server) = (world.client(), world.server());
    hear(&mut server, &mut said(&mut client));
    hear(&mut client, &mut said(&mut server));
    hear(&mut server, &mut said(&mut client));
    (client, server)
}

fn write(connection: &mut Connection, content: &[u8], out: &mut [u8]) -> usize {
    connection.seal(out, &mut |place| {
        place[..content.len()].copy_from_slice(content);
        content.len()
    })
}

fn said(connection: &mut Connection) -> Vec<u8> {
    let (mut out, mut len) = (vec![0; 8_192], 0);
    while let Some(more) = connection.transmit(NOW, &mut out[len..]) {
        len += more;
    }
    out.truncate(len);
    out
}

fn hear(connection: &mut Connection, bytes: &mut [u8]) {
    connection.handle(NOW, bytes, &mut |_| {}).expect("the peer is right");
}
