//! `peer-h3 ADDR CERT KEY DIR`: the files of a folder from memory, over HTTP/3 by h3 and quinn, on one thread.

use bytes::Bytes;
use h3::server::RequestResolver;
use http::{Response, StatusCode};
use quinn::{
    Endpoint, EndpointConfig, Incoming, MtuDiscoveryConfig, ServerConfig, TokioRuntime, TransportConfig,
    congestion::CubicConfig, crypto::rustls::QuicServerConfig,
};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::TLS13,
};
use socket2::{Domain, Socket, Type};
use std::{collections::HashMap, env, error::Error, fs, net::SocketAddr, sync::Arc, time::Duration};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
type Files = Arc<HashMap<String, Bytes>>;

/// Longer than a measurement, so that nobody who is idle is let go within it.
const IDLE: Duration = Duration::from_secs(600);

/// What a client may have under way, a datagram at most, and what the system may hold of datagrams.
const STREAMS: u32 = 128;
const DATAGRAM_BYTES: u16 = 1_452;
const SOCKET_BYTES: usize = 4 << 20;

fn main() -> Outcome {
    let [address, cert, key, dir] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "four arguments are wanted: ADDR CERT KEY DIR")?;
    let (config, files) = (config(&cert, &key)?, Arc::new(read(&dir)?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(address.parse()?, config, files))
}

fn config(cert: &str, key: &str) -> Outcome<ServerConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<Vec<_>, _>>()?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let mut search = MtuDiscoveryConfig::default();
    search.upper_bound(DATAGRAM_BYTES);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IDLE.try_into()?))
        .max_concurrent_bidi_streams(STREAMS.into())
        .congestion_controller_factory(Arc::new(CubicConfig::default()))
        .mtu_discovery_config(Some(search));
    config.transport_config(transport.into());
    Ok(config)
}

fn read(dir: &str) -> Outcome<HashMap<String, Bytes>> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files.insert(format!("/{}", entry.file_name().to_string_lossy()), fs::read(entry.path())?.into());
    }
    Ok(files)
}

async fn serve(address: SocketAddr, config: ServerConfig, files: Files) -> Outcome {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_recv_buffer_size(SOCKET_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BYTES)?;
    socket.bind(&address.into())?;
    let runtime = Arc::new(TokioRuntime);
    let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket.into(), runtime)?;
    while let Some(incoming) = endpoint.accept().await {
        // How a load generator ends its connections matters to nobody.
        tokio::spawn(attend(incoming, files.clone()));
    }
    Ok(())
}

async fn attend(incoming: Incoming, files: Files) -> Outcome {
    let connection = h3_quinn::Connection::new(incoming.await?);
    let mut connection = h3::server::Connection::new(connection).await?;
    while let Some(resolver) = connection.accept().await? {
        tokio::spawn(answer(resolver, files.clone()));
    }
    Ok(())
}

async fn answer(resolver: RequestResolver<h3_quinn::Connection, Bytes>, files: Files) -> Outcome {
    let (request, mut stream) = resolver.resolve_request().await?;
    let Some(bytes) = files.get(request.uri().path()) else {
        stream.send_response(Response::builder().status(StatusCode::NOT_FOUND).body(())?).await?;
        return Ok(stream.finish().await?);
    };
    let response = Response::builder()
        .header("content-type", "application/octet-stream")
        .header("content-length", bytes.len())
        .body(())?;
    stream.send_response(response).await?;
    stream.send_data(bytes.clone()).await?;
    Ok(stream.finish().await?)
}
