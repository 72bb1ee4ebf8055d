//! The servers under load: how each is set up, alike in all that matters, and started.

use super::{
    SERVER_CORE,
    usage::{self, Memory},
    write,
};
use crate::{bench::peers::Peer, group::Group};
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
    port: u16,
    /// Whether a goal is set by it, or it is ours: then it is measured more often.
    pub(super) is_bar: bool,
    pub(super) program: fn(&Place) -> PathBuf,
    /// What makes the program tell its version; nothing for what is built here.
    pub(super) version: &'static [&'static str],
    /// Its configuration's text, if it has any.
    config: fn(&Place, u16) -> String,
    arguments: fn(&Place, u16, config: &Path) -> Vec<String>,
}

/// All, ours first.
pub(super) const SERVERS: [Server; 5] = [
    Server {
        name: "sakigake",
        port: 24_101,
        is_bar: true,
        program: |place| place.ours.join("sakigake"),
        version: &[],
        config: |place, port| {
            let (site, cert, key) = (text(&place.site), place.cert(), place.key());
            format!(
                "listen = '127.0.0.1:{port}'\nlimits.connections_per_address = 16384\nlog.access = 'off'\n\
                 [hosts.localhost]\nfolder = '{site}'\ncertificate = '{cert}'\nkey = '{key}'\n"
            )
        },
        arguments: |_, _, config| words(&["run", &text(config)]).collect(),
    },
    Server {
        name: "h2o",
        port: 24_102,
        is_bar: true,
        program: |_| "h2o".into(),
        version: &["--version"],
        config: h2o,
        arguments: |_, _, config| words(&["-c", &text(config)]).collect(),
    },
    Server {
        name: "nginx",
        port: 24_103,
        is_bar: true,
        program: |_| "nginx".into(),
        version: &["-v"],
        config: nginx,
        arguments: |place, _, config| words(&["-p", &text(&place.folder), "-c", &text(config)]).collect(),
    },
    Server {
        name: "hyper",
        port: 24_104,
        is_bar: false,
        program: |place| place.peers.program("peer-hyper-h2"),
        version: &[],
        config: |_, _| String::new(),
        arguments: |place, port, _| {
            vec![format!("127.0.0.1:{port}"), place.cert(), place.key(), text(&place.site)]
        },
    },
    Server {
        name: "caddy",
        port: 24_105,
        is_bar: false,
        program: |_| "caddy".into(),
        version: &["version"],
        config: caddy,
        arguments: |_, _, config| {
            words(&["run", "--adapter", "caddyfile", "--config", &text(config)]).collect()
        },
    },
];

fn h2o(place: &Place, port: u16) -> String {
    format!(
        "user: root\nnum-threads: 1\nmax-connections: 16384\nhttp2-idle-timeout: 600\n\
         listen:\n  host: 127.0.0.1\n  port: {port}\n  ssl:\n    certificate-file: {}\n    key-file: {}\n    \
         minimum-version: TLSv1.2\nhosts:\n  default:\n    paths:\n      /:\n        file.dir: {}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}

fn nginx(place: &Place, port: u16) -> String {
    format!(
        "daemon off;\nuser root;\nworker_processes 1;\nworker_rlimit_nofile 20000;\npid nginx.pid;\n\
         error_log stderr error;\nevents {{ worker_connections 16384; }}\nhttp {{\n  access_log off;\n  \
         client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;\n  \
         sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600;\n  \
         open_file_cache max=1000;\n  ssl_protocols TLSv1.3;\n  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;\n  \
         server {{\n    listen 127.0.0.1:{port} ssl http2;\n    ssl_certificate {};\n    ssl_certificate_key {};\n    \
         root {};\n  }}\n}}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}

fn caddy(place: &Place, port: u16) -> String {
    format!(
        "{{\n  admin off\n  auto_https off\n  log {{\n    output discard\n  }}\n  servers {{\n    \
         protocols h1 h2\n    timeouts {{\n      idle 10m\n    }}\n  }}\n}}\nhttps://127.0.0.1:{port}, https://localhost:{port} {{\n  bind 127.0.0.1\n  \
         tls {} {} {{\n    protocols tls1.3\n  }}\n  root * {}\n  file_server\n}}\n",
        place.cert(),
        place.key(),
        place.site.display()
    )
}

fn words<'a>(words: &'a [&'a str]) -> impl Iterator<Item = String> + use<'a> {
    words.iter().map(|word| (*word).to_owned())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Where everything lies.
pub(super) struct Place {
    /// The work folder, which is removed at the end.
    folder: PathBuf,
    pub(super) site: PathBuf,
    /// The folder of our program, and the programs on other people's stacks.
    pub(super) ours: PathBuf,
    pub(super) peers: Peer,
}

impl Place {
    /// Builds what is to be measured, and makes the site and its certificate (P-256).
    pub(super) fn make(root: &Path, files: &[(&str, usize)]) -> Result<Self, String> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        build(root)?;
        let folder = env::temp_dir().join(format!("sakigake-bench-{}", std::process::id()));
        let place = Self {
            site: folder.join("site"),
            ours: target.join("release"),
            peers: Peer::build("peer-hyper-h2")?,
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

    fn cert(&self) -> String {
        text(&self.folder.join("cert.pem"))
    }

    fn key(&self) -> String {
        text(&self.folder.join("key.pem"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What remains is in the system's temporary folder, and hurts nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
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
        while TcpStream::connect(running.address()).is_err() {
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
