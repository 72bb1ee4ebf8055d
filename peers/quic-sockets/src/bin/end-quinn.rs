//! quinn, through its own endpoint on tokio.

use bytes::Bytes;
use ends::{
    ALPN, CONNECTION_WINDOW, Client, DATAGRAM_BYTES, Exchange, HEAD, HOST, IDLE_MS, Meter, Outcome, PIECE,
    STREAM_WINDOW, STREAMS, Spent, Task, Told, look_at, ready, udp,
};
use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, Incoming, MtuDiscoveryConfig, RecvStream, SendStream,
    ServerConfig, TokioRuntime, TransportConfig,
    congestion::CubicConfig,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::PrivatePkcs8KeyDer,
    version::TLS13,
};
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

fn main() -> ExitCode {
    ends::main(serve, Caller::new)
}

fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519];
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    provider.into()
}

fn transport() -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    let mut search = MtuDiscoveryConfig::default();
    search.upper_bound(DATAGRAM_BYTES);
    transport
        .max_idle_timeout(Some(quinn::VarInt::from_u32(IDLE_MS).into()))
        .stream_receive_window(STREAM_WINDOW.into())
        .receive_window(CONNECTION_WINDOW.into())
        .send_window(CONNECTION_WINDOW.into())
        .max_concurrent_bidi_streams(STREAMS.into())
        .congestion_controller_factory(Arc::new(CubicConfig::default()))
        .mtu_discovery_config(Some(search));
    transport.into()
}

fn serve(told: &Told) -> Outcome {
    let key = PrivatePkcs8KeyDer::from(told.read("key.der")?).into();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![told.read("leaf.der")?.into()], key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.send_tls13_tickets = 0;
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport());
    runtime()?.block_on(async {
        let endpoint =
            Endpoint::new(EndpointConfig::default(), Some(config), udp()?, Arc::new(TokioRuntime))?;
        let piece = Bytes::from(vec![0x55; PIECE]);
        ready(endpoint.local_addr()?.port())?;
        while let Some(incoming) = endpoint.accept().await {
            tokio::spawn(attend(incoming, piece.clone()));
        }
        Ok(())
    })
}

async fn attend(incoming: Incoming, piece: Bytes) -> Outcome {
    let connection = incoming.await?;
    while let Ok((send, receive)) = connection.accept_bi().await {
        tokio::spawn(answer(send, receive, piece.clone()));
    }
    Ok(())
}

async fn answer(mut send: SendStream, mut receive: RecvStream, piece: Bytes) -> Outcome {
    let mut head = Vec::with_capacity(HEAD);
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        head.extend_from_slice(&chunk.bytes[..chunk.bytes.len().min(HEAD - head.len())]);
        look_at(&chunk.bytes);
    }
    let head: [u8; HEAD] = head.try_into().map_err(|_| "a request without its head")?;
    say(&mut send, u64::from_be_bytes(head) as usize, &piece).await
}

/// So many bytes, and the end.
async fn say(send: &mut SendStream, mut left: usize, piece: &Bytes) -> Outcome {
    while left > 0 {
        let part = piece.slice(..left.min(PIECE));
        left -= part.len();
        send.write_chunk(part).await?;
    }
    Ok(send.finish()?)
}

struct Caller {
    runtime: Runtime,
    line: Line,
}

/// Who connects.
struct Line {
    endpoint: Endpoint,
    config: ClientConfig,
    server: SocketAddr,
    piece: Bytes,
    held: Vec<Connection>,
}

impl Caller {
    fn new(told: &Told) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(told.read("authority.der")?.into())?;
        let mut tls = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        tls.resumption = rustls::client::Resumption::disabled();
        let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
        config.transport_config(transport());
        let runtime = runtime()?;
        let endpoint = {
            let _entered = runtime.enter();
            Endpoint::new(EndpointConfig::default(), None, udp()?, Arc::new(TokioRuntime))?
        };
        let piece = Bytes::from(vec![0x55; PIECE]);
        Ok(Self { runtime, line: Line { endpoint, config, server: told.server, piece, held: Vec::new() } })
    }
}

impl Client for Caller {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        let Self { runtime, line } = self;
        runtime.block_on(async {
            let spent = line.perform(task, meter).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(spent)
        })
    }
}

impl Line {
    async fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        match task {
            Task::Exchange { exchange, times } => {
                let connection = self.connect().await?;
                carry(&connection, Task::WARM_UP, &self.piece).await?;
                let begun = meter.begin();
                for _ in 0..times {
                    carry(&connection, exchange, &self.piece).await?;
                }
                let spent = begun.end();
                connection.close(0u8.into(), b"");
                Ok(spent)
            }
            Task::Connect { count, at_once } => {
                let begun = meter.begin();
                self.connect_all(count, at_once).await?;
                Ok(begun.end())
            }
            Task::Hold { count } => {
                for _ in 0..count {
                    let connection = self.connect().await?;
                    carry(&connection, Task::LEAST, &self.piece).await?;
                    self.held.push(connection);
                }
                Ok(Spent::default())
            }
        }
    }

    async fn connect(&self) -> Outcome<Connection> {
        Ok(self.endpoint.connect_with(self.config.clone(), self.server, HOST)?.await?)
    }

    async fn connect_all(&self, count: usize, at_once: usize) -> Outcome {
        let (mut begun, mut under_way) = (0, JoinSet::new());
        loop {
            while begun < count && under_way.len() < at_once {
                let connecting = self.endpoint.connect_with(self.config.clone(), self.server, HOST)?;
                let piece = self.piece.clone();
                under_way.spawn(async move {
                    let connection = connecting.await?;
                    fetch(&connection, Task::LEAST, &piece).await?;
                    connection.close(0u8.into(), b"");
                    Outcome::Ok(())
                });
                begun += 1;
            }
            match under_way.join_next().await {
                Some(done) => done??,
                None => return Ok(()),
            }
        }
    }
}

async fn carry(connection: &Connection, exchange: Exchange, piece: &Bytes) -> Outcome {
    if exchange.streams == 1 {
        return fetch(connection, exchange, piece).await;
    }
    let mut fetches = JoinSet::new();
    for _ in 0..exchange.streams {
        let (connection, piece) = (connection.clone(), piece.clone());
        fetches.spawn(async move { fetch(&connection, exchange, &piece).await });
    }
    while let Some(done) = fetches.join_next().await {
        done??;
    }
    Ok(())
}

async fn fetch(connection: &Connection, exchange: Exchange, piece: &Bytes) -> Outcome {
    let (mut send, mut receive) = connection.open_bi().await?;
    let mut head = (exchange.response_bytes as u64).to_be_bytes().to_vec();
    let len = exchange.request_bytes.min(1_024);
    head.resize(len, 0x55);
    send.write_chunk(head.into()).await?;
    say(&mut send, exchange.request_bytes - len, piece).await?;
    let mut heard = 0;
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        heard += look_at(&chunk.bytes);
    }
    if heard == exchange.response_bytes { Ok(()) } else { Err(format!("{heard} bytes came").into()) }
}
