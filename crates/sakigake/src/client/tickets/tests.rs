use super::*;
use crate::scratch::Scratch;
use sakigake_crypto::Secret;
use std::{fs, os::unix::fs::PermissionsExt};

const NOW: u64 = 1_780_272_000_000;

fn session(number: u64) -> tls::Session {
    tls::Session {
        server_name: "a.test".into(),
        suite: 0x1301,
        secret: Secret::new(&[7; 32]),
        ticket: number.to_be_bytes().to_vec(),
        ticket_age_add: 1,
        lifetime_secs: 60,
        received_unix_ms: NOW + number,
        authenticated_unix_secs: NOW / 1_000,
        alpn: None,
        chain: Arc::default(),
        max_early_data: 0,
        client_certificates: [0; 32],
        kept: Vec::new(),
        verdict: tls::Verdict::default(),
        transport: tls::Transport::default(),
    }
}

/// Each kind of store in turn, which must do the same.
fn with_stores(test: impl Fn(&dyn Store)) {
    test(&InMemory::default());
    let scratch = Scratch::new("tickets");
    test(&InFolder::open(&scratch.path().join("tickets")).unwrap());
}

fn taken(store: &dyn Store, place: &str) -> Option<u64> {
    store.take(place, NOW + 1_000).map(|session| session.received_unix_ms - NOW)
}

#[test]
fn a_ticket_is_given_once_the_newest_first() {
    with_stores(|store| {
        (1..=3).for_each(|number| store.put("a", &session(number)));
        store.put("b", &session(9));
        assert_eq!([(); 4].map(|()| taken(store, "a")), [Some(3), Some(2), Some(1), None]);
        assert_eq!([(); 2].map(|()| taken(store, "b")), [Some(9), None]);
    });
}

#[test]
fn a_place_has_four_tickets_and_the_oldest_gives_way() {
    with_stores(|store| {
        (1..=5).for_each(|number| store.put("a", &session(number)));
        let all: Vec<u64> = core::iter::from_fn(|| taken(store, "a")).collect();
        assert_eq!(all, [5, 4, 3, 2]);
    });
}

#[test]
fn a_place_that_is_forgotten_keeps_what_came_later_and_the_others_keep_theirs() {
    with_stores(|store| {
        ["a", "a", "b"].into_iter().zip(1..).for_each(|(place, number)| store.put(place, &session(number)));
        store.forget("a", NOW + 2);
        assert_eq!([taken(store, "a"), taken(store, "a"), taken(store, "b")], [Some(2), None, Some(3)]);
    });
}

#[test]
fn what_takes_too_much_room_is_not_kept() {
    with_stores(|store| {
        let kept = |ticket: usize, chain: usize| {
            let chain = vec![vec![0; chain]].into();
            store.put("a", &tls::Session { ticket: vec![0; ticket], chain, ..session(1) });
            taken(store, "a").is_some()
        };
        assert_eq!([kept(16_384, 32_768), kept(16_385, 0), kept(16_384, 32_769)], [true, false, false]);
        assert!(kept(100, 49_052));
    });
}

#[test]
fn memory_is_bounded_in_bytes_too() {
    let store = InMemory::default();
    let large = |number| tls::Session { chain: vec![vec![0; 40_000]].into(), ..session(number) };
    let most = InMemory::BYTES / bytes(&large(0));
    for number in 0..=most as u64 {
        store.put(&number.to_string(), &large(number));
    }
    let held = || {
        let places = store.places();
        (places.sessions.len(), places.bytes)
    };
    assert_eq!(held(), (most, most * bytes(&large(0))));
    assert_eq!((taken(&store, "0"), taken(&store, "1")), (None, Some(1)));
    (2..=most as u64).for_each(|number| store.forget(&number.to_string(), u64::MAX));
    assert_eq!(held(), (0, 0));
}

#[test]
fn what_has_expired_is_given_to_nobody() {
    with_stores(|store| {
        store.put("a", &session(1));
        assert!(store.take("a", NOW + 60_001).is_none());
        assert_eq!(taken(store, "a"), None, "and is gone");
    });
}

#[test]
fn memory_remembers_so_many_places() {
    let store = InMemory::default();
    for number in 0..=InMemory::PLACES as u64 {
        store.put(&number.to_string(), &session(number));
    }
    assert_eq!(store.places().sessions.len(), InMemory::PLACES);
    assert_eq!((taken(&store, "0"), taken(&store, "1")), (None, Some(1)));
}

#[test]
fn a_folder_holds_so_many_tickets_for_this_user_alone() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("data/tickets");
    let store = InFolder::open(&path).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for number in 0..=InFolder::TICKETS as u64 {
        store.put(&number.to_string(), &session(number));
    }
    let files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), InFolder::TICKETS);
    assert!(files.iter().all(|file| mode(file) == 0o600));
    assert_eq!((taken(&store, "0"), taken(&store, "1")), (None, Some(1)));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    assert!(InFolder::open(&path).unwrap_err().to_string().contains("others may use it"));
}

#[test]
fn a_file_that_is_none_of_ours_is_passed_over() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("tickets");
    let store = InFolder::open(&path).unwrap();
    store.put("a", &session(1));
    for (name, bytes) in [("9999999999999.1-1", &b"no ticket"[..]), ("9999999999998.1-2", b"")] {
        let file = path.join(format!("{}.{name}", digest("a")));
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(taken(&store, "a"), Some(1));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[test]
fn tickets_are_for_one_policy_and_one_way() {
    let keeper = |change: &dyn Fn(&mut Options), proxy: Option<&str>| {
        let mut options = Options::default();
        change(&mut options);
        let proxy = proxy.map(|text| super::super::Proxy::parse(text).unwrap());
        let origin = Origin::parse(true, "a.test").unwrap();
        Tickets::of(&options).unwrap().for_origin(&origin, proxy.as_ref(), Over::Tcp).place
    };
    let usual = keeper(&|_| {}, None);
    assert!(usual.starts_with("a.test:443 "));
    assert_eq!(keeper(&|_| {}, None), usual);
    assert_ne!(keeper(&|options| options.trust = super::super::Trust::Anybody, None), usual);
    assert_ne!(keeper(&|options| options.protocols.truncate(1), None), usual);
    assert_ne!(keeper(&|options| options.preload = false, None), usual);
    assert_ne!(keeper(&|_| {}, Some("http://proxy.test:3128")), usual);
}

fn keeper(store: &Arc<dyn Store>) -> Keeper {
    let options = Options { tickets: Some(store.clone()), ..Options::default() };
    Tickets::of(&options).unwrap().for_origin(&Origin::parse(true, "a.test").unwrap(), None, Over::Tcp)
}

fn ready(is_resumed: bool) -> Event<'static> {
    let (protocol, early_data) = (sakigake_session::Protocol::H2, tls::EarlyData::None);
    Event::Ready { protocol, server_name: None, is_resumed, identity: None, early_data }
}

#[test]
fn hints_and_tickets_are_kept_and_lost_together() {
    // spec: preload-profile-9-b spec: preload-profile-10-b
    let store: Arc<dyn Store> = Arc::new(InMemory::default());
    let frame = |block| Event::Http(semantics::Event::Preload { block });
    let mut first = keeper(&store);
    assert!(first.take(NOW).is_none() && first.recalled().is_none());
    for event in [ready(false), frame(b"one"), frame(b"a page's"), Event::Ticket(Box::new(session(1)))] {
        first.hear(&event);
    }
    assert_eq!(first.recalled(), None, "it was just said");

    let mut second = keeper(&store);
    assert_eq!(second.take(NOW).unwrap(), session(1), "the hints are no part of what TLS gets");
    assert_eq!(second.recalled(), None, "the server has not gone on yet");
    second.hear(&ready(true));
    assert_eq!(second.recalled(), None, "its SETTINGS are still to come, and a frame with them");
    second.hear(&Event::Http(semantics::Event::Settings));
    assert_eq!([(); 2].map(|()| second.recalled()), [Some(b"one".to_vec()), None]);
    second.hear(&Event::Ticket(Box::new(session(2))));

    let mut lost = keeper(&store);
    let unused = lost.take(NOW).expect("a ticket");
    lost.give_back(unused);

    let mut third = keeper(&store);
    assert!(third.take(NOW).is_some());
    assert_eq!([(); 2].map(|()| third.remembered()), [Some(b"one".to_vec()), None], "it is still known");
    for event in [ready(true), frame(b"two"), Event::Ticket(Box::new(session(3)))] {
        third.hear(&event);
    }
    assert_eq!(third.recalled(), None, "the server said others");

    let mut fourth = keeper(&store);
    assert!(fourth.take(NOW).is_some_and(|session| session.ticket == 3u64.to_be_bytes()));
    fourth.hear(&ready(false));
    fourth.hear(&Event::Ticket(Box::new(session(4))));
    assert_eq!(fourth.recalled(), None);
    let mut fifth = keeper(&store);
    assert!(fifth.take(NOW).is_some());
    fifth.hear(&ready(true));
    fifth.hear(&Event::Http(semantics::Event::Settings));
    assert_eq!(fifth.recalled(), None, "a full handshake forgot them");
}

#[test]
fn what_is_left_of_former_times_goes_when_a_folder_is_opened_and_what_others_put_there_stays() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("tickets");
    let store = InFolder::open(&path).unwrap();
    let now = sakigake_net::unix_secs() * 1_000;
    for received_unix_ms in [now, now - 8 * 86_400_000, now + 86_400_000] {
        store.put("a", &tls::Session { received_unix_ms, ..session(0) });
    }
    let begun = |received: u64| format!("{}.{received:013}.7-1.7-2.tmp", digest("b"));
    for name in [&begun(now - 120_000), &begun(now), "notes.txt", "some.tmp", "a.b.c", "1.2.3-4"] {
        fs::write(path.join(name), "something").unwrap();
    }
    InFolder::open(&path).unwrap();
    let left = |name: &str| path.join(name).exists();
    assert!(!left(&begun(now - 120_000)) && left(&begun(now)), "a process may be writing it");
    assert!(left("notes.txt") && left("some.tmp") && left("a.b.c") && left("1.2.3-4"));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 6);
    assert_eq!(store.take("a", now).map(|session| session.received_unix_ms), Some(now));
    assert!(store.take("b", now).is_none() && left(&begun(now)));
}

#[test]
fn a_server_that_begins_anew_takes_no_tickets_from_connections_beside() {
    let store = Arc::new(InMemory::default());
    let options = Options { tickets: Some(store.clone()), ..Options::default() };
    let origin = Origin::parse(true, "a.test").unwrap();
    let keeper = || Tickets::of(&options).unwrap().for_origin(&origin, None, Over::Tcp);
    (1..=3).for_each(|number| store.put(&keeper().place, &session(number)));
    let (mut one, place) = (keeper(), keeper().place);
    assert!(one.take(NOW + 10).is_some());
    let ticket = Event::Ticket(Box::new(session(11)));
    keeper().hear(&ticket);
    one.hear(&ready(false));
    assert_eq!([taken(&*store, &place), taken(&*store, &place)], [Some(11), None]);
}
