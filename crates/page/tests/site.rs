//! The site in examples/site, as the scan sees it: the README, the lab's numbers and the demonstration lean on its shape.

use sakigake_page::{
    Destination, Url,
    load::{Load, Options, Want},
};
use sakigake_semantics::Response;
use sakigake_wire::Instant;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/site")
}

fn files(folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("the site is in the repository") {
        let path = entry.expect("the site can be listed").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let name = path
                .strip_prefix(root())
                .expect("it lies under the root")
                .to_string_lossy()
                .replace('\\', "/");
            found.insert(format!("/{name}"), fs::read(&path).expect("the site can be read"));
        }
    }
}

#[test]
fn the_site_fits_one_initial_window() {
    let mut site = BTreeMap::new();
    files(&root(), &mut site);
    let bytes: usize = site.values().map(Vec::len).sum();
    assert!(bytes < 12_000, "{bytes} bytes");
    let count = |ending: &str| site.keys().filter(|name| name.ends_with(ending)).count();
    assert_eq!((count(".html"), count(".css") + count(".js"), count(".svg")), (1, 6, 12));
    assert_eq!(site.len(), 19);
}

#[test]
fn a_load_of_the_site_asks_for_each_of_its_files_once() {
    let mut site = BTreeMap::new();
    files(&root(), &mut site);
    site.insert("/".to_owned(), site["/index.html"].clone());
    site.remove("/index.html");
    let now = Instant::default();
    let url = Url::parse("https://localhost:8443/").expect("an address");
    let mut load = Load::new(url, Options::default(), now);
    let mut asked = Vec::new();
    while let Some(want) = load.wants(now) {
        let Want::Request(wanted) = want else { panic!("there is no hint to cancel") };
        let path = String::from_utf8(wanted.request.path().to_vec()).expect("paths are ASCII");
        let media_type = match path.rsplit('.').next() {
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            Some("svg") => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        let fields = [("content-type", media_type)].into_iter().collect();
        load.head(now, wanted.id, &Response { status: 200, fields });
        load.data(now, wanted.id, site.get(&path).unwrap_or_else(|| panic!("{path} is in the site")));
        load.end(now, wanted.id);
        asked.push(path);
    }
    assert!(load.is_complete());
    asked.sort();
    assert_eq!(asked, site.keys().cloned().collect::<Vec<_>>());
    let images = load.entries().iter().filter(|entry| entry.resource.destination == Destination::Image);
    assert_eq!(images.count(), 12);
    let bytes: usize = site.values().map(Vec::len).sum();
    assert_eq!(load.summary().bytes, bytes as u64);
}
