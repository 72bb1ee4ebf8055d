//! Reload, succession and stop while requests come without a pause: none is lost.

use sakigake::{
    files::Files,
    hosts::{Hosts, Target},
    server::Kind,
};
use sakigake_e2e::{Scratch, Server, Setup, example};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// `h2load` for some seconds, or nothing where it is not installed.
fn load(server: &Server, seconds: &str, options: &[&str]) -> Option<Child> {
    let found = Command::new("h2load").arg("--version").stdout(Stdio::null()).status();
    if found.is_err() {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "h2load is required");
        eprintln!("skipped: no h2load");
        return None;
    }
    let mut command = Command::new("h2load");
    command.args(["-D", seconds, "-t", "1", "--connect-to", &server.address.to_string()]).args(options);
    let command = command.arg("https://www.saki.test/css/page.css").stdout(Stdio::piped());
    Some(command.stderr(Stdio::piped()).spawn().expect("it is installed"))
}

/// What it says of the requests: all succeeded, and there were some.
fn assert_none_failed(load: Child) {
    let output = load.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let requests =
        said.lines().find(|line| line.starts_with("requests: ")).unwrap_or_else(|| panic!("{said}"));
    let number = |what: &str| -> u64 {
        let before = requests.split(what).next().unwrap_or_default();
        let number = before.rsplit(' ').next().unwrap_or_default();
        number.parse().unwrap_or_else(|_| panic!("{requests}"))
    };
    assert!(number(" succeeded") > 0, "{said}");
    for what in [" failed", " errored", " timeout"] {
        assert_eq!(number(what), 0, "{said}{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn hosts() -> Hosts {
    Hosts::one(Target::Files(Files::new(example()).expect("it is there")))
}

#[test]
fn no_request_fails_while_the_site_is_replaced_again_and_again() {
    let server = Server::start(Setup { workers: 2, ..Setup::of(example()) });
    for options in [&["-c", "4", "-m", "10"][..], &["-c", "4", "--h1"]] {
        let Some(load) = load(&server, "1", options) else { return };
        for _ in 0..20 {
            server.running.reload(server.another(hosts()));
            thread::sleep(Duration::from_millis(50));
        }
        assert_none_failed(load);
    }
}

#[test]
fn an_address_may_be_opened_and_closed_while_it_runs() {
    let mut server = Server::start(Setup::of(example()));
    let address = server
        .running
        .open((Ipv4Addr::LOCALHOST, 0).into(), Kind::Redirect(8443))
        .expect("loopback is there");
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"POST /a HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n")?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).map(|_| heard)
    };
    let heard = ask().expect("it is open");
    assert!(heard.starts_with("HTTP/1.1 308 "), "{heard}");
    assert!(heard.contains("location: https://www.saki.test:8443/a\r\n"), "{heard}");
    server.running.close(address);
    sakigake_e2e::eventually("it closes", || ask().is_err());
}

#[test]
fn who_waits_in_the_backlog_of_a_server_that_stops_is_served() {
    let site = Scratch::new();
    site.write("index.html", "<p>here");
    let mut setup = Setup::of(site.path());
    setup.limits.connections_a_worker = 1;
    let server = Server::start(setup);
    // The first one takes the only place; the second waits in the backlog, and the server is told to stop.
    let mut first = sakigake_e2e::Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    let mut second = sakigake_e2e::Raw::open(&server, "www.saki.test", &["http/1.1"]);
    server.tell_stop();
    thread::sleep(Duration::from_millis(100));
    for client in [&mut first, &mut second] {
        client.read_until("the server's flight", |client| client.is_established);
        client.flush();
        client.send(b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
        client.read_to_end();
        let heard = String::from_utf8_lossy(&client.plain).into_owned();
        assert!(heard.contains("connection: close\r\n") && heard.ends_with("<p>here"), "{heard}");
        client.close();
    }
    sakigake_e2e::eventually("it ends", || server.has_ended());
}
