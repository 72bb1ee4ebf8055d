use crate::{HOST, count, faults, finish, options};
use sakigake_lab::{
    checkers::Expected,
    log::Note,
    node::{
        Someone, Talker,
        talker::{Answers, Habits, Role},
    },
    pipe::Link,
    plain,
    seed::Seed,
    world::{NodeId, World},
};
use sakigake_tls::{Answer, Credential, Wanted, client, server};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

const SERVER: usize = 0;
const CLIENT: usize = 1;

struct Talk {
    client: client::Options,
    server: server::Options,
    name: &'static str,
    talks: Habits,
    echoes: Habits,
    answers: Option<Answers>,
}

/// A talk of 5,000 bytes there and back.
fn talk() -> Talk {
    let (client, server) = options(&["talk"]);
    let talks = Habits { say: 5_000, hush_at: Some(5_000), ..Habits::default() };
    Talk {
        client,
        server,
        name: HOST,
        talks,
        echoes: Habits { echo: true, ..Habits::default() },
        answers: None,
    }
}

impl Talk {
    fn run(self) -> World<Someone> {
        let mut world = World::new(1, Link::default());
        let server = Role::Server(self.server.build().expect("good options"));
        let node =
            world.add(|seed| Someone::Talker(Box::new(Talker::new(server, self.echoes, self.answers, seed))));
        let client = Role::Client(self.client.build().expect("good options"), node, self.name.into());
        world.add(|seed| Someone::Talker(Box::new(Talker::new(client, self.talks, None, seed))));
        finish(&mut world, &Expected::default());
        world
    }
}

/// When a node knew that the handshake was over.
fn ready(world: &World<Someone>, node: usize) -> Option<Span> {
    let is = |note: &Note| matches!(note, Note::Ready { .. });
    let found = world.log().notes().find(|(_, by, note)| *by == NodeId(node) && is(note));
    found.map(|(at, ..)| at.since(Instant::default()))
}

fn completes(world: &World<Someone>) {
    assert_eq!(faults(world), []);
    assert_eq!(
        count(world, |note| matches!(note, Note::Heard { bytes, whole: true, .. } if bytes.len() == 5_000)),
        2
    );
}

#[test]
fn a_handshake_takes_one_round_trip_and_a_retry_one_more() {
    let direct = talk().run();
    completes(&direct);
    assert_eq!(ready(&direct, CLIENT), Some(Span::from_millis(100)));
    for groups in [vec![0x001d, 0x0017], vec![0x11ec, 0x0018, 0x0017]] {
        let mut retried = talk();
        retried.client.groups = groups;
        retried.server.groups = vec![0x0017];
        let retried = retried.run();
        completes(&retried);
        assert_eq!(ready(&retried, CLIENT), Some(Span::from_millis(150)));
    }
}

#[test]
fn a_server_of_another_name_is_refused_and_hears_why() {
    let world = Talk { name: "elsewhere.test", ..talk() }.run();
    let [(CLIENT, ours), (SERVER, theirs)] = &faults(&world)[..] else { panic!("{:?}", faults(&world)) };
    assert!(ours.contains("other names (www.saki.test)"), "{ours}");
    assert!(theirs.contains("alert"), "{theirs}");
}

#[test]
fn a_chain_that_nobody_vouches_for_is_refused() {
    let mut talk = talk();
    let mut forged = plain::credential(HOST, 1);
    forged.chain[0][40] ^= 1;
    talk.server.credentials = vec![Arc::new(forged)];
    let world = talk.run();
    assert_eq!(faults(&world).len(), 2, "{:?}", faults(&world));
    assert_eq!(count(&world, |note| matches!(note, Note::Complete)), 0);
}

#[test]
fn peers_without_a_common_protocol_part() {
    let mut talk = talk();
    talk.client.alpn = vec![b"other".to_vec()];
    let world = talk.run();
    let told = faults(&world);
    assert!(
        told.iter().any(|(node, why)| *node == CLIENT && why.contains("no_application_protocol")),
        "{told:?}"
    );
}

#[test]
fn certificate_and_signature_may_come_late() {
    let mut talk = talk();
    talk.server.credentials.clear();
    talk.server.ask_certificate = true;
    talk.echoes.answer_after = Span::from_millis(50);
    let (chain, signer) = plain::certificate(HOST, 1);
    talk.answers = Some(Arc::new(move |wanted| match wanted {
        Wanted::Certificate { .. } => {
            let credential = Credential { chain: chain.clone(), signer: None, ..plain::credential(HOST, 1) };
            Answer::Certificate(Some(Arc::new(credential)))
        }
        Wanted::Signature { scheme, message, .. } => {
            Answer::Signature(signer.sign(*scheme, message, &mut Seed::new(1)))
        }
        Wanted::Verify { .. } | Wanted::VerifyClient { .. } => panic!("this server verifies nobody"),
        Wanted::TransportParameters { .. } => unreachable!("over QUIC alone"),
    }));
    let world = talk.run();
    completes(&world);
    assert_eq!(ready(&world, CLIENT), Some(Span::from_millis(200)));
}

#[test]
fn what_was_cut_is_never_taken_for_whole() {
    let mut talk = talk();
    talk.echoes.vanish_at = Some(5_000);
    let world = talk.run();
    let told = faults(&world);
    assert!(told.iter().any(|(node, _)| *node == CLIENT), "{told:?}");
    let mut heard = world.log().notes().filter(|(_, node, _)| *node == NodeId(CLIENT));
    assert!(heard.any(|(_, _, note)| matches!(note, Note::Heard { whole: false, .. })));
    // What the client said was whole: it closed in order.
    assert_eq!(count(&world, |note| matches!(note, Note::Heard { whole: true, .. })), 1);
}

#[test]
fn a_silent_client_meets_the_handshake_deadline() {
    let mut talk = talk();
    talk.talks.is_silent = true;
    talk.server.limits.handshake_ms = 15_000;
    let world = talk.run();
    let at = world
        .log()
        .notes()
        .find(|(_, node, note)| *node == NodeId(SERVER) && matches!(note, Note::Fault { .. }));
    // The server's clock begins when the pipe opens there.
    assert_eq!(at.map(|(at, ..)| at.since(Instant::default())), Some(Span::from_millis(15_025)));
}
