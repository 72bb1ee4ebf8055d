//! What the ends of a benchmark over sockets share: two processes of each stack, a server and a client, which do what a conductor
//! says.
//!
//! ```text
//!   END server CORE FOLDER                  says its port, then serves until its input ends
//!   END client CORE FOLDER PORT SERVER_PID  takes a task a line, and says a line of what each took
//! ```
//! In `FOLDER` are the credentials ([`Told::read`]). On every stream the first 8 bytes of the request are the length of the
//! response, as a big-endian integer.

mod task;

pub use task::{Exchange, Meter, Spent, Task};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    env,
    error::Error,
    fs,
    io::{self, BufRead, Read, Write},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    process::{self, ExitCode},
    thread,
};

/// The name that the certificate is for.
pub const HOST: &str = "localhost";
pub const ALPN: &[u8] = b"hq-interop";
/// The largest datagram.
pub const DATAGRAM_BYTES: u16 = 1_452;
/// What a stream may have under way.
pub const STREAM_WINDOW: u32 = 8 << 20;
/// What a connection may have under way.
pub const CONNECTION_WINDOW: u32 = 16 << 20;
/// Streams at a time.
pub const STREAMS: u32 = 256;
/// Silence ends a connection after so many milliseconds.
pub const IDLE_MS: u32 = 120_000;
/// What a writer hands over at a time.
pub const PIECE: usize = 64 << 10;
/// The least request: it says how long its response is to be.
pub const HEAD: usize = 8;
/// What a socket is to hold, in bytes.
const SOCKET_BYTES: usize = 4 << 20;

/// What came of something that can fail; an end says why and ends.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// What an end was told.
pub struct Told {
    pub server: SocketAddr,
    folder: PathBuf,
}

/// An end as a client: does one task after another.
pub trait Client {
    fn perform(&mut self, task: Task, meter: &Meter) -> Outcome<Spent>;
}

/// An end's `main`: `serve` runs until the process ends, after it has called [`ready`].
pub fn main<C: Client>(serve: fn(&Told) -> Outcome, client: impl FnOnce(&Told) -> Outcome<C>) -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["server", core, folder] => pin(core).and_then(|()| {
            end_with_input();
            serve(&Told { server: (Ipv4Addr::LOCALHOST, 0).into(), folder: folder.into() })
        }),
        ["client", core, folder, port, server] => pin(core).and_then(|()| {
            let told = Told { server: (Ipv4Addr::LOCALHOST, port.parse()?).into(), folder: folder.into() };
            perform_all(&mut client(&told)?, &Meter::new(server.parse()?))
        }),
        _ => Err("Usage: END server CORE FOLDER | END client CORE FOLDER PORT SERVER_PID".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Says where a server is to be found.
pub fn ready(port: u16) -> Outcome {
    println!("{port}");
    Ok(io::stdout().flush()?)
}

/// A UDP socket on loopback, as all stacks have it.
pub fn udp() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(SOCKET_BYTES)?;
    socket.set_send_buffer_size(SOCKET_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))?;
    Ok(socket.into())
}

/// What a reader does at the least.
pub fn look_at(data: &[u8]) -> usize {
    std::hint::black_box(data).len()
}

impl Told {
    /// A file of the credentials: `leaf`, `key` (PKCS #8) or `authority`, with the ending `der` or `pem`.
    pub fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        let path = self.path(name);
        Ok(fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn perform_all(client: &mut impl Client, meter: &Meter) -> Outcome {
    for line in io::stdin().lock().lines() {
        let spent = client.perform(line?.parse()?, meter)?;
        println!("{spent}");
        io::stdout().flush()?;
    }
    Ok(())
}

fn pin(core: &str) -> Outcome {
    let mut set = CpuSet::new();
    set.set(core.parse()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// A server whose conductor is gone has nobody to serve.
fn end_with_input() {
    thread::spawn(|| {
        // An input that fails is over too.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        process::exit(0)
    });
}
