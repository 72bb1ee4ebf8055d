use super::*;
use crate::client::{Client, Options as ClientOptions, Trust};
use sakigake_page::Url;

struct Quiet;

impl Watcher for Quiet {}

struct Sink(Vec<u8>);

impl Receiver for Sink {
    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn client() -> Client {
    Client::new(ClientOptions { trust: Trust::Anybody, ..ClientOptions::default() }).expect("a client")
}

fn ask(keep: Keep) -> Ask {
    let url = Url::parse("https://a.test/").expect("an address");
    Ask { is_decoded: true, keep, ..Ask::get(url) }
}

#[test]
fn nothing_of_a_body_comes_out_once_it_has_failed() {
    for coding in ["rot13", "gzip"] {
        let (client, ask, mut sink) = (client(), ask(Keep::Nothing), Sink(Vec::new()));
        let options = Options { is_single: true, ..Options::default() };
        let mut watcher = Quiet;
        let mut loader = Loader::new(&client.shared, &ask, options, &mut watcher, Some(&mut sink));
        assert!(loader.load.wants(client.shared.clock.now()).is_some());
        let response = Response::new(200).with("content-encoding", coding);
        loader.head(Id(0), Protocol::Http2, &response).expect("nobody refuses it");
        for piece in [&b"neither of them codes"[..], b"what would be so", b"long after"] {
            loader.data(Id(0), piece).expect("nobody refuses it");
        }
        loader.end(Id(0)).expect("nobody refuses it");
        assert!(loader.document().is_err());
        drop(loader);
        assert_eq!(String::from_utf8_lossy(&sink.0), "", "{coding}");
    }
}

#[test]
fn what_has_no_body_needs_no_decoder() {
    for (method, status, is_taken) in
        [("HEAD", 200, true), ("GET", 304, true), ("GET", 204, true), ("GET", 200, false)]
    {
        let (client, mut sink) = (client(), Sink(Vec::new()));
        let ask = Ask { method: method.into(), ..ask(Keep::Nothing) };
        let options = Options { is_single: true, ..Options::default() };
        let mut watcher = Quiet;
        let mut loader = Loader::new(&client.shared, &ask, options, &mut watcher, Some(&mut sink));
        assert!(loader.load.wants(client.shared.clock.now()).is_some());
        let response = Response::new(status).with("content-encoding", "rot13");
        loader.head(Id(0), Protocol::Http2, &response).expect("nobody refuses it");
        loader.end(Id(0)).expect("nobody refuses it");
        assert_eq!(loader.document().is_ok(), is_taken, "{method} {status}");
    }
}

#[test]
fn a_kept_body_has_no_hole() {
    let (client, ask) = (client(), ask(Keep::Bodies));
    let mut watcher = Quiet;
    let mut loader = Loader::new(&client.shared, &ask, Options::default(), &mut watcher, None);
    assert!(loader.load.wants(client.shared.clock.now()).is_some());
    loader.exchanges.insert(Id(0), exchange(&Request::default(), None, Keep::Bodies));
    loader.head(Id(0), Protocol::Http2, &Response::new(200)).expect("nobody refuses it");
    loader.kept_bytes = BODIES_BYTES - 4;
    for piece in [&b"abc"[..], b"de", b"f"] {
        loader.data(Id(0), piece).expect("nobody refuses it");
    }
    assert_eq!(loader.exchanges[&Id(0)].body.as_deref(), Some(&b"abc"[..]));
}
