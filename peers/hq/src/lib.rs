//! What the interop endpoints share: the contract with their runner, and HTTP/0.9's one request.
//!
//! The runner tells an endpoint what to do in its environment: `ROLE` (server or client; a first argument does too), `TESTCASE`,
//! `REQUESTS` (the client's URLs, between spaces), `WWW` (the server's files), `DOWNLOADS` (where the client's go), `CERTS` (with
//! `cert.pem`, `priv.key` and `ca.pem`), `PORT` (the server's) and `SSLKEYLOGFILE`. A client ends when it has all files; a server
//! serves until it is ended. Either ends with 127 when it lacks the case.

use std::{
    env,
    error::Error,
    fs,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    process::ExitCode,
};

/// What is spoken: a bidirectional stream a request, `GET /path` one way and the file's bytes the other.
pub const ALPN: &[u8] = b"hq-interop";
/// No request is longer.
pub const REQUEST_BYTES: usize = 4096;
/// The exit status for a case that the endpoint lacks.
const LACKED: u8 = 127;

/// What came of something that can fail; an endpoint says why and ends.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Which side of a connection an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Server,
}

/// What an endpoint was told.
#[derive(Clone, Debug)]
pub struct Contract {
    pub role: Role,
    /// The case's name, such as `transfer`.
    pub case: String,
    pub requests: Vec<Request>,
    www: PathBuf,
    downloads: PathBuf,
    certs: PathBuf,
    port: u16,
}

/// One file to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub host: String,
    pub port: u16,
    /// Without the slash before it.
    pub path: String,
}

/// An endpoint's `main`: `lacks` says which cases it declines, `play` does what the contract says.
pub fn main(lacks: fn(Role, &str) -> bool, play: fn(Contract) -> Outcome) -> ExitCode {
    let outcome = Contract::read().and_then(|contract| {
        if lacks(contract.role, &contract.case) {
            return Ok(ExitCode::from(LACKED));
        }
        play(contract).map(|()| ExitCode::SUCCESS)
    });
    outcome.unwrap_or_else(|why| {
        eprint!("{why}");
        let mut cause = why.source();
        while let Some(this) = cause {
            eprint!(": {this}");
            cause = this.source();
        }
        eprintln!();
        ExitCode::FAILURE
    })
}

impl Contract {
    fn read() -> Outcome<Self> {
        let text = |name: &str| env::var(name).unwrap_or_default();
        let role = match env::args().nth(1).unwrap_or_else(|| text("ROLE")).as_str() {
            "client" => Role::Client,
            "server" => Role::Server,
            other => return Err(format!("ROLE is {other:?}: client or server is wanted").into()),
        };
        let requests = text("REQUESTS").split_whitespace().map(Request::read).collect::<Outcome<Vec<_>>>()?;
        if role == Role::Client && requests.is_empty() {
            return Err("REQUESTS is empty".into());
        }
        let port = text("PORT");
        Ok(Self {
            role,
            case: text("TESTCASE"),
            requests,
            www: text("WWW").into(),
            downloads: text("DOWNLOADS").into(),
            certs: text("CERTS").into(),
            port: if port.is_empty() { 443 } else { port.parse()? },
        })
    }

    /// The requests of each connection, one connection after the other.
    pub fn connections(&self) -> Vec<Vec<Request>> {
        let (first, rest) = self.requests.split_at(1.min(self.requests.len()));
        match self.case.as_str() {
            "multiconnect" => self.requests.iter().map(|request| vec![request.clone()]).collect(),
            "resumption" | "zerortt" => vec![first.to_vec(), rest.to_vec()],
            _ => vec![self.requests.clone()],
        }
    }

    /// Where the server listens.
    pub fn listen(&self) -> SocketAddr {
        ([0, 0, 0, 0], self.port).into()
    }

    /// The server's chain, its leaf first.
    pub fn chain(&self) -> PathBuf {
        self.certs.join("cert.pem")
    }

    /// The leaf's private key.
    pub fn key(&self) -> PathBuf {
        self.certs.join("priv.key")
    }

    /// Whom the client trusts.
    pub fn root(&self) -> PathBuf {
        self.certs.join("ca.pem")
    }

    /// What a server answers to the bytes of a request.
    pub fn answer(&self, request: &[u8]) -> Outcome<Vec<u8>> {
        let line = str::from_utf8(request)?.trim_end();
        let path = line.strip_prefix("GET /").ok_or_else(|| format!("not a request: {line:?}"))?;
        if path.split('/').any(|part| part == "..") {
            return Err(format!("leaves the folder: {path:?}").into());
        }
        Ok(fs::read(self.www.join(path)).map_err(|why| format!("{path}: {why}"))?)
    }

    /// Keeps a file that came.
    pub fn save(&self, request: &Request, body: &[u8]) -> Outcome {
        Ok(fs::write(self.downloads.join(&request.path), body)?)
    }
}

impl Request {
    fn read(url: &str) -> Outcome<Self> {
        let rest = url.strip_prefix("https://").ok_or_else(|| format!("not a URL: {url}"))?;
        let (authority, path) = rest.split_once('/').ok_or_else(|| format!("without a path: {url}"))?;
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        Ok(Self { host: host.to_owned(), port: port.parse()?, path: path.to_owned() })
    }

    /// As it is sent.
    pub fn line(&self) -> String {
        format!("GET /{}\r\n", self.path)
    }

    /// Where it is sent to.
    pub fn address(&self) -> Outcome<SocketAddr> {
        let mut addresses = (self.host.as_str(), self.port).to_socket_addrs()?;
        Ok(addresses.next().ok_or_else(|| format!("{} has no address", self.host))?)
    }
}
