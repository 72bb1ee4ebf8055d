//! One run: a folder with all that it needs, the link with both endpoints, and the verdict.

use super::{
    capture::Seen,
    cases::{Case, Files},
    endpoints::{self, Endpoint},
    results::Outcome,
};
use crate::{group::Group, target};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The server's name; it is in its certificate and in the client's hosts file.
const HOST: &str = "server4";
/// Where the link puts the server.
const ADDRESS: &str = "10.77.0.1";
const PORT: &str = "443";
/// An endpoint that lacks a case ends with it.
const LACKED: i32 = 127;
/// What the link and the verdict may take beside the case.
const BESIDE: Duration = Duration::from_secs(15);

type Verdict = (Outcome, String);

/// Plays a case once. What is left of a run that failed stays in its folder.
pub(super) fn play(case: &Case, client: &Endpoint, server: &Endpoint) -> Verdict {
    let folder =
        target().join("interop/quic").join(case.name).join(format!("{}-{}", client.name, server.name));
    let verdict = std::path::absolute(&folder)
        .map_err(|error| error.to_string())
        .and_then(|folder| Play::prepare(case, folder)?.run(client, server));
    let verdict = verdict.unwrap_or_else(|why| (Outcome::Failed, why));
    if verdict.0 != Outcome::Failed {
        // What stays behind is only waste.
        let _ = fs::remove_dir_all(&folder);
    }
    verdict
}

struct Play<'a> {
    case: &'a Case,
    folder: PathBuf,
    names: Vec<String>,
}

impl<'a> Play<'a> {
    fn prepare(case: &'a Case, folder: PathBuf) -> Result<Self, String> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
        for part in ["www", "downloads", "certs", "qlog-server", "qlog-client"] {
            fs::create_dir_all(folder.join(part)).map_err(|error| error.to_string())?;
        }
        fs::write(folder.join("hosts"), format!("127.0.0.1 localhost\n{ADDRESS} {HOST}\n"))
            .map_err(|error| error.to_string())?;
        let mut make = Command::new(endpoints::certificates());
        make.arg(folder.join("certs")).arg(case.certificates.to_string()).arg(HOST);
        match make.status() {
            Ok(status) if status.success() => {}
            other => return Err(format!("no certificates: {other:?}")),
        }
        let names = case.files.write(&folder.join("www"))?;
        Ok(Self { case, folder, names })
    }

    fn run(&self, client: &Endpoint, server: &Endpoint) -> Result<Verdict, String> {
        let log = fs::File::create(self.folder.join("link.log")).map_err(|error| error.to_string())?;
        let again = log.try_clone().map_err(|error| error.to_string())?;
        let mut link = self.link(client, server);
        link.stdin(Stdio::null()).stdout(log).stderr(again);
        let mut group = Group::start(&mut link)?;
        let limit = Duration::from_secs(self.case.limit_s);
        let status = group.until(std::time::Instant::now() + limit + BESIDE)?;
        group.end()?;
        let said = self.text("link.log");
        let code = status.and_then(|status| status.code());
        if code == Some(LACKED) {
            return Ok((Outcome::Lacked, format!("{} as client lacks it", client.name)));
        }
        if said.contains(&format!("exit status: {LACKED}")) {
            return Ok((Outcome::Lacked, format!("{} as server lacks it", server.name)));
        }
        match code {
            None => Err(format!("not over after {} s: {}", limit.as_secs(), self.last_words())),
            Some(0) => self.judge(&said),
            Some(code) => Err(format!("the client ended with {code}: {}", self.last_words())),
        }
    }

    /// Both sides' files match, and the capture shows the case.
    fn judge(&self, said: &str) -> Result<Verdict, String> {
        for name in &self.names {
            let [sent, got] = ["www", "downloads"].map(|part| fs::read(self.folder.join(part).join(name)));
            let (sent, got) = (sent.map_err(|error| error.to_string())?, got);
            match got {
                Ok(got) if got == sent => {}
                Ok(got) => {
                    return Err(format!("{name}: {} bytes came, of {}, or others", got.len(), sent.len()));
                }
                Err(error) => return Err(format!("{name} did not come: {error}")),
            }
        }
        let keys = self.folder.join("keys");
        fs::write(&keys, self.text("server.keys") + &self.text("client.keys"))
            .map_err(|error| error.to_string())?;
        let seen = Seen::read(&self.folder.join("capture.pcap"), &keys, lost(said)?)?;
        Ok((Outcome::Passed, (self.case.shows)(&seen)?))
    }

    fn link(&self, client: &Endpoint, server: &Endpoint) -> Command {
        let case = self.case;
        let mut link = Command::new(endpoints::link());
        link.args(["--delay", case.delay, "--rate", "10mbit", "--queue", "25", "--ready-udp", PORT]);
        link.args(case.link).arg("--capture").arg(self.folder.join("capture.pcap"));
        let urls: Vec<String> =
            self.names.iter().map(|name| format!("https://{HOST}:{PORT}/{name}")).collect();
        let (client_told, server_told) = case.told;
        link.arg("--");
        self.side(&mut link, server, "server", server_told, &[("WWW", "www")]);
        link.arg("::");
        // The client's environment carries the requests, which is what the contract says.
        link.env("REQUESTS", urls.join(" "));
        self.side(&mut link, client, "client", client_told, &[("DOWNLOADS", "downloads")]);
        link
    }

    /// One side's command: its environment, its hosts file, its log.
    fn side(&self, link: &mut Command, who: &Endpoint, role: &str, told: &str, folders: &[(&str, &str)]) {
        let at = |part: &str| self.folder.join(part).to_string_lossy().into_owned();
        let mut variables = vec![
            ("ROLE", role.to_owned()),
            ("TESTCASE", told.to_owned()),
            ("PORT", PORT.to_owned()),
            ("CERTS", at("certs")),
            ("SSLKEYLOGFILE", at(&format!("{role}.keys"))),
            ("QLOGDIR", at(&format!("qlog-{role}"))),
        ];
        variables.extend(folders.iter().map(|(name, part)| (*name, at(part))));
        link.arg("env").args(variables.iter().map(|(name, value)| format!("{name}={value}")));
        // A mount namespace of its own, so that the name means something to this side alone.
        let script = r#"mount --bind "$1" /etc/hosts && log=$2 && shift 2 && exec "$@" > "$log" 2>&1"#;
        link.args(["unshare", "--mount", "sh", "-c", script, "-", &at("hosts"), &at(&format!("{role}.log"))]);
        link.args(&who.command).arg(role);
    }

    /// What an endpoint wrote; nothing, when it never began.
    fn text(&self, name: &str) -> String {
        fs::read(self.folder.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The ends of the logs.
    fn last_words(&self) -> String {
        let last = |name: &str| {
            let text = self.text(name);
            let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("").trim().to_owned();
            (!line.is_empty()).then(|| format!("{name}: {}", line.chars().take(200).collect::<String>()))
        };
        let words: Vec<String> =
            ["client.log", "server.log", "link.log"].into_iter().filter_map(last).collect();
        words.join("; ")
    }
}

impl Files {
    /// Makes them, and gives back their names.
    fn write(&self, folder: &Path) -> Result<Vec<String>, String> {
        let (sizes, name_bytes): (Vec<usize>, usize) = match self {
            Self::Sizes(sizes) => (sizes.to_vec(), 10),
            Self::Many { count, bytes, name_bytes } => (vec![*bytes; *count], *name_bytes),
        };
        let mut names = Vec::new();
        let mut state = 0x5eed_u64;
        for (index, bytes) in sizes.into_iter().enumerate() {
            let name = format!("{index:0>name_bytes$}");
            let body: Vec<u8> = (0..bytes).map(|_| next(&mut state)).collect();
            fs::write(folder.join(&name), body).map_err(|error| error.to_string())?;
            names.push(name);
        }
        Ok(names)
    }
}

/// Bytes that differ from file to file and do not repeat (xorshift).
fn next(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 32) as u8
}

/// How many of the server's packets and of the client's the link lost, as it said at its end.
fn lost(said: &str) -> Result<[u64; 2], String> {
    let line =
        said.lines().rfind(|line| line.starts_with("lost: ")).ok_or("the link said nothing at its end")?;
    let mut numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(server), Some(client)) => Ok([server, client]),
        _ => Err(format!("not understood: {line}")),
    }
}
