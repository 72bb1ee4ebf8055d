use super::{Failure, Limits, serve};
use crate::files::{Ask, Files};
use crate::handler::{Answer, Dispatched, Handler, Served};
use crate::scratch::Scratch;
use crate::service::{Body, BodyError, Factory, Local, Peer};
use http_body_util::{BodyExt as _, Full};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};

struct Site {
    files: Files,
    served: Mutex<Vec<Served>>,
    _folder: Scratch,
}

impl Handler for Site {
    fn client(&self) -> SocketAddr {
        ([127, 0, 0, 1], 4433).into()
    }

    fn answer(&self, _: &[u8], ask: &Ask<'_>, now: SystemTime) -> Dispatched {
        Dispatched { seat: None, answer: Answer::Reply(self.files.answer(ask, now)), visit: None }
    }

    fn served(&self, served: &Served) {
        self.served.lock().expect("no test panics here").push(served.clone());
    }
}

fn peer() -> Peer {
    Peer::new(([127, 0, 0, 1], 4433).into(), None)
}

fn site() -> Rc<Site> {
    let folder = Scratch::new("http1");
    folder.write("index.html", "<p>front");
    folder.write("large.bin", vec![7; 300_000]);
    let files = Files::new(folder.path()).expect("the folder");
    Rc::new(Site { files, served: Mutex::default(), _folder: folder })
}

/// A stream that keeps each write apart.
struct Writes(DuplexStream, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Writes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Writes {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.1.lock().expect("no test panics here").push(bytes.len());
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// What the server says to these bytes until it ends the connection, and the lengths of its writes.
async fn talk(site: &Rc<Site>, said: &str) -> (String, Vec<usize>) {
    let (mut near, far) = duplex(1 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    near.write_all(said.as_bytes()).await.expect("room");
    let server =
        serve(Writes(far, writes.clone()), site.clone(), peer(), Limits::default(), std::future::pending());
    let mut heard = Vec::new();
    // A peer's broken request is the server's error, which the bytes show.
    let (_ended, read) = tokio::join!(server, near.read_to_end(&mut heard));
    read.expect("a whole answer");
    let lengths = writes.lock().expect("no test panics here").clone();
    (String::from_utf8_lossy(&heard).into_owned(), lengths)
}

#[tokio::test]
async fn a_small_page_leaves_in_one_write() {
    let site = site();
    let (heard, writes) = talk(&site, "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.1 200 OK\r\n"), "{heard}");
    assert!(heard.contains("\r\ndate: ") && heard.ends_with("\r\n\r\n<p>front"), "{heard}");
    assert_eq!(writes, [heard.len()]);
    let served = site.served.lock().expect("no test panics here");
    let [one] = served.as_slice() else { panic!("{served:?}") };
    assert_eq!((one.protocol, one.status, one.bytes, one.whole), ("HTTP/1.1", 200, 8, true));
    assert_eq!((one.asked.method(), one.asked.path()), (&b"GET"[..], &b"/"[..]));
}

#[tokio::test]
async fn http_1_0_gets_the_page_and_the_end() {
    let (heard, writes) = talk(&site(), "GET / HTTP/1.0\r\n\r\n").await;
    assert!(heard.starts_with("HTTP/1.0 200 OK\r\n") && heard.ends_with("\r\n\r\n<p>front"), "{heard}");
    assert_eq!(writes.len(), 1);
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let (heard, _) = talk(
        &site(),
        "GET / HTTP/1.1\r\nhost: a\r\n\r\nHEAD /large.bin HTTP/1.1\r\nhost: a\r\n\r\n\
         GET https://localhost/none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await;
    let statuses: Vec<&str> = heard.lines().filter(|line| line.contains("HTTP/1.1 ")).collect();
    assert_eq!(statuses.len(), 3, "{heard}");
    assert!(heard.contains("content-length: 300000\r\n"), "{heard}");
    assert!(heard.contains("HTTP/1.1 404 Not Found\r\n"), "{heard}");
}

#[tokio::test]
async fn a_large_file_arrives_whole() {
    let site = site();
    let (heard, _) = talk(&site, "GET /large.bin HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(heard.ends_with(&"\u{7}".repeat(300_000)));
    assert_eq!(site.served.lock().expect("no test panics here")[0].bytes, 300_000);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let nothing_more = "connection: close\r\n\r\n";
    for (said, expected) in [
        (format!("GET /../etc/passwd HTTP/1.1\r\nhost: a\r\n{nothing_more}"), "HTTP/1.1 400 "),
        (format!("GET /%2e%2e/x HTTP/1.1\r\nhost: a\r\n{nothing_more}"), "HTTP/1.1 400 "),
        (format!("GET /.env HTTP/1.1\r\nhost: a\r\n{nothing_more}"), "HTTP/1.1 404 "),
        (format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n{nothing_more}ab"), "HTTP/1.1 405 "),
        (format!("OPTIONS * HTTP/1.1\r\nhost: a\r\n{nothing_more}"), "HTTP/1.1 405 "),
        (format!("GET / HTTP/1.1\r\nhost: a\r\n{}{nothing_more}", "x: y\r\n".repeat(101)), "HTTP/1.1 431 "),
        (
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n{nothing_more}", "y".repeat(33_000)),
            "HTTP/1.1 431 ",
        ),
        ("\u{1}\u{2}\u{3}\r\n\r\n".into(), "HTTP/1.1 400 "),
    ] {
        let (heard, _) = talk(&site(), &said).await;
        assert!(heard.starts_with(expected), "{said:.60}: {heard:.60}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_is_given_up() {
    let (mut near, far) = duplex(1024);
    near.write_all(b"GET / HTTP/1.1\r\nhost").await.expect("room");
    let ended = serve(far, site(), peer(), Limits::default(), std::future::pending());
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("given up in time");
    assert!(ended.is_err());
}

/// What is said after so many milliseconds.
type Pieces<'a> = &'a [(u64, &'a str)];

/// What the peer hears, how the connection ended, and after how many milliseconds.
async fn paced(limits: Limits, pieces: Pieces<'_>) -> (String, Result<(), Failure>, u128) {
    let (mut near, far) = duplex(64 * 1024);
    let began = tokio::time::Instant::now();
    let say = async {
        for (at, piece) in pieces {
            tokio::time::sleep_until(began + Duration::from_millis(*at)).await;
            near.write_all(piece.as_bytes()).await.expect("it listens");
        }
    };
    let served = async {
        let ended = serve(far, site(), peer(), limits, std::future::pending()).await;
        (ended, began.elapsed().as_millis())
    };
    let ((), (ended, took)) = tokio::join!(say, served);
    let mut heard = String::new();
    near.read_to_string(&mut heard).await.expect("text");
    (heard, ended, took)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_asks_for_nothing_is_let_go_and_one_that_drips_is_given_up() {
    const ASK: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let limits = Limits { head_ms: 10_000, idle_ms: 60_000, ..Limits::default() };
    let (ask, begun) = ((0, ASK), (50_000, "GET / HT"));
    let cases: [(Pieces<'_>, usize, bool, u128); 6] = [
        (&[], 0, true, 10_000),
        (&[(0, "G"), (9_000, "E")], 0, false, 10_000),
        (&[ask], 1, true, 60_000),
        (&[ask, (50_000, ASK)], 2, true, 110_000),
        (&[ask, begun, (59_000, "TP")], 1, false, 60_000),
        (&[ask, begun, (59_999, "TP/1.1\r\nhost: a\r\n\r\n")], 2, true, 119_999),
    ];
    for (pieces, answers, is_end, after) in cases {
        let (heard, ended, took) = paced(limits, pieces).await;
        assert_eq!(heard.matches("HTTP/1.1 200 ").count(), answers, "{pieces:?}: {heard}");
        assert_eq!(ended.is_ok(), is_end, "{pieces:?}: {ended:?}");
        // What is shut down listens for a moment.
        assert!((after..after + 600).contains(&took), "{pieces:?}: {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_when_it_is_told_to_stop() {
    let (_near, far) = duplex(1024);
    let stop = tokio::time::sleep(Duration::from_secs(1));
    let ended =
        tokio::time::timeout(Duration::from_secs(5), serve(far, site(), peer(), Limits::default(), stop))
            .await;
    ended.expect("ended in time").expect("no fault");
}

/// What curl makes of our answers, over a socket: the lines of `-w` and the body.
async fn curl(address: std::net::SocketAddr, path: &str, options: &[&str]) -> String {
    let mut command = tokio::process::Command::new("curl");
    command.args(["-s", "--path-as-is", "-w", "|%{http_code} %{http_version} %{num_connects}"]);
    let output =
        command.args(options).arg(format!("http://{address}{path}")).output().await.expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn curl_understands_what_it_hears() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none_or(|what| what != "all"), "curl is required");
        eprintln!("skipped: no curl");
        return;
    }
    let site = site();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let serving = async {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            // One at a time: curl closes each before the next begins.
            serve(stream, site.clone(), peer(), Limits::default(), std::future::pending())
                .await
                .expect("no fault");
        }
    };
    let asking = async {
        for (path, options, expected) in [
            ("/", vec![], "<p>front|200 1.1 1"),
            ("/", vec!["--http1.0"], "<p>front|200 1 1"),
            ("/", vec!["-r", "1-3"], "p>f|206 1.1 1"),
            ("/", vec!["-r", "90-"], "|416 1.1 1"),
            ("/", vec!["-z", "Thu, 01 Jan 2099 00:00:00 GMT"], "|304 1.1 1"),
            ("/", vec!["-z", "Fri, 01 Jan 1999 00:00:00 GMT"], "<p>front|200 1.1 1"),
            ("/", vec!["-d", "x=y"], "|405 1.1 1"),
            ("/../../etc/passwd", vec![], "|400 1.1 1"),
            ("/none", vec!["-I"], "|404 1.1 1"),
        ] {
            let heard = curl(address, path, &options).await;
            assert!(heard.ends_with(expected), "{path} {options:?}: {heard}");
        }
        let large = curl(address, "/large.bin", &["-o", "/dev/null", "-w", "%{size_download}"]).await;
        assert_eq!(large, "300000");
    };
    tokio::select! {
        () = serving => unreachable!("it serves for ever"),
        () = asking => {}
    }
}

#[tokio::test]
async fn a_request_needs_one_good_host() {
    // spec: 9112-3.2-a
    for (version, hosts, expected) in [
        ("1.1", "host: a\r\n", "200"),
        ("1.1", "host: [::1]:8443\r\n", "200"),
        ("1.1", "host:\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "host: a\r\nhost: a\r\n", "400"),
        ("1.1", "host: a/b\r\n", "400"),
        ("1.1", "host: me@a\r\n", "400"),
        ("1.1", "host: a b\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "host: a\r\nhost: b\r\n", "400"),
    ] {
        let said = format!("GET / HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
        let (heard, _) = talk(&site(), &said).await;
        assert!(heard.starts_with(&format!("HTTP/{version} {expected} ")), "{said}: {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut near, far) = duplex(1024);
    near.write_all(b"GET /large.bin HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("room");
    let site = site();
    let ended = serve(far, site.clone(), peer(), Limits::default(), std::future::pending());
    let ended = tokio::time::timeout(Duration::from_secs(100), ended).await.expect("given up in time");
    assert!(ended.is_err());
    let served = site.served.lock().expect("no test panics here");
    assert!(served.len() == 1 && !served[0].whole, "{served:?}");
    let line = crate::access_log::text(&served[0].entry(([127, 0, 0, 1], 1).into(), ""), false);
    assert!(line.contains(" HTTP/1.1 GET  200 ") && line.ends_with(" /large.bin  cut short\n"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn each_limit_holds_where_it_is_set() {
    let none = Limits::default();
    let head = |extra: &str| format!("GET / HTTP/1.1\r\nhost: a\r\n{extra}connection: close\r\n\r\n");
    let long = format!("x: {}\r\n", "y".repeat(9_000));
    let many = "x: y\r\n".repeat(3);
    for (limits, said, expected) in [
        (Limits { head_bytes: 10_000, ..none }, head(&long), "HTTP/1.1 200 "),
        (Limits { head_bytes: 8_192, ..none }, head(&long), "HTTP/1.1 431 "),
        (Limits { head_lines: 5, ..none }, head(&many), "HTTP/1.1 200 "),
        (Limits { head_lines: 4, ..none }, head(&many), "HTTP/1.1 431 "),
    ] {
        let (mut near, far) = duplex(64 * 1024);
        near.write_all(said.as_bytes()).await.expect("room");
        // What a refused request's connection ends with is not looked at here, only what the peer hears.
        let _ = serve(far, site(), peer(), limits, std::future::pending()).await;
        let mut heard = String::new();
        near.read_to_string(&mut heard).await.expect("text");
        assert!(heard.starts_with(expected), "{limits:?}: {heard:.60}");
    }
    for (limits, said) in [
        (Limits { head_ms: 200, ..none }, "GET / HTTP/1.1\r\n"),
        (Limits { stall_ms: 200, ..none }, "GET /large.bin HTTP/1.1\r\nhost: a\r\n\r\n"),
    ] {
        let (mut near, far) = duplex(1024);
        near.write_all(said.as_bytes()).await.expect("room");
        let began = tokio::time::Instant::now();
        assert!(serve(far, site(), peer(), limits, std::future::pending()).await.is_err(), "{limits:?}");
        let took = began.elapsed().as_millis();
        assert!((200..1_000).contains(&took), "{limits:?}: {took} ms");
    }
}

/// A service in the place of files: it reads all and answers, or says back what comes, or lets somebody else read.
struct Program(Local);

impl Handler for Program {
    fn client(&self) -> SocketAddr {
        ([127, 0, 0, 1], 4433).into()
    }

    fn answer(&self, _: &[u8], _: &Ask<'_>, _: SystemTime) -> Dispatched {
        Dispatched { seat: None, answer: Answer::Service(self.0.clone()), visit: None }
    }

    fn served(&self, _: &Served) {}
}

fn program() -> Rc<Program> {
    let factory = Factory::of_fn(|request: http::Request<Body>| async move {
        let path = request.uri().path().to_owned();
        let body = request.into_body();
        Ok::<_, BodyError>(http::Response::new(match path.as_str() {
            "/echo" => body.boxed_unsync(),
            _ => Full::new(body.collect().await?.to_bytes()).map_err(|never| match never {}).boxed_unsync(),
        }))
    });
    Rc::new(Program(factory.make().unwrap_or_else(|_| panic!("it is made"))))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_coming_ends_its_request() {
    let limits = Limits { body_stall_ms: 200, ..Limits::default() };
    for (path, pause_ms, expected) in [
        ("/whole", 199, Some("HTTP/1.1 200 ")),
        ("/whole", 201, Some("HTTP/1.1 408 ")),
        ("/echo", 199, Some("HTTP/1.1 200 ")),
        ("/echo", 201, None),
    ] {
        let (mut near, far) = duplex(1 << 16);
        let asking = async {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
            near.write_all(head.as_bytes()).await.expect("room");
            for byte in [b"a", b"b"] {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                // Nobody may be there any more.
                let _ = near.write_all(byte).await;
            }
            let mut heard = String::new();
            near.read_to_string(&mut heard).await.expect("text");
            heard
        };
        let serving = serve(far, program(), peer(), limits, std::future::pending());
        let (ended, heard) = tokio::join!(serving, asking);
        match expected {
            Some(expected) => {
                ended.expect("no fault");
                assert!(heard.starts_with(expected), "{path} {pause_ms} ms: {heard}");
                assert_eq!(heard.ends_with("ab"), pause_ms < 200, "{heard}");
                assert!(heard.contains("connection: close\r\n"), "{heard}");
            }
            None => assert!(matches!(ended, Err(Failure::SlowBody)), "{heard}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_request_is_waited_for_as_long_as_it_may_take() {
    for (after_ms, answers) in [(199, 1), (201, 0)] {
        let limits = Limits { last_request_ms: 200, ..Limits::default() };
        let (mut near, far) = duplex(1 << 16);
        let asking = async {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            // Nobody may be there any more.
            let _ = near.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut heard = String::new();
            near.read_to_string(&mut heard).await.expect("text");
            heard
        };
        let serving = serve(far, site(), peer(), limits, std::future::ready(()));
        let (ended, heard) = tokio::join!(serving, asking);
        ended.expect("no fault");
        assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), answers, "after {after_ms} ms: {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_response_of_a_server_that_stops_says_so() {
    // spec: 9112-9.6-a
    let (mut near, far) = duplex(1 << 16);
    let asking = async {
        let ask = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        near.write_all(ask).await.expect("room");
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        near.write_all(ask).await.expect("room");
        let mut heard = String::new();
        near.read_to_string(&mut heard).await.expect("text");
        heard
    };
    let stop = tokio::time::sleep(Duration::from_secs(1));
    let (ended, heard) = tokio::join!(serve(far, site(), peer(), Limits::default(), stop), asking);
    ended.expect("no fault");
    assert_eq!(heard.matches("HTTP/1.1 200 OK").count(), 2, "{heard}");
    let (first, second) = heard.split_once("<p>front").expect("two answers");
    assert!(!first.contains("connection: close") && second.contains("connection: close\r\n"), "{heard}");
}
