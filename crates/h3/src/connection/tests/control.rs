//! What goes over the control stream: PRELOAD, ORIGIN, settings.

use super::*;

/// A client of this configuration behind a server's SETTINGS and these bytes of its control stream.
fn control_at_client(config: Config, bytes: &str) -> (Heards, Result<(), Fault>, Connection) {
    let mut client = Connection::client(Arc::new(config));
    client.connected_to(Origin::parse(b"https://own.test").unwrap());
    let (mut heards, mut outcome) = (Heards::new(), Ok(()));
    for byte in hex(&format!("00 04 00 {bytes}")) {
        let mut heard = |event: Event<'_>| note(&mut heards, event);
        outcome = outcome.and(client.handle(NOW, StreamId(3), &[byte], false, &mut heard));
    }
    (heards, outcome, client)
}

#[test]
fn preload_leaves_straight_behind_settings() {
    // spec: preload-2-d
    // spec: preload-2-f
    let mut server = Connection::server(Arc::default());
    server.preload(&[0, 0, 0xd9]).unwrap();
    server.respond(StreamId(0), &Response::new(200), true).unwrap_err();
    let (bytes, _) = bytes_of(&departures(&mut server), 3);
    assert!(bytes.ends_with(&hex("21 00 40 f0 03 0000d9")), "{bytes:x?}");
    server.preload(&[]).unwrap();
    assert_eq!(bytes_of(&departures(&mut server), 3).0, hex("40 f0 00"));
    assert_eq!(Connection::client(Arc::default()).preload(&[]), Err(Misuse::Role));
    server.close(ErrorCode::NoError);
    assert_eq!(server.preload(&[]), Err(Misuse::Closing));
}

#[test]
fn preload_reaches_clients_alone_and_on_the_control_stream_alone() {
    // spec: preload-2.1-b
    let frame = "40 f0 03 0000d9";
    let (heards, outcome, _) = control_at_client(Config::default(), frame);
    assert_eq!((heards, outcome), (vec!["settings".into(), "Preload { block: [0, 0, 217] }".into()], Ok(())));
    let (heards, outcome, _) = plays(false, &[(2, &format!("00 04 00 {frame}"), false)]);
    assert_eq!((heards, outcome), (vec!["settings".into()], Ok(())));
    let (heards, outcome, _) = plays(true, &[(0, &format!("{frame} {OK}"), true)]);
    assert_eq!((heards, outcome), (vec!["0: response 200 true".into()], Ok(())));
    let (heards, outcome, _) = plays(false, &[(0, &format!("{frame} {GET}"), true)]);
    assert_eq!((heards.len(), outcome), (1, Ok(())));
    assert_eq!(plays(true, &[(3, &format!("00 {frame}"), false)]).1, Err(Fault::MissingSettings));
}

#[test]
fn preload_that_is_too_long_is_skipped() {
    // spec: preload-2.2-c
    let config =
        |preload_bytes| Config { limits: Limits { preload_bytes, ..Limits::default() }, ..Config::default() };
    let frames = "40 f0 03 0000d9 07 01 00";
    let told = |config| control_at_client(config, frames).0.len();
    assert_eq!((told(config(3)), told(config(2))), (3, 2));
    // So long that nobody could hold it.
    let (_, outcome, client) =
        control_at_client(Config::default(), "40 f0 ffffffffffffffff 0000000000000000");
    assert_eq!((outcome, client.heard.held_bytes()), (Ok(()), 0));
}

#[test]
fn preload_goes_by_the_numbers_that_are_configured() {
    // spec: preload-profile-1-a
    // spec: preload-profile-1-c
    let code_points = CodePoints { frame: 0x1_0002, setting: 0x1_0003 };
    let config = Config { code_points, preload: true, ..Config::default() };
    assert_eq!(control_at_client(config.clone(), "40 f0 00").0.len(), 1);
    assert_eq!(control_at_client(config.clone(), "80 01 00 02 00").0.len(), 2);
    let mut pair = Pair::with(config);
    assert!(pair.server.knows_preload() && !pair.client.knows_preload());
    pair.server.preload(&[7]).unwrap();
    assert_eq!(pair.at_client(), ["Preload { block: [7] }"]);
    for (frame, setting) in
        [(0x04, 0xf0f0), (0xf0, 0x08), (0x02, 0xf0f0), (0x21, 0xf0f0), (1 << 62, 0xf0f0), (0xf0, 0x04)]
    {
        assert!(!CodePoints { frame, setting }.are_free(), "{frame:#x} {setting:#x}");
    }
}

#[test]
fn a_client_says_that_it_acts_on_preload() {
    // spec: preload-profile-11-c
    for preload in [true, false] {
        let pair = Pair::with(Config { preload, ..Config::default() });
        assert_eq!((pair.server.knows_preload(), pair.client.knows_preload()), (preload, false));
    }
}

#[test]
fn origins_are_announced_and_kept() {
    // spec: 9412-2-a
    let origins: Vec<Origin> = ["https://a.test", "https://b.test:8443"]
        .iter()
        .filter_map(|text| Origin::parse(text.as_bytes()))
        .collect();
    let mut pair = Pair::with(Config { origins: origins.clone().into(), ..Config::default() });
    assert_eq!(pair.client.announce_origins(), Err(Misuse::Role));
    pair.server.announce_origins().unwrap();
    pair.server.announce_origins().unwrap();
    assert_eq!(pair.at_client(), ["Origin"], "once");
    assert!(origins.iter().all(|origin| pair.client.origins().is_some_and(|set| set.contains(origin))));
    // As RFC 8336 section 2.1 lays the payload out.
    let entries = "0c 18 000e 68747470733a2f2f612e74657374 0006 6e756c6c2121";
    let (heards, outcome, mut client) = control_at_client(Config::default(), entries);
    assert_eq!((heards.len(), outcome), (2, Ok(())));
    let named = |client: &Connection| client.origins().map(|set| set.iter().count());
    assert_eq!(named(&client), Some(2), "its own and the one that is one");
    client.misdirected(&origins[0]);
    assert_eq!(named(&client), Some(1));
    let limits = |origins, origin_bytes| Limits { origins, origin_bytes, ..Limits::default() };
    for (limits, count) in [(limits(2, 24), Some(2)), (limits(1, 24), Some(1)), (limits(2, 23), None)] {
        assert_eq!(named(&control_at_client(Config { limits, ..Config::default() }, entries).2), count);
    }
}

#[test]
fn origins_count_for_nothing_elsewhere() {
    // spec: 9412-2-b
    let frame = "0c 10 000e 68747470733a2f2f612e74657374";
    assert_eq!(
        control_at_client(Config { ignores_origin: true, ..Config::default() }, frame).0,
        ["settings"]
    );
    assert_eq!(control_at_client(Config::default(), "0c 02 0001").0, ["settings"], "it is cut short");
    assert_eq!(plays(false, &[(2, &format!("00 04 00 {frame}"), false)]).1, Ok(()));
    let (heards, outcome, client) = plays(true, &[(0, &format!("{frame} {OK}"), true)]);
    assert_eq!((heards.len(), outcome, client.origins()), (1, Ok(()), None));
}

#[test]
fn early_data_goes_by_what_was_remembered() {
    // spec: 9114-7.2.4.2-a
    let before = Settings::from_bytes(&hex("01 5000 07 10 06 40ff 08 01")).unwrap();
    let begin = || {
        let mut client = Connection::client(Arc::default());
        client.remember(before);
        client
    };
    let mut client = begin();
    assert!(client.knows_extended_connect() && !client.has_heard_settings());
    assert_eq!(client.request(&Request::get("a", &"/".repeat(300)), true), Err(Misuse::TooLarge));
    client.request(&Request::get("a.example", "/").with("x-a", "1"), true).unwrap();
    let settle = |mut client: Connection, settings: &str| {
        client.handle(NOW, StreamId(3), &hex(&format!("00 04 {settings}")), false, &mut |_| ())
    };
    assert_eq!(settle(client, "0a 01 5000 07 10 06 40ff 08 01"), Ok(()));
    assert_eq!(settle(begin(), "0a 01 5000 07 11 06 4100 08 01"), Ok(()));
    assert_eq!(settle(begin(), "0a 01 5000 07 0f 06 40ff 08 01"), Err(Fault::Setting));
    assert_eq!(settle(begin(), "08 01 5000 07 10 06 40ff"), Err(Fault::Setting));
    let other = settle(begin(), "0a 01 5001 07 10 06 40ff 08 01").unwrap_err();
    assert_eq!(other.code(), ErrorCode::QpackDecoderStreamError);
}

#[test]
fn requests_wait_for_streams() {
    let mut client = Connection::client(Arc::default());
    client.allow_requests(1);
    client.request(&Request::get("a", "/"), true).unwrap();
    assert_eq!(client.request(&Request::get("a", "/"), true), Err(Misuse::TooManyStreams));
    client.allow_requests(2);
    client.request(&Request::get("a", "/"), true).unwrap();
}
