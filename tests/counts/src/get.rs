//! What a GET costs a server from the opened socket's bytes to those of the answer: TLS opened, HTTP/2, HPACK, the host, the
//! file, HPACK, HTTP/2, TLS sealed. The handshake and the client are not counted.

use crate::{
    WARM,
    messages::{LOAD, Line, REQUEST},
    when,
    world::{HOST, NOW, System, World},
};
use sakigake::{
    Swap,
    access_log::AccessLog,
    files::{CacheLimits, Files, Options},
    hosts::{Hosts, Target},
    server::{Bare, Site},
};
use sakigake_semantics::{Event as Http, Request, StreamId};
use sakigake_session::{ClientConfig, Event, ServerConfig, Session};
use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::runtime::Runtime;

/// A file that has been left alone for so long is kept in memory.
const SETTLED: Duration = Duration::from_millis(1_100);

/// Room for four records, as the server's own buffer has.
const OUT_BYTES: usize = 4 * (5 + 16_384 + 1 + 16);

/// A browser asks for a file of so many bytes, then asks again.
pub(crate) fn one_by_one(times: usize, bytes: usize) {
    gets(times, bytes, &REQUEST, 1);
}

/// A load generator asks so often at a time.
pub(crate) fn at_once(times: usize, bytes: usize, requests: usize) {
    gets(times, bytes, &LOAD, requests);
}

fn gets(times: usize, bytes: usize, lines: &[Line], requests: usize) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let folder = Folder::with(bytes);
    let mut pair = Pair::new(&folder);
    let request = request(lines);
    for at in 0..times + WARM {
        pair.get(&request, requests, bytes, at >= WARM);
    }
}

/// For a server's timers.
pub(crate) fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime without sockets")
}

pub(crate) fn request(lines: &[Line]) -> Request {
    let fields = lines.iter().filter(|(name, _)| !name.starts_with(':'));
    fields.fold(Request::get(HOST, "/file.js"), |request, (name, value)| request.with(name, value))
}

/// A folder with one file, as old as the epoch; its end is the folder's.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn with(bytes: usize) -> Self {
        let folder = std::env::temp_dir().join(format!("sakigake-counts-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for a file");
        let file = fs::File::create(folder.join("file.js")).expect("a file");
        std::io::Write::write_all(&mut &file, &vec![b'x'; bytes]).expect("a short file");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("a file of ours");
        std::thread::sleep(SETTLED); // What changed a moment ago is not kept, but read anew for each request.
        Self(folder)
    }

    /// It is served to all.
    pub(crate) fn site(&self, server: ServerConfig) -> Arc<Site> {
        // What a slow emulation has kept is trusted for as long as it runs.
        let cache = CacheLimits { trust_us: u64::MAX, ..CacheLimits::default() };
        let files = Files::with(&self.0, Options { cache, ..Options::default() }).expect("a folder");
        let hosts = Hosts::one(Target::Files(files));
        Arc::new(Site::new(hosts, Arc::new(Swap::new(server)), AccessLog::off()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind lies where the system clears up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client and a server that have shaken hands.
struct Pair {
    client: Session,
    server: Bare,
    out: Vec<u8>,
}

/// What a client is still to hear, and what it has not given back to the server's credit.
#[derive(Default)]
struct Heard {
    bytes: usize,
    read: Vec<(StreamId, usize)>,
}

impl Pair {
    fn new(folder: &Folder) -> Self {
        let world = World::new();
        let h2 = || Some(Default::default());
        let client = ClientConfig { tls: world.client, h2: h2(), h3: None, trace: false };
        let server = ServerConfig { tls: world.server, h2: h2(), h3: None, hints: None, trace: false };
        let site = folder.site(server);
        let client = Session::client(Arc::new(client), HOST, NOW, Box::new(System)).expect("a good name");
        let mut pair = Self { client, server: Bare::new(site), out: vec![0; OUT_BYTES] };
        while !pair.client.is_ready() {
            pair.turn(false, &mut Heard::default());
        }
        pair.turn(false, &mut Heard::default());
        pair
    }

    /// Asks so often at a time, and hears all answers.
    fn get(&mut self, request: &Request, times: usize, bytes: usize, is_counted: bool) {
        let http = self.client.http().expect("both speak HTTP/2");
        for _ in 0..times {
            http.request(request, true).expect("there are not so many");
        }
        let mut heard = Heard::default();
        while heard.bytes < bytes * times {
            self.turn(is_counted, &mut heard);
        }
    }

    /// What the client has to say reaches the server, and what that answers the client.
    fn turn(&mut self, is_counted: bool, heard: &mut Heard) {
        let Self { client, server, out, .. } = self;
        while let Some(len) = client.transmit(NOW, out) {
            when(is_counted, || server.handle(&mut out[..len])).expect("the client is right");
        }
        while let Some(len) = when(is_counted, || server.transmit(out)) {
            client
                .handle(NOW, &mut out[..len], &mut |event| heard.hear(&event))
                .expect("the server is right");
        }
        if let Some(http) = client.http() {
            heard.read.drain(..).for_each(|(stream, bytes)| http.consume(NOW, stream, bytes));
        }
    }
}

impl Heard {
    fn hear(&mut self, event: &Event<'_>) {
        match event {
            Event::Http(Http::Data { stream, bytes, .. }) => {
                self.bytes += bytes.len();
                self.read.push((*stream, bytes.len()));
            }
            Event::Http(Http::Response { response, .. }) => assert_eq!(response.status, 200, "a file"),
            _ => {}
        }
    }
}
