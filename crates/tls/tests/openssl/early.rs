//! Resumption and early data, by what OpenSSL's programs say of them.

use super::*;
use sakigake_crypto::Secret;
use sakigake_tls::{
    EarlyData, KeyRing, Session, TicketKey, Tickets,
    extension::TicketRequest,
    server::{AntiReplay, EarlyDataPolicy, Seen},
};
use std::{process::ChildStdout, sync::Mutex};

fn unix_secs() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

struct Register(Mutex<Seen>);

impl AntiReplay for Register {
    fn is_first(&self, unix_ms: u64, until_unix_ms: u64, binder: &[u8]) -> bool {
        self.0.lock().unwrap().is_first(unix_ms, until_unix_ms, binder)
    }
}

/// Tickets that every server of these tests opens, and early data that it takes.
fn taking(options: &mut server::Options) {
    let key = TicketKey {
        name: [1; 16],
        secret: Secret::new(&[1; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    options.unix_secs_at_start = unix_secs();
    options.tickets = Some(Tickets::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key]))));
    // It has run long enough to know.
    let seen = Seen::new((options.unix_secs_at_start - 60) * 1_000, 20_000, 100);
    options.early_data = Some(EarlyDataPolicy::new(Arc::new(Register(Mutex::new(seen)))));
}

#[test]
fn openssls_client_resumes_and_hears_what_became_of_its_early_data() {
    if !is_there() {
        return;
    }
    fs::write(FILES.folder.join("early.txt"), "early ").unwrap();
    let (text, result) = client_says(&["-sess_out", "early.session"], taking);
    assert_eq!(result.unwrap().data, b"ping\n", "{text}");
    assert!(text.contains("New, TLSv1.3") && text.contains("Max Early Data: 14336"), "{text}");
    let cases: [(&[&str], &str, &[u8]); 3] = [
        (&[], "Early data was not sent", b"ping\n"),
        (&["-early_data", "early.txt"], "Early data was accepted", b"early ping\n"),
        // Its share is of a group that we lack: a HelloRetryRequest refuses early data.
        (&["-early_data", "early.txt", "-groups", "P-521:P-384"], "Early data was rejected", b"ping\n"),
    ];
    for (arguments, expected, data) in cases {
        let arguments = [&["-sess_in", "early.session"], arguments].concat();
        let (text, result) = client_says(&arguments, taking);
        let heard = result.unwrap_or_else(|fault| panic!("{arguments:?}: {fault}\n{text}"));
        assert_eq!(heard.data, data, "{arguments:?}\n{text}");
        for expected in [expected, "Reused, TLSv1.3", "pong"] {
            assert!(text.contains(expected), "{expected} with {arguments:?}\n{text}");
        }
    }
    let refusing = |options: &mut server::Options| {
        taking(options);
        options.early_data = None;
    };
    let (text, result) = client_says(&["-sess_in", "early.session", "-early_data", "early.txt"], refusing);
    assert_eq!(result.unwrap().data, b"ping\n", "{text}");
    assert!(text.contains("Early data was rejected") && text.contains("Reused, TLSv1.3"), "{text}");
}

/// A connection of ours, and what is kept of it.
struct Talk {
    connection: Connection,
    stream: TcpStream,
    session: Option<Session>,
    early_data: EarlyData,
    is_established: bool,
}

impl Talk {
    fn begin(place: SocketAddr, earlier: Option<Session>) -> Self {
        let options = client::Options {
            tickets: Some(TicketRequest { new_session_count: 1, resumption_count: 1 }),
            early_data: true,
            ..client_options()
        };
        let connection =
            Connection::resume(options.build().unwrap(), "localhost", earlier, NOW, Box::new(Urandom))
                .unwrap();
        let early_data = EarlyData::None;
        Self { connection, stream: connect(place), session: None, early_data, is_established: false }
    }

    fn read(&mut self) {
        let mut buffer = [0; 4_096];
        let len = self.stream.read(&mut buffer).expect("the peer answers in time");
        assert_ne!(len, 0, "the peer leaves");
        let Self { connection, session, early_data, is_established, .. } = self;
        let mut heard = |event: Event<'_>| match event {
            Event::Negotiated(negotiated) => *early_data = negotiated.early_data,
            Event::Ticket(ticket) => *session = Some(*ticket),
            Event::Established => *is_established = true,
            _ => {}
        };
        connection.handle(NOW, &mut buffer[..len], &mut heard).unwrap();
        flush(&mut self.connection, &mut self.stream, &mut Vec::new());
    }

    /// Says it as soon as it may be said.
    fn say(&mut self, words: &str) {
        let mut data = words.as_bytes().to_vec();
        loop {
            flush(&mut self.connection, &mut self.stream, &mut data);
            if data.is_empty() {
                return;
            }
            self.read();
        }
    }
}

/// What it prints up to these words.
fn printed(output: &mut ChildStdout, end: &str) -> String {
    let (mut printed, mut byte) = (Vec::new(), [0]);
    while !printed.ends_with(end.as_bytes()) {
        let len = output.read(&mut byte).unwrap();
        assert_ne!(len, 0, "{end:?} is not in {}", String::from_utf8_lossy(&printed));
        printed.push(byte[0]);
    }
    String::from_utf8_lossy(&printed).into_owned()
}

#[test]
fn openssls_server_takes_our_early_data_or_refuses_it_after_a_hello_retry_request() {
    if !is_there() {
        return;
    }
    // It writes data past the buffer of its own words.
    let cases: [(&str, bool, &[&str]); 2] = [
        ("X25519", true, &["Early data received:\n", "early\n", "\nEnd of early data\n"]),
        ("P-384", false, &["Early data was rejected\n"]),
    ];
    for (group, is_taken, words) in cases {
        let place = place();
        let peer = Command::new("openssl")
            .args(["s_server", "-cert", "leaf.pem", "-key", "key.pem", "-accept", &place.to_string()])
            .args(["-early_data", "-max_early_data", "1000", "-groups", group, "-alpn", "http/1.1"])
            // Its register would use up the session at the first ClientHello, and not know it at the second.
            .arg("-no_anti_replay")
            .current_dir(&FILES.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut peer = Peer(peer.unwrap());
        let mut output = peer.0.stdout.take().unwrap();
        let mut first = Talk::begin(place, None);
        first.say("first\n");
        while first.session.is_none() {
            first.read();
        }
        assert!(printed(&mut output, "first\n").contains("No early data received\n"), "{group}");
        first.connection.close();
        flush(&mut first.connection, &mut first.stream, &mut Vec::new());
        let session = first.session.take();
        drop(first);
        let mut second = Talk::begin(place, session);
        second.say("early\n");
        assert!(!second.is_established, "{group}: it came late");
        while !second.is_established {
            second.read();
        }
        let told = second.early_data;
        assert_eq!(matches!(told, EarlyData::Accepted { .. }), is_taken, "{group}: {told:?}");
        assert_eq!(told == EarlyData::Rejected, !is_taken, "{group}: {told:?}");
        second.say("later\n");
        let said = printed(&mut output, "later\n");
        for words in words.iter().chain(&["Reused session-id\n"]) {
            assert!(said.contains(words), "{group}: {words:?} is not in {said}");
        }
        assert_eq!(said.contains("early\n"), is_taken, "{group}: {said}");
    }
}
