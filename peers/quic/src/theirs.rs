//! quinn, by its engine: `quinn-proto`.

use crate::exchange::{
    CONNECTION_WINDOW, DATAGRAM_BYTES, DELAY, Exchange, PIECE, Pair, Progress, SEGMENTS, STREAM_WINDOW,
    STREAMS, Stack, piece,
};
use bench_tls::{
    credentials::{Credentials, HOST},
    stack::look_at,
};
use bytes::{Bytes, BytesMut};
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig, Event,
    MtuDiscoveryConfig, ServerConfig, StreamEvent, StreamId, TransportConfig, WriteError,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{RootCertStore, pki_types::PrivatePkcs8KeyDer};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Instant};

pub(crate) struct Theirs {
    client: ClientConfig,
    server: Arc<ServerConfig>,
    endpoint: Arc<EndpointConfig>,
}

impl Theirs {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519];
        let provider = Arc::new(provider);
        let mut roots = RootCertStore::empty();
        roots.add(credentials.authority.clone().into()).expect("an authority");
        let mut client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"hq-interop".to_vec()];
        client.resumption = rustls::client::Resumption::disabled();
        let key = PrivatePkcs8KeyDer::from(credentials.key.clone()).into();
        let mut server = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![credentials.leaf.clone().into()], key)
            .expect("a key and its leaf");
        server.alpn_protocols = vec![b"hq-interop".to_vec()];
        server.send_tls13_tickets = 0;
        let mut transport = TransportConfig::default();
        let mut search = MtuDiscoveryConfig::default();
        search.upper_bound(DATAGRAM_BYTES);
        transport
            .stream_receive_window(STREAM_WINDOW.into())
            .receive_window(CONNECTION_WINDOW.into())
            .send_window(CONNECTION_WINDOW.into())
            .max_concurrent_bidi_streams(STREAMS.into())
            .mtu_discovery_config(Some(search));
        let transport = Arc::new(transport);
        let mut client =
            ClientConfig::new(Arc::new(QuicClientConfig::try_from(client).expect("suites of QUIC")));
        client.transport_config(Arc::clone(&transport));
        let mut server =
            ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server).expect("suites of QUIC")));
        server.transport_config(transport);
        Self { client, server: Arc::new(server), endpoint: Arc::new(EndpointConfig::default()) }
    }
}

struct End {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    address: SocketAddr,
    progress: BTreeMap<StreamId, Progress>,
}

struct There {
    ends: [End; 2],
    now: Instant,
    buffer: Vec<u8>,
    piece: Bytes,
    response_bytes: usize,
    heard: usize,
    over: usize,
}

impl Stack for Theirs {
    fn connect(&self) -> Box<dyn Pair> {
        let now = Instant::now();
        let end = |address: &str, server| End {
            endpoint: Endpoint::new(Arc::clone(&self.endpoint), server, true, None),
            connection: None,
            address: address.parse().expect("an address"),
            progress: BTreeMap::new(),
        };
        let mut ends = [end("192.0.2.1:4000", None), end("192.0.2.2:443", Some(Arc::clone(&self.server)))];
        let to = ends[1].address;
        let begun = ends[0].endpoint.connect(now, self.client.clone(), to, HOST).expect("it begins");
        ends[0].connection = Some(begun);
        let piece = Bytes::from_owner(piece());
        let buffer = Vec::with_capacity(SEGMENTS * usize::from(DATAGRAM_BYTES));
        let mut there = There { ends, now, buffer, piece, response_bytes: 0, heard: 0, over: 0 };
        while !there.is_connected() {
            there.turn();
        }
        // HANDSHAKE_DONE arrives.
        (0..4).for_each(|_| there.turn());
        Box::new(there)
    }
}

impl There {
    fn is_connected(&self) -> bool {
        self.ends.iter().all(|end| end.connection.as_ref().is_some_and(|(_, c)| !c.is_handshaking()))
    }

    fn turn(&mut self) {
        let mut is_busy = false;
        for from in [0, 1] {
            loop {
                let Self { ends, now, buffer, .. } = self;
                let Some((_, connection)) = &mut ends[from].connection else { break };
                buffer.clear();
                let Some(sent) = connection.poll_transmit(*now, SEGMENTS, buffer) else { break };
                is_busy = true;
                self.hand(from, sent.size, sent.segment_size.unwrap_or(sent.size));
            }
            self.now += DELAY;
        }
        if !is_busy {
            let timeouts = self.ends.iter_mut().filter_map(|end| end.connection.as_mut()?.1.poll_timeout());
            if let Some(next) = timeouts.min() {
                self.now = self.now.max(next);
            }
        }
        for at in [0, 1] {
            let now = self.now;
            if let Some((_, connection)) = &mut self.ends[at].connection
                && connection.poll_timeout().is_some_and(|at| at <= now)
            {
                connection.handle_timeout(now);
            }
            self.settle(at);
        }
    }

    fn hand(&mut self, from: usize, len: usize, segment: usize) {
        let to = 1 - from;
        let remote = self.ends[from].address;
        let mut answer = Vec::new();
        let Self { ends, now, buffer, .. } = self;
        for datagram in buffer[..len].chunks(segment) {
            let End { endpoint, connection, .. } = &mut ends[to];
            let data = BytesMut::from(datagram);
            match endpoint.handle(*now, remote, None, None, data, &mut answer) {
                Some(DatagramEvent::ConnectionEvent(_, event)) => {
                    connection.as_mut().expect("it was begun").1.handle_event(event);
                }
                Some(DatagramEvent::NewConnection(incoming)) => {
                    let accepted = endpoint.accept(incoming, *now, &mut answer, None);
                    *connection = Some(accepted.map_err(|error| error.cause).expect("it is accepted"));
                }
                Some(DatagramEvent::Response(_)) => panic!("nobody asks for a response"),
                None => {}
            }
        }
        self.settle(to);
    }

    /// What a side's endpoint and connection have to tell each other, and what its application hears.
    fn settle(&mut self, at: usize) {
        let End { endpoint, connection, .. } = &mut self.ends[at];
        let Some((handle, connection)) = connection else { return };
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
        let (mut readable, mut writable) = (Vec::new(), Vec::new());
        while let Some(event) = connection.poll() {
            match event {
                Event::Stream(StreamEvent::Opened { dir }) => {
                    while let Some(id) = connection.streams().accept(dir) {
                        readable.push(id);
                    }
                }
                Event::Stream(StreamEvent::Readable { id }) => readable.push(id),
                Event::Stream(StreamEvent::Writable { id }) => writable.push(id),
                Event::ConnectionLost { reason } => panic!("{reason}"),
                _ => {}
            }
        }
        for id in readable {
            self.read(at, id);
        }
        for id in writable {
            self.write(at, id);
        }
    }

    fn read(&mut self, at: usize, id: StreamId) {
        let Self { ends, heard, over, response_bytes, .. } = self;
        let End { connection, progress, .. } = &mut ends[at];
        let Some((_, connection)) = connection else { return };
        let mut stream = connection.recv_stream(id);
        let Ok(mut chunks) = stream.read(true) else { return };
        let is_finished = loop {
            match chunks.next(usize::MAX) {
                Ok(Some(chunk)) => *heard += look_at(&chunk.bytes),
                Ok(None) => break true,
                Err(_) => break false, // There is no more for now.
            }
        };
        // The next poll_transmit sends what this asks for.
        let _ = chunks.finalize();
        if is_finished && at == 1 {
            progress.insert(id, Progress { to_send: *response_bytes, ..Progress::default() });
            self.write(1, id);
        } else if is_finished {
            *over += 1;
        }
    }

    fn write(&mut self, at: usize, id: StreamId) {
        let End { connection, progress, .. } = &mut self.ends[at];
        let (Some((_, connection)), Some(progress)) = (connection, progress.get_mut(&id)) else { return };
        let mut stream = connection.send_stream(id);
        while progress.to_send > 0 {
            let piece = self.piece.slice(..progress.to_send.min(PIECE));
            match stream.write_chunks(&mut [piece]) {
                Ok(written) => progress.to_send -= written.bytes,
                Err(WriteError::Blocked) => return,
                Err(error) => panic!("{error}"),
            }
        }
        if !progress.is_over {
            stream.finish().expect("it was not over");
            progress.is_over = true;
        }
    }
}

impl Pair for There {
    fn carry(&mut self, exchange: Exchange) -> usize {
        (self.heard, self.over, self.response_bytes) = (0, 0, exchange.response_bytes);
        self.ends.iter_mut().for_each(|end| end.progress.clear());
        for _ in 0..exchange.streams {
            let Some((_, connection)) = &mut self.ends[0].connection else { break };
            let id = connection.streams().open(Dir::Bi).expect("as many are allowed");
            let progress = Progress { to_send: exchange.request_bytes, ..Progress::default() };
            self.ends[0].progress.insert(id, progress);
            self.write(0, id);
        }
        while self.over < exchange.streams {
            self.turn();
        }
        self.heard
    }
}
