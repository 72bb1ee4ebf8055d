//! `sakigake interop`: an endpoint as the QUIC interop runner starts it. Test cases and folders come by the environment, files by
//! HTTP/0.9 over QUIC (`hq-interop`): a bidirectional stream a request, `GET /path` and the end of the stream one way, the file's
//! bytes the other.

mod client;
mod fetcher;
mod files;
mod server;

use crate::{
    Failure,
    arguments::{InteropArguments, InteropCommand},
    watch::{Watch, qlog_folder},
};
use sakigake::key_log::KeyLogFile;
use sakigake_crypto::{Provider, aws_lc::PROVIDER};
use sakigake_quic::{
    connection::{Config, Options},
    rules::versions::{VERSION_1, VERSION_2},
};
use sakigake_tls as tls;
use std::{
    env,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, LazyLock},
};

/// HTTP/0.9 over QUIC.
const ALPN: &[u8] = b"hq-interop";
/// What the runner reads as "I cannot do that".
const UNSUPPORTED: u8 = 127;

/// What a test case asks of its ends.
struct Case {
    name: &'static str,
    client: Way,
    /// The server asks every client to come again with a token.
    is_retry: bool,
    /// Both ends take TLS_CHACHA20_POLY1305_SHA256 alone.
    is_chacha: bool,
    /// The client begins in version 1, and both ends would rather go on in version 2.
    is_v2: bool,
    /// The client offers X25519 alone, and has a ClientHello that one datagram holds.
    is_brief: bool,
}

/// How a client spreads its requests over connections, and what it does meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All of them on one connection.
    Together,
    /// A connection for each.
    Apart,
    /// The first on one, the others on another one that goes on from it.
    Resume,
    /// The same, the others as early data.
    Early,
    /// Together, and the client changes keys.
    KeyUpdate,
    /// Together, and the client moves to another port.
    Migrate,
}

/// An end that has nothing special to do.
const PLAIN: Case = Case {
    name: "",
    client: Way::Together,
    is_retry: false,
    is_chacha: false,
    is_v2: false,
    is_brief: false,
};

/// By the names that the runner, or its documentation, gives them.
const CASES: &[Case] = &[
    Case { name: "handshake", ..PLAIN },
    Case { name: "transfer", ..PLAIN },
    Case { name: "longrtt", ..PLAIN },
    Case { name: "multiplexing", ..PLAIN },
    Case { name: "transferloss", ..PLAIN },
    Case { name: "transfercorruption", ..PLAIN },
    Case { name: "blackhole", ..PLAIN },
    // Which of a client's packets are lost supposes so.
    Case { name: "amplificationlimit", is_brief: true, ..PLAIN },
    Case { name: "ecn", ..PLAIN },
    Case { name: "ipv6", ..PLAIN },
    Case { name: "rebind-port", ..PLAIN },
    Case { name: "rebind-addr", ..PLAIN },
    Case { name: "goodput", ..PLAIN },
    Case { name: "crosstraffic", ..PLAIN },
    Case { name: "multiconnect", client: Way::Apart, ..PLAIN },
    Case { name: "handshakeloss", client: Way::Apart, ..PLAIN },
    Case { name: "handshakecorruption", client: Way::Apart, ..PLAIN },
    Case { name: "resumption", client: Way::Resume, ..PLAIN },
    Case { name: "zerortt", client: Way::Early, ..PLAIN },
    Case { name: "keyupdate", client: Way::KeyUpdate, ..PLAIN },
    Case { name: "connectionmigration", client: Way::Migrate, ..PLAIN },
    // Its ClientHello fills two datagrams in each case.
    Case { name: "postquantum", ..PLAIN },
    Case { name: "retry", is_retry: true, ..PLAIN },
    Case { name: "chacha20", is_chacha: true, ..PLAIN },
    Case { name: "v2", is_v2: true, ..PLAIN },
];

pub(crate) fn run(command: InteropCommand) -> Result<ExitCode, Failure> {
    let common = match &command {
        InteropCommand::Server(arguments) => &arguments.common,
        InteropCommand::Client(arguments) => &arguments.common,
    };
    let Some(contract) = Contract::new(common)? else { return Ok(ExitCode::from(UNSUPPORTED)) };
    match command {
        InteropCommand::Server(arguments) => server::run(&contract, &arguments),
        InteropCommand::Client(arguments) => client::run(&contract, &arguments),
    }
}

/// How long a handshake may take, and how long nothing need be heard: the runner loses 30 % of the packets, and what is lost again
/// and again is sent again after twice as long each time. Of some hundred handshakes one takes longer than a minute; all fifty of
/// a case have five.
const PATIENCE_MS: u64 = 180_000;

/// What both ends are told.
struct Contract {
    case: &'static Case,
    certs: PathBuf,
    key_log: Option<KeyLogFile>,
    is_traced: bool,
    qlog: Option<PathBuf>,
}

impl Contract {
    /// None where the test case is none of ours.
    fn new(arguments: &InteropArguments) -> Result<Option<Self>, Failure> {
        let name = arguments.testcase.clone().or_else(|| said("TESTCASE"));
        let name = name.ok_or_else(|| Failure::new("neither --testcase nor TESTCASE names a test case"))?;
        let Some(case) = CASES.iter().find(|case| case.name == name) else { return Ok(None) };
        let key_log = arguments.keylog.clone().or_else(|| said("SSLKEYLOGFILE").map(PathBuf::from));
        let key_log = key_log.map(|path| {
            KeyLogFile::open(&path)
                .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))
        });
        Ok(Some(Self {
            case,
            certs: folder(arguments.certs.as_ref(), &["CERTS"], "/certs"),
            key_log: key_log.transpose()?,
            is_traced: arguments.trace,
            qlog: qlog_folder(arguments.qlog.as_deref()),
        }))
    }

    /// Looks at one connection.
    fn watch(&self) -> Watch {
        Watch::new(self.key_log.clone(), self.is_traced, self.qlog.clone())
    }

    fn provider(&self) -> &'static Provider {
        if self.case.is_chacha { &CHACHA } else { &PROVIDER }
    }

    fn limits() -> tls::Limits {
        tls::Limits { handshake_ms: PATIENCE_MS, ..tls::Limits::default() }
    }

    fn quic(&self, options: Options) -> Result<Arc<Config>, Failure> {
        let versions = if self.case.is_v2 { [&VERSION_2, &VERSION_1] } else { [&VERSION_1, &VERSION_2] };
        // Initial packets have their own suite, whatever TLS is left with.
        let options = Options { versions: versions.to_vec(), max_idle_timeout_ms: PATIENCE_MS, ..options };
        options.build(&PROVIDER).map_err(Failure::new)
    }
}

/// ChaCha20-Poly1305 and nothing else.
static CHACHA: LazyLock<Provider> = LazyLock::new(|| {
    const TLS_CHACHA20_POLY1305_SHA256: u16 = 0x1303;
    let rows = PROVIDER.suites.chunks(1);
    let suites = rows.into_iter().find(|row| row[0].id == TLS_CHACHA20_POLY1305_SHA256).unwrap_or_default();
    Provider { suites, ..PROVIDER }
});

/// What the environment says, if it says anything.
fn said(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder of an option, or of the first variable that is set, or the usual one.
fn folder(option: Option<&PathBuf>, variables: &[&str], usual: &str) -> PathBuf {
    let told = || variables.iter().find_map(|name| said(name)).map(PathBuf::from);
    option.cloned().or_else(told).unwrap_or_else(|| usual.into())
}
