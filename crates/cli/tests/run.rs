//! `run` and `check` as a person meets them: a file of two hosts, read again while requests are under way.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Lines, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

const BINARY: &str = env!("CARGO_BIN_EXE_sakigake");
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a configuration and two sites, and perhaps a server of it.
struct World {
    folder: PathBuf,
    server: Option<Child>,
    said: Vec<String>,
    errors: Option<Receiver<String>>,
}

const TWO_HOSTS: &str = "listen = \"127.0.0.1:0\"\n\
    [log]\naccess = \"json\"\nfile = \"access.log\"\n\
    [hosts.\"a.test\"]\nfolder = \"a\"\naliases = \"*.a.test\"\n\
    [hosts.\"b.test\"]\nfolder = \"b\"\nhints = \"none\"\nlisting = true\nclean_urls = true\n\
    [hosts.\"old.test\"]\nredirect = \"https://a.test/\"\npermanent = false\n";

impl World {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("sakigake-run-{}-{number}", std::process::id()));
        for (host, page) in [("a", "<link rel=stylesheet href=/a.css><p>first"), ("b", "<p>second")] {
            fs::create_dir_all(folder.join(host)).expect("a temporary folder can be made");
            fs::write(folder.join(host).join("index.html"), page).expect("a file can be written");
        }
        fs::create_dir(folder.join("b/more")).expect("a folder can be made");
        for (file, text) in [("a/a.css", "p{}"), ("b/more/note.txt", "x"), ("b/about.html", "<p>about")] {
            fs::write(folder.join(file), text).expect("a file can be written");
        }
        Self { folder, server: None, said: Vec::new(), errors: None }
    }

    fn write(&self, text: &str) {
        fs::write(self.folder.join("sakigake.toml"), text).expect("a file can be written");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).env("XDG_DATA_HOME", &self.folder).current_dir(&self.folder);
        command
    }

    fn start(&mut self) {
        let mut server = self.command(&["run"]);
        let server = server.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = server.spawn().expect("it starts");
        let out: ChildStdout = server.stdout.take().expect("a pipe");
        let mut lines: Lines<_> = BufReader::new(out).lines();
        let text = lines.by_ref().map(|line| line.expect("text"));
        self.said = text.take_while(|line| !line.starts_with("access log")).collect();
        thread::spawn(move || lines.for_each(drop));
        let errors: ChildStderr = server.stderr.take().expect("a pipe");
        let (tell, heard) = channel();
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        (self.server, self.errors) = (Some(server), Some(heard));
    }

    fn signal(&self, signal: Signal) {
        let id = self.server.as_ref().expect("it runs").id();
        kill_process(Pid::from_raw(id.try_into().expect("small")).expect("not 0"), signal).expect("it runs");
    }

    /// What it says on standard error until a line holds `last`.
    fn errors_until(&self, last: &str) -> String {
        let (began, mut text) = (Instant::now(), String::new());
        while began.elapsed() < PATIENCE {
            let Ok(line) = self.errors.as_ref().expect("it runs").recv_timeout(Duration::from_millis(100))
            else {
                continue;
            };
            text += &format!("{line}\n");
            if line.contains(last) {
                return text;
            }
        }
        panic!("{last:?} is not among {text:?}");
    }

    fn port(&self) -> u16 {
        let line = self.said.iter().find(|line| line.starts_with("listening")).expect("it says where");
        line.rsplit_once(':').expect("a port").1.trim().parse().expect("a port")
    }

    /// A command about `https://HOST:PORT/path`, which is this server's whatever the host is.
    fn about(&self, arguments: &[&str], host: &str, port: u16, path: &str) -> Command {
        let url = format!("https://{host}:{port}{path}");
        let resolve = format!("{host}:{port}:127.0.0.1");
        let ca = self.folder.join("sakigake/ca.pem");
        let ca = ca.to_str().expect("text");
        let mut command = self.command(arguments);
        command.args(["--cacert", ca, "--resolve", &resolve, &url]);
        command
    }

    fn page(&self, host: &str, port: u16) -> String {
        self.get(host, port, "/")
    }

    fn get(&self, host: &str, port: u16, path: &str) -> String {
        let output = self.about(&["fetch", "-o", "-"], host, port, path).output().expect("it runs");
        said(&output).1 + &said(&output).2
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.folder); // What stays behind in the temporary folder harms nobody.
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn check_tells_what_would_be_served_or_all_that_is_wrong() {
    let world = World::new();
    world.write(TWO_HOSTS);
    let (code, out, err) = said(&world.command(&["check"]).output().expect("it runs"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for word in
        ["sakigake.toml is fine", "a.test", "*.a.test", "development CA", "1, in the", "redirect for now to"]
    {
        assert!(out.contains(word), "{word}: {out}");
    }
    world.write("lisen = 1\n[hosts.\"a.test\"]\nfolder = \"c\"\n");
    let (code, out, err) = said(&world.command(&["check", "sakigake.toml"]).output().expect("it runs"));
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    for word in
        ["sakigake.toml:1:1: error:", "did you mean `listen`?", "sakigake.toml:3:10: error:", "2 mistakes"]
    {
        assert!(err.contains(word), "{word}: {err}");
    }
    assert!(!err.contains('\x1b'), "{err:?}");
    let (code, out, _) = said(&world.command(&["check", "--example"]).output().expect("it runs"));
    world.write(&out);
    assert_eq!(code, 0);
    assert_eq!(said(&world.command(&["check"]).output().expect("it runs")).0, 0);
    let (code, _, err) = said(&world.command(&["run", "none.toml"]).output().expect("it runs"));
    assert!(code == 1 && err.contains("check --example"), "{err}");
}

#[test]
fn each_host_is_served_and_a_reload_is_seen_by_requests_under_way_without_one_that_fails() {
    let mut world = World::new();
    world.write(TWO_HOSTS);
    world.start();
    let port = world.port();
    assert!(world.page("a.test", port).contains("first"), "{}", world.page("a.test", port));
    assert!(world.page("x.a.test", port).contains("first"));
    assert!(world.page("b.test", port).contains("second"));
    assert!(world.get("b.test", port, "/more/").contains("note.txt"), "it is listed");
    assert!(world.get("b.test", port, "/about").contains("about"), "it has a clean address");
    let load = ["bench", "-D", "3s", "-c", "4", "-m", "8"];
    let load = world.about(&load, "a.test", port, "/").stdout(Stdio::piped()).spawn().expect("it runs");
    for number in 0..10 {
        thread::sleep(Duration::from_millis(200));
        world.write(&format!("{TWO_HOSTS}[hosts.\"c{number}.test\"]\nfolder = \"b\"\n"));
        world.signal(Signal::HUP);
        world.errors_until("is read again");
    }
    let load = load.wait_with_output().expect("it ends");
    assert!(load.status.success(), "{}", said(&load).1);
    // It says that it reads the file before what the file says is served, and each worker hears of it in its own time.
    let until = |host: &str, is_there: bool| {
        let began = Instant::now();
        while world.page(host, port).contains("second") != is_there {
            assert!(began.elapsed() < PATIENCE, "{}", world.page(host, port));
        }
    };
    until("c9.test", true);
    until("c8.test", false);
}

#[test]
fn a_wrong_file_keeps_what_is_served_and_a_right_one_may_change_where() {
    let mut world = World::new();
    world.write(TWO_HOSTS);
    world.start();
    let port = world.port();
    world.write("[hosts.\"a.test\"]\nfoldr = \"a\"\n");
    world.signal(Signal::HUP);
    let errors = world.errors_until("stays as it was");
    assert!(errors.contains("did you mean `folder`?"), "{errors}");
    assert!(world.page("b.test", port).contains("second"));
    // An address that is taken leaves everything as it was, too.
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let taken = taken.local_addr().expect("it is bound");
    world.write(&TWO_HOSTS.replace("\"127.0.0.1:0\"", &format!("[\"127.0.0.1:0\", \"{taken}\"]")));
    world.signal(Signal::HUP);
    let errors = world.errors_until("stays as it was");
    assert!(errors.contains("cannot listen on"), "{errors}");
    assert!(world.page("b.test", port).contains("second"));
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
    let free = free.expect("loopback is there").port();
    let moved = TWO_HOSTS.replace("127.0.0.1:0", &format!("127.0.0.1:{free}"));
    world.write(&moved.replace("folder = \"a\"", "folder = \"b\""));
    world.signal(Signal::HUP);
    world.errors_until("is read again");
    let until = |port: u16, is_there: bool| {
        let began = Instant::now();
        while world.page("a.test", port).contains("second") != is_there {
            assert!(began.elapsed() < PATIENCE, "{}", world.page("a.test", port));
        }
    };
    until(free, true);
    until(port, false);
    world.signal(Signal::TERM);
    let mut server = world.server.take().expect("it runs");
    assert!(server.wait().expect("it ends").success());
    let log = fs::read_to_string(world.folder.join("access.log")).expect("it is there");
    assert!(log.contains("\"host\":\"a.test\"") && log.contains("\"host\":\"b.test\""), "{log}");
}

/// What `fetch` hears of a host that hints at one sheet, without the frame.
fn early(world: &World, port: u16) -> bool {
    let output = world.about(&["fetch", "--no-preload", "-v"], "a.test", port, "/").output();
    let (code, out, err) = said(&output.expect("it runs"));
    assert_eq!(code, 0, "{out}{err}");
    // Over HTTP/2 on stream 1, over HTTP/3 on stream 0.
    let heard =
        ["< 103 on stream 1, 1 link", "< 103 on stream 0, 1 link"].iter().any(|line| err.contains(line));
    assert_eq!(heard, out.contains("; 1 hint, all used"), "{out}{err}");
    heard
}

#[test]
fn early_hints_leave_unless_the_host_says_that_they_do_not_and_a_reload_may_change_that() {
    let mut world = World::new();
    let says =
        |early_hints: &str| TWO_HOSTS.replace("folder = \"a\"\n", &format!("folder = \"a\"\n{early_hints}"));
    world.write(&says("early_hints = false\n"));
    world.start();
    let port = world.port();
    assert!(!early(&world, port));
    for (text, expected) in [("", true), ("early_hints = false\n", false), ("hints = \"none\"\n", false)] {
        world.write(&says(text));
        world.signal(Signal::HUP);
        world.errors_until("is read again");
        let began = Instant::now();
        while early(&world, port) != expected {
            assert!(began.elapsed() < PATIENCE, "{text}");
        }
    }
}

#[test]
fn metrics_have_an_address_of_their_own_which_a_reload_may_move() {
    let mut world = World::new();
    world.write(&format!("metrics = \"127.0.0.1:0\"\n{TWO_HOSTS}"));
    world.start();
    let line = world.said.iter().find(|line| line.starts_with("metrics")).expect("it says where");
    let first =
        line.split("http://").nth(1).and_then(|url| url.strip_suffix("/metrics")).expect("an address");
    assert!(world.page("b.test", world.port()).contains("second"));
    let served = "sakigake_requests_total{host=\"b.test\",protocol=\"h2\",method=\"GET\",code=\"2xx\"} 1\n";
    let scrape = |address: &str| {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    };
    let until = |address: &str, is_so: &dyn Fn(&io::Result<String>) -> bool| {
        let began = Instant::now();
        while !is_so(&scrape(address)) {
            assert!(began.elapsed() < PATIENCE, "{:?}", scrape(address));
            thread::sleep(Duration::from_millis(10));
        }
    };
    let tells = |heard: &io::Result<String>| heard.as_ref().is_ok_and(|heard| heard.contains(served));
    until(first, &tells);
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
    let second = free.expect("loopback is there").to_string();
    world.write(&format!("metrics = \"{second}\"\n{TWO_HOSTS}"));
    world.signal(Signal::HUP);
    world.errors_until("is read again");
    until(&second, &tells);
    until(first, &Result::is_err);
    assert!(scrape(&second).expect("it answers").contains("\nsakigake_reloads_total 1\n"));
}

#[test]
fn hosts_of_one_certificate_are_told_in_an_origin_frame_unless_the_file_says_no() {
    let hosts = "[log]\naccess = \"combined\"\nfile = \"access.log\"\n\
                 [hosts.\"a.test\"]\nfolder = \"a\"\n[hosts.\"b.test\"]\nfolder = \"b\"\n";
    for (line, is_told) in [("", true), ("origins = false\n", false)] {
        let mut world = World::new();
        world.write(&format!("listen = \"127.0.0.1:0\"\n{line}{hosts}"));
        world.start();
        let output = world.about(&["fetch", "-v", "-o", "-"], "a.test", world.port(), "/").output();
        let (code, page, frames) = said(&output.expect("it runs"));
        assert_eq!((code, page.contains("first")), (0, true), "{page}{frames}");
        // Two entries, each a length of two bytes and an origin.
        let told = 2 * (2 + format!("https://a.test:{}", world.port()).len());
        assert_eq!(frames.contains(&format!("< ORIGIN length={told}")), is_told, "{frames}");
        let (log, began) = (world.folder.join("access.log"), Instant::now());
        let is_logged = || fs::read_to_string(&log).is_ok_and(|log| log.contains(" \"-\" \"sakigake/"));
        while !is_logged() {
            assert!(began.elapsed() < PATIENCE, "the log has no line");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn what_is_stapled_to_a_certificate_is_shown_and_read_again_with_it() {
    let mut world = World::new();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-subj", "/CN=a", "-addext", "subjectAltName=DNS:a.test", "-keyout", "a.key", "-out", "a.pem"])
        .current_dir(&world.folder)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        assert_ne!(env::var("SAKIGAKE_REQUIRE").as_deref(), Ok("all"), "openssl is required");
        eprintln!("skipped: no openssl made a certificate");
        return;
    }
    /// A response of so many bytes that says `successful`; a timestamp of version 1.
    fn response(bytes: u8) -> Vec<u8> {
        let mut response = vec![0x30, 0x81, bytes - 3, 0x0a, 1, 0];
        response.resize(bytes.into(), 7);
        response
    }
    let write = |folder: &PathBuf, name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("a file can be written");
    };
    write(&world.folder, "a.ocsp", &response(200));
    write(&world.folder, "a.sct", &[0; 60]);
    let text = "listen = \"127.0.0.1:0\"\n[hosts.\"a.test\"]\nfolder = \"a\"\ncertificate = \"a.pem\"\n\
                key = \"a.key\"\nocsp = \"a.ocsp\"\nscts = [\"a.sct\", \"a.sct\"]\n";
    world.write(text);
    world.start();
    let target = format!("127.0.0.1:{}", world.port());
    let shown = |world: &World, more: &[&str]| {
        let mut command = world.command(&["tls", "connect", "-k", "--servername", "a.test", &target]);
        let (code, out, err) = said(&command.args(more).stdin(Stdio::null()).output().expect("it runs"));
        assert_eq!(code, 0, "{out}{err}");
        err
    };
    let text = shown(&world, &["--status"]);
    assert!(text.contains("OCSP response: 200 bytes\nSigned Certificate Timestamps: 2\n"), "{text}");
    let text = shown(&world, &[]);
    assert!(!text.contains("OCSP"), "{text}");
    write(&world.folder, "a.ocsp", &response(201));
    world.signal(Signal::HUP);
    world.errors_until("is read again");
    let began = Instant::now();
    while !shown(&world, &["--status"]).contains("OCSP response: 201 bytes") {
        assert!(began.elapsed() < PATIENCE, "{}", shown(&world, &["--status"]));
    }
    write(&world.folder, "a.ocsp", b"-----BEGIN");
    world.signal(Signal::HUP);
    let errors = world.errors_until("stays as it was");
    assert!(
        errors.contains("sakigake.toml:6:8: error:") && errors.contains("a.ocsp: it is no OCSP response"),
        "{errors}"
    );
    assert!(shown(&world, &["--status"]).contains("OCSP response: 201 bytes"));
}
