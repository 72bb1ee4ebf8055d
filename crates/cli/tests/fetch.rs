//! `serve` and `fetch` as a person meets them: what they print, and what they exit with.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

const BINARY: &str = env!("CARGO_BIN_EXE_sakigake");

fn site() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/site")
}

/// A folder, and a server with its data in there.
struct World {
    folder: PathBuf,
    server: Child,
    port: u16,
    said: Vec<String>,
}

impl World {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(options: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("sakigake-cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let mut server = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .arg(site())
            .env("XDG_DATA_HOME", &folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
        let said: Vec<String> = lines.by_ref().take(5).map(|line| line.expect("text")).collect();
        thread::spawn(move || lines.for_each(drop)); // The access log.
        let port = said[0].rsplit_once("https://localhost:").expect("an address").1;
        let port = port.trim_end_matches('/').parse().expect("a port");
        Self { folder, server, port, said }
    }

    fn fetch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("fetch").args(arguments).env("XDG_DATA_HOME", &self.folder);
        command
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        said(&self.fetch(arguments).output().expect("it runs"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // It may have ended by itself, and what stays behind in the temporary folder harms nobody.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

#[test]
fn serve_says_where_it_is_and_fetch_loads_the_page_from_there() {
    let world = World::start();
    assert!(world.said.iter().all(|line| !line.contains('\x1b')), "uncoloured: {:?}", world.said);
    assert!(world.said[4].contains("16, in the server's first flight"), "{:?}", world.said);
    let (code, out, err) = world.run(&[&world.url("/")]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("19 requests") && out.contains("18 hints, all used"), "{out}");
    assert!(!out.contains('\x1b'), "uncoloured: {out:?}");
    let arms = [
        (&["--no-early-hints"][..], "; 18 hints, all used"),
        (&["--no-preload"], "; 16 hints, all used"),
        (&["--no-preload", "--no-early-hints"], "; no hints"),
    ];
    for (options, hints) in arms {
        let (code, out, _) = world.run(&[options, &[&world.url("/")]].concat());
        assert!(code == 0 && out.contains("19 requests") && out.contains(hints), "{options:?}: {out}");
    }
}

#[test]
fn one_resource_goes_into_a_file_as_it_lies_on_disk() {
    let world = World::start();
    let file = world.folder.join("page.css");
    let name = file.to_str().expect("text");
    assert_eq!(world.run(&["-o", name, &world.url("/css/page.css")]).0, 0);
    assert!(
        fs::read(&file).expect("it is there") == fs::read(site().join("css/page.css")).expect("it is there")
    );
    let (code, out, _) = world.run(&["-o", "-", &world.url("/css/page.css")]);
    assert!(code == 0 && out.as_bytes() == fs::read(&file).expect("it is there"));
}

#[test]
fn one_resource_goes_into_a_file_of_its_own_name_and_notes_may_be_silenced() {
    let world = World::start();
    let url = world.url("/css/page.css?v=1");
    let mut fetch = world.fetch(&["-O", "-s", &url]);
    assert_eq!(
        said(&fetch.current_dir(&world.folder).output().expect("it runs")),
        (0, String::new(), String::new())
    );
    let got = fs::read(world.folder.join("page.css")).expect("it is there");
    assert!(got == fs::read(site().join("css/page.css")).expect("it is there"));
    assert_eq!(
        world.run(&["-s", "-f", "-o", "-", &world.url("/nowhere")]),
        (22, String::new(), String::new())
    );
}

#[test]
fn a_status_is_an_error_of_a_page_and_with_f_of_one_resource() {
    let world = World::start();
    let url = world.url("/nowhere");
    let (code, page, err) = world.run(&["-o", "-", &url]);
    assert!(code == 0 && !page.is_empty() && err.contains("status 404 (-f"), "{code} {page} {err}");
    let (code, out, err) = world.run(&["-f", "-o", "-", &url]);
    assert_eq!((code, out.as_str(), err), (22, "", format!("sakigake: {url}: status 404\n")));
    let (code, out, err) = world.run(&["--http2", "-X", "DELETE", "-i", &url]);
    assert!(code == 0 && out.starts_with("HTTP/2 405"), "{code} {out} {err}");
    assert_eq!(world.run(&[&url]).0, 22);
}

#[test]
fn what_goes_wrong_is_said_with_what_helps() {
    let world = World::start();
    let plain = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let no_tls = format!("https://localhost:{}/", plain.local_addr().expect("it is bound").port());
    thread::spawn(move || {
        while let Ok((mut stream, _)) = plain.accept() {
            let _ = stream.read(&mut [0; 2_000]); // Whatever it is.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let silent = format!("https://localhost:{}/", silent.local_addr().expect("it is bound").port());
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("loopback is there");
    let refused = format!("https://127.0.0.1:{}/", free.local_addr().expect("it is bound").port());
    drop(free);
    let elsewhere = format!("example.test:{}:127.0.0.1", world.port);
    let wrong_name = format!("https://example.test:{}/", world.port);
    let nobody = world.folder.join("other.pem");
    fs::write(&nobody, "no certificate").expect("a file can be written");
    let url = world.url("/");
    let cases: [(i32, &[&str], &[&str]); 12] = [
        (7, &[&refused], &["refused", "is the server running"]),
        (35, &[&no_tls], &["does not speak TLS"]),
        (28, &[&silent, "--max-time", "500ms"], &["did not load within 500 ms"]),
        (60, &[&wrong_name, "--resolve", &elsewhere], &["for other names (localhost, ", "--resolve"]),
        (6, &["https://name.invalid/"], &["cannot find name.invalid", "--resolve"]),
        (1, &["http://localhost/"], &["only https"]),
        (1, &["ftp://localhost/"], &["only https"]),
        (23, &["-O", &url], &["write -o FILE"]),
        (23, &["-o", "/no/such/folder/file", &url], &["cannot write"]),
        (3, &["https://"], &["is not a URL"]),
        (77, &[&url, "--cacert", nobody.to_str().expect("text")], &["holds no certificate"]),
        (
            82,
            &[&url, "--crlfile", nobody.to_str().expect("text")],
            &["no usable certificate revocation list"],
        ),
    ];
    for (expected, arguments, words) in cases {
        let (code, _, err) = world.run(arguments);
        assert_eq!(code, expected, "{arguments:?}: {err}");
        for word in words {
            assert!(err.contains(word), "{arguments:?}: {err:?} lacks {word:?}");
        }
    }
    let stranger = world.fetch(&[&url]).env("XDG_DATA_HOME", world.folder.join("stranger")).output();
    let (code, _, err) = said(&stranger.expect("it runs"));
    assert!(code == 60 && err.contains("--cacert") && err.contains("sakigake ca"), "{err}");
    assert_eq!(world.run(&["-k", &url]).0, 0);
    assert_eq!(world.run(&["-k", "--cacert", nobody.to_str().expect("text"), &url]).0, 0, "-k wins");
    assert_eq!(world.run(&["-s", &refused]), (7, String::new(), String::new()));
    assert!(world.run(&["-sS", &refused]).2.contains("refused"));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let world = World::start();
    for arguments in [&[][..], &["-o", "-"][..]] {
        let url = world.url("/");
        let mut child = world
            .fetch(arguments)
            .arg(&url)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let (code, _, err) = said(&child.wait_with_output().expect("it ends"));
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_server_that_is_told_to_stop_ends_well() {
    let mut world = World::start();
    kill_process(Pid::from_child(&world.server), Signal::TERM).expect("it runs");
    let status = world.server.wait().expect("it ends");
    assert!(status.success(), "{status}");
}

#[test]
fn a_fetch_keeps_tickets_and_makes_no_development_ca() {
    let world = World::start();
    let fresh = world.folder.join("fresh");
    for _ in 0..2 {
        let mut command = world.fetch(&[&world.url("/")]);
        // Nobody vouches for the server there: what matters is what is left behind.
        assert!(!command.env("XDG_DATA_HOME", &fresh).output().expect("it runs").status.success());
    }
    assert!(fresh.join("sakigake/tickets").exists());
    assert!(!fresh.join("sakigake/ca-key.pem").exists());
}

#[test]
fn a_second_run_resumes_the_connection_of_the_first() {
    let world = World::start();
    let url = world.url("/style.css");
    let spoken = |arguments: &[&str]| {
        let (code, _, notes) =
            world.run(&[arguments, &["-v", "-X", "GET", "-o", "/dev/null", &url]].concat());
        assert_eq!(code, 0, "{notes}");
        notes.lines().find_map(|line| line.split_once("TLS: ")).map(|(_, how)| how.to_owned())
    };
    let (full, resumed) = (Some("full handshake".to_owned()), Some("resumed".to_owned()));
    for protocol in ["--http2", "--http1.1"] {
        assert_eq!(spoken(&[protocol]), full, "{protocol}: tickets are for what is offered");
        assert_eq!(spoken(&[protocol, "--no-tickets"]), full);
        assert_eq!(spoken(&[protocol]), resumed);
        assert_eq!(spoken(&[protocol]), resumed, "the second connection brought one too");
    }
    assert_eq!(spoken(&["--http2", "-k"]), full, "tickets are for whom one trusts");
    let tickets = world.folder.join("sakigake/tickets");
    for entry in fs::read_dir(&tickets).expect("tickets are kept there") {
        let mode = entry.expect("a file").metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&tickets).expect("a folder").permissions().mode() & 0o777, 0o700);
    fs::remove_dir_all(&tickets).expect("it is ours");
    assert_eq!(spoken(&["--http2"]), full);
}

#[test]
fn a_handshake_by_hand_is_resumed_where_tickets_are_asked_for() {
    let world = World::start();
    let said = |arguments: &[&str]| {
        let target = format!("localhost:{}", world.port);
        let mut command = Command::new(BINARY);
        command.args(["tls", "connect", "--alpn", "http/1.1", &target]).args(arguments);
        command.env("XDG_DATA_HOME", &world.folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("it reads");
        let (_, answer, notes) = said(&child.wait_with_output().expect("it ends"));
        drop(stdin); // A server owes nothing to who has said all: it is open until the answer has come.
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer} {notes}");
        notes.contains("ALPN http/1.1, resumed")
    };
    assert_eq!([(); 2].map(|()| said(&[])), [false, false]);
    assert_eq!([(); 3].map(|()| said(&["--tickets"])), [false, true, true]);
}

#[test]
fn a_second_visit_asks_for_what_the_first_was_told() {
    let world = World::start();
    let visit = || {
        let (code, out, notes) = world.run(&["--http2", "-v", &world.url("/")]);
        assert!(
            code == 0 && out.contains("19 requests") && out.contains("18 hints, all used"),
            "{out}{notes}"
        );
        let count = |words| notes.lines().filter(|line| line.contains(words)).count();
        [count("TLS: resumed"), count("hints are remembered"), count("< PRELOAD")]
    };
    // The host's hints, and the page's.
    assert_eq!([(); 3].map(|()| visit()), [[0, 0, 2], [1, 1, 1], [1, 1, 1]]);
}

#[test]
fn what_is_asked_early_comes_whole_whatever_becomes_of_that() {
    let world = World::start_with(&["--early-data"]);
    let visit = || {
        let (code, out, notes) = world.run(&["--http2", "-v", "--early-data", &world.url("/")]);
        assert!(
            code == 0 && out.contains("19 requests") && out.contains("18 hints, all used"),
            "{out}{notes}"
        );
        notes
            .lines()
            .find_map(|line| line.split_once("TLS: "))
            .map_or_else(String::new, |(_, how)| how.to_owned())
    };
    assert_eq!(visit(), "full handshake");
    // In the server's first seconds it is rejected.
    let again = visit();
    assert!(again.starts_with("resumed, early data "), "{again}");
}
