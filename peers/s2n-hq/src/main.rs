//! An interop endpoint by s2n-quic: `s2n-hq server|client`, told what to do as `hq` says.
//!
//! TLS is s2n-tls's, but where a client has one suite alone: there it is rustls's.

mod tickets;

use ::s2n_tls::security::Policy;
use hq::{ALPN, Contract, Outcome, REQUEST_BYTES, Request, Role};
use rustls::{KeyLogFile, RootCertStore, crypto::aws_lc_rs, version::TLS13};
use s2n_quic::{
    Client, Connection, Server,
    client::Connect,
    connection::Handle,
    provider::{
        endpoint_limits,
        limits::Limits,
        tls::{self, rustls as by_rustls, s2n_tls},
    },
    stream::BidirectionalStream,
};
use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// More certificates than the longest chain of a case has.
const CHAIN: u16 = 12;
/// What a client gives the server's tickets to arrive, before it uses one.
const TICKETS_WITHIN: Duration = Duration::from_millis(500);

/// What is lost again and again is sent again after twice as long each time: 10 s, and 30 s without a word, would be over too soon.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    hq::main(lacks, play)
}

fn lacks(role: Role, case: &str) -> bool {
    // Nothing lets a client update its keys before their limit, which is far away.
    let lacks_as_client = case == "keyupdate" && role == Role::Client;
    lacks_as_client || ["zerortt", "v2", "connectionmigration", "versionnegotiation", "ecn"].contains(&case)
}

fn play(contract: Contract) -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(play_here(contract))
}

async fn play_here(contract: Contract) -> Outcome {
    let contract = Arc::new(contract);
    match contract.role {
        Role::Client if contract.case == "chacha20" => client(rustls_client(&contract)?, &contract).await,
        Role::Client => client(s2n_client(&contract)?, &contract).await,
        Role::Server => server(s2n_server(&contract)?, &contract).await,
    }
}

fn s2n_client(contract: &Contract) -> Outcome<s2n_tls::Client> {
    let builder =
        s2n_tls::Client::builder().with_empty_trust_store()?.with_certificate(contract.root().as_path())?;
    let mut builder = builder.with_application_protocols([ALPN])?.with_max_cert_chain_depth(CHAIN)?;
    if contract.case == "resumption" {
        tickets::keep(builder.config_mut())?;
    }
    if contract.case == "postquantum" {
        builder.config_mut().set_security_policy(&Policy::from_version("default_pq")?)?;
    }
    Ok(builder.with_key_logging()?.build()?)
}

fn s2n_server(contract: &Contract) -> Outcome<s2n_tls::Server> {
    let builder = s2n_tls::Server::builder();
    let mut builder = builder.with_certificate(contract.chain().as_path(), contract.key().as_path())?;
    if contract.case == "resumption" {
        tickets::give(builder.config_mut())?;
    }
    Ok(builder.with_application_protocols([ALPN])?.with_key_logging()?.build()?)
}

#[expect(deprecated, reason = "the builder has no say in suites")]
fn rustls_client(contract: &Contract) -> Outcome<by_rustls::Client> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256];
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(contract.root())? {
        roots.add(certificate?)?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider));
    let mut tls =
        builder.with_protocol_versions(&[&TLS13])?.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(KeyLogFile::new());
    Ok(by_rustls::Client::new(tls))
}

fn limits() -> Outcome<Limits> {
    Ok(Limits::new().with_max_idle_timeout(PATIENCE)?.with_max_handshake_duration(PATIENCE)?)
}

async fn server(tls: impl tls::Provider, contract: &Arc<Contract>) -> Outcome {
    let mut admission = endpoint_limits::Default::builder();
    if contract.case == "retry" {
        admission = admission.with_inflight_handshake_limit(0)?;
    }
    let builder = Server::builder().with_tls(tls)?.with_io(contract.listen())?.with_limits(limits()?)?;
    let mut server = builder.with_endpoint_limits(admission.build()?)?.start()?;
    while let Some(connection) = server.accept().await {
        let contract = contract.clone();
        tokio::spawn(serve(connection, contract));
    }
    Ok(())
}

/// Each stream of a connection, until the client closes.
async fn serve(mut connection: Connection, contract: Arc<Contract>) {
    while let Ok(Some(stream)) = connection.accept_bidirectional_stream().await {
        let contract = contract.clone();
        tokio::spawn(async move {
            if let Err(why) = answer(stream, &contract).await {
                eprintln!("{why}");
            }
        });
    }
}

async fn answer(stream: BidirectionalStream, contract: &Contract) -> Outcome {
    let (mut receive, mut send) = stream.split();
    let mut request = Vec::new();
    while let Some(chunk) = receive.receive().await? {
        request.extend_from_slice(&chunk);
        if request.len() > REQUEST_BYTES {
            return Err("a request without an end".into());
        }
    }
    send.send(contract.answer(&request)?.into()).await?;
    Ok(send.close().await?)
}

async fn client(tls: impl tls::Provider, contract: &Arc<Contract>) -> Outcome {
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let mut client = Client::builder().with_tls(tls)?.with_io(any)?.with_limits(limits()?)?.start()?;
    for requests in contract.connections() {
        let Some(first) = requests.first() else { continue };
        let connect = Connect::new(first.address()?).with_server_name(first.host.as_str());
        let mut connection = client.connect(connect).await?;
        connection.keep_alive(true)?;
        fetch_all(&connection.handle(), requests, contract).await?;
        if contract.case == "resumption" {
            tokio::time::sleep(TICKETS_WITHIN).await;
        }
        connection.close(0u8.into());
    }
    Ok(client.wait_idle().await?)
}

/// All at once, as far as the server allows streams.
async fn fetch_all(handle: &Handle, requests: Vec<Request>, contract: &Arc<Contract>) -> Outcome {
    let mut fetches = JoinSet::new();
    for request in requests {
        let (handle, contract) = (handle.clone(), contract.clone());
        fetches.spawn(async move { fetch(handle, &request, &contract).await });
    }
    while let Some(done) = fetches.join_next().await {
        done??;
    }
    Ok(())
}

async fn fetch(mut handle: Handle, request: &Request, contract: &Contract) -> Outcome {
    let (mut receive, mut send) = handle.open_bidirectional_stream().await?.split();
    send.send(request.line().into()).await?;
    send.finish()?;
    let mut body = Vec::new();
    while let Some(chunk) = receive.receive().await? {
        body.extend_from_slice(&chunk);
    }
    contract.save(request, &body)
}
