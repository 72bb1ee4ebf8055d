//! Wrong files, and what is said of each.

use super::parse;
use std::fmt::Write as _;

const HOST: &str = "[hosts.localhost]\nfolder = \"site\"\n";

/// A name, and a text; what begins with `+` gets a host that is fine.
const WRONG: &[(&str, &str)] = &[
    ("nothing at all", ""),
    ("only a comment", "# later\n"),
    ("an unknown key", "+lisen = \"*:443\"\n"),
    ("a dash for an underscore", "+redirect-http = \"*:80\"\n"),
    ("a key of another server", "[hosts.localhost]\nroot = \"site\"\nserver_name = \"a.test\"\n"),
    ("a key that stands elsewhere", "+[log]\nworkers = 3\nidle = \"1s\"\n"),
    ("a key after the first header", "[hosts.localhost]\nfolder = \"site\"\nlisten = \"*:443\"\n"),
    ("a key that nobody knows", "+banana = 1\n"),
    ("a name without quotation marks", "[hosts.www.example.com]\nfolder = \"site\"\n"),
    ("a host's key without its name", "[hosts]\nfolder = \"site\"\n"),
    ("a host that is no table", "[hosts]\n\"a.test\" = \"site\"\n"),
    ("hosts as a list", "[[hosts]]\nname = \"a.test\"\n"),
    ("a list of one host", "[[host]]\nserver_name = \"a.test\"\nfolder = \"site\"\n"),
    ("a mistyped header of a host", "[host.\"a.test\"]\nfolder = \"site\"\n"),
    ("hosts of another server", "[[servers]]\nroot = \"site\"\n"),
    ("a mistyped header", "+[limit]\nidle = \"1m\"\n[logs]\naccess = \"off\"\n"),
    ("a section that is no table", "log = \"text\"\n[hosts.localhost]\nfolder = \"site\"\n"),
    ("a time without unit", "+[limits]\nidle = 30\nhead = \"30\"\nstall = \"5 minutes\"\n"),
    ("a time out of bounds", "+[limits]\nidle = \"0s\"\nhead = \"2d\"\n"),
    ("a size without unit", "+[limits]\nhead_size = 65536\n"),
    ("a size with a wrong unit", "+[limits]\nhead_size = \"64 K\"\n"),
    ("a count that is none", "+workers = 0\npublic_port = \"443\"\n"),
    ("a count of another base", "+workers = -0\npublic_port = 0xFFFFF\n"),
    ("a mistyped choice", "+[log]\naccess = \"jason\"\n"),
    ("a flag as text", "[hosts.localhost]\nfolder = \"site\"\nlisting = \"true\"\ncompress = \"gzip\"\n"),
    ("a port alone", "+listen = 443\n"),
    (
        "addresses that are none",
        "+listen = [\":443\", \"443\", \"example.com:443\", \"::1\", 80, \"[::1]:99999\"]\n",
    ),
    ("no address to listen on", "+listen = []\n"),
    (
        "an address twice",
        "+listen = [\"*:443\", \"127.0.0.1:443\"]\nredirect_http = \"[::]:443\"\nmetrics = \"0.0.0.0:443\"\n",
    ),
    ("an address, then all", "+listen = [\"127.0.0.1:8443\", \"*:8443\"]\n"),
    ("a folder and a redirect", "[hosts.localhost]\nfolder = \"site\"\nredirect = \"https://a.test/\"\n"),
    ("neither a folder nor a redirect", "[hosts.\"a.test\"]\nlisting = true\n"),
    (
        "a folder's keys at a redirect",
        "[hosts.\"a.test\"]\nredirect = \"https://b.test/\"\nlisting = true\nhints = \"none\"\n",
    ),
    (
        "fields for files at a redirect",
        "[hosts.\"a.test\"]\nredirect = \"https://b.test/\"\nheaders = { \"*.css\" = { a = \"b\" }, location = \"/\" }\n",
    ),
    ("a redirect to itself", "[hosts.\"a.test\"]\naliases = \"b.test\"\nredirect = \"https://b.test/\"\n"),
    ("a redirect to no address", "[hosts.\"a.test\"]\nredirect = \"www.b.test\"\npermanent = 301\n"),
    ("a certificate without key", "[hosts.localhost]\nfolder = \"site\"\ncertificate = \"cert.pem\"\n"),
    (
        "clients of nobody",
        "[hosts.localhost]\nfolder = \"site\"\nclient_certificates = { mode = \"optional\" }\n",
    ),
    (
        "clients asked wrongly",
        "[hosts.localhost]\nfolder = \"site\"\n[hosts.localhost.client_certificates]\ncaa = \"a.pem\"\nmode = \"require\"\ncrl = 3\n",
    ),
    (
        "clients that are no table",
        "[hosts.localhost]\nfolder = \"site\"\nclient_certificates = \"clients.pem\"\n",
    ),
    ("a key without certificate", "+[tls]\nkey = \"key.pem\"\n"),
    ("more certificates than keys", "+[tls]\ncertificate = [\"a.pem\", \"b.pem\"]\nkey = \"a.key\"\n"),
    (
        "responses and timestamps that do not fit the certificates",
        "+[tls]\ncertificate = [\"a.pem\", \"b.pem\"]\nkey = [\"a.key\", \"b.key\"]\nocsp = \"a.ocsp\"\nscts = [\"a.sct\"]\n",
    ),
    (
        "a name twice",
        "[hosts.\"a.test\"]\nfolder = \"a\"\n\n[hosts.\"b.test\"]\naliases = [\"c.test\", \"A.test\"]\nfolder = \"b\"\n",
    ),
    ("a host twice", "[hosts.\"a.test\"]\nfolder = \"a\"\n[hosts.\"a.test\"]\nlisting = true\n"),
    (
        "two default hosts",
        "[hosts.\"a.test\"]\nfolder = \"a\"\ndefault = true\n[hosts.\"b.test\"]\nfolder = \"b\"\ndefault = true\n",
    ),
    (
        "names that are none",
        "[hosts.\"https://a.test/x\"]\nfolder = \"a\"\naliases = [\"b.test:443\", \"*\", \"a.*.test\", \"bücher.test\", \"a b\", \"\"]\n",
    ),
    (
        "fields that are none",
        "[hosts.localhost]\nfolder = \"site\"\nheaders = { \"a b\" = \"c\", content-length = \"5\", x = \"\\r\\n\", y = 5 }\n",
    ),
    (
        "pages that are none",
        "[hosts.localhost]\nfolder = \"site\"\nerror_pages = { 200 = \"a.html\", 404 = \"../a.html\", nope = \"\" }\n",
    ),
    ("a home folder", "[hosts.localhost]\nfolder = \"~/site\"\n"),
    ("no end of a string", "[hosts.localhost]\nfolder = \"site\nlisting = true\n"),
    ("no value", "+workers =\n"),
    ("no quotation marks", "[hosts.localhost]\nfolder = site\n"),
    ("a key twice", "[hosts.localhost]\nfolder = \"a\"\nfolder = \"b\"\n"),
    ("another format", "server {\n  listen 443;\n  root /srv;\n}\n"),
    (
        "tabs, many bytes and line ends of Windows",
        "[hosts.localhost]\r\n\tfolder = \"先駆け\"\t\r\n\t\"先駆け\" =\ttrue # 先\r\n\tlisting\t=\t\"先駆け\"\r\n",
    ),
    (
        "everything at once",
        "listn = \"*:443\"\nworkers = \"many\"\n[log]\naccess = \"txt\"\n[limits]\nidle = \"3 min\"\n[hosts.\"a.test\"]\nfoldr = \"x\"\n[hosts.\"b.test\"]\nfolder = \"y\"\nkey = \"k.pem\"\n",
    ),
];

#[test]
fn each_wrong_file_is_told_what_is_wrong_with_it() {
    let mut out = String::new();
    for (name, text) in WRONG {
        let text = text.strip_prefix('+').map_or((*text).to_owned(), |text| format!("{text}{HOST}"));
        let report = parse(&text).expect_err(name);
        writeln!(out, "=== {name}\n{report}").expect("a String takes everything");
    }
    insta::assert_snapshot!(out);
}

#[test]
fn wrong_files_are_many() {
    assert!(WRONG.len() >= 25);
}
