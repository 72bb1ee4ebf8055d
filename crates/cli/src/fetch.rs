//! `sakigake fetch`: a page with everything it names, and its waterfall; or one resource.

use crate::{
    Failure,
    arguments::{FetchArguments, TrustArguments},
    serve,
};
use indicatif::{ProgressBar, ProgressStyle};
use sakigake::client::{Client, Error, Loaded, Options, Resolve, Trust, Watcher};
use sakigake_page::{
    Origin, Url,
    load::{Load, State},
    waterfall,
};
use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

/// The server answered with an error.
const HTTP_ERROR: u8 = 22;

pub(crate) fn run(arguments: FetchArguments) -> Result<ExitCode, Failure> {
    let url = parse(&arguments.url)?;
    let options = Options {
        trust: trust(&arguments.trust),
        resolve: arguments.resolve.iter().map(resolve).collect(),
        preload: !arguments.no_preload,
        key_log: arguments.keylog.as_deref().map(serve::open_key_log).transpose()?,
    };
    let client = Client::new(options).map_err(Failure::new)?;
    let longest = Duration::from_nanos(arguments.max_time.as_nanos());
    super::on_this_thread(async {
        let work = async {
            match &arguments.output {
                Some(path) => resource(&client, &url, path, &arguments).await,
                None => page(&client, &url, &arguments).await,
            }
        };
        let late = || Failure::new(format_args!("{url} did not load within {}", arguments.max_time));
        tokio::time::timeout(longest, work).await.unwrap_or_else(|_| Err(late()))
    })
}

fn parse(text: &str) -> Result<Url, Failure> {
    let spelled = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    match Url::parse(&spelled) {
        Some(url) if url.origin().secure => Ok(url),
        Some(_) => Err(Failure::new(format_args!("{text}: only https is spoken here"))),
        None => Err(Failure::new(format_args!("{text:?} is not a URL such as https://localhost:8443/"))),
    }
}

pub(crate) fn trust(arguments: &TrustArguments) -> Trust {
    match &arguments.cacert {
        _ if arguments.insecure => Trust::Anybody,
        Some(path) => Trust::File(path.clone()),
        None => Trust::Platform,
    }
}

fn resolve(given: &crate::arguments::Resolve) -> Resolve {
    Resolve { host: given.host.clone(), port: given.port, address: given.address }
}

async fn page(client: &Client, url: &Url, arguments: &FetchArguments) -> Result<ExitCode, Failure> {
    let mut screen = Screen::new(arguments.verbose);
    let loaded = client.load(url, &mut screen).await;
    screen.clear();
    let loaded = loaded.map_err(|error| explain(url, &error.to_string()))?;
    let mut drawing = waterfall::Waterfall::of(&loaded.load);
    drawing.connected = loaded.connected;
    crate::print(format_args!("{}", waterfall::text(&drawing, &super::terminal())))?;
    crate::print(format_args!("{}\n", spoken(&loaded)))?;
    if let Some(path) = &arguments.svg {
        fs::write(path, waterfall::svg(&drawing))
            .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?;
    }
    for entry in loaded.load.entries() {
        if let State::Failed(why) = &entry.state {
            eprintln!("{}: {why}", entry.resource.url);
        }
    }
    Ok(match loaded.load.summary().status {
        Some(status) if status >= 400 => ExitCode::from(HTTP_ERROR),
        _ => ExitCode::SUCCESS,
    })
}

fn spoken(loaded: &Loaded) -> String {
    let each =
        loaded.protocols.iter().map(|(origin, protocol)| format!("{protocol} with {}", origin.authority()));
    each.collect::<Vec<_>>().join(", ")
}

async fn resource(
    client: &Client,
    url: &Url,
    path: &Path,
    arguments: &FetchArguments,
) -> Result<ExitCode, Failure> {
    let mut screen = Screen::new(arguments.verbose);
    let mut out: Box<dyn Write> = match path.to_str() {
        Some("-") => Box::new(io::stdout().lock()),
        _ => Box::new(
            File::create(path)
                .map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?,
        ),
    };
    let mut got_bytes = 0;
    let mut keep = |bytes: &[u8]| {
        got_bytes += bytes.len();
        out.write_all(bytes)
    };
    let got = client.get(url, &mut screen, &mut keep).await;
    screen.clear();
    if let Err(Error::Output(error)) = &got
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        return Ok(ExitCode::SUCCESS); // Whoever reads has seen enough.
    }
    let status = got.map_err(|error| match got_bytes {
        0 => explain(url, &error.to_string()),
        len => explain(url, &format!("{error}\n  {} holds only the first {len} bytes", path.display())),
    })?;
    out.flush().map_err(|error| Failure::because(format_args!("cannot write {}", path.display()), error))?;
    if status >= 400 {
        eprintln!("{url}: status {status}");
        return Ok(ExitCode::from(HTTP_ERROR));
    }
    Ok(ExitCode::SUCCESS)
}

/// What went wrong, and what a person can do about it.
fn explain(url: &Url, why: &str) -> Failure {
    let advice = ADVICE.iter().find(|(words, _)| why.contains(words)).map(|(_, advice)| *advice);
    match advice {
        Some(advice) => Failure::because(url, format_args!("{why}\n  {advice}")),
        None => Failure::because(url, why),
    }
}

/// What helps, by the words of what went wrong.
const ADVICE: [(&str, &str); 7] = [
    (
        "nobody whom we trust",
        "--cacert FILE names an authority (`sakigake ca --pem` prints that of `sakigake serve`); -k trusts anybody",
    ),
    (
        "it is for other names",
        "ask for one of those names (--resolve says where it is), or -k trusts anybody",
    ),
    ("not valid at this time", "is the clock right? -k trusts anybody"),
    ("Connection refused", "is the server running, and on that port?"),
    ("cannot find", "--resolve HOST:PORT:ADDR says where a host is"),
    ("a record of type unknown", "whatever listens there does not speak TLS"),
    ("protocol_version", "only TLS 1.3 is spoken here"),
];

/// A progress bar where somebody looks, and frames where they were asked for.
struct Screen {
    bar: ProgressBar,
    is_verbose: bool,
}

impl Screen {
    fn new(is_verbose: bool) -> Self {
        let bar = match io::stderr().is_terminal() && !is_verbose {
            true => ProgressBar::new(1),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/blue} {pos}/{len} resources  {msg}") {
            bar.set_style(style); // The template is ours; were it wrong, the default would do.
        }
        Self { bar, is_verbose }
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Screen {
    fn wants_frames(&self) -> bool {
        self.is_verbose
    }

    fn frame(&mut self, origin: &Origin, line: &str) {
        eprintln!("{}  {line}", origin.authority());
    }

    fn progress(&mut self, load: &Load) {
        let entries = load.entries();
        let over = entries.iter().filter(|entry| entry.ended.is_some()).count();
        let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        self.bar.set_length(entries.len() as u64);
        self.bar.set_position(over as u64);
        self.bar.set_message(format!("{bytes} bytes"));
    }
}
