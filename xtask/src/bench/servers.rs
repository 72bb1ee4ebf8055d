//! Servers under load: where they lie, how they are started, what they used.

use super::{
    peers::Peer,
    report::write,
    usage::{self, Memory},
};
use crate::{group::Group, target};
use std::{
    collections::BTreeMap,
    env, fs,
    net::TcpStream,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// One kind of server.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) port: u16,
    /// Whether a goal is set by it, or it is ours: then it is measured more often.
    pub(super) is_bar: bool,
    pub(super) program: fn(&Place) -> PathBuf,
    /// What makes the program tell its version; nothing for what is built here.
    pub(super) version: &'static [&'static str],
    /// Its configuration's text, if it has any.
    pub(super) config: fn(&Place, u16) -> String,
    pub(super) arguments: fn(&Place, u16, config: &Path) -> Vec<String>,
    /// Whether somebody answers at an address.
    pub(super) is_up: fn(&Place, address: &str) -> bool,
}

pub(super) fn words<'a>(words: &'a [&'a str]) -> impl Iterator<Item = String> + use<'a> {
    words.iter().map(|word| (*word).to_owned())
}

pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The core of the servers, and that of whoever loads them.
pub(super) const SERVER_CORE: &str = "0";
pub(super) const CLIENT_CORE: &str = "1";

/// Where everything lies.
pub(super) struct Place {
    /// The work folder, which is removed at the end.
    pub(super) folder: PathBuf,
    pub(super) site: PathBuf,
    /// The folder of our program, and the programs on other people's stacks.
    pub(super) ours: PathBuf,
    pub(super) peers: Peer,
}

impl Place {
    /// Builds what is to be measured, and makes the site and its certificate (P-256).
    pub(super) fn make(root: &Path, files: &[(&str, usize)], peer: &str) -> Result<Self, String> {
        build(root)?;
        let folder = env::temp_dir().join(format!("sakigake-bench-{}", std::process::id()));
        let place = Self {
            site: folder.join("site"),
            ours: target().join("release"),
            peers: Peer::build(peer)?,
            folder,
        };
        for folder in [&place.site, &place.folder.join("tmp")] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        for (name, bytes) in files {
            // Bytes that no codec and no cache of equal pages makes smaller.
            let mut state = 0x9e37_79b9_7f4a_7c15_u64;
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            write(&place.site.join(name), &noise.take(*bytes).collect::<Vec<_>>())?;
        }
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
        openssl.args(["-days", "30", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        openssl.args(["-keyout", &place.key(), "-out", &place.cert()]);
        let made = openssl.output().map_err(|error| format!("openssl: {error}"))?;
        match made.status.success() {
            true => Ok(place),
            false => Err(String::from_utf8_lossy(&made.stderr).into_owned()),
        }
    }

    pub(super) fn cert(&self) -> String {
        text(&self.folder.join("cert.pem"))
    }

    pub(super) fn key(&self) -> String {
        text(&self.folder.join("key.pem"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What remains is in the system's temporary folder, and hurts nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What was measured, and with which versions.
pub(super) fn versions(servers: &[&Server], place: &Place, load: &Path) -> Vec<String> {
    let first_line = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let text = output.map(|output| [output.stdout, output.stderr].concat());
        let text =
            text.map_or_else(|error| error.to_string(), |text| String::from_utf8_lossy(&text).into_owned());
        text.lines().next().unwrap_or_default().trim().to_owned()
    };
    let load = first_line(load, &["--version"]);
    let kernel = first_line(Path::new("uname"), &["-sr"]);
    let named = servers.iter().map(|server| {
        let version = match server.version {
            [] => "of this tree".to_owned(),
            arguments => first_line(&(server.program)(place), arguments),
        };
        format!("# {}: {version}", server.name)
    });
    named.chain([format!("# load: {load}"), format!("# kernel: {kernel}")]).collect()
}

fn build(root: &Path) -> Result<(), String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--package", "sakigake-cli"]).current_dir(root);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        outcome => Err(format!("building: {outcome:?}")),
    }
}

/// Whether somebody listens by TCP.
pub(super) fn listens(_: &Place, address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

/// A server that listens; dropping it ends it.
pub(super) struct Running {
    pub(super) server: &'static Server,
    group: Group,
}

impl Deref for Running {
    type Target = Server;

    fn deref(&self) -> &Server {
        self.server
    }
}

impl Running {
    /// Starts `server` on its core, and waits until it listens.
    pub(super) fn start(server: &'static Server, place: &Place) -> Result<Self, String> {
        let config = place.folder.join(format!("{}.conf", server.name));
        write(&config, (server.config)(place, server.port).as_bytes())?;
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg((server.program)(place));
        command.args((server.arguments)(place, server.port, &config));
        // One processor for Go's scheduler too; homes of its own for what looks for one.
        command.env("GOMAXPROCS", "1").env("HOME", &place.folder).current_dir(&place.folder);
        let noise = fs::File::create(place.folder.join(format!("{}.err", server.name)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(noise.map_err(|error| error.to_string())?);
        let running = Self { server, group: Group::start(&mut command)? };
        let end = Instant::now() + Duration::from_secs(10);
        while !(server.is_up)(place, &running.address()) {
            if Instant::now() > end {
                let said = fs::read_to_string(place.folder.join(format!("{}.err", server.name)));
                return Err(format!("{} does not listen: {}", server.name, said.unwrap_or_default()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port)
    }

    fn processes(&self) -> Vec<u32> {
        usage::family(self.group.child.id())
    }

    /// CPU time of each of its processes so far.
    pub(super) fn cpu(&self) -> Result<BTreeMap<u32, Duration>, String> {
        self.processes().into_iter().map(|process| Ok((process, usage::cpu(process)?))).collect()
    }

    pub(super) fn memory(&self) -> Result<Memory, String> {
        let mut sum = Memory { resident: 0, anonymous: 0 };
        for process in self.processes() {
            let memory = usage::memory(process)?;
            sum.resident += memory.resident;
            sum.anonymous += memory.anonymous;
        }
        Ok(sum)
    }
}
