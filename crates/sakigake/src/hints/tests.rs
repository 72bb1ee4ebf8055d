use super::{Limits, SiteHints, Source, Watch, parse_file};
use crate::files::Files;
use crate::scratch::Scratch;
use sakigake_page::Url;
use sakigake_preload::table::{ANY_HOST, Config};
use sakigake_preload::{Hint, Origin, Table};
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;
use std::time::Duration;

fn origin() -> Url {
    Url::parse("https://www.saki.test:8443/").expect("an address")
}

/// Three pages that share a style sheet, its import, font and image.
fn site() -> (Scratch, Files) {
    let site = Scratch::new("hints");
    site.write(
        "index.html",
        "<!doctype html><img src=hero.svg><link rel=stylesheet href=/css/main.css><script src=app.js></script>\
         <img src=gone.png><img src=https://elsewhere.test/x.png><img src=below.png loading=lazy>\
         <link rel=stylesheet href=print.css media=print><a href=sub/>more</a>",
    );
    let page = "<!doctype html><link rel=stylesheet href=../css/main.css><img src=";
    site.write("sub/index.html", format!("{page}map.png>"));
    site.write(
        "sub/other.html",
        format!("{page}../hero.svg><img src=https://www.saki.test:8443/sub/map.png>"),
    );
    site.write("css/main.css", "@import 'base.css'; a { background: url(bg.png) }");
    site.write("css/base.css", "@import 'main.css'; @font-face { font-family: f; src: url(f.woff2) }");
    for name in
        ["hero.svg", "app.js", "below.png", "print.css", "sub/map.png", "css/bg.png", "css/f.woff2", ".x.png"]
    {
        site.write(name, "");
    }
    let files = Files::new(site.path()).expect("the folder");
    (site, files)
}

fn read(files: &Files) -> SiteHints {
    read_within(files, &Limits::default())
}

fn read_within(files: &Files, limits: &Limits) -> SiteHints {
    SiteHints::read(files, &origin(), limits).expect("readable")
}

fn on_host(hint: &Hint) -> String {
    hint.clone().on(&Origin::new("h", 443)).expect("a path").to_string()
}

fn targets(hints: &[Hint]) -> Vec<&str> {
    hints.iter().map(|hint| hint.url.as_str()).collect()
}

#[test]
fn the_host_announces_what_the_front_page_and_most_pages_need() {
    let (_site, files) = site();
    let hints = read(&files);
    assert_eq!((hints.page_count, hints.is_partial), (3, false));
    let links: Vec<String> = hints.host.iter().map(on_host).collect();
    assert_eq!(
        links,
        [
            "<https://h/css/base.css>; rel=preload; as=style",
            "<https://h/css/main.css>; rel=preload; as=style",
            "<https://h/css/f.woff2>; rel=preload; as=font; crossorigin",
            "<https://h/css/bg.png>; rel=preload; as=image",
            "<https://h/hero.svg>; rel=preload; as=image",
            "<https://h/sub/map.png>; rel=preload; as=image",
            "<https://h/app.js>; rel=preload; as=script",
        ]
    );
}

#[test]
fn among_equals_what_is_learnt_last_is_announced_first() {
    let (site, files) = site();
    site.write("index.html", "<!doctype html><img src=hero.svg><link rel=stylesheet href=/css/main.css>");
    fs::remove_dir_all(site.path().join("sub")).expect("gone");
    let images: Vec<String> = read(&files).host.into_iter().map(|hint| hint.url).skip(3).collect();
    assert_eq!(images, ["/css/bg.png", "/hero.svg"]);
}

#[test]
fn what_one_page_needs_waits_for_that_page() {
    let (site, files) = site();
    site.write(
        "far/index.html",
        "<!doctype html><script src=far.js></script><link rel=stylesheet href=/css/main.css>",
    );
    site.write("far/far.js", "");
    site.write("last.html", "<!doctype html>");
    let hints = read(&files);
    for (path, expected) in [
        ("/far/", vec!["/far/far.js"]),
        ("/far/index.html", vec!["/far/far.js"]),
        ("/far/?query", vec!["/far/far.js"]),
        ("/%66ar/", vec!["/far/far.js"]),
        ("/sub/", vec!["/sub/map.png"]),
        ("/", vec![]),
        ("/last.html", vec![]),
        ("/far", vec![]),
        ("/nothing", vec![]),
        ("/../far/", vec![]),
    ] {
        assert_eq!(targets(hints.for_page(path.as_bytes())), expected, "{path}");
    }
}

#[test]
fn what_cannot_be_served_is_not_announced() {
    let (site, files) = site();
    site.write(
        "index.html",
        "<!doctype html><img src=.x.png><img src=../../etc/passwd><img src=/sub><img src=gone.png>\
         <img src=%2e%2e/x.png><img src=link.png><img src=http://www.saki.test:8443/hero.svg><img src=data:,>",
    );
    symlink("/etc/passwd", site.path().join("link.png")).expect("a link");
    fs::remove_dir_all(site.path().join("sub")).expect("gone");
    assert_eq!(targets(&read(&files).host), Vec::<&str>::new());
}

#[test]
fn hidden_folders_links_and_the_404_page_have_no_pages() {
    let (site, files) = site();
    site.write(".git/page.html", "<!doctype html>");
    site.write("404.html", "<!doctype html>");
    symlink(".", site.path().join("loop")).expect("a link");
    assert_eq!(read(&files).page_count, 3);
}

#[test]
fn a_limit_leaves_the_rest_unread_and_says_so() {
    let (site, files) = site();
    site.write("css/last.css", "");
    site.write("css/base.css", "@import 'last.css'");
    let bytes: u64 = ["index.html", "sub/index.html", "sub/other.html", "css/main.css", "css/base.css"]
        .iter()
        .map(|name| fs::metadata(site.path().join(name)).expect("there").len())
        .sum();
    let longest = fs::metadata(site.path().join("index.html")).expect("there").len();
    let exact = Limits {
        entries: 16,
        depth: 1,
        pages: 3,
        file_bytes: longest,
        total_bytes: bytes,
        imports: 3,
        hints: 7,
    };
    let all = read_within(&files, &exact);
    assert_eq!((all.is_partial, all.page_count, all.host.len()), (false, 3, 7), "{all:?}");
    for (limits, pages) in [
        (Limits { depth: 0, ..exact }, 1),
        (Limits { pages: 2, ..exact }, 2),
        (Limits { file_bytes: longest - 1, ..exact }, 3),
        (Limits { total_bytes: bytes - 1, ..exact }, 3),
        (Limits { imports: 2, ..exact }, 3),
    ] {
        let some = read_within(&files, &limits);
        assert_eq!((some.is_partial, some.page_count), (true, pages), "{limits:?}");
    }
    // Which one is left out is the file system's choice.
    assert!(read_within(&files, &Limits { entries: 15, ..exact }).is_partial);
    assert_eq!(read_within(&files, &Limits { hints: 6, ..exact }).host.len(), 6);
}

#[test]
fn a_file_of_hints_is_taken_as_written() {
    let hints = parse_file(
        "# comment\n\n</a.css>; rel=preload; as=style\n  <https://www.saki.test:8443/f.woff2>;rel=\"preload\" ; \
         as=font;crossorigin; fetchpriority=high\n[/shop/]\n<x.js?a=1,2;3>; as=script; rel=\"x preload\"; \
         integrity=\"sha256-AA==\"; crossorigin=use-credentials; fetchpriority=low\n",
        &origin(),
    )
    .expect("hints");
    let links = |hints: &[Hint]| hints.iter().map(Hint::to_string).collect::<Vec<_>>();
    assert_eq!(
        links(&hints.host),
        [
            "</a.css>; rel=preload; as=style",
            "</f.woff2>; rel=preload; as=font; crossorigin; fetchpriority=high"
        ]
    );
    assert_eq!(
        links(hints.for_page(b"/shop/index.html")),
        ["</x.js?a=1,2;3>; rel=preload; as=script; crossorigin=use-credentials; integrity=\"sha256-AA==\"; \
          fetchpriority=low"]
    );
}

#[test]
fn a_mistake_in_a_file_of_hints_is_named_with_its_line() {
    let example = "a hint looks like `</style.css>; rel=preload; as=style`";
    for (line, why) in [
        ("a.css", format!("a link has no target; {example}")),
        ("<a.css; rel=preload", format!("a link has no target; {example}")),
        ("<a.css>; rel=preload; as=\"style", format!("a link's quoted string has no end; {example}")),
        ("<a.css> rel=preload", format!("a link's parts are not parted; {example}")),
        ("<a.css>; as=style", "`a.css`: not a preload link".into()),
        ("<a.css>; rel=preconnect; as=style", "`a.css`: not a preload link".into()),
        ("<a.css>; rel=preload", "`a.css`: its as is missing or unknown".into()),
        ("<a.css>; rel=preload; as=document", "`a.css`: its as is missing or unknown".into()),
        ("<a.css>; rel=preload; as=style; nonce=x", "`a.css`: it has a nonce".into()),
        (
            "<https://a.test/a.css>; rel=preload; as=style",
            "`https://a.test/a.css` is of another origin than https://www.saki.test:8443".into(),
        ),
        ("<ftp://x>; rel=preload; as=style", "`ftp://x` is not an address".into()),
        ("[/../x]", "`/../x` is not the path of a page of this site".into()),
    ] {
        let mistake = parse_file(&format!("# first\n{line}\n"), &origin()).expect_err(line);
        assert_eq!(mistake.to_string(), format!("line 2: {why}"));
    }
}

#[test]
fn a_change_is_noticed() {
    let (site, files) = site();
    let (say, heard) = channel();
    let notice = move |hints: std::io::Result<&SiteHints>| {
        // The test may be over when the last change is told.
        let _ = say.send(hints.map(|hints| hints.page_count).ok());
    };
    let watch = Watch::start(files, origin(), Source::Site(Limits::default()), notice).expect("readable");
    assert_eq!(watch.now().page_count, 3);
    site.write("new.html", "<!doctype html><script src=new.js></script>");
    site.write("new.js", "");
    // A walk may fall between the two writes.
    while watch.now().for_page(b"/new.html").is_empty() {
        heard.recv_timeout(Duration::from_secs(20)).expect("a notice");
    }
    assert_eq!(watch.now().page_count, 4);
    fs::remove_dir_all(site.path()).expect("gone");
    while heard.recv_timeout(Duration::from_secs(20)).expect("a notice").is_some() {}
    assert!(watch.now().page_count > 0, "what was known last is kept");
}

#[test]
fn a_file_of_hints_that_is_wrong_at_the_start_is_an_error() {
    let (site, files) = site();
    let path = site.write("hints.txt", "nonsense");
    let start = |path| Watch::start(files.clone(), origin(), Source::File(path), |_| {});
    assert_eq!(start(path.clone()).expect_err("nonsense").to_string().split(':').next(), Some("line 1"));
    assert!(start(site.path().join("none.txt")).is_err());
    fs::write(&path, "</a.css>; rel=preload; as=style").expect("writable");
    assert_eq!(targets(&start(path).expect("hints").now().host), ["/a.css"]);
}

#[test]
fn the_table_takes_the_site() {
    let (site, files) = site();
    site.write("a b/index.html", "<!doctype html><script async src=far.js></script>");
    site.write("a b/far.js", "");
    site.write("last.html", "<!doctype html>");
    let hints = read(&files).site();
    assert_eq!(hints.hints, read(&files).host);
    let pages: Vec<(&str, String)> =
        hints.pages.iter().map(|page| (page.0.as_str(), page.1[0].to_string())).collect();
    let far = "</a%20b/far.js>; rel=preload; as=script; fetchpriority=low".to_owned();
    assert_eq!(pages[..2], [("/a%20b/index.html", far.clone()), ("/a%20b/", far)]);
    let table = Table::new(Config { port: 8443, ..Config::default() });
    table.set(ANY_HOST, &hints);
    let said: Vec<String> =
        table.hints(Some("localhost"), "/a%20b/?x").iter().map(|hint| hint.url.clone()).collect();
    assert!(said.contains(&"https://localhost:8443/css/main.css".into()), "{said:?}");
    assert!(said.contains(&"https://localhost:8443/a%20b/far.js".into()), "{said:?}");
}
