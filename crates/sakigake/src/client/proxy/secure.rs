//! Proxies by https: TLS to the proxy, CONNECT inside it, and TLS to the origin within the tunnel.

use super::{Proxy, Shared, Trouble, connect};
use crate::client::{
    connection::Protocol,
    failure::{Cause, Failed},
};
use sakigake_net::{Application, Ended, PlainStream, SystemEntropy, drive};
use sakigake_page::Origin;
use sakigake_session::{Carrier, ClientConfig, Event, Session};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::net::{TcpListener, TcpStream};

/// Opens a tunnel to `origin` over `stream`, which leads to the proxy. The proxy's certificate is held to what servers' are.
/// What drives a connection wants a socket of the system's: it gets one end of a pair on loopback, and a task carries bytes
/// between the other end and the proxy.
pub(super) async fn tunnel(
    shared: &Shared,
    stream: TcpStream,
    proxy: &Proxy,
    origin: &Origin,
) -> Result<TcpStream, Trouble> {
    let mut secure = handshake(shared, stream, proxy).await?;
    connect(&mut secure, proxy, origin).await?;
    let (near, mut far) = pair().await?;
    tokio::task::spawn_local(async move {
        // Whichever side breaks, the near end hears of it: its other end is gone.
        let _ = tokio::io::copy_bidirectional(&mut secure, &mut far).await;
    });
    Ok(near)
}

async fn handshake(shared: &Shared, stream: TcpStream, proxy: &Proxy) -> Result<PlainStream, Trouble> {
    let misused = |misuse: tls::Misuse| Trouble::Tls(Failed::new(Cause::SslConnectError, misuse));
    let mut options = shared.tls.clone();
    options.alpn = vec![Protocol::Http1.alpn().to_vec()];
    options.key_log = false; // Whoever looks wants the origin's connection.
    let config = ClientConfig { tls: options.build().map_err(misused)?, h2: None, h3: None, trace: false };
    let host = proxy.host.trim_start_matches('[').trim_end_matches(']');
    let session = Session::client(Arc::new(config), host, shared.clock.now(), Box::new(SystemEntropy));
    match drive(stream, session.map_err(misused)?, &mut Silent, shared.clock).await {
        Ok(Ended::Plain(stream)) => Ok(*stream),
        Ok(Ended::Closed) => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection").into())
        }
        Err(failure) => {
            Err(Trouble::Tls(Failed::of_connection(&format!("the proxy {proxy}"), &failure, false)))
        }
    }
}

/// Has nothing to say until the handshake is over.
struct Silent;

impl Application for Silent {
    fn heard(&mut self, _: Instant, _: Event<'_>) {}

    fn act(&mut self, _: Instant, _: &mut dyn Carrier) {}
}

/// Two sockets that lead to each other.
async fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let near = TcpStream::connect(listener.local_addr()?).await?;
    let own = near.local_addr()?;
    loop {
        // Another program of this machine may have been quicker: it is sent away.
        let (far, from) = listener.accept().await?;
        if from == own {
            far.set_nodelay(true)?;
            return Ok((near, far));
        }
    }
}
