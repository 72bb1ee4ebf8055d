use super::super::{Expected, check};
use crate::{
    checkers::Verdict,
    datagram::{Log, Note, What},
    log,
    node::server,
    quic::{self, Setup, Site, Story, tape::Tape},
    scenario::HOST,
    world::NodeId,
};
use sakigake_h3 as h3;
use sakigake_page::{Url, load};
use sakigake_preload::{Destination, Hint, Table, table};
use std::sync::Arc;

/// A document that names a style sheet, which names an image; and a script that nothing needs, and the server hints at.
fn story() -> (Story, Expected, [NodeId; 2]) {
    let files = [
        ("/", "text/html", "<!doctype html><title>A page</title><link rel=stylesheet href=/style.css>"),
        ("/style.css", "text/css", "body { background: url(/deep.svg) }"),
        ("/deep.svg", "image/svg+xml", "<svg/>"),
        ("/vain.js", "text/javascript", "0"),
    ];
    let file = |(path, kind, body): &(&str, &str, &str)| {
        ((*path).to_owned(), ((*kind).to_owned(), body.as_bytes().to_vec()))
    };
    let hints = vec![Hint::new("/style.css", Destination::Style), Hint::new("/vain.js", Destination::Script)];
    let table = Table::new(table::Config { port: 443, ..table::Config::default() });
    table.set(HOST, &table::Site { hints, pages: Vec::new() });
    let page = quic::Page {
        h3: h3::Config { preload: true, ..h3::Config::default() },
        url: Url::parse(&format!("https://{HOST}/")).unwrap(),
        options: load::Options { preload: true, ..load::Options::default() },
        memory: Default::default(),
    };
    let site = Site {
        h3: h3::Config::default(),
        hints: Some(Arc::new(table)),
        content: Arc::new(files.iter().map(file).collect()),
        habits: server::Habits::default(),
    };
    let ready = Setup::new(1).with_web(page, site).build();
    let (expected, ends) = (ready.expected.clone(), ready.ends);
    (ready.run(), expected, ends)
}

/// What is said of the story where each note of HTTP became these.
fn verdict(
    change: impl Fn(&log::Note) -> Vec<log::Note>,
    spoil: impl FnOnce(&mut Tape, &mut Expected),
) -> Verdict {
    let (story, mut expected, ends) = story();
    let mut tape = story.tape.clone();
    spoil(&mut tape, &mut expected);
    let mut log = Log::default();
    for entry in story.log().entries() {
        let What::Noted { node, note: Note::Web { connection, note } } = &entry.what else {
            log.push(entry.at, entry.what.clone());
            continue;
        };
        for note in change(note) {
            let note = Note::Web { connection: *connection, note };
            log.push(entry.at, What::Noted { node: *node, note });
        }
    }
    check(&super::Scene { log: &log, tape: &tape, ends, expected: &expected })
}

fn as_noted(note: &log::Note) -> Vec<log::Note> {
    vec![note.clone()]
}

#[test]
fn a_page_that_comes_as_it_should_is_seen_and_nothing_is_said_of_it() {
    let verdict = verdict(as_noted, |_, _| {});
    assert_eq!(verdict.complaints, [""; 0]);
    for checker in ["pages", "requests", "hints"] {
        assert!(verdict.seen[checker] > 0, "{checker}");
    }
}

type Change = fn(&log::Note) -> Vec<log::Note>;

#[test]
fn what_is_wrong_with_a_page_is_told() {
    use log::Note::{Asked, Hinted, Received, Requested, Said};
    let rows: [(&str, &str, Change); 7] = [
        ("pages", "not with 200 and 6", |note| match note {
            Received { path, status, .. } if path == "/deep.svg" => {
                vec![Received { path: path.clone(), status: *status, body: b"<svg>".to_vec() }]
            }
            note => as_noted(note),
        }),
        ("pages", "complete without /deep.svg", |note| match note {
            Received { path, .. } if path == "/deep.svg" => Vec::new(),
            note => as_noted(note),
        }),
        ("pages", "came twice", |note| match note {
            Received { .. } => vec![note.clone(), note.clone()],
            note => as_noted(note),
        }),
        ("pages", "what went wrong", |note| match note {
            Asked { .. } => vec![note.clone(), Said("what went wrong".into())],
            note => as_noted(note),
        }),
        ("requests", "was heard 2 times", |note| match note {
            Asked { .. } => vec![note.clone(), note.clone()],
            note => as_noted(note),
        }),
        ("requests", "was asked 2 times", |note| match note {
            Requested { .. } => vec![note.clone(), note.clone()],
            note => as_noted(note),
        }),
        ("hints", "/vain.js was asked for, which nothing had named", |note| match note {
            Hinted { .. } => Vec::new(),
            note => as_noted(note),
        }),
    ];
    for (checker, words, change) in rows {
        assert_caught(checker, words, &verdict(change, |_, _| {}));
    }
}

#[test]
fn hints_that_no_frame_carried_are_told() {
    let unsaid = verdict(as_noted, |tape, _| {
        tape.packets.iter_mut().for_each(|packet| packet.payload.clear());
    });
    assert_caught("hints", "that nobody gave", &unsaid);
    let none = verdict(as_noted, |_, expected| {
        if let Some(page) = &mut expected.page {
            page.has_hints = false;
        }
    });
    assert_caught("hints", "that nobody gave", &none);
    let unwanted = verdict(as_noted, |_, expected| {
        if let Some(page) = &mut expected.page {
            page.follows = false;
        }
    });
    assert_caught("hints", "taken unasked", &unwanted);
}

fn assert_caught(checker: &str, words: &str, verdict: &Verdict) {
    let is_it = |what: &String| what.starts_with(checker) && what.contains(words);
    assert!(verdict.complaints.iter().any(is_it), "{checker}, {words}: {:?}", verdict.complaints);
}
