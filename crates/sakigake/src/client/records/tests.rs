use super::{message::Heard, *};
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    time,
};

const FOO_EXAMPLE_COM: &str = "03 66 6f 6f 07 65 78 61 6d 70 6c 65 03 63 6f 6d 00";
const EXAMPLE_COM: &str = "07 65 78 61 6d 70 6c 65 03 63 6f 6d 00";
const FOO_EXAMPLE_ORG: &str = "03 66 6f 6f 07 65 78 61 6d 70 6c 65 03 6f 72 67 00";

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect()
}

fn parse(parts: &[&str]) -> Option<Record> {
    Record::parse(&hex(&parts.join(" ")))
}

fn plain(priority: u16, target: &str) -> Record {
    Record {
        mode: if priority == 0 { Mode::Alias } else { Mode::Service },
        priority,
        target: target.into(),
        alpn: Vec::new(),
        no_default_alpn: false,
        port: None,
        ipv4: Vec::new(),
        ipv6: Vec::new(),
        ech: Vec::new(),
        is_understood: true,
    }
}

#[test]
fn the_rfcs_test_vectors_are_read() {
    // RFC 9460, appendix D, figures 2 to 10.
    let v6 = |text: &str| text.parse::<Ipv6Addr>().expect("an address");
    assert_eq!(parse(&["00 00", FOO_EXAMPLE_COM]), Some(plain(0, "foo.example.com")));
    assert_eq!(parse(&["00 01 00"]), Some(plain(1, "")));
    let port = Record { port: Some(53), ..plain(16, "foo.example.com") };
    assert_eq!(parse(&["00 10", FOO_EXAMPLE_COM, "00 03 00 02 00 35"]), Some(port));
    let unknown = "02 9b 00 05 68 65 6c 6c 6f";
    assert_eq!(parse(&["00 01", FOO_EXAMPLE_COM, unknown]), Some(plain(1, "foo.example.com")));
    let unknown = "02 9b 00 09 68 65 6c 6c 6f d2 71 6f 6f";
    assert_eq!(parse(&["00 01", FOO_EXAMPLE_COM, unknown]), Some(plain(1, "foo.example.com")));
    let hints = "00 06 00 20 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 00 00 00 00 00 00 00 00 53 00 01";
    let ipv6 = vec![v6("2001:db8::1"), v6("2001:db8::53:1")];
    let expected = Record { ipv6, ..plain(1, "foo.example.com") };
    assert_eq!(parse(&["00 01", FOO_EXAMPLE_COM, hints]), Some(expected));
    let hint = "00 06 00 10 20 01 0d b8 01 22 03 44 00 00 00 00 c0 00 02 21";
    let expected = Record { ipv6: vec![v6("2001:db8:122:344::192.0.2.33")], ..plain(1, "example.com") };
    assert_eq!(parse(&["00 01", EXAMPLE_COM, hint]), Some(expected));
    let all = "00 00 00 04 00 01 00 04 00 01 00 09 02 68 32 05 68 33 2d 31 39 00 04 00 04 c0 00 02 01";
    let expected = Record {
        alpn: vec![b"h2".to_vec(), b"h3-19".to_vec()],
        ipv4: vec![Ipv4Addr::new(192, 0, 2, 1)],
        ..plain(16, "foo.example.org")
    };
    assert_eq!(parse(&["00 10", FOO_EXAMPLE_ORG, all]), Some(expected));
    let alpn = "00 01 00 0c 08 66 5c 6f 6f 2c 62 61 72 02 68 32";
    let expected =
        Record { alpn: vec![br"f\oo,bar".to_vec(), b"h2".to_vec()], ..plain(16, "foo.example.org") };
    assert_eq!(parse(&["00 10", FOO_EXAMPLE_ORG, alpn]), Some(expected));
}

#[test]
fn what_is_malformed_is_refused_whole() {
    // spec: 9460-2.2-a 9460-8-b
    // As the RFC's appendix D.3 has it where bytes can say it; the rest are their lengths and order.
    for parameters in [
        "02 9b 00 01 61 02 9b 00 01 62",          // The same key twice.
        "00 03 00 02 00 35 00 01 00 03 02 68 33", // Out of order.
        "00 00 00 00", // Without its value: mandatory, alpn, port, both hints, ech.
        "00 01 00 00",
        "00 03 00 00",
        "00 04 00 00",
        "00 05 00 00",
        "00 06 00 00",
        "00 01 00 03 02 68 33 00 02 00 03 61 62 63", // no-default-alpn has none.
        "00 02 00 00",                               // It says nothing without alpn.
        "00 00 00 02 00 7b",                         // What is mandatory is not there.
        "00 00 00 02 00 00",                         // It does not name itself.
        "00 00 00 04 00 7b 00 7b 00 7b 00 01 61",    // Nor anything twice.
        "00 01 00 03 00 02 68",                      // An empty protocol.
        "00 01 00 03 03 68 33",                      // A protocol longer than the list.
        "00 03 00 03 00 35 00",
        "00 04 00 05 c0 00 02 01 00",
        "00 06 00 04 c0 00 02 01",
        "00 03 00 02 00",
        "00",
    ] {
        assert_eq!(parse(&["00 01 00", parameters]), None, "{parameters}");
    }
    assert_eq!(parse(&["00 01 c0 00"]), None, "a name that is compressed");
    assert_eq!(parse(&["00 01 03 61 62"]), None, "a name that is cut off");
}

#[test]
fn what_must_be_understood_and_is_not_is_not_used_and_an_alias_has_no_parameters() {
    // spec: 9460-8-a
    let strange = parse(&["00 01 00 00 00 00 02 02 9b 00 01 00 03 02 68 33 02 9b 00 01 61"]).expect("sound");
    assert!(!strange.is_understood);
    assert_eq!(spots(&[strange], "a.test", 443), []);
    let alias = parse(&["00 00", EXAMPLE_COM, "00 03 00 02 00 35"]).expect("sound");
    assert_eq!(alias, plain(0, "example.com")); // spec: 9460-2.4.2-b
}

#[test]
fn records_lead_to_http3_in_the_order_of_their_priorities() {
    // spec: 9460-2.4.1-a
    let h3 = |priority, target, port| Record { alpn: vec![b"h3".to_vec()], port, ..plain(priority, target) };
    let h2 = Record { alpn: vec![b"h2".to_vec()], ..plain(1, "two.test") };
    let found = spots(&[h3(9, "b.test", Some(8_443)), h2, h3(2, "", None)], "a.test", 443);
    let spot = |host: &str, port| Spot { host: host.into(), port };
    assert_eq!(found, [spot("a.test", 443), spot("b.test", 8_443)]);
}

#[test]
fn the_question_is_a_name_with_port_and_scheme_where_the_port_is_not_https_own() {
    // spec: 9460-9.1-a
    let origin = |authority| Origin::parse(true, authority).expect("an origin");
    assert_eq!(question(&origin("a.test")), "a.test");
    assert_eq!(question(&origin("a.test:8443")), "_8443._https.a.test");
    let records = Records::new(&NameServers::These(vec![([127, 0, 0, 1], 53).into()]));
    for (authority, is_asked) in
        [("a.test", true), ("127.0.0.1", false), ("[::1]:1", false), ("localhost", false)]
    {
        assert_eq!(records.may_know(&origin(authority)), is_asked, "{authority}");
    }
    assert!(!Records::new(&NameServers::None).may_know(&origin("a.test")));
}

#[test]
fn name_servers_are_those_of_the_systems_file() {
    let text = "# nameserver 1.1.1.1\nsearch a\nnameserver 127.0.0.53\nnameserver ::1 # x\nnameserver x\nnameserver\n";
    let expected = [SocketAddr::from(([127, 0, 0, 53], 53)), (Ipv6Addr::LOCALHOST, 53).into()];
    assert_eq!(ask::servers(text), expected.map(Server));
}

/// Owner, type, data.
type Row = (&'static str, u16, Vec<u8>);

/// An answer to `question` with these records. Names are as [`wire_name`] writes them.
fn answer(question: &[u8], flags: u16, rows: &[Row]) -> Vec<u8> {
    let end = question.len() - 11; // Without OPT.
    let mut bytes = question[..end].to_vec();
    bytes[2..4].copy_from_slice(&flags.to_be_bytes());
    bytes[6..8].copy_from_slice(&(rows.len() as u16).to_be_bytes());
    bytes[10..12].fill(0);
    for (owner, kind, data) in rows {
        match *owner {
            "" => bytes.extend([0xc0, 12]), // The name in the question.
            owner => bytes.extend(wire_name(owner)),
        }
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// `priority target alpn=h3`
fn rdata(priority: u16, target: &[u8]) -> Vec<u8> {
    [&priority.to_be_bytes(), target, &[0, 1, 0, 3, 2, b'h', b'3']].concat()
}

const ANSWERED: u16 = 0x8180;

#[test]
fn an_answer_counts_when_it_answers_the_question() {
    let question = message::question(0x1234, "a.test").expect("a name");
    let good = answer(&question, ANSWERED, &[("", 65, rdata(1, &[0]))]);
    let Some(Heard::Answer(heard)) = message::answer(&question, &good) else { panic!("an answer") };
    assert_eq!((heard.owner.as_str(), heard.ttl_secs, heard.records.len()), ("a.test", 60, 1));
    for other in [
        message::question(0x1235, "a.test"),
        message::question(0x1234, "b.test"),
        message::question(0x1234, "a.test.b"),
    ] {
        let other = other.expect("a name");
        assert_eq!(message::answer(&other, &good), None);
    }
    assert_eq!(message::answer(&question, &question), None, "a question is no answer");
    assert_eq!(message::answer(&question, &answer(&question, 0x8380, &[])), Some(Heard::Truncated));
    assert_eq!(message::answer(&question, &answer(&question, 0x8182, &[])), Some(Heard::Failed));
    for len in 0..good.len() {
        assert!(!matches!(message::answer(&question, &good[..len]), Some(Heard::Answer(_))), "{len}");
    }
    for long in ["a".repeat(64), format!("{}x", "a.".repeat(127)), String::new()] {
        assert_eq!(message::question(0, &long), None, "{long}");
    }
}

#[test]
fn one_malformed_record_spoils_its_set() {
    // spec: 9460-2.2-b
    let question = message::question(1, "a.test").expect("a name");
    let rows = [("", 65, rdata(1, &[0])), ("", 65, vec![0, 1, 0, 0])];
    assert_eq!(message::answer(&question, &answer(&question, ANSWERED, &rows)), Some(Heard::Failed));
}

#[test]
fn a_name_that_leads_in_circles_ends() {
    let question = message::question(1, "a.test").expect("a name");
    let mut bytes = answer(&question, ANSWERED, &[("", 5, vec![0xc0, 12])]);
    assert!(matches!(message::answer(&question, &bytes), Some(Heard::Answer(_))), "a CNAME to itself");
    let at = question.len() - 11;
    bytes[at + 1] = at as u8; // The owner's pointer points at itself.
    assert_eq!(message::answer(&question, &bytes), None);
}

/// A name server on the loopback that has these rows by name; those of a name that begins with `big` go by TCP alone.
async fn responder(rows: fn(&str) -> Option<Vec<Row>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("bound");
    let listener = TcpListener::bind(address).await.expect("the same port");
    let reply = move |question: &[u8]| {
        let (name, _) = message::name(question, 12).expect("a name");
        rows(&name).map(|rows| (name.starts_with("big"), answer(question, ANSWERED, &rows)))
    };
    tokio::task::spawn_local(async move {
        let mut buffer = [0; 512];
        loop {
            let (len, from) = socket.recv_from(&mut buffer).await.expect("a question");
            let question = &buffer[..len];
            let Some((is_big, all)) = reply(question) else { continue };
            let sent = if is_big { answer(question, ANSWERED | 0x0200, &[]) } else { all };
            socket.send_to(&[0; 3], from).await.expect("what is no answer");
            socket.send_to(&sent, from).await.expect("an answer");
        }
    });
    tokio::task::spawn_local(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let len = stream.read_u16().await.expect("a length");
            let mut question = vec![0; len.into()];
            stream.read_exact(&mut question).await.expect("a question");
            let (_, all) = reply(&question).expect("who is big has rows");
            stream.write_u16(all.len() as u16).await.expect("a length");
            stream.write_all(&all).await.expect("an answer");
        }
    });
    address
}

/// Where an origin's HTTP/3 is, according to those servers.
async fn found(servers: Vec<SocketAddr>, authority: &str) -> Vec<String> {
    let records = Rc::new(Records::new(&NameServers::These(servers)));
    let origin = Origin::parse(true, authority).expect("an origin");
    let spots = records.spots(origin, Instant::from_nanos(0)).await;
    spots.into_iter().map(|Spot { host, port }| format!("{host}:{port}")).collect()
}

fn on_a_thread(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, work);
}

#[test]
fn a_server_is_asked_and_its_aliases_are_followed() {
    // spec: 9460-2.4.2-a 9460-3.1-a
    fn rows(name: &str) -> Option<Vec<Row>> {
        let alias = |to: &str| [&[0, 0][..], &wire_name(to)].concat();
        Some(match name {
            "plain.test" => vec![("", 65, rdata(1, &[0]))],
            "_8443._https.port.test" => vec![("", 65, rdata(1, &wire_name("Other.test")))],
            "alias.test" => vec![("", 65, alias("plain.test"))],
            "circle.test" => vec![("", 65, alias("circle.test"))],
            "gone.test" => vec![("", 65, vec![0, 0, 0])],
            "cname.test" => vec![("", 5, wire_name("far.test")), ("far.test", 65, rdata(1, &[0]))],
            "big.test" => vec![("", 65, rdata(1, &[0]))],
            _ => vec![],
        })
    }
    on_a_thread(async {
        let server = responder(rows).await;
        for (authority, expected) in [
            ("plain.test", Some("plain.test:443")),
            ("port.test:8443", Some("other.test:8443")),
            ("alias.test", Some("plain.test:443")),
            ("circle.test", None),
            ("gone.test", None),
            ("cname.test", Some("far.test:443")),
            ("big.test", Some("big.test:443")),
            ("nothing.test", None),
        ] {
            assert_eq!(found(vec![server], authority).await, Vec::from_iter(expected), "{authority}");
        }
    });
}

#[test]
fn a_server_that_is_silent_or_absent_is_the_next_ones_turn_and_answers_are_kept() {
    on_a_thread(async {
        let silent = responder(|_| None).await;
        let good = responder(|_| Some(vec![("", 65, rdata(1, &[0]))])).await;
        assert_eq!(found(vec![silent, good], "a.test").await, ["a.test:443"]);
        let nobody = found(vec![silent], "a.test");
        assert!(time::timeout(core::time::Duration::from_secs(5), nobody).await.expect("an end").is_empty());

        let records = Rc::new(Records::new(&NameServers::These(vec![good])));
        let origin = Origin::parse(true, "a.test").expect("an origin");
        let at = |secs| Instant::from_nanos(0) + Span::from_secs(secs);
        records.clone().spots(origin.clone(), at(0)).await;
        let is_kept = |now| records.known.borrow().get("a.test").is_some_and(|known| known.until > now);
        assert!(is_kept(at(59)) && !is_kept(at(60)), "as long as the record says");
    });
}
