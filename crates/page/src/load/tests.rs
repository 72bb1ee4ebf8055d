use super::*;
use sakigake_preload::{CrossOrigin, Destination, Hint, block, policy};
use sakigake_semantics::Fields;

const PAGE: &str = "https://example.test/";

/// A load with a clock that moves a millisecond a step, and all that it wanted so far.
struct Rig {
    load: Load,
    now: Instant,
    wanted: Vec<Wanted>,
    cancelled: Vec<Id>,
}

impl Rig {
    fn new(limits: Limits) -> Self {
        let now = Instant::default();
        let options = Options { preload: true, early_hints: true, limits, ..Options::default() };
        let load = Load::new(url(""), options, now);
        let mut rig = Self { load, now, wanted: Vec::new(), cancelled: Vec::new() };
        rig.turn();
        rig
    }

    fn turn(&mut self) {
        self.now += Span::from_millis(1);
        while let Some(want) = self.load.wants(self.now) {
            match want {
                Want::Request(wanted) => self.wanted.push(*wanted),
                Want::Cancel(id) => self.cancelled.push(id),
            }
        }
    }

    fn hint(&mut self, hints: impl IntoIterator<Item = Hint>) {
        let hints: Vec<Hint> = hints.into_iter().collect();
        self.load.hints(self.now, &url("").origin().clone(), &hints);
        self.turn();
    }

    fn id(&self, path: &str) -> Id {
        let is_it = |wanted: &&Wanted| wanted.request.path() == format!("/{path}").as_bytes();
        self.wanted.iter().rev().find(is_it).unwrap_or_else(|| panic!("{path} was not wanted")).id
    }

    fn head(&mut self, path: &str, status: u16, fields: &[(&str, &str)]) {
        let id = self.id(path);
        let fields: Fields = fields.iter().copied().collect();
        self.load.head(self.now, id, &Response { status, fields });
    }

    fn respond(&mut self, path: &str, media_type: &str, body: &str) {
        let id = self.id(path);
        self.head(path, 200, &[("content-type", media_type)]);
        self.load.data(self.now, id, body.as_bytes());
        self.load.end(self.now, id);
        self.turn();
    }

    fn redirect(&mut self, path: &str, location: &str) {
        let id = self.id(path);
        self.head(path, 302, &[("location", location)]);
        self.load.end(self.now, id);
        self.turn();
    }

    fn paths(&self) -> String {
        let paths: Vec<_> = self
            .wanted
            .iter()
            .map(|wanted| String::from_utf8_lossy(wanted.request.path()).into_owned())
            .collect();
        paths.join(" ")
    }
}

fn url(path: &str) -> Url {
    Url::parse(&format!("{PAGE}{path}")).expect("a test's address is one")
}

fn style(path: &str) -> Hint {
    Hint::new(url(path).to_string(), Destination::Style)
}

#[test]
fn hints_are_asked_for_with_the_document_and_after_it() {
    // spec: preload-profile-8-j
    let mut load = Load::new(url(""), Options { preload: true, ..Options::default() }, Instant::default());
    let origin = url("").origin().clone();
    load.hints(
        Instant::default(),
        &origin,
        &[Hint::new(url("a.png").to_string(), Destination::Image), style("b.css")],
    );
    let mut order = Vec::new();
    while let Some(Want::Request(wanted)) = load.wants(Instant::default()) {
        order.push((wanted.id, wanted.why));
    }
    assert_eq!(order, [(Id(0), Why::Document), (Id(2), Why::Hint), (Id(1), Why::Hint)]);
}

#[test]
fn a_hint_that_the_page_names_is_loaded_once() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("a.css")]);
    rig.respond("a.css", "text/css", "@import 'b.css'; a { background: url(c.png) }");
    assert_eq!(rig.paths(), "/ /a.css", "a hint is not scanned before the page claims it");
    rig.respond("", "text/html", "<link rel=stylesheet href=a.css><link rel=stylesheet href=a.css>");
    assert_eq!(rig.paths(), "/ /a.css /b.css /c.png");
    rig.respond("b.css", "text/css", "");
    assert!(!rig.load.is_complete());
    rig.respond("c.png", "image/png", "x");
    assert!(rig.load.is_complete());
    let hints = rig.load.summary().hints;
    assert_eq!((hints.taken, hints.used, hints.wasted, hints.used_bytes), (1, 1, 0, 45));
}

#[test]
fn what_nobody_claims_is_cancelled_when_the_page_is_complete() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("unused.css"), style("done.css")]);
    rig.respond("done.css", "text/css", "12345");
    rig.respond("", "text/html", "<p>");
    assert!(rig.load.is_complete());
    assert_eq!(rig.cancelled, [rig.id("unused.css")]);
    let summary = rig.load.summary();
    assert_eq!((summary.hints.used, summary.hints.wasted, summary.hints.wasted_bytes), (0, 2, 5));
    assert_eq!(summary.failures, 0, "a wasted hint is no failure of the page");
}

#[test]
fn a_hint_serves_only_the_use_that_it_names() {
    use CrossOrigin::{Anonymous, UseCredentials};
    use Destination::{Font, Image, Script, Style};
    let hint = |destination, crossorigin, integrity: &str| Hint {
        crossorigin,
        integrity: (!integrity.is_empty()).then(|| integrity.to_owned()),
        ..Hint::new(url("x").to_string(), destination)
    };
    for (hint, page, serves) in [
        (hint(Style, None, ""), "<link rel=stylesheet href=x>", true),
        (hint(Script, None, ""), "<link rel=stylesheet href=x>", false),
        (hint(Script, None, ""), "<script src=x></script>", true),
        (hint(Script, None, ""), "<script src=x type=module></script>", false),
        (hint(Script, Some(Anonymous), ""), "<script src=x type=module></script>", true),
        (hint(Script, Some(Anonymous), ""), "<script src=x></script>", false),
        (hint(Script, Some(UseCredentials), ""), "<script src=x crossorigin></script>", false),
        (hint(Font, None, ""), "<style>@font-face{src:url(x)}</style>", false),
        (hint(Font, Some(Anonymous), ""), "<style>@font-face{src:url(x)}</style>", true),
        (hint(Script, None, "sha256-a"), "<script src=x integrity=sha256-a></script>", true),
        (hint(Script, None, "sha256-a"), "<script src=x integrity=sha256-b></script>", false),
        (hint(Script, None, ""), "<script src=x integrity=sha256-a></script>", false),
        (hint(Image, None, ""), "<img src=x>", true),
        (hint(Image, None, ""), "<img src=x?y>", false),
    ] {
        let mut rig = Rig::new(Limits::default());
        rig.hint([hint.clone()]);
        rig.respond("", "text/html", page);
        assert_eq!(rig.wanted.len(), if serves { 2 } else { 3 }, "{hint:?} {page}");
        assert_eq!(rig.load.summary().hints.used, usize::from(serves), "{hint:?} {page}");
    }
}

#[test]
fn hints_that_may_not_be_followed_are_dropped() {
    let mut rig = Rig::new(Limits::default());
    let cdn = Url::parse("https://cdn.test/x.css").expect("an address");
    let foreign = Hint::new(cdn.to_string(), Destination::Style);
    rig.hint([foreign.clone()]);
    rig.load.hints(rig.now, &cdn.origin().clone(), &[foreign]);
    rig.hint([Hint { media: Some("print".into()), ..style("print.css") }]);
    rig.hint([style("a.css"), style("a.css")]);
    rig.hint([style("a.css")]);
    assert_eq!(rig.paths(), "/ /a.css");
    let hints = rig.load.summary().hints;
    assert_eq!((hints.heard, hints.taken, hints.dropped), (6, 1, 5));
    let mut deaf = Load::new(url(""), Options::default(), rig.now);
    deaf.hints(rig.now, &url("").origin().clone(), &[style("a.css")]);
    assert_eq!(deaf.summary().hints.dropped, 1);
}

#[test]
fn a_frame_is_followed_and_a_broken_one_ignored() {
    let mut rig = Rig::new(Limits::default());
    let origin = url("").origin().clone();
    let (block, written) = block::write(&[style("a.css"), style("b.css")], block::Budget::default());
    assert_eq!(written, 2);
    assert_eq!(rig.load.preload(rig.now, &origin, &block[..block.len() - 1]), 0);
    assert_eq!(rig.load.preload(rig.now, &origin, &block), 2);
    rig.turn();
    assert_eq!(rig.paths(), "/ /a.css /b.css");
}

#[test]
fn a_picture_is_chosen_from_a_hinted_set() {
    let mut rig = Rig::new(Limits::default());
    let set = Some("s.png 400w, l.png 1280w".to_owned());
    rig.hint([Hint { imagesrcset: set, ..Hint::new(url("f.png").to_string(), Destination::Image) }]);
    rig.respond("", "text/html", "<img srcset='s.png 400w, l.png 1280w' src=f.png>");
    assert_eq!(rig.paths(), "/ /l.png");
    assert_eq!(rig.load.summary().hints.used, 1);
}

#[test]
fn what_the_documents_policy_forbids_is_given_up() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("a.css"), Hint::new(url("b.js").to_string(), Destination::Script)]);
    rig.head("", 200, &[("content-type", "text/html"), ("content-security-policy", "script-src 'none'")]);
    rig.turn();
    assert_eq!(rig.cancelled, [rig.id("b.js")]);
    rig.load.data(rig.now, Id(0), b"<link rel=stylesheet href=a.css>");
    rig.load.end(rig.now, Id(0));
    rig.respond("a.css", "text/css", "");
    let hints = rig.load.summary().hints;
    assert_eq!((hints.used, hints.wasted), (1, 1));
}

#[test]
fn a_hint_after_the_page_named_it_is_late() {
    let mut rig = Rig::new(Limits::default());
    let id = rig.id("");
    rig.head("", 200, &[("content-type", "text/html; charset=utf-8")]);
    rig.load.data(rig.now, id, b"<link rel=stylesheet href=a.css><p");
    rig.turn();
    assert_eq!(rig.paths(), "/ /a.css", "named resources do not wait for the document's end");
    rig.hint([style("a.css")]);
    assert_eq!(rig.load.summary().hints.late, 1);
    assert_eq!(rig.paths(), "/ /a.css");
}

#[test]
fn errors_end_what_they_befall_and_nothing_else() {
    let mut rig = Rig::new(Limits::default());
    rig.respond("", "text/html", "<link rel=stylesheet href=a.css><img src=b.png><img src=c.png>");
    rig.head("a.css", 404, &[("content-type", "text/css")]);
    let id = rig.id("a.css");
    rig.load.data(rig.now, id, b"@import 'no.css';");
    rig.load.end(rig.now, id);
    let id = rig.id("b.png");
    rig.load.failed(rig.now, id, "stream reset");
    rig.respond("c.png", "image/png", "");
    assert!(rig.load.is_complete());
    assert_eq!(rig.paths(), "/ /a.css /b.png /c.png");
    let summary = rig.load.summary();
    assert_eq!((summary.failures, summary.status), (2, Some(200)));
}

#[test]
fn a_document_that_fails_completes_the_load() {
    let mut rig = Rig::new(Limits::default());
    rig.load.failed(rig.now, Id(0), "refused");
    assert!(rig.load.is_complete());
    assert_eq!(rig.load.summary().status, None);
}

#[test]
fn redirects_are_followed_within_the_scheme() {
    let mut rig = Rig::new(Limits::default());
    rig.redirect("", "/home/");
    rig.respond("home/", "text/html", "<img src=x.png>");
    rig.redirect("home/x.png", "../y.png");
    rig.respond("y.png", "image/png", "");
    assert!(rig.load.is_complete());
    assert_eq!(rig.load.summary().page, url("home/"));
    assert_eq!(rig.paths(), "/ /home/ /home/x.png /y.png");

    let mut rig = Rig::new(Limits::default());
    rig.redirect("", "http://example.test/");
    assert!(rig.load.is_complete());
    assert_eq!(rig.load.summary().failures, 1);
}

#[test]
fn a_redirect_changes_the_method_as_its_status_says() {
    let cases = [
        ("POST", 301, "GET"), // spec: 9110-15.4.2-a
        ("POST", 302, "GET"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"), // spec: 9110-15.4.4-a
        ("HEAD", 303, "HEAD"),
        ("HEAD", 301, "HEAD"),
        ("POST", 307, "POST"), // spec: 9110-15.4.8-a
        ("POST", 308, "POST"),
        ("DELETE", 308, "DELETE"),
    ];
    for (method, status, expected) in cases {
        let call = Call { method: method.into(), has_body: true };
        let options = Options { is_single: true, ..Options::default() };
        let now = Instant::default();
        let mut load = Load::calling(url(""), call, options, now);
        let first = load.wants(now).expect("the document is wanted");
        assert!(matches!(first, Want::Request(wanted) if wanted.request.method() == method.as_bytes()));
        let fields: Fields = [("location", "/there")].into_iter().collect();
        load.head(now, Id(0), &Response { status, fields });
        let Some(Want::Request(wanted)) = load.wants(now) else { panic!("the redirect is followed") };
        assert_eq!(wanted.request.method(), expected.as_bytes(), "{method} {status}");
        assert_eq!(wanted.has_body, method == expected, "{method} {status}");
        assert_eq!(load.document(), wanted.id);
    }
}

#[test]
fn a_redirect_that_is_not_followed_says_why_or_is_a_response() {
    let refusals = [
        ("http://example.test/", Refusal::Downgrade(Url::parse("http://example.test/").expect("it is one"))),
        ("mailto:a@b", Refusal::NoAddress),
    ];
    for (location, refusal) in refusals {
        let mut rig = Rig::new(Limits::default());
        rig.redirect("", location); // spec: 9110-15.4-a
        assert_eq!(rig.load.entries()[0].refusal, Some(refusal));
        assert!(rig.load.is_complete() && matches!(rig.load.entries()[0].state, State::Failed(_)));
    }
    let mut rig = Rig::new(Limits { redirects: 0, ..Limits::default() });
    rig.redirect("", "/there");
    assert_eq!(rig.load.entries()[0].refusal, Some(Refusal::TooMany));

    let now = Instant::default();
    let mut load = Load::new(url(""), Options { keeps_redirects: true, ..Options::default() }, now);
    drop(load.wants(now));
    let fields: Fields = [("location", "/there")].into_iter().collect();
    load.head(now, Id(0), &Response { status: 301, fields });
    load.end(now, Id(0));
    assert!(load.is_complete() && load.is_final(Id(0)) && load.wants(now).is_none());
}

#[test]
fn a_hint_that_is_redirected_is_claimed_with_its_target() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("a.css")]);
    rig.redirect("a.css", "b.css");
    rig.respond("b.css", "text/css", "a{b:url(c.png)}");
    rig.respond("", "text/html", "<link rel=stylesheet href=a.css>");
    assert_eq!(rig.paths(), "/ /a.css /b.css /c.png");
    rig.respond("c.png", "image/png", "");
    assert!(rig.load.is_complete());
    assert_eq!(rig.load.summary().hints.used, 1);
}

#[test]
fn each_limit_holds_where_one_more_would_pass_it() {
    let follow = |redirects: usize| {
        let mut rig = Rig::new(Limits { redirects, ..Limits::default() });
        for _ in 0..3 {
            if !rig.load.is_complete() {
                rig.redirect("", "/");
            }
        }
        rig.load.is_complete()
    };
    assert_eq!((follow(3), follow(2)), (false, true));

    let depth = |import_depth: usize| {
        let mut rig = Rig::new(Limits { import_depth, ..Limits::default() });
        rig.respond("", "text/html", "<link rel=stylesheet href=0.css>");
        rig.respond("0.css", "text/css", "@import '1.css';");
        rig.respond("1.css", "text/css", "@import '2.css';");
        rig.load.summary().refused
    };
    assert_eq!((depth(2), depth(1)), (0, 1));

    let count = |resources: usize| {
        let mut rig = Rig::new(Limits { resources, ..Limits::default() });
        rig.respond("", "text/html", "<img src=1><img src=2>");
        (rig.wanted.len(), rig.load.summary().refused)
    };
    assert_eq!((count(3), count(2)), ((3, 0), (2, 1)));

    let hints = |hints: usize| {
        let frame = block::Limits { hints, ..block::Limits::default() };
        let hints = policy::Limits { frame, ..policy::Limits::default() };
        let mut rig = Rig::new(Limits { hints, ..Limits::default() });
        rig.hint([style("a"), style("b")]);
        rig.load.summary().hints.dropped
    };
    assert_eq!((hints(2), hints(1)), (0, 1));

    let unclaimed = |unclaimed_bytes: usize| {
        let hints = policy::Limits { unclaimed_bytes, ..policy::Limits::default() };
        let mut rig = Rig::new(Limits { hints, ..Limits::default() });
        rig.hint([style("a.css")]);
        let id = rig.id("a.css");
        rig.head("a.css", 200, &[]);
        rig.load.data(rig.now, id, b"12345");
        rig.turn();
        rig.respond("", "text/html", "<link rel=stylesheet href=a.css>");
        (rig.cancelled.len(), rig.paths())
    };
    assert_eq!(unclaimed(5), (0, "/ /a.css".into()));
    assert_eq!(unclaimed(4), (1, "/ /a.css /a.css".into()), "a use after that asks again");
}

#[test]
fn nothing_is_fetched_in_the_clear_for_a_page_that_is_not() {
    let mut rig = Rig::new(Limits::default());
    rig.respond("", "text/html", "<img src=http://example.test/a.png><img src=https://cdn.test/b.png>");
    assert_eq!(rig.paths(), "/ /b.png");
    assert_eq!(rig.load.summary().refused, 1);
}

#[test]
fn sheets_that_import_each_other_are_loaded_once() {
    let mut rig = Rig::new(Limits::default());
    rig.respond("", "text/html", "<link rel=stylesheet href=a.css>");
    rig.respond("a.css", "text/css", "@import 'b.css';");
    rig.respond("b.css", "text/css", "@import 'a.css'; @import 'b.css';");
    assert!(rig.load.is_complete());
    assert_eq!(rig.paths(), "/ /a.css /b.css");
}

#[test]
fn requests_say_what_they_are_for() {
    let mut rig = Rig::new(Limits::default());
    rig.respond(
        "",
        "text/html",
        "<link rel=stylesheet href=a.css><script async src=b.js></script><img src=//cdn.test/c.png?x loading=lazy>\
         <style>@font-face{src:url(https://cdn.test:8443/d.woff2)}</style><script type=module src=e.js></script>",
    );
    let mut text = String::new();
    for wanted in &rig.wanted {
        let request = &wanted.request;
        let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text += &format!("{} {}{}\n", line(request.method()), wanted.origin, line(request.path()));
        for field in request.fields.iter() {
            text += &format!("  {}: {}\n", line(field.name), line(field.value));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_single_download_asks_for_nothing_else() {
    let now = Instant::default();
    let mut load = Load::new(url(""), Options { preload: true, is_single: true, ..Options::default() }, now);
    load.hints(now, &url("").origin().clone(), &[style("a.css")]);
    let Some(Want::Request(_)) = load.wants(now) else { panic!("the document is wanted") };
    let moved = [("location", "/there")].into_iter().collect();
    load.head(now, Id(0), &Response { status: 301, fields: moved });
    let Some(Want::Request(wanted)) = load.wants(now) else { panic!("the redirect is followed") };
    assert!(!load.is_final(Id(0)) && load.is_final(wanted.id));
    load.end(now, Id(0));
    load.head(now, wanted.id, &Response { status: 200, fields: Fields::new() });
    load.data(now, wanted.id, b"<img src=x>");
    load.end(now, wanted.id);
    assert!(load.is_complete() && load.wants(now).is_none());
    assert_eq!(load.summary().hints.dropped, 1);
}

#[test]
fn a_hinted_set_of_pictures_does_not_lead_to_another_origin() {
    let mut rig = Rig::new(Limits::default());
    let mut hint = Hint::new("https://example.test/own.png", Destination::Image);
    hint.imagesrcset = Some("//elsewhere.test/spy.png 1x".to_owned());
    rig.hint([hint]); // spec: preload-profile-8-b
    assert_eq!(rig.wanted.len(), 1, "{}", rig.paths());
}

#[test]
fn a_hint_for_the_document_itself_asks_for_nothing() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([Hint::new(PAGE, Destination::Fetch)]);
    assert_eq!(rig.wanted.len(), 1, "{}", rig.paths());
}

#[test]
fn a_frame_of_another_connection_does_not_spoil_the_pages_own() {
    let mut rig = Rig::new(Limits::default());
    let elsewhere = Url::parse("https://elsewhere.test/").expect("an address");
    rig.load.hints(rig.now, elsewhere.origin(), &[style("https://elsewhere.test/a.css")]);
    rig.hint([style("own.css")]);
    assert_eq!(rig.wanted.len(), 2, "{}", rig.paths());
}

#[test]
fn after_a_redirect_to_another_origin_that_one_gives_the_hints() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("old.css")]);
    rig.redirect("", "https://elsewhere.test/");
    let elsewhere = Url::parse("https://elsewhere.test/").expect("an address").origin().clone();
    let hints = [Hint::new("https://elsewhere.test/new.css", Destination::Style)];
    let old = rig.id("old.css");
    assert_eq!(rig.load.hints(rig.now, &elsewhere, &hints), 1);
    rig.turn();
    assert_eq!(rig.cancelled, [old], "nobody will want what the first origin named");
    let id = rig.id("new.css");
    rig.load.head(rig.now, rig.id(""), &Response { status: 200, fields: Fields::new() });
    rig.load.data(rig.now, rig.id(""), b"<link rel=stylesheet href=new.css>");
    rig.load.end(rig.now, rig.id(""));
    rig.turn();
    rig.load.head(rig.now, id, &Response { status: 200, fields: Fields::new() });
    rig.load.end(rig.now, id);
    rig.turn();
    assert!(rig.load.is_complete());
    assert_eq!(rig.wanted.len(), 4, "{}", rig.paths());
    assert_eq!((rig.load.summary().hints.used, rig.load.summary().hints.wasted), (1, 1));
}

/// A load that knows no frame, and whose document's request is out.
fn unknowing(early_hints: bool) -> Load {
    let options = Options { early_hints, ..Options::default() };
    let mut load = Load::new(url(""), options, Instant::default());
    assert!(matches!(load.wants(Instant::default()), Some(Want::Request(_))));
    load
}

fn interim(status: u16, links: &[&str]) -> Response {
    Response { status, fields: links.iter().map(|link| ("link", *link)).collect() }
}

fn paths_of(load: &mut Load) -> Vec<String> {
    let mut paths = Vec::new();
    while let Some(Want::Request(wanted)) = load.wants(Instant::default()) {
        paths.push(String::from_utf8(wanted.request.path().to_vec()).expect("text"));
    }
    paths
}

#[test]
fn early_hints_are_requested_while_the_document_is_awaited() {
    // spec: 8297-2-b
    // spec: 8297-2-c
    let mut load = unknowing(true);
    let now = Instant::default();
    load.hints(now, &url("").origin().clone(), &[style("remembered.css")]);
    assert!(paths_of(&mut load).is_empty(), "neither frames nor memory are followed");
    let links = [
        "<a.css>; rel=preload; as=style, <https://example.test/b.js>; rel=preload; as=script",
        "<https://elsewhere.test/c.css>; rel=preload; as=style",
        "<d.css>; rel=stylesheet",
        "<e>; rel=preload; as=nothing",
        "broken",
    ];
    assert_eq!(load.interim(now, Id(0), &interim(102, &links)), 0, "another status says nothing");
    assert_eq!(load.interim(now, Id(0), &interim(103, &links)), 2);
    assert_eq!(
        load.interim(now, Id(0), &interim(103, &["<f.css>; rel=preload; as=style"])),
        0,
        "the first counts"
    );
    assert_eq!(paths_of(&mut load), ["/a.css", "/b.js"]);
    // The final response is what it says it is, whatever came before it.
    let fields = [("content-type", "text/html")].into_iter().collect();
    load.head(now, Id(0), &Response { status: 200, fields });
    load.data(now, Id(0), b"<link rel=stylesheet href=a.css><img src=g.png>");
    load.end(now, Id(0));
    assert_eq!(paths_of(&mut load), ["/g.png"]);
    let hints = load.summary().hints;
    assert_eq!((hints.taken, hints.used), (2, 1), "{hints:?}");
}

#[test]
fn early_hints_that_are_not_wanted_are_not_followed() {
    let mut load = unknowing(false);
    let links = ["<a.css>; rel=preload; as=style"];
    assert_eq!(load.interim(Instant::default(), Id(0), &interim(103, &links)), 0);
    assert!(paths_of(&mut load).is_empty());
    assert_eq!(load.summary().hints.heard, 0);
}

#[test]
fn early_hints_come_for_the_document_alone_and_before_it() {
    let links = ["<z.css>; rel=preload; as=style"];
    let now = Instant::default();
    let mut load = unknowing(true);
    let fields = [("content-type", "text/html")].into_iter().collect();
    load.head(now, Id(0), &Response { status: 200, fields });
    assert_eq!(load.interim(now, Id(0), &interim(103, &links)), 0, "too late");
    load.data(now, Id(0), b"<img src=g.png>");
    assert_eq!(paths_of(&mut load), ["/g.png"]);
    assert_eq!(load.interim(now, Id(1), &interim(103, &links)), 0, "a picture has no hints");
    assert_eq!(load.interim(now, Id(7), &interim(103, &links)), 0, "nobody asked");
}

#[test]
fn what_a_frame_has_hinted_is_not_requested_again_for_a_103() {
    let mut rig = Rig::new(Limits::default());
    rig.hint([style("a.css")]);
    let links = ["<a.css>; rel=preload; as=style", "<b.css>; rel=preload; as=style"];
    rig.load.interim(rig.now, rig.id(""), &interim(103, &links));
    rig.turn();
    assert_eq!(rig.paths(), "/ /a.css /b.css");
}
