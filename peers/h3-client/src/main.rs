//! A client by h3 and quinn: `h3-client CA HOST PORT FOLDER` loads HOST's document from a server on loopback, then all files of FOLDER at
//! once, and holds them against FOLDER.
//!
//! It prints how many files came, and the statuses that came for the document.

use bytes::{Buf, Bytes};
use h3::client::SendRequest;
use h3_quinn::OpenStreams;
use http::Request;
use quinn::{ClientConfig, Endpoint, crypto::rustls::QuicClientConfig};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    version::TLS13,
};
use std::{
    env,
    error::Error,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::JoinSet;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;
type Client = SendRequest<OpenStreams, Bytes>;

fn main() -> Outcome {
    let [ca, host, port, folder] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "four arguments are wanted: CA HOST PORT FOLDER")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load(&ca, &host, port.parse()?, Path::new(&folder)))
}

async fn load(ca: &str, host: &str, port: u16, folder: &Path) -> Outcome {
    let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())?;
    endpoint.set_default_client_config(config(ca)?);
    let connection = endpoint.connect((Ipv4Addr::LOCALHOST, port).into(), host)?.await?;
    let (mut driver, client) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    let driving =
        tokio::spawn(async move { std::future::poll_fn(|context| driver.poll_close(context)).await });
    let authority = format!("{host}:{port}");
    let (statuses, document) = get(client.clone(), &authority, "/").await?;
    hold(&document, &folder.join("index.html"))?;
    let count = load_all(&client, &authority, folder).await?;
    // With its last sender the connection ends.
    drop(client);
    let end = driving.await?;
    if !end.is_h3_no_error() {
        return Err(end.into());
    }
    endpoint.wait_idle().await;
    println!("{count} files, {statuses:?}");
    Ok(())
}

async fn load_all(client: &Client, authority: &str, folder: &Path) -> Outcome<usize> {
    let (mut files, mut loads) = (Vec::new(), JoinSet::new());
    find(folder, &mut files)?;
    for file in &files {
        let path = format!("/{}", file.strip_prefix(folder)?.to_string_lossy());
        let (client, authority, file) = (client.clone(), authority.to_owned(), file.clone());
        loads.spawn(async move { hold(&get(client, &authority, &path).await?.1, &file) });
    }
    while let Some(done) = loads.join_next().await {
        done??;
    }
    Ok(files.len())
}

/// All statuses of a request for a page, and the body.
async fn get(mut client: Client, authority: &str, path: &str) -> Outcome<(Vec<u16>, Vec<u8>)> {
    let request =
        Request::get(format!("https://{authority}{path}")).header("sec-fetch-mode", "navigate").body(())?;
    let mut stream = client.send_request(request).await?;
    stream.finish().await?;
    let mut statuses = Vec::new();
    let is_ok = loop {
        let status = stream.recv_response().await?.status();
        statuses.push(status.as_u16());
        if !status.is_informational() {
            break status.is_success();
        }
    };
    if !is_ok {
        return Err(format!("{path}: {statuses:?}").into());
    }
    let mut body = Vec::new();
    while let Some(mut data) = stream.recv_data().await? {
        while data.has_remaining() {
            let part = data.chunk();
            body.extend_from_slice(part);
            let len = part.len();
            data.advance(len);
        }
    }
    Ok((statuses, body))
}

/// What came is what the file has.
fn hold(came: &[u8], file: &Path) -> Outcome {
    if came == fs::read(file)? {
        return Ok(());
    }
    Err(format!("{}: {} other bytes came", file.display(), came.len()).into())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { find(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn config(ca: &str) -> Outcome<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let mut tls =
        builder.with_protocol_versions(&[&TLS13])?.with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    Ok(ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?)))
}
