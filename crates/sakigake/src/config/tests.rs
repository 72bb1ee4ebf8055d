mod world;
mod wrong;

use super::*;
use crate::files::{ErrorPage, Statuses};
use sakigake_page::Url;
use std::fmt::Write as _;

pub(super) fn parse(text: &str) -> Result<Config, Report> {
    Config::parse("sakigake.toml", text, Path::new("/srv"))
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn a_folder_is_all_that_a_file_needs() {
    let config = good("[hosts.localhost]\nfolder = \"site\"\n");
    assert_eq!(config.listen, sakigake_net::loopback(8443));
    let [host] = &config.hosts[..] else { panic!("{config:?}") };
    assert_eq!((host.name(), host.is_default), ("localhost", true));
    assert_eq!(host.target, Target::Folder(Folder::new("/srv/site".into())));
}

#[test]
fn a_whole_file_is_read() {
    let config = good(include_str!("tests/whole.toml"));
    assert_eq!(config.listen.len(), 2);
    assert_eq!(config.redirect_http, ["0.0.0.0:80".parse().expect("it is one")]);
    assert_eq!(config.metrics, Some("127.0.0.1:9090".parse().expect("it is one")));
    assert_eq!((config.workers, config.public_port, config.visible_port()), (Some(2), Some(443), 443));
    let keys = Some("/var/lib/sakigake/tickets.keys".into());
    assert_eq!(config.tickets, Tickets { resume: false, keys, early_data: true });
    assert_eq!((config.padding, config.log.access), (512, Access::Common));
    assert_eq!(config.log.file.as_deref(), Some(Path::new("/var/log/access.log")));
    assert_eq!((config.limits.body_stall_ms, config.http1.body_stall_ms), (40_000, 40_000));
    assert_eq!((config.limits.drain_ms, config.limits.connections_an_address), (60_000, 200));
    let (limits, http1) = (config.limits, config.http1);
    assert_eq!((limits.connections_a_worker, limits.idle_ms, limits.stall_ms), (1_000, 90_000, 20_000));
    assert_eq!(http1.idle_ms, 90_000);
    assert_eq!(
        (http1.head_ms, http1.head_bytes, http1.head_lines, http1.stall_ms),
        (10_000, 16_384, 50, 20_000)
    );
    assert_eq!((config.h2.streams, config.h2.stall_ms), (100, 20_000));
    let [shop, blog, old] = &config.hosts[..] else { panic!("{:?}", config.hosts) };
    assert_eq!(shop.names, ["shop.example", "www.shop.example"]);
    assert_eq!(shop.certificates.len(), 2);
    let Target::Folder(folder) = &shop.target else { panic!("{shop:?}") };
    let pages = [(Statuses::One(404), "404.html"), (Statuses::Class(5), "/errors/5xx.html")];
    let pages = pages.map(|(statuses, page)| ErrorPage { statuses, page: page.into() });
    assert_eq!(folder.error_pages, pages);
    let fields =
        [("*.woff2", "cache-control", "max-age=31536000"), ("*", "x-frame-options", "DENY"), ("*", "a", "b")];
    let rules =
        folder.fields.iter().map(|rule| (rule.pattern.as_str(), rule.name.as_str(), rule.value.as_str()));
    assert_eq!(rules.collect::<Vec<_>>(), fields);
    assert_eq!((folder.clean_urls, folder.cache_bytes), (true, 1 << 20));
    assert_eq!(folder.options().error_pages.len(), 3, "the folder's own 404.html stays the last choice");
    assert!(folder.listing && !folder.early_hints && folder.compress && !folder.precompressed);
    assert_eq!(folder.hints, Hints::File("/srv/hints.txt".into()));
    let Target::Folder(folder) = &blog.target else { panic!("{blog:?}") };
    assert_eq!((blog.is_default, &folder.hints), (true, &Hints::None));
    let to = Url::parse("https://shop.example/").expect("an address");
    let fields = vec![("strict-transport-security".into(), "max-age=300".into())];
    assert_eq!(old.target, Target::Redirect { to, is_permanent: false, fields });
}

#[test]
fn one_address_has_a_quarter_of_a_worker_unless_the_file_says_more() {
    for (limits, expected) in [
        ("", 4_096),
        ("connections_per_worker = 1000", 250),
        ("connections_per_worker = 3", 1),
        ("connections_per_worker = 8\nconnections_per_address = 8", 8),
    ] {
        let config = good(&format!("[limits]\n{limits}\n[hosts.localhost]\nfolder = \"site\"\n"));
        assert_eq!(config.limits.connections_an_address, expected, "{limits}");
    }
    assert_eq!(crate::server::Limits::default().connections_an_address, 4_096);
}

#[test]
fn hosts_may_be_written_in_any_way_that_toml_has() {
    let a = good("hosts.\"a.test\".folder = \"x\"\n");
    let b = good("hosts = { \"a.test\" = { folder = \"x\" } }\n");
    let c = good("[hosts]\n[hosts.'A.TEST']\nfolder = 'x' # y\n");
    assert_eq!(a.hosts, b.hosts);
    assert_eq!(a.hosts, c.hosts);
}

#[test]
fn line_ends_of_windows_a_byte_order_mark_and_tabs_are_read() {
    let config = good("\u{feff}workers = 3\r\n\r\n[hosts.localhost]\r\n\tfolder\t= \"ä\"\r\n");
    assert_eq!(config.workers, Some(3));
}

#[test]
fn a_whole_text_and_its_mistakes_end_somewhere_even_where_tables_nest_without_end() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(parse(&deep).is_err());
    assert!(parse(&format!("[{}]", "hosts.".repeat(10_000))).is_err());
}

/// Takes the mark away from keys and headers that are out of force.
fn in_force(example: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    example.lines().map(line).collect()
}

#[test]
fn the_example_is_a_good_file_with_and_without_what_is_out_of_force() {
    let folder = crate::scratch::Scratch::new("config-example");
    let path = folder.path().join("sakigake.toml");
    std::fs::write(&path, example()).expect("it is ours");
    let ready = Ready::load(&path, std::time::SystemTime::now()).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(ready.development(), ["localhost"]);
    let whole = good(&in_force(&example()));
    assert_eq!(whole.hosts.len(), 2);
    for key in KEYS.iter().filter(|key| key.section != Section::Clients) {
        let line = format!("{} = {}", key.name, key.example);
        assert!(in_force(&example()).contains(&format!("\n{line}\n")), "the example lacks {line}");
    }
}

#[test]
fn each_default_that_the_table_names_is_what_holds() {
    let mut text = String::new();
    for section in Section::ALL {
        match section {
            Section::Host => text.push_str("[hosts.\"localhost\"]\nfolder = \"x\"\n"),
            section => writeln!(text, "{}", section.header()).expect("a String takes everything"),
        }
        let given = section.keys().filter(|key| !key.default.starts_with('(') && key.name != "permanent");
        for key in given {
            writeln!(text, "{} = {}", key.name, key.default).expect("a String takes everything");
        }
    }
    let (said, unsaid) = (good(&text), good("[hosts.localhost]\nfolder = \"x\"\n"));
    assert_eq!(format!("{said:?}"), format!("{unsaid:?}"));
    let redirect = "[hosts.a]\nredirect = \"https://b.test/\"\n";
    let default = Section::Host.keys().find(|key| key.name == "permanent").expect("it is one").default;
    assert_eq!(good(redirect).hosts, good(&format!("{redirect}permanent = {default}\n")).hosts);
}

#[test]
fn each_examples_value_differs_from_the_default() {
    for key in KEYS {
        assert_ne!(key.example, key.default, "{}", key.name);
    }
}

/// With `SAKIGAKE_UPDATE` set it writes the page's tables anew.
#[test]
fn the_documentation_has_the_table_of_keys() {
    const MARKS: [&str; 2] = ["<!-- keys: made from the parser's table -->\n", "<!-- end of keys -->"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(MARKS[0]).expect("the first mark");
    let (keys, after) = rest.split_once(MARKS[1]).expect("the second mark");
    let wanted = format!("\n{}\n", reference());
    if std::env::var_os("SAKIGAKE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{}{wanted}{}{after}", MARKS[0], MARKS[1]))
            .expect("it is ours");
        return;
    }
    assert_eq!(keys, wanted, "SAKIGAKE_UPDATE=1 writes it anew");
}

/// Examples in the page are files that can be read.
#[test]
fn the_documentations_examples_are_good_files() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md"));
    let page = page.expect("the page is there");
    let mut count = 0;
    for block in page.split("```toml\n").skip(1) {
        good(block.split("```").next().unwrap_or_default());
        count += 1;
    }
    assert!(count >= 3, "{count}");
}
