use super::*;
use std::collections::BTreeMap;
use tokio::net::TcpStream;

fn environment(rows: &[(&str, &str)]) -> Result<Proxies, BadProxy> {
    let rows: BTreeMap<&str, &str> = rows.iter().copied().collect();
    Proxies::of_environment(|name| rows.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn the_environment_is_read_as_curl_reads_it() {
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[], ""),
        (&[("https_proxy", "http://a:1")], "http://a:1"),
        (&[("https_proxy", "a:1"), ("HTTPS_PROXY", "b:1"), ("all_proxy", "c:1")], "http://a:1"),
        (&[("https_proxy", ""), ("HTTPS_PROXY", "b:1"), ("all_proxy", "c:1")], "http://b:1"),
        (&[("all_proxy", "socks5h://c"), ("ALL_PROXY", "d:1")], "socks5h://c:1080"),
        (&[("ALL_PROXY", "http://u:p%40w@d.test/")], "http://d.test:1080"),
        (&[("HTTPS_PROXY", "https://e.test")], "https://e.test:443"),
        (&[("http_proxy", "e:1")], ""),
        (&[("https_proxy", "a:1"), ("no_proxy", "*")], ""),
    ];
    for (rows, expected) in cases {
        let proxies = environment(rows).expect("it is well formed");
        let text = proxies.of("www.saki.test").map(ToString::to_string).unwrap_or_default();
        assert_eq!(text, expected, "{rows:?}");
    }
    let wrong = environment(&[("HTTPS_PROXY", "ftp://a")]).expect_err("nobody speaks it");
    assert!(wrong.to_string().starts_with("HTTPS_PROXY: proxies by ftp:// "), "{wrong}");
    for text in ["", "http://", "http://a b", "http://a:99999", "://"] {
        assert!(Proxy::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn credentials_are_decoded_and_not_shown() {
    let proxy = Proxy::parse("http://us%65r:p%40%zz@[::1]:3128").expect("it is well formed");
    assert_eq!(proxy.credentials, Some((b"user".to_vec(), b"p@%zz".to_vec())));
    assert_eq!(format!("{proxy} {proxy:?}"), "http://[::1]:3128 http://[::1]:3128");
}

#[test]
fn a_password_is_not_shown_where_it_breaks_the_address() {
    for text in ["http://user:se/cret@proxy.test:1", "user:se?cret@proxy.test", "http://a:se#cret@b"] {
        let wrong = Proxy::parse(text).expect_err("it is no address");
        assert!(!wrong.to_string().contains("se"), "{wrong}");
    }
}

#[test]
fn whom_no_proxy_covers() {
    let cases = [
        ("saki.test", "saki.test www.saki.test WWW.SAKI.TEST saki.test.", "xsaki.test saki.test.example"),
        (".saki.test", "saki.test www.saki.test", "notsaki.test"),
        ("a.test, b.test c.test", "a.test b.test c.test", "d.test"),
        ("*", "a.test [::1] 10.0.0.1", ""),
        ("a.test,*", "a.test", "b.test"),
        ("10.0.0.0/8,192.168.1.1", "10.1.2.3 192.168.1.1", "11.0.0.1 192.168.1.2 www.10.0.0.1.test"),
        ("[fd00::]/8,::1", "[fd12::1] [::1]", "[fe80::1] 0.0.0.1"),
        ("0.0.0.0/0", "1.2.3.4", "[::1]"),
        ("10.0.0.0/33,10.0.0.0/x,/,,.", "", "10.0.0.0 a.test"),
    ];
    for (list, covered, others) in cases {
        let bypass = Bypass::parse(list);
        assert!(covered.split_whitespace().all(|host| bypass.covers(host)), "{list}: {covered}");
        assert!(!others.split_whitespace().any(|host| bypass.covers(host)), "{list}: {others}");
    }
}

/// What our side makes of a proxy that answers so.
fn tunnel(proxy: &str, answers: &'static [u8]) -> (Result<(), Failed>, Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        let theirs = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("we connect");
            stream.write_all(answers).await.expect("it is small");
            let mut heard = Vec::new();
            let listening = stream.read_to_end(&mut heard);
            // What was heard counts, however it ended.
            drop(tokio::time::timeout(std::time::Duration::from_secs(5), listening).await);
            heard
        });
        let proxy = Proxy::parse(proxy).expect("it is well formed");
        let origin = Origin::parse(true, "www.saki.test").expect("it is well formed");
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let outcome = match proxy.kind {
            Kind::Http => connect(&mut stream, &proxy, &origin).await,
            _ => {
                let target = socks::Target::name(&origin);
                socks::connect(&mut stream, proxy.credentials.as_ref(), &target, 443).await
            }
        };
        stream.shutdown().await.ok(); // The proxy may be gone.
        drop(stream);
        (outcome.map_err(|trouble| trouble.told(&proxy, &origin)), theirs.await.expect("it ends"))
    })
}

#[test]
fn a_proxy_may_say_yes_or_no_and_nothing_else() {
    let (outcome, heard) = tunnel("http://user:pass@p", b"HTTP/1.1 200 Fine\r\nA: b\r\n\r\n"); // spec: 9110-9.3.6-a
    assert_eq!(outcome, Ok(()));
    let heard = String::from_utf8(heard).expect("it is text");
    assert!(
        heard.starts_with("CONNECT www.saki.test:443 HTTP/1.1\r\nHost: www.saki.test:443\r\n"),
        "{heard}"
    );
    assert!(heard.contains("\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"), "{heard}");
    static ENDLESS: [u8; HEAD_BYTES + 1] = [b'x'; HEAD_BYTES + 1];
    let cases: [(&str, &[u8], Cause, &str); 6] = [
        (
            "http://p",
            b"HTTP/1.1 407 Who\r\n\r\n",
            Cause::RecvError,
            "no tunnel to www.saki.test:443: HTTP/1.1 407 Who",
        ),
        ("http://p", b"SSH-2.0-x\r\n\r\n", Cause::Proxy, "no answer to CONNECT"),
        ("http://p", &ENDLESS, Cause::Proxy, "has no end"),
        ("socks5h://p", &[5, 0xff], Cause::RecvError, "wants a user"),
        ("socks5h://p", &[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0], Cause::RecvError, "connection refused"),
        ("socks5h://p", b"HTTP/1.1 400 Bad\r\n\r\n", Cause::Proxy, "not SOCKS 5"),
    ];
    for (proxy, answers, cause, words) in cases {
        let failed = tunnel(proxy, answers).0.expect_err("it is no consent");
        assert_eq!(failed.cause, cause, "{failed}");
        assert!(failed.why.contains(words) && failed.why.contains("proxy"), "{failed}");
    }
}

#[test]
fn a_proxy_may_say_something_in_between_but_not_for_ever() {
    static INTERIM: &[u8] = b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n";
    for (interims, is_fine) in [(1, true), (INTERIMS, true), (INTERIMS + 1, false)] {
        let answers = [INTERIM.repeat(interims), b"HTTP/1.1 200 Fine\r\n\r\n".to_vec()].concat();
        assert_eq!(tunnel("http://p", answers.leak()).0.is_ok(), is_fine, "{interims}");
    }
}

#[test]
fn socks_5_is_spoken_as_its_rfc_writes_it() {
    let answers = &[5, 2, 1, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 80];
    let (outcome, heard) = tunnel("socks5h://me:pw@p", answers);
    assert_eq!(outcome, Ok(()));
    let expected =
        [&[5, 2, 0, 2, 1, 2][..], b"me", &[2], b"pw", &[5, 1, 0, 3, 13], b"www.saki.test", &[1, 187]];
    assert_eq!(heard, expected.concat());
}
