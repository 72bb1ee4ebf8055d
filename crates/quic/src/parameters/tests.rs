use super::{HandshakeIds, Parameters, PreferredAddress, Remembered, VersionInformation, put_entry};
use crate::{
    Fault,
    frame::Terms,
    ids::{ConnectionId, ResetToken},
    rules::{PARAMETERS, Side, parameters::Form, parameters::id},
};
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use sakigake_wire::{Entropy, Full, Writer};

/// The quic_transport_parameters of RFC 9001, appendix A.2.
const OF_THE_RFC: [u8; 50] = [
    0x04, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05, 0x04, 0x80, 0x00, 0xff, 0xff, 0x07,
    0x04, 0x80, 0x00, 0xff, 0xff, 0x08, 0x01, 0x10, 0x01, 0x04, 0x80, 0x00, 0x75, 0x30, 0x09, 0x01, 0x10,
    0x0f, 0x08, 0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08, 0x06, 0x04, 0x80, 0x00, 0xff, 0xff,
];

#[test]
fn the_rfcs_client_declares_what_it_says() {
    let expected = Parameters {
        max_idle_timeout_ms: 30_000,
        initial_max_data: (1 << 62) - 1,
        initial_max_stream_data_bidi_local: 65_535,
        initial_max_stream_data_bidi_remote: 65_535,
        initial_max_stream_data_uni: 65_535,
        initial_max_streams_bidi: 16,
        initial_max_streams_uni: 16,
        initial_source_connection_id: Some(id_of(&[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08])),
        ..Parameters::default()
    };
    assert_eq!(Parameters::read(&OF_THE_RFC, Side::Client), Ok(expected));
}

#[test]
fn everything_survives_the_wire() {
    for (sender, parameters) in [(Side::Client, client()), (Side::Server, server())] {
        let bytes = parameters.to_vec(sender, &mut Constant(7));
        assert_eq!(Parameters::read(&bytes, sender), Ok(parameters));
    }
}

#[test]
fn the_defaults_are_the_tables_and_cost_nothing() {
    for rule in &PARAMETERS {
        if let (Form::Integer { default: Some(default), .. }, Some(super::Value::Integer(value))) =
            (rule.form, Parameters::default().value(rule.id))
        {
            assert_eq!(*value, default, "{}", rule.name);
        }
        assert!(Parameters::default().value(rule.id).is_some(), "{} has no field", rule.name);
    }
    let bytes = Parameters::default().to_vec(Side::Server, &mut Constant(0));
    assert_eq!(bytes, [0x1b, 0x00], "nothing but the reserved parameter 27");
}

#[test]
fn a_reserved_parameter_is_sent_and_ignored() {
    let mut reserved = Vec::new();
    for filler in 0..=u8::MAX {
        let bytes = minimal().to_vec(Side::Client, &mut Constant(filler));
        assert_eq!(Parameters::read(&bytes, Side::Client), Ok(minimal()));
        let value = usize::from(filler & 0x0f);
        reserved.push(bytes[8..bytes.len() - value].to_vec());
    }
    reserved.dedup();
    assert!(reserved.len() > 200, "it is not always the same");
    let bytes = [&minimal().to_vec(Side::Client, &mut Constant(0)), &list(&[(0x7a7a, b"any")])[..]].concat();
    assert_eq!(Parameters::read(&bytes, Side::Client), Ok(minimal())); // spec: 9000-7.4.2-m
}

#[test]
fn whoever_cuts_parameters_short_is_refused() {
    for (sender, parameters) in [(Side::Client, client()), (Side::Server, server())] {
        let bytes = parameters.to_vec(sender, &mut Constant(7));
        let mut whole = 0;
        for len in 0..bytes.len() {
            match Parameters::read(&bytes[..len], sender) {
                // A cut between two parameters leaves fewer of them.
                Ok(_) => whole += 1,
                Err(fault) => assert_eq!(fault.code(), 0x08, "{fault:?}"),
            }
        }
        assert!(whole < PARAMETERS.len());
    }
    let cut = Parameters::read(&OF_THE_RFC[..9], Side::Client);
    assert_eq!(cut, Err(Fault::ParametersEndEarly)); // spec: 9000-18-m
}

#[test]
fn no_flipped_bit_panics() {
    for (sender, parameters) in [(Side::Client, client()), (Side::Server, server())] {
        let mut bytes = parameters.to_vec(sender, &mut Constant(7));
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Err(fault) = Parameters::read(&bytes, sender) {
                assert_eq!(fault.code(), 0x08, "{fault:?}");
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_parameter_stands_once() {
    let twice = |id, value: &[u8]| with(&[(id, value), (id, value)], Side::Server);
    assert_eq!(twice(0x04, &[1]), Err(Fault::DuplicateParameter { parameter: 4 })); // spec: 9000-7.4-n
    assert_eq!(twice(0x2ab2, &[]), Err(Fault::DuplicateParameter { parameter: 0x2ab2 }));
    assert_eq!(twice(0x7a7a, b"any"), Err(Fault::DuplicateParameter { parameter: 0x7a7a }));
}

#[test]
fn unknown_parameters_cost_no_memory() {
    let many: Vec<(u64, &[u8])> = (0..2_000).map(|number| (0x10_0000 + number, &b""[..])).collect();
    assert!(with(&many, Side::Client).is_ok());
    let mut seen = super::Seen::default();
    assert!(many.iter().all(|(id, _)| !seen.holds(*id)));
    assert_eq!(seen.unknown.len(), super::Seen::MOST_UNKNOWN);
}

#[test]
fn a_client_sends_nothing_of_servers() {
    for (parameter, value) in [
        (id::ORIGINAL_DESTINATION_CONNECTION_ID, &[1; 8][..]),
        (id::STATELESS_RESET_TOKEN, &[1; 16]),
        (id::PREFERRED_ADDRESS, &[1; 45]),
        (id::RETRY_SOURCE_CONNECTION_ID, &[]),
    ] {
        let read = with(&[(parameter, value)], Side::Client);
        assert_eq!(read, Err(Fault::ParameterOfServers { parameter })); // spec: 9000-18.2-q
    }
    let all = Parameters { version_information: None, ..server() };
    let written = all.to_vec(Side::Client, &mut Constant(0));
    let read = Parameters::read(&written, Side::Client).expect("a client's"); // spec: 9000-18.2-r
    assert_eq!((read.stateless_reset_token, read.preferred_address), (None, None));
}

#[test]
fn integers_keep_their_bounds() {
    let out = |parameter| Err(Fault::ParameterOutOfBounds { parameter });
    let refused: [(u64, u64); 10] = [
        (id::MAX_UDP_PAYLOAD_SIZE, 1_199),             // spec: 9000-18.2-m
        (id::ACK_DELAY_EXPONENT, 21),                  // spec: 9000-18.2-n
        (id::MAX_ACK_DELAY, 1 << 14),                  // spec: 9000-18.2-o
        (id::ACTIVE_CONNECTION_ID_LIMIT, 1),           // spec: 9000-18.2-p
        (id::ACTIVE_CONNECTION_ID_LIMIT, 0),           // spec: 9000-7.4-m
        (id::INITIAL_MAX_STREAMS_BIDI, (1 << 60) + 1), // spec: 9000-4.6-n
        (id::INITIAL_MAX_STREAMS_UNI, (1 << 60) + 1),
        (id::MIN_ACK_DELAY, 25_001), // spec: ackfreq-3-m
        (id::MIN_ACK_DELAY, 1 << 40),
        (id::MAX_ACK_DELAY, (1 << 62) - 1),
    ];
    for (parameter, value) in refused {
        assert_eq!(with(&[(parameter, &varint(value))], Side::Client), out(parameter), "{value}");
    }
    for (parameter, value) in [
        (id::MAX_UDP_PAYLOAD_SIZE, 1_200),
        (id::MAX_UDP_PAYLOAD_SIZE, 65_535),
        (id::ACK_DELAY_EXPONENT, 20),
        (id::MAX_ACK_DELAY, (1 << 14) - 1),
        (id::ACTIVE_CONNECTION_ID_LIMIT, 2),
        (id::INITIAL_MAX_STREAMS_BIDI, 1 << 60),
        (id::INITIAL_MAX_DATA, (1 << 62) - 1),
        (id::MIN_ACK_DELAY, 25_000),
        (id::MIN_ACK_DELAY, 0),
    ] {
        assert!(with(&[(parameter, &varint(value))], Side::Client).is_ok(), "{parameter:#x} {value}");
    }
}

#[test]
fn values_have_the_form_of_their_definition() {
    for (parameter, value) in [
        (id::INITIAL_MAX_DATA, &[][..]),       // spec: 9000-18.2-t
        (id::INITIAL_MAX_DATA, &[0x40]),       // an integer that ends early
        (id::INITIAL_MAX_DATA, &[0x01, 0x00]), // and one that goes on
        (id::DISABLE_ACTIVE_MIGRATION, &[0]),  // nothing is what it holds
        (id::GREASE_QUIC_BIT, &[1]),           // spec: 9287-3-a
        (id::RESET_STREAM_AT, &[1]),           // spec: rsa-3-m
        (id::STATELESS_RESET_TOKEN, &[7; 15]),
        (id::STATELESS_RESET_TOKEN, &[7; 17]),
        (id::RETRY_SOURCE_CONNECTION_ID, &[7; 21]),
        (id::PREFERRED_ADDRESS, &[0; 41]), // spec: 9000-18.2-v
        (id::PREFERRED_ADDRESS, &[1; 41]), // spec: 9000-18.2-u
        (id::PREFERRED_ADDRESS, &[1; 43]),
    ] {
        let read = with(&[(parameter, value)], Side::Server);
        assert_eq!(read, Err(Fault::MalformedParameter { parameter }), "{value:02x?}");
    }
}

#[test]
fn an_integer_may_be_written_long() {
    let read = with(&[(id::INITIAL_MAX_DATA, &[0xc0, 0, 0, 0, 0, 0, 0, 9])], Side::Client);
    assert_eq!(read.map(|read| read.initial_max_data), Ok(9));
}

#[test]
fn each_end_declares_its_first_id() {
    let missing = |parameter| Err(Fault::MissingParameter { parameter });
    let source = (id::INITIAL_SOURCE_CONNECTION_ID, &b""[..]);
    let original = (id::ORIGINAL_DESTINATION_CONNECTION_ID, &b"original"[..]);
    // spec: 9000-7.3-m
    assert_eq!(Parameters::read(&[], Side::Client), missing(id::INITIAL_SOURCE_CONNECTION_ID));
    assert_eq!(Parameters::read(&list(&[original]), Side::Server), missing(id::INITIAL_SOURCE_CONNECTION_ID));
    assert_eq!(
        Parameters::read(&list(&[source]), Side::Server),
        missing(id::ORIGINAL_DESTINATION_CONNECTION_ID)
    );
    assert!(Parameters::read(&list(&[source]), Side::Client).is_ok());
    assert!(Parameters::read(&list(&[source, original]), Side::Server).is_ok());
}

#[test]
fn a_server_without_ids_has_no_preferred_address() {
    let server = Parameters { initial_source_connection_id: Some(ConnectionId::EMPTY), ..server() };
    let bytes = server.to_vec(Side::Server, &mut Constant(0));
    let read = Parameters::read(&bytes, Side::Server);
    assert_eq!(read, Err(Fault::PreferredAddressWithoutIds)); // spec: 9000-18.2-s
}

#[test]
fn an_address_of_zeroes_is_none() {
    let address = server().preferred_address.expect("one");
    for kept in [PreferredAddress { ipv4: None, ..address }, PreferredAddress { ipv6: None, ..address }] {
        let server = Parameters { preferred_address: Some(kept), ..server() };
        let bytes = server.to_vec(Side::Server, &mut Constant(0));
        let read = Parameters::read(&bytes, Side::Server).expect("a server's");
        assert_eq!(read.preferred_address, Some(kept));
    }
}

#[test]
fn the_declared_ids_are_those_of_the_packets() {
    let ids = HandshakeIds {
        initial_source: id_of(b"server"),
        original_destination: id_of(b"original"),
        retry_source: Some(id_of(b"retry")),
    };
    let mismatch = |parameter| Err(Fault::ConnectionIdMismatch { parameter });
    assert_eq!(server().authenticate(Side::Server, &ids), Ok(()));
    let without = Parameters { retry_source_connection_id: None, ..server() };
    let missing = Fault::MissingParameter { parameter: id::RETRY_SOURCE_CONNECTION_ID };
    assert_eq!(without.authenticate(Side::Server, &ids), Err(missing)); // spec: 9000-7.3-n
    let no_retry = HandshakeIds { retry_source: None, ..ids };
    let unexpected = server().authenticate(Side::Server, &no_retry);
    assert_eq!(unexpected, mismatch(id::RETRY_SOURCE_CONNECTION_ID)); // spec: 9000-7.3-o
    assert_eq!(without.authenticate(Side::Server, &no_retry), Ok(()));
    for (ids, parameter) in [
        (HandshakeIds { initial_source: id_of(b"x"), ..ids }, id::INITIAL_SOURCE_CONNECTION_ID),
        (HandshakeIds { original_destination: id_of(b"x"), ..ids }, id::ORIGINAL_DESTINATION_CONNECTION_ID),
        (HandshakeIds { retry_source: Some(id_of(b"x")), ..ids }, id::RETRY_SOURCE_CONNECTION_ID),
    ] {
        assert_eq!(server().authenticate(Side::Server, &ids), mismatch(parameter));
    }
    let ids = HandshakeIds { initial_source: id_of(b"client"), ..ids };
    assert_eq!(client().authenticate(Side::Client, &ids), Ok(()));
    let other = HandshakeIds { initial_source: ConnectionId::EMPTY, ..ids };
    let refused = client().authenticate(Side::Client, &other);
    assert_eq!(refused, mismatch(id::INITIAL_SOURCE_CONNECTION_ID));
}

#[test]
fn what_we_declare_is_what_may_come() {
    let terms = Terms {
        sender: Side::Server,
        max_datagram_frame_size: 65_535,
        reset_stream_at: true,
        min_ack_delay_us: Some(1_000),
    };
    assert_eq!(client().terms(Side::Server), terms);
    assert_eq!(Parameters::default().terms(Side::Client), Terms::plain(Side::Client));
}

#[test]
fn version_information_is_whole() {
    let malformed = Err(Fault::MalformedParameter { parameter: id::VERSION_INFORMATION });
    let read = |value: &[u8], sender| with(&[(id::VERSION_INFORMATION, value)], sender);
    for value in [
        &[][..],
        &[0, 0, 1],                   // spec: 9368-4-a
        &[0, 0, 0, 1, 0, 0, 0, 1, 0], // not a multiple of four
        &[0, 0, 0, 0, 0, 0, 0, 0],    // spec: 9368-4-b
        &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0],
    ] {
        for sender in [Side::Client, Side::Server] {
            assert_eq!(read(value, sender), malformed, "{value:02x?}");
        }
    }
    // A server may be about to part with the version that it chose; a client chooses among what it offers.
    let alone = [0x6b, 0x33, 0x43, 0xcf];
    assert!(read(&alone, Side::Server).is_ok());
    assert_eq!(read(&alone, Side::Client), malformed); // spec: 9368-4-c
}

const V1: u32 = 1;
const V2: u32 = 0x6b33_43cf;

#[test]
fn a_server_knows_which_version_the_client_began_with() {
    let offer = VersionInformation { chosen: V1, available: vec![V2, V1] };
    assert_eq!(offer.check_client(V1), Ok(()));
    assert_eq!(offer.check_client(V2), Err(Fault::VersionNegotiation)); // spec: 9368-4-d
}

#[test]
fn a_client_finds_out_who_chose_its_version() {
    let told = |chosen, available: &[u32]| Some(VersionInformation { chosen, available: available.to_vec() });
    let (spoken, sent) = ([V2, V1], VersionInformation { chosen: V1, available: vec![V2, V1] });
    let cases: &[(&str, Option<VersionInformation>, u32, bool, bool)] = &[
        ("a server of old", None, V1, false, true),
        ("an upgrade that nobody vouches for", None, V2, false, false), // spec: 9368-4-e
        ("a reaction that nobody vouches for", None, V1, true, false),
        ("no change", told(V1, &[V1]), V1, false, true),
        ("an upgrade", told(V2, &[V1, V2]), V2, false, true),
        ("a forged header", told(V1, &[V1]), V2, false, false), // spec: 9368-4-f
        ("a version that was not offered", told(7, &[7]), 7, false, false),
        ("an honest reaction", told(V1, &[V1]), V1, true, true),
        ("a forged Version Negotiation", told(V1, &[V1, V2]), V1, true, false), // spec: 9368-4-g
        ("a reaction to nothing", told(V1, &[]), V1, true, false),
    ];
    for (story, server, in_use, reacted, is_honest) in cases {
        let reacted_by = reacted.then_some(&spoken[..]);
        let checked = VersionInformation::check_server(server.as_ref(), &sent, *in_use, reacted_by);
        assert_eq!(checked.is_ok(), *is_honest, "{story}");
        assert!(*is_honest || checked.is_err_and(|fault| fault.code() == 0x11));
    }
}

#[test]
fn a_client_remembers_what_section_7_4_1_lets_it() {
    let expected = Parameters {
        max_idle_timeout_ms: 30_000,
        max_udp_payload_size: 1_472,
        initial_max_data: 1 << 20,
        initial_max_stream_data_bidi_local: 1 << 16,
        initial_max_stream_data_bidi_remote: 1 << 17,
        initial_max_stream_data_uni: 1 << 18,
        initial_max_streams_bidi: 100,
        initial_max_streams_uni: 3,
        disable_active_migration: true,
        active_connection_id_limit: 8,
        reset_stream_at: true,
        max_datagram_frame_size: 65_535,
        ..Parameters::default()
    };
    assert_eq!(server().remembered().parameters(), &expected); // spec: 9000-7.4.1-m 9000-9.6.2-a
    let (mut out, remembered) = ([0; 128], server().remembered());
    let mut writer = Writer::new(&mut out);
    remembered.write(&mut writer).expect("fits");
    let len = writer.written();
    assert_eq!(Remembered::read(&out[..len]), Ok(remembered));
    let cut = Remembered::read(&out[..len - 1]);
    assert_eq!(cut, Err(Fault::ParametersEndEarly));
    let forged = list(&[(id::MAX_ACK_DELAY, &[1]), (id::INITIAL_MAX_DATA, &[2])]);
    let read = Remembered::read(&forged).expect("parameters");
    let expected = Parameters { initial_max_data: 2, ..Parameters::default() };
    assert_eq!(read.parameters(), &expected); // spec: 9000-7.4.1-n
    assert!(matches!(server().remembered().write(&mut Writer::new(&mut [0; 8])), Err(Full(_))));
}

#[test]
fn early_data_keeps_its_limits() {
    let remembered = server().remembered();
    assert_eq!(remembered.check_kept(&server()), Ok(()));
    assert!(remembered.may_take_early_data(&server()));
    type Change = fn(&mut Parameters);
    let binding: [(u64, Change); 9] = [
        (id::ACTIVE_CONNECTION_ID_LIMIT, |new| new.active_connection_id_limit -= 1),
        (id::INITIAL_MAX_DATA, |new| new.initial_max_data -= 1),
        (id::INITIAL_MAX_STREAM_DATA_BIDI_LOCAL, |new| new.initial_max_stream_data_bidi_local -= 1),
        (id::INITIAL_MAX_STREAM_DATA_BIDI_REMOTE, |new| new.initial_max_stream_data_bidi_remote -= 1),
        (id::INITIAL_MAX_STREAM_DATA_UNI, |new| new.initial_max_stream_data_uni -= 1),
        (id::INITIAL_MAX_STREAMS_BIDI, |new| new.initial_max_streams_bidi -= 1),
        (id::INITIAL_MAX_STREAMS_UNI, |new| new.initial_max_streams_uni -= 1),
        (id::MAX_DATAGRAM_FRAME_SIZE, |new| new.max_datagram_frame_size -= 1), // spec: 9221-3-c
        (id::RESET_STREAM_AT, |new| new.reset_stream_at = false),              // spec: rsa-3-n
    ];
    for (parameter, change) in binding {
        let mut new = server();
        change(&mut new);
        let kept = remembered.check_kept(&new);
        assert_eq!(kept, Err(Fault::ReducedParameter { parameter }));
        assert!(!remembered.may_take_early_data(&new)); // spec: 9000-7.4.1-o
    }
    let better: [Change; 5] = [
        |new| new.initial_max_data += 1,
        |new| new.max_idle_timeout_ms = 0,
        |new| new.disable_active_migration = false,
        |new| new.max_ack_delay_ms = 1,
        |new| new.stateless_reset_token = None,
    ];
    for change in better {
        let mut new = server();
        change(&mut new);
        assert!(remembered.check_kept(&new).is_ok() && remembered.may_take_early_data(&new));
    }
    let worse: [Change; 2] = [|new| new.max_idle_timeout_ms -= 1, |new| new.max_udp_payload_size -= 1];
    for change in worse {
        let mut new = server();
        change(&mut new);
        assert!(remembered.check_kept(&new).is_ok() && !remembered.may_take_early_data(&new));
    }
}

#[test]
fn early_data_needs_room() {
    let room = |data, streams, uni| {
        let of = Parameters {
            initial_max_data: data,
            initial_max_streams_bidi: streams,
            initial_max_stream_data_bidi_remote: 1,
            initial_max_streams_uni: uni,
            initial_max_stream_data_uni: 1,
            ..Parameters::default()
        };
        of.remembered().has_room()
    };
    assert!(room(1, 1, 0) && room(1, 0, 1));
    assert!(!room(0, 1, 1) && !room(1, 0, 0));
}

fn minimal() -> Parameters {
    Parameters { initial_source_connection_id: Some(id_of(b"client")), ..Parameters::default() }
}

fn client() -> Parameters {
    Parameters {
        version_information: Some(VersionInformation { chosen: V1, available: vec![V2, V1, 0x1a2a_3a4a] }),
        preferred_address: None,
        original_destination_connection_id: None,
        retry_source_connection_id: None,
        stateless_reset_token: None,
        initial_source_connection_id: Some(id_of(b"client")),
        ..server()
    }
}

fn server() -> Parameters {
    Parameters {
        original_destination_connection_id: Some(id_of(b"original")),
        max_idle_timeout_ms: 30_000,
        stateless_reset_token: Some(ResetToken::new([8; 16])),
        max_udp_payload_size: 1_472,
        initial_max_data: 1 << 20,
        initial_max_stream_data_bidi_local: 1 << 16,
        initial_max_stream_data_bidi_remote: 1 << 17,
        initial_max_stream_data_uni: 1 << 18,
        initial_max_streams_bidi: 100,
        initial_max_streams_uni: 3,
        ack_delay_exponent: 5,
        max_ack_delay_ms: 26,
        disable_active_migration: true,
        preferred_address: Some(PreferredAddress {
            ipv4: Some(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 443)),
            ipv6: Some(SocketAddrV6::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7), 8_443, 0, 0)),
            connection_id: id_of(b"preferred"),
            reset_token: ResetToken::new([9; 16]),
        }),
        active_connection_id_limit: 8,
        initial_source_connection_id: Some(id_of(b"server")),
        retry_source_connection_id: Some(id_of(b"retry")),
        version_information: Some(VersionInformation { chosen: V2, available: vec![V1] }),
        reset_stream_at: true,
        max_datagram_frame_size: 65_535,
        grease_quic_bit: true,
        min_ack_delay_us: Some(1_000),
    }
}

/// What is read of these parameters beside those that have to be there.
fn with(entries: &[(u64, &[u8])], sender: Side) -> Result<Parameters, Fault> {
    let needed = match sender {
        Side::Client => list(&[(id::INITIAL_SOURCE_CONNECTION_ID, b"client")]),
        Side::Server => list(&[
            (id::INITIAL_SOURCE_CONNECTION_ID, b"server"),
            (id::ORIGINAL_DESTINATION_CONNECTION_ID, b"original"),
        ]),
    };
    Parameters::read(&[needed, list(entries)].concat(), sender)
}

fn list(entries: &[(u64, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0; 32 * 1_024];
    let mut out = Writer::new(&mut bytes);
    for (id, value) in entries {
        put_entry(&mut out, *id, value).expect("fits");
    }
    let len = out.written();
    bytes.truncate(len);
    bytes
}

fn varint(value: u64) -> Vec<u8> {
    let mut bytes = [0; 8];
    let mut out = Writer::new(&mut bytes);
    out.varint(value).expect("fits");
    let len = out.written();
    bytes[..len].to_vec()
}

fn id_of(bytes: &[u8]) -> ConnectionId {
    ConnectionId::new(bytes).expect("at most 20 bytes")
}

struct Constant(u8);

impl Entropy for Constant {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(self.0);
    }
}
