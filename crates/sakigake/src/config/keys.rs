//! Every key that a file may hold: the one table that the parser, the example and docs/configuration.md are made from.

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub section: Section,
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds where it is not given: TOML, or words in parentheses.
    pub default: &'static str,
    /// A value, in TOML, that differs from the default.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Before any header.
    Top,
    /// `[tls]`
    Tls,
    /// `[tickets]`
    Tickets,
    /// `[log]`
    Log,
    /// `[limits]`
    Limits,
    /// `[hosts."NAME"]`
    Host,
    /// The table that a host's `client_certificates` takes.
    Clients,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// An integer from and to.
    Count(u64, u64),
    /// A string such as `"30s"`, from and to so many milliseconds.
    Duration(u64, u64),
    /// A string such as `"64 KiB"`, from and to so many bytes.
    Size(u64, u64),
    /// Where to listen: a string.
    Address,
    /// Where to listen: a string or several.
    Addresses,
    /// A file or folder, relative to the file that names it.
    Path,
    /// One or several.
    Paths,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Hosts' names: a string or several.
    Names,
    /// An absolute http or https address.
    Url,
    /// One of these words, or a file.
    ChoiceOrPath(&'static [&'static str]),
    /// A table of field names and values.
    Fields,
    /// A table of status codes and files.
    Pages,
    /// A table of [`Section::Clients`].
    Clients,
}

impl Section {
    /// All of them that begin with a header of their own, in the order in which a file has them.
    pub const ALL: [Self; 6] = [Self::Top, Self::Tls, Self::Tickets, Self::Log, Self::Limits, Self::Host];

    /// How its table begins.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Tls => "[tls]",
            Self::Tickets => "[tickets]",
            Self::Log => "[log]",
            Self::Limits => "[limits]",
            Self::Host => "[hosts.\"NAME\"]",
            Self::Clients => "client_certificates = { ... }",
        }
    }

    /// What it is called in a sentence.
    pub(super) const fn called(self) -> &'static str {
        match self {
            Self::Top => "at the top of the file",
            Self::Tls => "of [tls]",
            Self::Tickets => "of [tickets]",
            Self::Log => "of [log]",
            Self::Limits => "of [limits]",
            Self::Host => "of a host",
            Self::Clients => "of client_certificates",
        }
    }

    /// What it is about.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Top => "Where the server listens. These stand before the first header.",
            Self::Tls => "The certificate of hosts that name none of their own.",
            Self::Tickets => {
                "How clients that come back resume a connection, with half of the cryptography and no certificate."
            }
            Self::Log => "What is written about requests.",
            Self::Limits => "What one client may take, and how long the server waits for it.",
            Self::Clients => "How a host asks clients who they are.",
            Self::Host => {
                "One table a host, by its name in quotation marks. A host is a folder or a redirect. `*.example.com` is for every name with one more label."
            }
        }
    }

    /// Its keys.
    pub fn keys(self) -> impl Iterator<Item = &'static Key> {
        KEYS.iter().filter(move |key| key.section == self)
    }
}

impl Kind {
    /// What may stand there, as a noun.
    pub fn words(self) -> String {
        match self {
            Self::Flag => "`true` or `false`".into(),
            Self::Count(from, to) => format!("a whole number from {from} to {to}"),
            Self::Duration(from, to) => {
                format!("a time from {} to {}, such as \"30s\"", span_words(from), span_words(to))
            }
            Self::Size(from, to) => {
                format!("a size from {} to {}, such as \"64 KiB\"", size_words(from), size_words(to))
            }
            Self::Address => "an address with a port, such as \"127.0.0.1:9090\"".into(),
            Self::Addresses => {
                "an address with a port, such as \"127.0.0.1:8443\", \"[::1]:8443\", \"localhost:8443\" or \"*:443\", or a list of them".into()
            }
            Self::Path => "a path".into(),
            Self::Paths => "a path, or a list of them".into(),
            Self::Choice(words) => quoted(words),
            Self::Names => "a host name, or a list of them".into(),
            Self::Url => "an address, such as \"https://www.example.com/\"".into(),
            Self::ChoiceOrPath(words) => format!("{}, or a file", quoted(words)),
            Self::Fields => "a table of field names and values, such as { x-frame-options = \"DENY\" }".into(),
            Self::Clients => "a table, such as { ca = \"clients.pem\" }".into(),
            Self::Pages => "a table of status codes and files, such as { 404 = \"404.html\" }".into(),
        }
    }
}

/// `"a", "b" or "c"`.
fn quoted(words: &[&str]) -> String {
    or(words.iter().map(|word| format!("\"{word}\"")))
}

fn or(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// The largest unit that divides it.
pub(super) fn span_words(ms: u64) -> String {
    in_units(ms, &[(24 * HOUR, "d"), (HOUR, "h"), (60 * SECOND, "m"), (SECOND, "s"), (1, "ms")])
}

/// The same.
pub(super) fn size_words(bytes: u64) -> String {
    in_units(
        bytes,
        &[(KIB << 30, " TiB"), (KIB << 20, " GiB"), (KIB << 10, " MiB"), (KIB, " KiB"), (1, " B")],
    )
}

/// In the first unit that it is a multiple of; the last is 1.
fn in_units(number: u64, units: &[(u64, &str)]) -> String {
    let fits = |(size, _): &&(u64, &str)| number >= *size && number.is_multiple_of(*size);
    let (size, name) = units.iter().find(fits).or(units.last()).copied().unwrap_or((1, ""));
    format!("{}{name}", number / size)
}

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const KIB: u64 = 1 << 10;

/// How requests may be logged.
pub(super) const ACCESS: &[&str] = &["off", "text", "json", "common", "combined"];
/// What a client without certificate gets.
pub(super) const MODES: &[&str] = &["required", "optional"];
/// Where hints may come from, beside a file.
pub(super) const HINTS: &[&str] = &["pages", "none"];

const fn key(
    section: Section,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { section, name, kind, default, example, meaning }
}

/// All keys, a section after the other.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key(Section::Top, "listen", Kind::Addresses, "\"localhost:8443\"", "\"*:443\"",
        "Where to listen for HTTPS. `*` is every address of this machine, `localhost` both loopback addresses."),
    key(Section::Top, "redirect_http", Kind::Addresses, "[]", "\"*:80\"",
        "Where to listen for plain HTTP, which is answered with a redirect to https."),
    key(Section::Top, "metrics", Kind::Address, "(none)", "\"127.0.0.1:9090\"",
        "Where to answer `/metrics` over plain HTTP in Prometheus' text format. Whoever reaches it may read it: keep it on a loopback address, or in a network of your own."),
    key(Section::Top, "workers", Kind::Count(1, 1_024), "(one a core)", "2",
        "Threads that serve. They share nothing."),
    key(Section::Top, "public_port", Kind::Count(1, 65_535), "(that of `listen`)", "443",
        "The port that visitors see, where something in front of this server forwards another."),
    key(Section::Top, "http3", Kind::Flag, "true", "false",
        "Whether HTTP/3 is served too: by UDP, at the same addresses and ports as `listen`, which a firewall has to let through. What `[limits]` says of idle connections and of streams holds there too."),
    key(Section::Top, "alt_svc", Kind::Duration(0, 365 * 24 * HOUR), "\"1d\"", "\"1h\"",
        "How long clients that came by TCP are to remember that HTTP/3 is here, as `alt-svc` tells them (RFC 7838); `0s` tells nobody."),
    key(Section::Top, "origins", Kind::Flag, "true", "false",
        "Whether clients are told, in an ORIGIN frame (RFC 8336), which other hosts they may ask on the same connection: those of the same certificate, where there are several and no name is a wildcard."),
    key(Section::Tls, "certificate", Kind::Paths, "(the development CA's, for local names)", "\"cert.pem\"",
        "Certificate chain in PEM, leaf first. A list holds one a kind of key, such as ECDSA and RSA."),
    key(Section::Tls, "key", Kind::Paths, "(none)", "\"key.pem\"",
        "Private key in PEM of the certificate at the same place of the list."),
    key(Section::Tls, "ocsp", Kind::Paths, "(none)", "\"leaf.ocsp\"",
        "OCSP response in DER for the certificate at the same place of the list, for clients that ask for it. A reload reads it again."),
    key(Section::Tls, "scts", Kind::Paths, "[]", "[\"log-a.sct\", \"log-b.sct\"]",
        "Signed Certificate Timestamps of the only certificate, each as RFC 6962 serialises it, for clients that ask for them."),
    key(Section::Tls, "padding", Kind::Count(0, 16_384), "0", "512",
        "TLS records are filled up to a multiple of so many bytes, so that whoever watches tells less from their lengths; 0 adds nothing. It costs bandwidth, and hides neither when nor how often something is sent."),
    key(Section::Tickets, "resume", Kind::Flag, "true", "false",
        "Whether clients get tickets, by which they resume a connection within a day, in a chain of seven days at most."),
    key(Section::Tickets, "early_data", Kind::Flag, "false", "true",
        "Whether requests are taken from a returning client's first flight (0-RTT), which saves a round trip. Whoever records it may send it again: this server takes each once, yet what services do on GET must bear being done twice. Others than GET, HEAD, OPTIONS and TRACE wait for the handshake; services are told by `Early-Data: 1`, and may answer 425. Only with keys in memory. In the first twelve seconds none is taken, nor where the clock is set back, until it is where it was."),
    key(Section::Tickets, "keys", Kind::Path, "(none: in memory)", "\"tickets.keys\"",
        "The file of the keys that seal tickets. It is made where it is not there, for this user alone, and gets a new key every day; a key is destroyed when its tickets have expired. Without it a restart makes all tickets worthless, and servers that share a name do not take each other's. A ticket is good only as long as its host shows the same certificates: servers that share the file share these too, and those of the development CA are new with each start."),
    key(Section::Log, "access", Kind::Choice(ACCESS), "\"text\"", "\"json\"",
        "How requests are logged: aligned columns, a JSON object a line, the Common Log Format, the same with `referer` and `user-agent` (combined), or not at all."),
    key(Section::Log, "file", Kind::Path, "(standard output)", "\"access.log\"",
        "The file to append the access log to. A reload opens it anew."),
    key(Section::Log, "keys", Kind::Path, "(none)", "\"keys.log\"",
        "The file to append every connection's secrets to. Whoever reads it can decrypt a capture: for looking only."),
    key(Section::Limits, "connections_per_worker", Kind::Count(1, 1_000_000), "16384", "1024",
        "Connections that one worker holds; further ones wait."),
    key(Section::Limits, "connections_per_address", Kind::Count(1, 1_000_000), "4096", "256",
        "Connections that one worker holds from one address (of IPv6: one network of 64 bits); one beyond is closed. Left out, it is a quarter of `connections_per_worker`; behind a proxy, which is one address, it wants to be as much."),
    key(Section::Limits, "idle", Kind::Duration(SECOND, 24 * HOUR), "\"3m\"", "\"1m\"",
        "How long a connection may go without a request."),
    key(Section::Limits, "stall", Kind::Duration(SECOND, HOUR), "\"1m\"", "\"20s\"",
        "How long a client may take nothing of what waits for it."),
    key(Section::Limits, "body", Kind::Duration(SECOND, HOUR), "\"1m\"", "\"20s\"",
        "How long a client may send nothing of a request's body that is waited for, and how long the rest of one that nobody reads may take to end."),
    key(Section::Limits, "drain", Kind::Duration(0, HOUR), "\"10s\"", "\"30s\"",
        "How long a server that was told to stop waits for what it serves."),
    key(Section::Limits, "head", Kind::Duration(SECOND, HOUR), "\"30s\"", "\"10s\"",
        "How long the head of an HTTP/1.1 request may take to arrive."),
    key(Section::Limits, "head_size", Kind::Size(8 * KIB, 1_024 * KIB), "\"32 KiB\"", "\"16 KiB\"",
        "Bytes of the head of an HTTP/1.1 request."),
    key(Section::Limits, "head_lines", Kind::Count(10, 10_000), "100", "50",
        "Field lines of an HTTP/1.1 request."),
    key(Section::Limits, "streams", Kind::Count(1, 10_000), "128", "100",
        "Requests that one HTTP/2 connection may have open at a time."),
    key(Section::Host, "aliases", Kind::Names, "[]", "\"*.localhost\"",
        "Further names of this host."),
    key(Section::Host, "default", Kind::Flag, "(`true` for a file's only host)", "true",
        "Whether this host answers for names that no host has. Without such a host they get 421."),
    key(Section::Host, "folder", Kind::Path, "(none)", "\".\"",
        "The folder to serve."),
    key(Section::Host, "redirect", Kind::Url, "(none)", "\"https://localhost:8443/\"",
        "Where to send visitors instead. The path and query of their request go behind it."),
    key(Section::Host, "permanent", Kind::Flag, "true", "false",
        "Whether clients may remember the redirect (301, 308) or ask again each time (302, 307)."),
    key(Section::Host, "certificate", Kind::Paths, "(that of `[tls]`)", "\"cert.pem\"",
        "Certificate chain in PEM, leaf first; as in `[tls]`. It must cover all names of the host."),
    key(Section::Host, "key", Kind::Paths, "(none)", "\"key.pem\"",
        "Private key in PEM of the certificate at the same place of the list."),
    key(Section::Host, "ocsp", Kind::Paths, "(none)", "\"leaf.ocsp\"",
        "OCSP response in DER for the certificate at the same place of the list; as in `[tls]`."),
    key(Section::Host, "scts", Kind::Paths, "[]", "[\"log-a.sct\", \"log-b.sct\"]",
        "Signed Certificate Timestamps of the only certificate; as in `[tls]`."),
    key(Section::Host, "client_certificates", Kind::Clients, "(none: nobody is asked)", "{ ca = \"clients.pem\", mode = \"optional\" }",
        "Asks clients for certificates of their own in the handshake: a table of the keys below. Services find who the client is among a request's extensions, and the log tells it. A request for this host on a connection to one that does not ask the same way gets 421."),
    key(Section::Host, "headers", Kind::Fields, "{}", "{ strict-transport-security = \"max-age=31536000\" }",
        "Field lines to add to every answer, of a redirect too; a table within holds those for some files of a folder: `\"*.woff2\" = { cache-control = \"max-age=31536000\" }`."),
    key(Section::Host, "listing", Kind::Flag, "false", "true",
        "Whether a folder without `index.html` shows what it holds."),
    key(Section::Host, "error_pages", Kind::Pages, "{}", "{ 404 = \"404.html\" }",
        "Pages of one's own for errors: status codes, `4xx` or `5xx`, and files, relative to the host's folder. A folder's `404.html` needs no mention."),
    key(Section::Host, "compress", Kind::Flag, "false", "true",
        "Whether text is compressed on the fly for clients that take it: zstd, brotli, gzip."),
    key(Section::Host, "precompressed", Kind::Flag, "true", "false",
        "Whether `a.css.zst`, `a.css.br` and `a.css.gz` are sent in place of `a.css` to clients that take them."),
    key(Section::Host, "clean_urls", Kind::Flag, "false", "true",
        "Whether `/about` is `about.html`, and `/about.html` and `/about/` lead there."),
    key(Section::Host, "cache", Kind::Size(0, 64 << 30), "\"32 MiB\"", "\"128 MiB\"",
        "Small files that each worker keeps in memory."),
    key(Section::Host, "hints", Kind::ChoiceOrPath(HINTS), "\"pages\"", "\"none\"",
        "What clients are told ahead, in PRELOAD frames or as `early_hints` says: what the folder's pages name, nothing, or what a file holds, a Link field value a line."),
    key(Section::Host, "early_hints", Kind::Flag, "true", "false",
        "Whether clients that do not know the frame get the same hints in `Link` fields of the page, and over HTTP/2, where a browser navigates, in a 103 (Early Hints) ahead of it."),
    key(Section::Clients, "ca", Kind::Paths, "(none: it must be given)", "\"clients.pem\"",
        "Certificates in PEM of the authorities whose clients are let in."),
    key(Section::Clients, "crl", Kind::Paths, "[]", "\"revoked.pem\"",
        "Lists in PEM of the certificates that they have revoked. One whose next update is overdue refuses all of its authority's clients."),
    key(Section::Clients, "mode", Kind::Choice(MODES), "\"required\"", "\"optional\"",
        "Whether a client without certificate is turned away, or served as nobody. A bad one is turned away in either case."),
    key(Section::Clients, "tell_authorities", Kind::Flag, "false", "true",
        "Whether clients are told the names of the authorities, to choose by; whoever connects can read them."),
];
