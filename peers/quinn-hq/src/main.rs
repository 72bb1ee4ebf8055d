//! An interop endpoint by quinn and rustls: `quinn-hq server|client`, told what to do as `hq` says.

use hq::{ALPN, Contract, Outcome, REQUEST_BYTES, Request, Role};
use quinn::{
    ClientConfig, Connection, Endpoint, Incoming, RecvStream, SendStream, ServerConfig, TransportConfig,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    KeyLogFile, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::TLS13,
};
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// What a client gives the server's tickets to arrive, before it uses one.
const TICKETS_WITHIN: Duration = Duration::from_millis(500);

/// What is lost again and again is sent again after twice as long each time: 30 s would be over too soon.
const IDLE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    hq::main(lacks, play)
}

fn lacks(_role: Role, case: &str) -> bool {
    // Version 2 is not among its versions, and nothing lets its client move.
    ["v2", "connectionmigration", "versionnegotiation", "ecn"].contains(&case)
}

fn play(contract: Contract) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let contract = Arc::new(contract);
    match contract.role {
        Role::Client => runtime.block_on(client(&contract)),
        Role::Server => runtime.block_on(server(&contract)),
    }
}

fn provider(contract: &Contract) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if contract.case == "chacha20" && contract.role == Role::Client {
        // The first packets are sealed with AES-128 whatever is agreed on: quinn is given that suite apart.
        provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    }
    if contract.case == "postquantum" {
        provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768];
    }
    Arc::new(provider)
}

async fn server(contract: &Arc<Contract>) -> Outcome {
    let chain = CertificateDer::pem_file_iter(contract.chain())?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(contract.key())?;
    let builder = rustls::ServerConfig::builder_with_provider(provider(contract));
    let mut tls =
        builder.with_protocol_versions(&[&TLS13])?.with_no_client_auth().with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = u32::MAX;
    tls.key_log = Arc::new(KeyLogFile::new());
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport()?);
    let endpoint = Endpoint::server(config, contract.listen())?;
    while let Some(incoming) = endpoint.accept().await {
        if contract.case == "retry" && !incoming.remote_address_validated() {
            incoming.retry()?;
            continue;
        }
        let contract = contract.clone();
        tokio::spawn(async move { report(serve(incoming, contract).await) });
    }
    Ok(())
}

/// Each stream of a connection, those with 0-RTT too, until the client closes.
async fn serve(incoming: Incoming, contract: Arc<Contract>) -> Outcome {
    let connection = match incoming.accept()?.into_0rtt() {
        Ok((connection, _)) => connection,
        Err(connecting) => connecting.await?,
    };
    while let Ok((send, receive)) = connection.accept_bi().await {
        let contract = contract.clone();
        tokio::spawn(async move { report(answer(send, receive, contract).await) });
    }
    Ok(())
}

async fn answer(mut send: SendStream, mut receive: RecvStream, contract: Arc<Contract>) -> Outcome {
    let request = receive.read_to_end(REQUEST_BYTES).await?;
    send.write_all(&contract.answer(&request)?).await?;
    Ok(send.finish()?)
}

fn report(outcome: Outcome) {
    if let Err(why) = outcome {
        eprintln!("{why}");
    }
}

async fn client(contract: &Arc<Contract>) -> Outcome {
    let config = client_config(contract)?;
    let endpoint = Endpoint::client(([0, 0, 0, 0], 0).into())?;
    for (turn, requests) in contract.connections().into_iter().enumerate() {
        let Some(first) = requests.first() else { continue };
        let connecting = endpoint.connect_with(config.clone(), first.address()?, &first.host)?;
        let connection = if contract.case == "zerortt" && turn > 0 {
            let (connection, _) = connecting.into_0rtt().map_err(|_| "there is no ticket for 0-RTT")?;
            connection
        } else {
            connecting.await?
        };
        fetch_all(&connection, requests, contract).await?;
        if ["resumption", "zerortt"].contains(&contract.case.as_str()) {
            tokio::time::sleep(TICKETS_WITHIN).await;
        }
        connection.close(0u8.into(), b"");
    }
    endpoint.wait_idle().await;
    Ok(())
}

fn client_config(contract: &Contract) -> Outcome<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(contract.root())? {
        roots.add(certificate?)?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(provider(contract));
    let mut tls =
        builder.with_protocol_versions(&[&TLS13])?.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_early_data = contract.case == "zerortt";
    tls.key_log = Arc::new(KeyLogFile::new());
    let initial = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256
        .tls13()
        .and_then(|suite| suite.quic_suite())
        .ok_or("AES-128 is missing")?;
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::with_initial(Arc::new(tls), initial)?));
    config.transport_config(transport()?);
    Ok(config)
}

fn transport() -> Outcome<Arc<TransportConfig>> {
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(IDLE.try_into()?));
    Ok(Arc::new(transport))
}

/// All at once, as far as the server allows streams.
async fn fetch_all(connection: &Connection, requests: Vec<Request>, contract: &Arc<Contract>) -> Outcome {
    let mut fetches = JoinSet::new();
    for request in requests {
        let (connection, contract) = (connection.clone(), contract.clone());
        fetches.spawn(async move { fetch(&connection, &request, &contract).await });
    }
    while let Some(done) = fetches.join_next().await {
        done??;
    }
    Ok(())
}

async fn fetch(connection: &Connection, request: &Request, contract: &Contract) -> Outcome {
    let (mut send, mut receive) = connection.open_bi().await?;
    send.write_all(request.line().as_bytes()).await?;
    send.finish()?;
    let mut body = Vec::new();
    while let Some(chunk) = receive.read_chunk(usize::MAX, true).await? {
        if body.is_empty() && contract.case == "keyupdate" {
            connection.force_key_update();
        }
        body.extend_from_slice(&chunk.bytes);
    }
    contract.save(request, &body)
}
