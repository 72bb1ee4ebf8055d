//! Worlds that load a page: with hints, without, ignored, wrong ones among them.

use super::{
    Ready,
    draw::{PATIENCE_MS, Tls, link, pick},
};
use crate::{
    checkers::Expected,
    node::{Browser, Content, Server, Someone},
    scenario::HOST,
    seed::Seed,
    world::World,
};
use sakigake_h2 as h2;
use sakigake_page::{Url, load};
use sakigake_preload::{Destination, Hint, Table, table};
use sakigake_session::{ClientConfig, ServerConfig};
use std::sync::Arc;

pub(super) fn draw(seed: &mut Seed) -> Ready {
    let (content, hints) = site(seed);
    let bytes: usize = content.values().map(|(_, body)| body.len()).sum();
    let link = link(seed, bytes as u64 + 4_000);
    let has_hints = seed.chance(650);
    let follows = seed.chance(750);
    let table = has_hints.then(|| Arc::new(table(seed, hints)));
    let expected = Expected {
        responses: content.keys().filter(|path| !path.starts_with("/vain")).cloned().collect(),
        content: content.clone(),
        is_http: true,
        has_hints: has_hints && table.as_ref().is_some_and(|table| table.first(Some(HOST), 2_048).is_some()),
        ..Expected::default()
    };
    let mut tls = Tls::draw(seed);
    tls.client.alpn = vec![b"h2".to_vec()];
    tls.server.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let limits = |seed: &mut Seed| {
        let limits = h2::Limits { streams: 128, ..super::h2::limits(seed) };
        h2::Limits { settings_ack_ms: PATIENCE_MS, ..limits }
    };
    let server_h2 = Some(h2::Config { limits: limits(seed), ..h2::Config::default() });
    let client_h2 = Some(h2::Config { limits: limits(seed), preload: follows, ..h2::Config::default() });
    let url = Url::parse(&format!("https://{HOST}/")).expect("the address is good");
    let options = load::Options { preload: follows, ..load::Options::default() };
    let config = tls.server.build().expect("the drawn options are good");
    let config = Arc::new(ServerConfig { tls: config, h2: server_h2, h3: None, hints: table, trace: false });
    let mut world = World::new(seed.draw(), link.clone());
    let node = world.add(|seed| Someone::Server(Box::new(Server::new(config, Arc::new(content), seed))));
    let config = tls.client.build().expect("the drawn options are good");
    let config = Arc::new(ClientConfig { tls: config, h2: client_h2, h3: None, trace: false });
    world.add(|seed| Someone::Browser(Box::new(Browser::new(config, node, &url, options, seed))));
    Ready { world, link, expected }
}

/// A document of a few names, some of which lead further, and hints for most of it.
pub(super) fn site(seed: &mut Seed) -> (Content, Vec<Hint>) {
    let mut content = Content::new();
    let mut document = String::from("<!doctype html>\n<title>A page</title>\n");
    let mut hints = Vec::new();
    let large = if seed.chance(200) { 60_000 } else { 3_000 };
    for index in 0..seed.below(6) {
        let (style, image) = (format!("/style{index}.css"), format!("/deep{index}.svg"));
        document.push_str(&format!("<link rel=stylesheet href={style}>\n"));
        let body = format!(
            "body {{ background: url({image}) }}\n/* {} */\n",
            " ".repeat(seed.below(large) as usize)
        );
        content.insert(style.clone(), ("text/css".into(), body.into_bytes()));
        let body = vec![b' '; seed.below(large) as usize];
        content.insert(image.clone(), ("image/svg+xml".into(), body));
        hints.push(Hint::new(style, Destination::Style));
        hints.push(Hint::new(image, Destination::Image));
    }
    for index in 0..seed.below(8) {
        let (path, kind, destination) = match seed.below(2) {
            0 => (format!("/script{index}.js"), "text/javascript", Destination::Script),
            _ => (format!("/image{index}.svg"), "image/svg+xml", Destination::Image),
        };
        let name = match destination {
            Destination::Script => format!("<script src={path} defer></script>\n"),
            _ => format!("<img src={path} alt=\"\">\n"),
        };
        document.push_str(&name);
        content.insert(path.clone(), (kind.into(), vec![b' '; seed.below(large) as usize]));
        hints.push(Hint::new(path, destination));
    }
    content.insert("/".into(), ("text/html".into(), document.into_bytes()));
    if seed.chance(200) {
        // Hinted, there, and of no use.
        content.insert("/vain.js".into(), ("text/javascript".into(), vec![b' '; 100]));
        hints.push(Hint::new("/vain.js", Destination::Script));
    }
    (content, hints)
}

pub(super) fn table(seed: &mut Seed, mut hints: Vec<Hint>) -> Table {
    let port = pick(seed, &[443, 443, 443, 8_443]); // Hints for another port are another origin's.
    let table = Table::new(table::Config { port, ..table::Config::default() });
    let later = if seed.chance(300) { hints.split_off(hints.len() / 2) } else { Vec::new() };
    table.set(HOST, &table::Site { hints, pages: vec![("/".into(), later)] });
    table
}
