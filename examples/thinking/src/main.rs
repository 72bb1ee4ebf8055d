//! An application that thinks for a while before it answers with a page, and whose PRELOAD frame says meanwhile what the page will want.
//!
//! ```text
//! cargo run -p sakigake-example-thinking -- examples/site 127.0.0.1:8443 200
//! cargo run -- fetch https://localhost:8443/
//! ```
//!
//! It shows what a program does that is no folder of files: a table of hints beside a service, and a lifetime on what is hinted at,
//! so that caches may use it. No 103 (Early Hints) leaves here, nor Link fields: this is what to put a gateway before.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use sakigake::{
    Server,
    files::Files,
    hints::{Limits, SiteHints},
    page::Url,
    preload::{Table, table},
    service::{Body, Factory},
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    error::Error,
    fs,
    io::{Write, stdout},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

const USAGE: &str = "usage: sakigake-example-thinking FOLDER ADDRESS:PORT MILLISECONDS";
/// What is not a page may be used for so long without asking again.
const LIFETIME: &str = "max-age=3600";

/// What is served: by path, what it is and its bytes.
type Site = BTreeMap<String, (&'static str, Bytes)>;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, address, think_ms] = words.as_slice() else { return Err(USAGE.into()) };
    let (address, think) = (address.parse::<SocketAddr>()?, Duration::from_millis(think_ms.parse()?));
    let mut site = Site::new();
    read(Path::new(folder), "/", &mut site)?;
    let site = Arc::new(site);
    let answers = Factory::of_fn(move |request| answer(site.clone(), request, think));
    writeln!(stdout(), "Pages of {folder}, after {think_ms} ms each, on https://{address}/")?;
    let server = Server::new().service(answers).hints(hints(folder, address.port())?).early_hints(false);
    server.local_name("localhost").local_name("www.saki.test").listen(address).serve()?;
    Ok(())
}

/// What the pages name, for every host that is asked for.
fn hints(folder: &str, port: u16) -> Result<Arc<Table>, Box<dyn Error>> {
    let url = Url::parse(&format!("https://localhost:{port}/")).ok_or("no address")?;
    let hints = SiteHints::read(&Files::new(folder)?, &url, &Limits::default())?;
    let table = Table::new(table::Config { port, ..table::Config::default() });
    table.set(table::ANY_HOST, &hints.site());
    Ok(Arc::new(table))
}

async fn answer(
    site: Arc<Site>,
    request: Request<Body>,
    think: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let Some((kind, bytes)) = site.get(request.uri().path()) else {
        let mut response = Response::new(Full::new(Bytes::from_static(b"not here\n")));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    let is_page = kind.starts_with("text/html");
    if is_page {
        tokio::time::sleep(think).await;
    }
    let lifetime = if is_page { "no-cache" } else { LIFETIME };
    let response =
        Response::builder().header(header::CONTENT_TYPE, *kind).header(header::CACHE_CONTROL, lifetime);
    Ok(response.body(Full::new(bytes.clone())).expect("these fields are well formed"))
}

/// Reads a folder and those in it; `index.html` answers for its folder.
fn read(folder: &Path, place: &str, site: &mut Site) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name =
            entry.file_name().into_string().map_err(|name| format!("{name:?} is no name for an address"))?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            read(&path, &format!("{place}{name}/"), site)?;
            continue;
        }
        let file = (kind(&path), Bytes::from(fs::read(&path)?));
        if name == "index.html" {
            site.insert(place.to_owned(), file.clone());
        }
        site.insert(format!("{place}{name}"), file);
    }
    Ok(())
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
