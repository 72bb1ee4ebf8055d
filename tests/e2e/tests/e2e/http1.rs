//! HTTP/1.1 and 1.0 on the same port.

use sakigake_e2e::{Raw, Reading, Scratch, Server, Setup, example};
use std::time::Duration;

fn text(client: &Raw) -> String {
    String::from_utf8_lossy(&client.plain).into_owned()
}

#[test]
fn http_1_0_without_sni_or_alpn_gets_the_page_in_one_record_and_a_close_notify() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::connect(&server, "127.0.0.1", &[]);
    client.send(b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.read_to_end(), Reading::End);
    assert!(client.is_closed && client.fault.is_none(), "{:?}", client.fault);
    let page = std::fs::read_to_string(example().join("index.html")).expect("it is there");
    assert!(text(&client).starts_with("HTTP/1.0 200 OK\r\n"), "{}", text(&client));
    assert!(text(&client).ends_with(&format!("\r\n\r\n{page}")));
    assert_eq!(client.records.len(), 1);
    client.close();
    sakigake_e2e::eventually("the log", || server.log().contains("HTTP/1.0"));
    assert_eq!(server.log().lines().count(), 1, "{}", server.log());
}

#[test]
fn http_1_1_keeps_the_connection_and_answers_head_and_a_request_with_a_body() {
    for alpn in [&["http/1.1"][..], &[]] {
        let server = Server::start(Setup::of(example()));
        let mut client = Raw::connect(&server, "www.saki.test", alpn);
        client.send(b"GET /css/page.css HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
        let css = std::fs::read_to_string(example().join("css/page.css")).expect("it is there");
        client.read_until("a style sheet", |client| text(client).ends_with(&css));
        assert_eq!(client.records.len(), 1, "head and small body in one record"); // spec: preload-profile-2-b
        client.plain.clear();
        client.send(b"HEAD / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
        client.read_until("a head", |client| text(client).ends_with("\r\n\r\n"));
        assert!(text(&client).contains("content-length: "), "{}", text(&client));
        client.plain.clear();
        client.send(b"POST / HTTP/1.1\r\nhost: www.saki.test\r\ncontent-length: 5\r\n\r\nhello");
        client.read_until("a refusal", |client| text(client).contains("\r\n\r\n"));
        assert!(text(&client).starts_with("HTTP/1.1 405 "), "{}", text(&client));
        client.plain.clear();
        client.send(b"GET /nowhere HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n");
        assert_eq!(client.read_to_end(), Reading::End);
        assert!(client.is_closed);
        assert!(text(&client).starts_with("HTTP/1.1 404 "), "{}", text(&client));
    }
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending_its_body() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"POST / HTTP/1.1\r\nhost: www.saki.test\r\ncontent-length: 8000000\r\n\r\n");
    for _ in 0..8 {
        // The server may have heard enough at any time.
        if client.try_send(&[0; 50_000]).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    client.read_until("a refusal", |client| text(client).contains("\r\n\r\n"));
    assert!(text(&client).starts_with("HTTP/1.1 405 "), "{}", text(&client));
}

#[test]
fn a_head_that_does_not_end_is_not_waited_for() {
    let mut setup = Setup::of(example());
    setup.http1.head_ms = 300;
    let server = Server::start(setup);
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    // It may have ended already, where this machine is slow. Without that limit it would last longer than we wait.
    let _ = client.try_send(b"GET / HTTP/1.1\r\nhost: www");
    client.read_to_end();
}

#[test]
fn who_asks_for_nothing_more_hears_a_close_notify_and_is_no_fault() {
    let mut setup = Setup::of(example());
    setup.http1.idle_ms = 100;
    let server = Server::start(setup);
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /css/page.css HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    assert_eq!(client.read_to_end(), Reading::End);
    assert!(client.is_closed && text(&client).starts_with("HTTP/1.1 200 "), "{}", text(&client));
    drop(client);
    let log = server.whole_log();
    assert!(log.contains("/css/page.css") && log.lines().count() == 1, "{log}");
}

#[test]
fn who_leaves_without_close_notify_between_requests_is_no_fault() {
    let server = Server::start(Setup::of(example()));
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /css/page.css HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    client.read_until("a style sheet", |client| text(client).contains("\r\n\r\n"));
    drop(client);
    let log = server.whole_log();
    assert!(log.contains("/css/page.css") && log.lines().count() == 1, "{log}");
}

#[test]
fn a_large_file_leaves_in_full_records() {
    let site = Scratch::new();
    site.write("large", vec![7; 1 << 20]);
    let server = Server::start(Setup::of(site.path()));
    let mut client = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    client.send(b"GET /large HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    client.read_until("all of it", |client| client.plain.len() > 1 << 20 && client.plain.ends_with(&[7; 64]));
    let (records, bytes) = (client.records.len(), client.plain.len());
    assert!(records <= bytes / 16_384 + 3, "{records} records for {bytes} bytes");
}
