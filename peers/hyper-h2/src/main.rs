//! `peer-hyper-h2 ADDR CERT KEY DIR`: the files of a folder from memory, over HTTP/2 with TLS 1.3, on one thread.

use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http2, service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{collections::HashMap, convert::Infallible, error::Error, fs, sync::Arc};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Files = Arc<HashMap<String, Bytes>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, cert, key, dir] = arguments.as_slice() else {
        return Err("usage: peer-hyper-h2 ADDR CERT KEY DIR".into());
    };
    let (config, files) = (tls(cert, key)?, Arc::new(read(dir)?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(address, TlsAcceptor::from(Arc::new(config)), files))
}

fn tls(cert: &str, key: &str) -> Result<rustls::ServerConfig, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<Result<Vec<_>, _>>()?;
    let builder = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
    let mut config =
        builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Whichever of its suites the client names first.
    config.ignore_client_order = false;
    Ok(config)
}

fn read(dir: &str) -> Result<HashMap<String, Bytes>, Box<dyn Error>> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files.insert(format!("/{}", entry.file_name().to_string_lossy()), fs::read(entry.path())?.into());
    }
    Ok(files)
}

async fn serve(address: &str, acceptor: TlsAcceptor, files: Files) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, files) = (acceptor.clone(), files.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service =
                service_fn(move |request| std::future::ready(Ok::<_, Infallible>(answer(&files, &request))));
            // How a load generator ends its connections matters to nobody.
            let _ = http2::Builder::new(TokioExecutor::new())
                .max_send_buf_size(256 * 1024)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

fn answer(files: &Files, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let Some(bytes) = files.get(request.uri().path()) else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let response = Response::builder().header("content-type", "application/octet-stream");
    response.body(Full::new(bytes.clone())).expect("the parts are well formed")
}
