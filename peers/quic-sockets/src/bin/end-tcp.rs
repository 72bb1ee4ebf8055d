//! The limit of a stream that is encrypted: TCP with rustls, on tokio. One connection carries one stream.

use ends::{ALPN, Client, Exchange, HOST, Meter, Outcome, PIECE, Spent, Task, Told, look_at, ready};
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{PrivatePkcs8KeyDer, ServerName},
    version::TLS13,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// The bytes of a request's head: its length and its response's.
const HEAD_BYTES: usize = 16;

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

fn serve(told: &Told) -> Outcome {
    let key = PrivatePkcs8KeyDer::from(told.read("key.der")?).into();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![told.read("leaf.der")?.into()], key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.send_tls13_tickets = 0;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    runtime()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        ready(listener.local_addr()?.port())?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(attend(acceptor.clone(), stream));
        }
    })
}

async fn attend(acceptor: TlsAcceptor, stream: TcpStream) -> Outcome {
    stream.set_nodelay(true)?;
    let mut stream: TlsStream<TcpStream> = acceptor.accept(stream).await?.into();
    let mut place = vec![0; PIECE];
    let piece = vec![0x55; PIECE];
    let mut head = [0; HEAD_BYTES];
    while stream.read_exact(&mut head).await.is_ok() {
        let head = u128::from_be_bytes(head);
        hear(&mut stream, (head >> 64) as usize, &mut place).await?;
        say(&mut stream, head as u64 as usize, &piece).await?;
    }
    Ok(())
}

async fn hear(stream: &mut TlsStream<TcpStream>, mut left: usize, place: &mut [u8]) -> Outcome {
    while left > 0 {
        let len = left.min(place.len());
        match stream.read(&mut place[..len]).await? {
            0 => return Err("it ended early".into()),
            len => left -= look_at(&place[..len]),
        }
    }
    Ok(())
}

async fn say(stream: &mut TlsStream<TcpStream>, mut left: usize, piece: &[u8]) -> Outcome {
    while left > 0 {
        let len = left.min(piece.len());
        stream.write_all(&piece[..len]).await?;
        left -= len;
    }
    Ok(stream.flush().await?)
}

struct Caller {
    runtime: Runtime,
    line: Line,
    held: Vec<TlsStream<TcpStream>>,
}

#[derive(Clone)]
struct Line {
    connector: TlsConnector,
    server: SocketAddr,
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
        let line = Line { connector: Arc::new(tls).into(), server: told.server };
        Ok(Self { runtime: runtime()?, line, held: Vec::new() })
    }
}

impl Client for Caller {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent> {
        let Self { runtime, line, held } = self;
        runtime.block_on(async {
            match task {
                Task::Exchange { exchange, times } => {
                    let mut stream = line.connect().await?;
                    carry(&mut stream, Task::WARM_UP).await?;
                    let begun = meter.begin();
                    for _ in 0..times {
                        carry(&mut stream, exchange).await?;
                    }
                    Ok(begun.end())
                }
                Task::Connect { count, at_once } => {
                    let begun = meter.begin();
                    line.connect_all(count, at_once).await?;
                    Ok(begun.end())
                }
                Task::Hold { count } => {
                    for _ in 0..count {
                        let mut stream = line.connect().await?;
                        carry(&mut stream, Task::LEAST).await?;
                        held.push(stream);
                    }
                    Ok(Spent::default())
                }
            }
        })
    }
}

impl Line {
    async fn connect(&self) -> Outcome<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        Ok(self.connector.connect(ServerName::try_from(HOST)?, stream).await?.into())
    }

    async fn connect_all(&self, count: usize, at_once: usize) -> Outcome {
        let (mut begun, mut under_way) = (0, JoinSet::new());
        loop {
            while begun < count && under_way.len() < at_once {
                let line = self.clone();
                under_way.spawn(async move {
                    let mut stream = line.connect().await?;
                    carry(&mut stream, Task::LEAST).await?;
                    Outcome::Ok(stream.shutdown().await?)
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

async fn carry(stream: &mut TlsStream<TcpStream>, exchange: Exchange) -> Outcome {
    let Exchange { request_bytes, response_bytes, .. } = exchange;
    let head = (request_bytes as u128) << 64 | response_bytes as u128;
    stream.write_all(&head.to_be_bytes()).await?;
    say(stream, request_bytes, &vec![0x55; PIECE.min(request_bytes)]).await?;
    hear(stream, response_bytes, &mut vec![0; PIECE.min(response_bytes)]).await
}
