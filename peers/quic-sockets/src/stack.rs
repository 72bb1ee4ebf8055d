//! A stack's two processes, and the folder with their credentials.

use ends::{Spent, Task};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Whose rate the others' is held against.
pub(crate) const OURS: &str = "sakigake";

pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const CLIENT_CORE: &str = "1";

/// Every stack's name and program; quiche's where it was built.
pub(crate) fn programs(quiche: Option<&Path>) -> Result<Vec<(&'static str, PathBuf)>, String> {
    let own = env::current_exe().map_err(|why| format!("this program's path: {why}"))?;
    let beside = |name| own.with_file_name(name);
    let mut programs = vec![(OURS, beside("end-sakigake")), ("quinn", beside("end-quinn"))];
    programs.extend(quiche.map(|path| ("quiche", path.to_owned())));
    programs.extend([("TCP+rustls", beside("end-tcp")), ("UDP", beside("end-udp"))]);
    Ok(programs)
}

/// A leaf on P-256 for `localhost`, its key and who signed it; gone when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Result<Self, String> {
        let folder = Self(env::temp_dir().join(format!("bench-quic-{}", process::id())));
        folder.fill().map_err(|why| format!("credentials: {why}"))?;
        Ok(folder)
    }

    fn fill(&self) -> Result<(), Box<dyn std::error::Error>> {
        fs::create_dir_all(&self.0)?;
        let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for measurements");
        let authority = params.self_signed(&authority_key)?;
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let leaf = CertificateParams::new(vec![ends::HOST.into()])?.signed_by(&key, &issuer)?;
        fs::write(self.0.join("authority.der"), authority.der())?;
        fs::write(self.0.join("authority.pem"), authority.pem())?;
        fs::write(self.0.join("leaf.der"), leaf.der())?;
        fs::write(self.0.join("leaf.pem"), leaf.pem())?;
        fs::write(self.0.join("key.der"), key.serialize_der())?;
        Ok(fs::write(self.0.join("key.pem"), key.serialize_pem())?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server and its client, which end with it.
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    server: Child,
    client: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Stack {
    pub(crate) fn start(name: &'static str, program: &Path, folder: &Folder) -> Result<Self, String> {
        let begin = |words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().map_err(|why| format!("{}: {why}", program.display()))
        };
        let folder = folder.0.to_string_lossy();
        let mut server = begin(&["server", SERVER_CORE, &folder])?;
        let port = line(&mut BufReader::new(server.stdout.take().expect("it was asked for")), name)?;
        let pid = server.id().to_string();
        let mut client = begin(&["client", CLIENT_CORE, &folder, &port, &pid])?;
        let input = client.stdin.take().expect("it was asked for");
        let output = BufReader::new(client.stdout.take().expect("it was asked for"));
        Ok(Self { name, server, client, input, output })
    }

    pub(crate) fn perform(&mut self, task: Task) -> Result<Spent, String> {
        writeln!(self.input, "{task}").map_err(|why| format!("{}: {why}", self.name))?;
        line(&mut self.output, self.name)?.parse()
    }

    /// The server's memory behind which no file is, in bytes.
    pub(crate) fn server_anonymous(&self) -> Result<u64, String> {
        let path = format!("/proc/{}/smaps_rollup", self.server.id());
        let text = fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:"));
        let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib << 10).ok_or_else(|| format!("{path}: what is anonymous is not told"))
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for child in [&mut self.client, &mut self.server] {
            // One that has ended already needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn line(output: &mut impl BufRead, name: &str) -> Result<String, String> {
    let mut line = String::new();
    match output.read_line(&mut line) {
        Ok(0) => Err(format!("{name}: it ended")),
        Ok(_) => Ok(line.trim_end().to_owned()),
        Err(why) => Err(format!("{name}: {why}")),
    }
}
