//! `idle-h3 ADDR N`: opens N connections, at most 128 a second, has one request answered on each, waits three seconds for what
//! follows, prints `ready`, then holds them until its standard input ends.

use bytes::Bytes;
use h3::client::SendRequest;
use h3_quinn::OpenStreams;
use quinn::{ClientConfig, Endpoint, TransportConfig, crypto::rustls::QuicClientConfig};
use rustls::{
    DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::TLS13,
};
use std::{
    env,
    error::Error,
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const IDLE: Duration = Duration::from_secs(600);

/// How many handshakes are under way at a time.
const AT_ONCE: usize = 32;

/// Between so many and the next: what a connection needs no more when it is idle then serves the next ones, while all of them
/// opened at once would have the allocator keep it.
const BETWEEN: Duration = Duration::from_millis(250);

/// What the last connections' words may take, both ways: tickets, ids, acknowledgements that wait, and what falls idle.
const SETTLED: Duration = Duration::from_secs(3);

fn main() -> Outcome {
    let [address, count] =
        env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: idle-h3 ADDR N")?;
    let (address, count): (SocketAddr, usize) = (address.parse()?, count.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let held = runtime.block_on(async {
        let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())?;
        endpoint.set_default_client_config(config()?);
        let mut held = Vec::with_capacity(count);
        while held.len() < count {
            let opening: Vec<_> = (0..AT_ONCE.min(count - held.len()))
                .map(|_| tokio::spawn(open(endpoint.clone(), address)))
                .collect();
            for opened in opening {
                held.push(opened.await??);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        tokio::time::sleep(SETTLED).await;
        Ok::<_, Box<dyn Error + Send + Sync>>((endpoint, held))
    })?;
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    let (endpoint, held) = held;
    endpoint.close(0u8.into(), b"");
    runtime.block_on(endpoint.wait_idle());
    drop(held);
    Ok(())
}

/// The connection lasts as long as who may ask on it. It has asked once: whoever answers has said all that belongs to a
/// connection's beginning.
async fn open(endpoint: Endpoint, address: SocketAddr) -> Outcome<SendRequest<OpenStreams, Bytes>> {
    let connection = endpoint.connect(address, "localhost")?.await?;
    let (mut driver, mut client) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    tokio::spawn(async move { std::future::poll_fn(|context| driver.poll_close(context)).await });
    let request = http::Request::get(format!("https://localhost:{}/1k", address.port())).body(())?;
    let mut stream = client.send_request(request).await?;
    stream.finish().await?;
    let status = stream.recv_response().await?.status();
    if !status.is_success() {
        return Err(format!("the answer to the one request was {status}").into());
    }
    while stream.recv_data().await?.is_some() {}
    Ok(client)
}

fn config() -> Outcome<ClientConfig> {
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(IDLE.try_into()?));
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(transport.into());
    Ok(config)
}

/// Takes any certificate: what is measured is the server's memory.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
