//! SOCKS 5 (RFC 1928) with user and password (RFC 1929).

use super::{Trouble, address_of, first};
use sakigake_page::Origin;
use std::net::{IpAddr, SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

/// Whom the proxy is to connect to.
pub(super) enum Target {
    Address(IpAddr),
    Name(Vec<u8>),
}

impl Target {
    /// By the first of the addresses that were found here.
    pub(super) fn of(addresses: &[SocketAddr]) -> Option<Self> {
        first(addresses).map(Self::Address)
    }

    /// By name, for the proxy to resolve; names of origins have 253 bytes at most.
    pub(super) fn name(origin: &Origin) -> Self {
        address_of(&origin.host).map_or_else(|| Self::Name(origin.host.clone().into_bytes()), Self::Address)
    }
}

pub(super) async fn connect(
    stream: &mut TcpStream,
    credentials: Option<&(Vec<u8>, Vec<u8>)>,
    target: &Target,
    port: u16,
) -> Result<(), Trouble> {
    let methods: &[u8] = match credentials {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    stream.write_all(methods).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, credentials) {
        ([VERSION, NO_AUTHENTICATION], _) => {}
        ([VERSION, USER_AND_PASSWORD], Some(credentials)) => authenticate(stream, credentials).await?,
        ([VERSION, 0xff], _) => return Err(Trouble::Refused("it wants a user and a password".into())),
        _ => return Err(Trouble::Nonsense("what it said is not SOCKS 5")),
    }
    let mut ask = vec![VERSION, 1, 0];
    match target {
        Target::Address(IpAddr::V4(address)) => ask.extend([&[1][..], &address.octets()].concat()),
        Target::Address(IpAddr::V6(address)) => ask.extend([&[4][..], &address.octets()].concat()),
        Target::Name(name) => {
            let len =
                u8::try_from(name.len()).map_err(|_| Trouble::Nonsense("the host's name is too long"))?;
            ask.extend([3, len]);
            ask.extend(name);
        }
    }
    ask.extend(port.to_be_bytes());
    stream.write_all(&ask).await?;
    accepted(stream).await
}

async fn authenticate(stream: &mut TcpStream, (user, password): &(Vec<u8>, Vec<u8>)) -> Result<(), Trouble> {
    let mut ask = vec![1];
    for part in [user, password] {
        let len = u8::try_from(part.len()).map_err(|_| Trouble::Nonsense("the credentials are too long"))?;
        ask.push(len);
        ask.extend(part);
    }
    stream.write_all(&ask).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match answer[1] {
        0 => Ok(()),
        _ => Err(Trouble::Refused("it refuses the user or the password".into())),
    }
}

/// The proxy's answer, with the address that it binds, which matters to nobody.
async fn accepted(stream: &mut TcpStream) -> Result<(), Trouble> {
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await?;
    let [VERSION, code, _, kind] = answer else {
        return Err(Trouble::Nonsense("what it said is not SOCKS 5"));
    };
    if code != 0 {
        let words = REPLIES.get(usize::from(code)).copied().unwrap_or("for no known reason");
        return Err(Trouble::Refused(words.into()));
    }
    let len = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(Trouble::Nonsense("its answer has an address of no known kind")),
    };
    let mut rest = vec![0; len + 2];
    stream.read_exact(&mut rest).await?;
    Ok(())
}

/// RFC 1928 section 6.
const REPLIES: [&str; 9] = [
    "succeeded",
    "general SOCKS server failure",
    "connection not allowed by ruleset",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
];
