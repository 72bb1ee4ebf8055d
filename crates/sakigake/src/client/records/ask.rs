//! Puts a question to name servers: by UDP, and by TCP where the answer does not fit.

use super::message::{self, Answer, DATAGRAM_BYTES, Heard};
use core::time::Duration;
use sakigake_net::SystemEntropy;
use sakigake_wire::Entropy as _;
use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time,
};

/// A server that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server(pub(super) SocketAddr);

/// How long one server is waited for, and how many are asked.
const PATIENCE: Duration = Duration::from_secs(1);
const SERVERS: usize = 3;
/// Datagrams that are looked at before an answer is given up: whoever floods us with others does not keep us longer.
const DATAGRAMS: usize = 16;

/// The system's own servers; none where they cannot be read.
pub(super) fn of_the_system() -> Vec<Server> {
    servers(&fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
}

/// The servers that a `resolv.conf` names.
pub(super) fn servers(text: &str) -> Vec<Server> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and(words.next())?;
        // An address with a zone (fe80::1%eth0) is passed over.
        Some(Server(SocketAddr::new(address.parse::<IpAddr>().ok()?, 53)))
    };
    text.lines().filter_map(server).take(SERVERS).collect()
}

/// What the first server says that can say anything.
pub(super) async fn ask(servers: &[Server], name: &str) -> Option<Answer> {
    let mut id = [0; 2];
    SystemEntropy.fill(&mut id);
    let question = message::question(u16::from_be_bytes(id), name)?;
    for server in servers.iter().take(SERVERS) {
        // Whatever goes wrong with one is the next one's turn.
        if let Ok(Ok(Heard::Answer(answer))) = time::timeout(PATIENCE, ask_one(server.0, &question)).await {
            return Some(answer);
        }
    }
    None
}

async fn ask_one(server: SocketAddr, question: &[u8]) -> io::Result<Heard> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?; // Others cannot answer in its place.
    socket.send(question).await?;
    let mut buffer = [0; DATAGRAM_BYTES as usize];
    for _ in 0..DATAGRAMS {
        let len = socket.recv(&mut buffer).await?;
        match message::answer(question, &buffer[..len]) {
            Some(Heard::Truncated) => return by_tcp(server, question).await,
            Some(heard) => return Ok(heard),
            None => {}
        }
    }
    Ok(Heard::Failed)
}

/// The same with a length before each message (RFC 1035 section 4.2.2).
async fn by_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Heard> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&len.to_be_bytes()[..], question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(message::answer(question, &answer).unwrap_or(Heard::Failed))
}
