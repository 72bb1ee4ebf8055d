use crate::{HOST, options};
use sakigake_h2 as h2;
use sakigake_lab::{
    log::Note,
    node::{Browser, Content, Server, Someone},
    pipe::{Link, PipeId, Side},
    world::{Node, NodeId, World},
};
use sakigake_page::{Url, load};
use sakigake_preload::{Destination, Hint, Table, table};
use sakigake_session::{ClientConfig, ServerConfig};
use sakigake_wire::{Instant, Span};
use std::sync::Arc;

/// Somebody who writes so often, and then keeps everything back.
struct Reluctant {
    node: Someone,
    writes: usize,
}

impl Node for Reluctant {
    fn opened(&mut self, now: Instant, pipe: PipeId, side: Side) {
        self.node.opened(now, pipe, side);
    }
    fn handle(&mut self, now: Instant, pipe: PipeId, bytes: &mut [u8]) {
        self.node.handle(now, pipe, bytes);
    }
    fn ended(&mut self, now: Instant, pipe: PipeId, broken: bool) {
        self.node.ended(now, pipe, broken);
    }
    fn expire(&mut self, now: Instant) {
        self.node.expire(now);
    }
    fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }
    fn transmit(&mut self, now: Instant, pipe: PipeId, out: &mut [u8]) -> Option<usize> {
        self.writes = self.writes.checked_sub(1)?;
        self.node.transmit(now, pipe, out)
    }
    fn is_done(&self, pipe: PipeId) -> bool {
        self.writes > 0 && self.node.is_done(pipe)
    }
    fn dials(&mut self) -> Option<NodeId> {
        self.node.dials()
    }
    fn notes(&mut self) -> Vec<Note> {
        self.node.notes()
    }
}

/// A page with a style sheet and a script; the client writes `writes` times.
fn world(site: &table::Site, port: u16, writes: usize) -> World<Reluctant> {
    let (client, server) = options(&["h2"]);
    let mut content = Content::new();
    let page = "<link rel=stylesheet href=/a.css><script src=/b.js></script>";
    content.insert("/".into(), ("text/html".into(), page.into()));
    content.insert("/a.css".into(), ("text/css".into(), b"body { color: teal }".to_vec()));
    content.insert("/b.js".into(), ("text/javascript".into(), b"1".to_vec()));
    let table = Table::new(table::Config { port, ..table::Config::default() });
    table.set(HOST, site);
    let config = ServerConfig {
        tls: server.build().expect("good options"),
        h2: Some(h2::Config::default()),
        h3: None,
        hints: Some(Arc::new(table)),
        trace: false,
    };
    let mut world = World::new(1, Link::default());
    let server = |seed| Someone::Server(Box::new(Server::new(Arc::new(config), Arc::new(content), seed)));
    let node = world.add(|seed| Reluctant { node: server(seed), writes: usize::MAX });
    let config = ClientConfig {
        tls: client.build().expect("good options"),
        h2: Some(h2::Config { preload: true, ..h2::Config::default() }),
        h3: None,
        trace: false,
    };
    let url = Url::parse(&format!("https://{HOST}/")).expect("a good address");
    let options = load::Options { preload: true, ..load::Options::default() };
    let browser =
        |seed| Someone::Browser(Box::new(Browser::new(Arc::new(config), node, &url, options, seed)));
    world.add(|seed| Reluctant { node: browser(seed), writes });
    world.run(Span::from_secs(5), 100_000);
    world
}

fn hinted(world: &World<Reluctant>) -> Vec<usize> {
    let hinted = world.log().notes().filter_map(|(_, _, note)| match note {
        Note::Hinted { taken } => Some(*taken),
        _ => None,
    });
    hinted.collect()
}

fn is_noted(world: &World<Reluctant>, node: usize, is: impl Fn(&Note) -> bool) -> bool {
    world.log().notes().any(|(_, by, note)| by == NodeId(node) && is(note))
}

fn both() -> Vec<Hint> {
    vec![Hint::new("/a.css", Destination::Style), Hint::new("/b.js", Destination::Script)]
}

#[test]
fn a_client_that_withholds_its_finished_still_hears_the_hints() {
    let site = table::Site { hints: both(), pages: Vec::new() };
    let world = world(&site, 443, 1);
    assert!(!is_noted(&world, 0, |note| matches!(note, Note::Ready { .. })), "the server heard a Finished");
    assert!(is_noted(&world, 1, |note| matches!(note, Note::Ready { .. })));
    assert_eq!(hinted(&world), [2]); // spec: preload-profile-2-a preload-profile-2-b
}

#[test]
fn hints_for_another_origin_are_dropped_and_the_page_comes_all_the_same() {
    let site = table::Site { hints: both(), pages: Vec::new() };
    let world = world(&site, 8_443, usize::MAX);
    assert_eq!(hinted(&world), [0]);
    assert!(is_noted(&world, 1, |note| matches!(note, Note::Complete)));
}

#[test]
fn what_one_page_needs_comes_in_a_later_frame() {
    let mut hints = both();
    let site = table::Site { pages: vec![("/".into(), hints.split_off(1))], hints };
    let world = world(&site, 443, usize::MAX);
    let hinted = hinted(&world);
    assert_eq!(hinted.len(), 2, "{hinted:?}");
    assert_eq!(hinted[0], 1);
    assert!(is_noted(&world, 1, |note| matches!(note, Note::Complete)));
}
