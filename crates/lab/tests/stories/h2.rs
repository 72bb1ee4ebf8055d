use crate::{HOST, count, faults, finish, options};
use sakigake_h2 as h2;
use sakigake_lab::{
    checkers::Expected,
    log::{Note, What},
    node::{
        Caller, Content, Server, Someone,
        caller::{Call, Habits},
        pattern, server,
    },
    pipe::{Link, Side},
    world::World,
};
use sakigake_session::{ClientConfig, ServerConfig};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// `count` bodies of `bytes` each, called by a client with `limits`.
fn world(
    count: usize,
    bytes: usize,
    limits: h2::Limits,
    habits: Habits,
    manner: server::Habits,
) -> (World<Someone>, Expected) {
    let (client, server) = options(&["h2"]);
    let path = |index: usize| format!("/{index}");
    let content: Content =
        (0..count).map(|index| (path(index), ("text/plain".into(), pattern("body", bytes)))).collect();
    let calls = (0..count).map(|index| Call { path: path(index), ..Call::default() }).collect();
    let expected = Expected { content: content.clone(), is_http: true, ..Expected::default() };
    let config = ServerConfig {
        tls: server.build().expect("good options"),
        h2: Some(h2::Config::default()),
        h3: None,
        hints: None,
        trace: false,
    };
    let mut world = World::new(1, Link::default());
    let server = |seed| Server::new(Arc::new(config), Arc::new(content), seed).with(manner);
    let node = world.add(|seed| Someone::Server(Box::new(server(seed))));
    let config = ClientConfig {
        tls: client.build().expect("good options"),
        h2: Some(h2::Config { limits, ..h2::Config::default() }),
        h3: None,
        trace: false,
    };
    let habits = Habits { calls, ..habits };
    world.add(|seed| Someone::Caller(Box::new(Caller::new(Arc::new(config), node, HOST, habits, seed))));
    (world, expected)
}

/// Round trips until the last body was whole.
fn rtts(world: &World<Someone>) -> u64 {
    let received = world.log().notes().filter(|(_, _, note)| matches!(note, Note::Received { .. }));
    let last = received.map(|(at, ..)| at).max().expect("something was received");
    last.since(Instant::default()).as_nanos() / Span::from_millis(50).as_nanos()
}

#[test]
fn a_window_that_grows_carries_ten_megabytes_where_a_fixed_one_cripples_the_link() {
    let bytes = 10_000_000;
    let run = |limits| {
        let (mut world, expected) = world(1, bytes, limits, Habits::default(), server::Habits::default());
        finish(&mut world, &expected);
        assert_eq!(faults(&world), []);
        rtts(&world)
    };
    let fixed = h2::Limits {
        initial_stream_window_bytes: 65_535,
        initial_connection_window_bytes: 65_535,
        stream_window_bytes: 65_535,
        connection_window_bytes: 65_535,
        ..h2::Limits::default()
    };
    let small =
        h2::Limits { stream_window_bytes: 16 << 20, connection_window_bytes: 24 << 20, ..fixed.clone() };
    assert!(run(fixed) > 140);
    // Opening, handshake, and slow start to ten megabytes are 13.
    let (default, grown) = (run(h2::Limits::default()), run(small));
    assert!(default <= 20, "{default}");
    assert!(grown <= 30, "{grown}");
}

#[test]
fn a_slow_reader_stops_the_body() {
    let limits = h2::Limits {
        initial_stream_window_bytes: 65_535,
        initial_connection_window_bytes: 65_535,
        ..h2::Limits::default()
    };
    let habits = Habits { read_every: Some(Span::from_secs(20)), ..Habits::default() };
    let (mut world, _) = world(1, 1_000_000, limits, habits, server::Habits::default());
    world.run(Span::from_secs(10), 1_000_000);
    let wrote = |entry: &sakigake_lab::log::Entry| match &entry.what {
        What::Wrote { from: Side::Server, bytes, .. } => bytes.len(),
        _ => 0,
    };
    let bytes: usize = world.log().entries().iter().map(wrote).sum();
    assert!((65_535..75_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_server_that_leaves_finishes_what_it_took() {
    let manner = server::Habits { drain_at: Some(3), ..server::Habits::default() };
    let habits = Habits { at_once: 2, ..Habits::default() };
    let (mut world, expected) = world(10, 50_000, h2::Limits::default(), habits, manner);
    finish(&mut world, &expected);
    assert_eq!(faults(&world), []);
    let asked = count(&world, |note| matches!(note, Note::Asked { .. }));
    assert!((3..10).contains(&asked), "{asked}");
    assert_eq!(count(&world, |note| matches!(note, Note::Received { .. })), asked);
    assert_eq!(count(&world, |note| matches!(note, Note::Complete)), 1);
}
