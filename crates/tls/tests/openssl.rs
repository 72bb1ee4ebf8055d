//! OpenSSL's `s_server` and `s_client` against our client and server, over real sockets.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test of another program needs sockets"
)]

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use sakigake_crypto::{Secret, aws_lc::PROVIDER};
use sakigake_tls::{
    Connection, Credential, Event, KeyRing, RejectedCertificate, Staples, TicketKey, Verified, Verifier,
    WebPki, check_key, client,
    server::{self, ClientAuthentication, Demand},
    verify_signature,
};
use sakigake_wire::{Entropy, Instant};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, SystemTime},
};

const NOW: Instant = Instant::from_nanos(0);

struct Urandom;

impl Entropy for Urandom {
    fn fill(&mut self, out: &mut [u8]) {
        fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(out))
            .expect("a system has randomness");
    }
}

/// An authority, a leaf for localhost and its key, as files.
struct Files {
    folder: PathBuf,
    authority: Vec<u8>,
    chain: String,
    key: String,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority for tests");
    let authority = params.self_signed(&authority_key).unwrap();
    let authority_pem = authority_key.serialize_pem();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let folder = std::env::temp_dir().join(format!("sakigake-openssl-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    fs::write(folder.join("leaf.pem"), leaf.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("authority-key.pem"), authority_pem).unwrap();
    let client_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "alice");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client = params.signed_by(&client_key, &issuer).unwrap();
    fs::write(folder.join("client.pem"), client.pem()).unwrap();
    fs::write(folder.join("client-key.pem"), client_key.serialize_pem()).unwrap();
    Files { folder, authority: authority.der().to_vec(), chain: leaf.pem(), key: key.serialize_pem() }
});

/// Whether there is an `openssl` with TLS 1.3; says so if not.
fn is_there() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        assert_ne!(std::env::var("SAKIGAKE_REQUIRE").as_deref(), Ok("all"), "openssl is required");
        eprintln!("skipped: there is no openssl here");
    }
    there
}

/// An RSA leaf for localhost (`rsa.pem`, `rsa-key.pem`), by the same authority.
fn make_rsa() {
    fs::write(FILES.folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let run = |arguments: &str| {
        let output =
            Command::new("openssl").args(arguments.split(' ')).current_dir(&FILES.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("req -new -newkey rsa:2048 -nodes -subj /CN=rsa -keyout rsa-key.pem -out rsa.csr");
    run(
        "x509 -req -in rsa.csr -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 30 -extfile names -out rsa.pem",
    );
}

/// Ends with its scope.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("our own child can be ended");
    }
}

fn client_options() -> client::Options {
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&FILES.authority).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    client::Options {
        verifier: Some(Arc::new(verifier)),
        unix_secs_at_start: now.as_secs(),
        alpn: vec![b"http/1.1".to_vec()],
        ..client::Options::new(&PROVIDER)
    }
}

/// What one side has heard.
struct Heard {
    data: Vec<u8>,
    /// Who the client was, each time it said so.
    clients: Vec<Option<String>>,
    established: bool,
    closed: bool,
    /// 40 bytes under `EXPORTER-a-test`.
    exported: [u8; 40],
}

impl Heard {
    fn new() -> Self {
        Self { data: Vec::new(), clients: Vec::new(), established: false, closed: false, exported: [0; 40] }
    }
}

/// Sends all that is ready, `data` too as soon as it may go.
fn flush(connection: &mut Connection, stream: &mut TcpStream, data: &mut Vec<u8>) {
    let mut out = vec![0; 20_000];
    while let Some(len) = connection.transmit(NOW, &mut out) {
        stream.write_all(&out[..len]).unwrap();
    }
    while !data.is_empty() && connection.may_send() {
        let len = connection.seal(&mut out, &mut |room| {
            let len = room.len().min(data.len());
            room[..len].copy_from_slice(&data[..len]);
            data.drain(..len);
            len
        });
        stream.write_all(&out[..len]).unwrap();
    }
}

/// Reads once; false at the end of the bytes.
fn read(
    connection: &mut Connection,
    stream: &mut TcpStream,
    heard: &mut Heard,
) -> Result<bool, sakigake_tls::Fault> {
    let mut buffer = [0; 4_096];
    let len = loop {
        match stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.expect("the peer answers in time"),
        }
    };
    connection.handle(NOW, &mut buffer[..len], &mut |event| match event {
        Event::Data(bytes) => heard.data.extend_from_slice(bytes),
        Event::Established => heard.established = true,
        Event::Closed => heard.closed = true,
        Event::Authenticated(identity) => {
            heard.clients.push(identity.map(|identity| identity.subject()));
        }
        _ => {}
    })?;
    Ok(len > 0 && !heard.closed)
}

/// Where nobody else listens: at a loopback address of this process, below the ports that the system hands out.
fn place() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let [.., high, middle, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, high | 0x40, middle, low.max(1));
    (address, NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

fn connect(place: SocketAddr) -> TcpStream {
    for _ in 0..100 {
        if let Ok(stream) = TcpStream::connect(place) {
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            return stream;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nobody listens at {place}")
}

/// What s_server answers to a GET, which describes the connection.
fn page_of(server_arguments: &[&str], options: client::Options) -> String {
    page_with(["leaf.pem", "key.pem"], server_arguments, options)
}

fn page_with(files: [&str; 2], server_arguments: &[&str], options: client::Options) -> String {
    let place = place();
    let peer = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-www",
            "-cert",
            files[0],
            "-key",
            files[1],
            "-accept",
            &place.to_string(),
        ])
        .args(server_arguments)
        .current_dir(&FILES.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _peer = Peer(peer.unwrap());
    let mut stream = connect(place);
    let mut connection =
        Connection::client(options.build().unwrap(), "localhost", NOW, Box::new(Urandom)).unwrap();
    let mut request = b"GET / HTTP/1.0\r\n\r\n".to_vec();
    let mut heard = Heard::new();
    loop {
        flush(&mut connection, &mut stream, &mut request);
        if !read(&mut connection, &mut stream, &mut heard)
            .unwrap_or_else(|fault| panic!("{server_arguments:?}: {fault}"))
        {
            return String::from_utf8_lossy(&heard.data).into_owned();
        }
    }
}

#[test]
fn our_client_and_openssls_server() {
    // spec: 9846-4.5.1-n
    if !is_there() {
        return;
    }
    let cases: [(&[&str], &str); 10] = [
        (&[], "TLSv1.3"),
        (&["-groups", "P-384"], "TLSv1.3"), // a HelloRetryRequest
        (&["-stateless"], "TLSv1.3"),       // one with a cookie alone
        (&["-stateless", "-groups", "P-384"], "TLSv1.3"),
        (&["-groups", "P-256"], "TLSv1.3"),
        (&["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
        (&["-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
        (&["-ciphersuites", "TLS_AES_256_GCM_SHA384"], "TLS_AES_256_GCM_SHA384"),
        (&["-verify", "1"], "TLSv1.3"), // a CertificateRequest, answered with none
        (&["-alpn", "http/1.1", "-num_tickets", "4"], "TLSv1.3"),
    ];
    for (arguments, expected) in cases {
        let page = page_of(arguments, client_options());
        assert!(page.contains(expected), "{arguments:?}: {page}");
    }
    let plain = client::Options { grease: false, middlebox: false, ..client_options() };
    assert!(page_of(&[], plain).contains("TLSv1.3"));
}

/// What s_client prints when it connects to our server and says `ping`; and what our server made of it.
fn client_says(
    arguments: &[&str],
    change: impl FnOnce(&mut server::Options),
) -> (String, Result<Heard, sakigake_tls::Fault>) {
    let credential = Credential::from_pem(&PROVIDER, FILES.chain.as_bytes(), FILES.key.as_bytes()).unwrap();
    let mut options = server::Options {
        credentials: vec![Arc::new(credential)],
        alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        ..server::Options::new(&PROVIDER)
    };
    change(&mut options);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut peer = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            &address,
            "-servername",
            "localhost",
            "-CAfile",
            "authority.pem",
            "-ign_eof",
        ])
        .args(["-verify_return_error", "-verify_hostname", "localhost"])
        .args(arguments)
        .current_dir(&FILES.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    peer.stdin.as_mut().unwrap().write_all(b"ping\n").unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let result = serve(Connection::server(options.build().unwrap(), NOW, Box::new(Urandom)), &mut stream);
    drop(stream);
    let output = peer.wait_with_output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (text, result)
}

/// Waits for `ping`, answers `pong` and closes.
fn serve(mut connection: Connection, stream: &mut TcpStream) -> Result<Heard, sakigake_tls::Fault> {
    let mut heard = Heard::new();
    let result = loop {
        match read(&mut connection, stream, &mut heard) {
            // Who can be asked now shows who it is before it gets an answer.
            Ok(true) if heard.data.ends_with(b"ping\n") && connection.request_certificate().is_ok() => {
                flush(&mut connection, stream, &mut Vec::new());
                while heard.clients.is_empty() && read(&mut connection, stream, &mut heard)? {}
                break Ok(());
            }
            Ok(true) if heard.data.ends_with(b"ping\n") => break Ok(()),
            Ok(true) => flush(&mut connection, stream, &mut Vec::new()),
            Ok(false) => break Ok(()),
            Err(fault) => break Err(fault),
        }
    };
    if result.is_ok() {
        flush(&mut connection, stream, &mut b"pong\n".to_vec());
        connection.close();
    }
    flush(&mut connection, stream, &mut Vec::new());
    if let Some(exporter) = connection.exporter() {
        exporter.export(b"EXPORTER-a-test", b"", &mut heard.exported).unwrap();
    }
    result.map(|()| heard)
}

#[test]
fn openssls_client_and_our_server() {
    if !is_there() {
        return;
    }
    let cases: [(&[&str], &str); 6] = [
        (&["-tls1_3"], "Verify return code: 0 (ok)"),
        (&["-tls1_3", "-alpn", "h2"], "ALPN protocol: h2"),
        (&["-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
        (&["-ciphersuites", "TLS_AES_128_GCM_SHA256"], "TLS_AES_128_GCM_SHA256"),
        (&["-groups", "P-384:P-256"], "Verify return code: 0 (ok)"),
        (&["-no_middlebox"], "Verify return code: 0 (ok)"),
    ];
    for (arguments, expected) in cases {
        let (text, result) = client_says(arguments, |_| {});
        let heard = result.unwrap_or_else(|fault| panic!("{arguments:?}: {fault}\n{text}"));
        assert!(heard.established && heard.data == b"ping\n", "{arguments:?}\n{text}");
        assert!(text.contains(expected) && text.contains("pong"), "{arguments:?}\n{text}");
    }
    let (text, result) = client_says(&["-groups", "P-256:X25519"], |options| options.groups = vec![0x001d]);
    assert!(
        result.is_ok_and(|heard| heard.established) && text.contains("pong"),
        "a HelloRetryRequest\n{text}"
    );
    let key = TicketKey {
        name: [1; 16],
        secret: Secret::new(&[1; 32]),
        from_unix_secs: 0,
        until_unix_secs: u64::MAX,
        opens_until_unix_secs: u64::MAX,
    };
    let cookies = server::Cookies::new(Arc::new(KeyRing::new(&PROVIDER.suites[0], vec![key])));
    let (text, result) = client_says(&["-groups", "P-256:X25519"], |options| {
        (options.groups, options.cookies) = (vec![0x001d], Some(cookies));
    });
    assert!(
        result.is_ok_and(|heard| heard.established) && text.contains("pong"),
        "a HelloRetryRequest with a cookie\n{text}"
    );
}

#[test]
fn openssl_exports_the_same_keying_material() {
    // spec: 9846-7.5-a
    if !is_there() {
        return;
    }
    // With SHA-256 the 40 bytes need a second block, with SHA-384 they do not.
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"] {
        let arguments =
            ["-ciphersuites", suite, "-keymatexport", "EXPORTER-a-test", "-keymatexportlen", "40"];
        let (text, result) = client_says(&arguments, |_| {});
        let heard = result.unwrap_or_else(|fault| panic!("{suite}: {fault}\n{text}"));
        let ours: String = heard.exported.iter().map(|byte| format!("{byte:02X}")).collect();
        assert!(text.contains(&format!("Keying material: {ours}")), "{suite}: {ours}\n{text}");
    }
}

/// An OCSP response that the leaf is good, of OpenSSL's own responder.
fn ocsp_response() -> Vec<u8> {
    let run = |arguments: &str| {
        let output =
            Command::new("openssl").args(arguments.split(' ')).current_dir(&FILES.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let serial = run("x509 -in leaf.pem -noout -serial").replace("serial=", "");
    fs::write(FILES.folder.join("index"), format!("V\t400101000000Z\t\t{serial}\tunknown\t/CN=leaf\n"))
        .unwrap();
    run("ocsp -issuer authority.pem -cert leaf.pem -no_nonce -reqout ocsp.request");
    run("ocsp -index index -CA authority.pem -rsigner authority.pem -rkey authority-key.pem -ndays 1 \
         -reqin ocsp.request -respout ocsp.der");
    fs::read(FILES.folder.join("ocsp.der")).unwrap()
}

/// Trusts as [`client_options`] does, and keeps the OCSP response that it was given.
struct Keeps(Arc<dyn Verifier>, Mutex<Option<Vec<u8>>>);

impl Verifier for Keeps {
    fn verify_chain(&self, name: &str, chain: &[&[u8]], at: u64) -> Result<Verified, RejectedCertificate> {
        self.0.verify_chain(name, chain, at)
    }

    fn verify_staples(&self, _: &[&[u8]], staples: &Staples, _: u64) -> Result<(), RejectedCertificate> {
        *self.1.lock().unwrap() = staples.ocsp.clone();
        Ok(())
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_signature(leaf, scheme, message, signature)
    }
}

#[test]
fn ocsp_responses_cross_both_ways() {
    // spec: 9846-4.5.1.1-a
    if !is_there() {
        return;
    }
    let response = ocsp_response();
    let (text, result) = client_says(&["-status"], |options| {
        let credential =
            Credential::from_pem(&PROVIDER, FILES.chain.as_bytes(), FILES.key.as_bytes()).unwrap();
        let staples = Staples { ocsp: Some(response.clone()), ..Staples::default() };
        options.credentials = vec![Arc::new(Credential { staples, ..credential })];
    });
    assert!(result.is_ok(), "{text}");
    assert!(
        text.contains("OCSP Response Status: successful") && text.contains("Cert Status: good"),
        "{text}"
    );
    let options = client_options();
    let keeps = Arc::new(Keeps(options.verifier.clone().unwrap(), Mutex::default()));
    let options = client::Options { verifier: Some(keeps.clone()), staples: true, ..options };
    assert!(page_of(&["-status_file", "ocsp.der"], options).contains("TLSv1.3"));
    assert_eq!(keeps.1.lock().unwrap().as_ref(), Some(&response));
}

#[test]
fn openssl_reads_our_timestamps() {
    // spec: 9846-4.5.1.1-b
    if !is_there() {
        return;
    }
    // Version 1, a log's name, a time, no extensions, ecdsa_secp256r1_sha256, and what looks like a signature.
    let signature = [0x30, 6, 2, 1, 1, 2, 1, 1];
    let time = 1_780_000_000_000_u64.to_be_bytes();
    let sct = [&[0][..], &[7; 32], &time, &[0, 0, 4, 3, 0, 8], &signature].concat();
    fs::write(FILES.folder.join("logs"), "enabled_logs=\n").unwrap();
    let (text, result) = client_says(&["-ct", "-ctlogfile", "logs"], |options| {
        let credential =
            Credential::from_pem(&PROVIDER, FILES.chain.as_bytes(), FILES.key.as_bytes()).unwrap();
        let staples = Staples { ocsp: None, scts: vec![sct.clone(), sct] };
        options.credentials = vec![Arc::new(Credential { staples, ..credential })];
    });
    assert!(result.is_ok(), "{text}");
    assert!(text.contains("SCTs present (2)") && text.contains("ecdsa-with-SHA256"), "{text}");
}

/// Takes every chain, but not every signature.
struct Anybodys;

impl Verifier for Anybodys {
    fn verify_chain(&self, _: &str, chain: &[&[u8]], _: u64) -> Result<Verified, RejectedCertificate> {
        check_key(&PROVIDER, chain[0]).map(|()| Verified)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(&PROVIDER, leaf, scheme, message, signature)
    }
}

#[test]
fn a_certificate_of_x_509s_first_version_proves_its_key() {
    if !is_there() {
        return;
    }
    let run = |arguments: &str| {
        let output =
            Command::new("openssl").args(arguments.split(' ')).current_dir(&FILES.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=old -keyout old-key.pem -out old.csr",
    );
    run("x509 -req -in old.csr -signkey old-key.pem -days 30 -out old.pem"); // Without extensions it is one.
    let options = client::Options { verifier: Some(Arc::new(Anybodys)), ..client_options() };
    assert!(page_with(["old.pem", "old-key.pem"], &[], options).contains("TLSv1.3"));
}

#[test]
fn rsa_keys_serve_both_sides() {
    if !is_there() {
        return;
    }
    make_rsa();
    assert!(page_with(["rsa.pem", "rsa-key.pem"], &[], client_options()).contains("TLSv1.3"));
    let [chain, key] = ["rsa.pem", "rsa-key.pem"].map(|name| fs::read(FILES.folder.join(name)).unwrap());
    let rsa = Arc::new(Credential::from_pem(&PROVIDER, &chain, &key).unwrap());
    for (schemes, expected) in
        [("RSA-PSS+SHA256:RSA+SHA256", "signature type: RSA-PSS"), ("ECDSA+SHA256", "signature type: ECDSA")]
    {
        let (text, result) =
            client_says(&["-sigalgs", schemes], |options| options.credentials.push(rsa.clone()));
        assert!(result.is_ok() && text.contains(expected), "{schemes}\n{text}");
    }
}

#[test]
fn openssls_client_hears_the_right_alert() {
    if !is_there() {
        return;
    }
    let cases: [(&[&str], &str); 3] = [
        (&["-tls1_2"], "alert protocol version"),
        (&["-alpn", "h3"], "no application protocol"),
        (&["-sigalgs", "RSA-PSS+SHA256"], "alert handshake failure"),
    ];
    for (arguments, expected) in cases {
        let (text, result) = client_says(arguments, |_| {});
        assert!(result.is_err() && text.contains(expected), "{arguments:?}\n{text}");
    }
}

fn alice() -> Arc<Credential> {
    let [chain, key] =
        ["client.pem", "client-key.pem"].map(|name| fs::read(FILES.folder.join(name)).unwrap());
    Arc::new(Credential::from_pem(&PROVIDER, &chain, &key).unwrap())
}

fn policy(demand: Demand) -> ClientAuthentication {
    let mut verifier = WebPki::new(&PROVIDER);
    verifier.trust(&FILES.authority).unwrap();
    let authorities = verifier.authorities();
    ClientAuthentication {
        hosts: Vec::new(),
        is_default: true,
        demand,
        verifier: Some(Arc::new(verifier)),
        authorities,
    }
}

fn asking(demand: Demand) -> impl FnOnce(&mut server::Options) {
    move |options| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        options.unix_secs_at_start = now.as_secs();
        options.client_authentication = vec![Arc::new(policy(demand))];
    }
}

#[test]
fn openssls_server_takes_our_clients_certificate() {
    // spec: 9846-4.5.2-s
    if !is_there() {
        return;
    }
    let options = || client::Options { credentials: vec![alice()], ..client_options() };
    for arguments in [
        &["-Verify", "2", "-verify_return_error", "-CAfile", "authority.pem"][..],
        &[
            "-Verify",
            "2",
            "-verify_return_error",
            "-CAfile",
            "authority.pem",
            "-client_sigalgs",
            "ECDSA+SHA256",
        ],
    ] {
        let page = page_of(arguments, options());
        assert!(page.contains("CN = alice") || page.contains("CN=alice"), "{arguments:?}: {page}");
    }
    // Nothing of ours fits, so nothing is shown; this server goes on without.
    let page = page_of(&["-verify", "2", "-client_sigalgs", "RSA-PSS+SHA256"], options());
    assert!(page.contains("no client certificate available"), "{page}");
}

#[test]
fn openssls_client_shows_its_certificate_or_hears_why_not() {
    // spec: 9846-4.5.1.3-b
    if !is_there() {
        return;
    }
    let own: &[&str] = &["-cert", "client.pem", "-key", "client-key.pem"];
    for demand in [Demand::Optional, Demand::Required] {
        let (text, result) = client_says(own, asking(demand));
        let heard = result.unwrap_or_else(|fault| panic!("{fault}\n{text}"));
        assert_eq!(heard.clients, [Some("CN=alice".to_owned())], "{text}");
        assert!(text.contains("pong") && text.contains("an authority for tests"), "{text}");
    }
    let (text, result) = client_says(&[], asking(Demand::Optional));
    assert!(result.is_ok_and(|heard| heard.clients.is_empty()) && text.contains("pong"), "{text}");
    let cases: [(&[&str], &str); 2] = [
        (&[], "alert certificate required"),
        (&["-cert", "leaf-of-nobody.pem", "-key", "client-key.pem"], "alert unknown ca"),
    ];
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(&FILES.folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    openssl(&["req", "-new", "-key", "client-key.pem", "-subj", "/CN=nobody", "-out", "nobody.csr"]);
    fs::write(FILES.folder.join("third"), "basicConstraints=CA:FALSE\n").unwrap(); // Extensions make it X.509 version 3.
    let sign = "x509 -req -in nobody.csr -signkey client-key.pem -extfile third -out leaf-of-nobody.pem";
    openssl(&sign.split(' ').collect::<Vec<_>>());
    for (arguments, expected) in cases {
        let (text, result) = client_says(arguments, |options| {
            asking(Demand::Required)(options);
            let policy = ClientAuthentication { authorities: Vec::new(), ..policy(Demand::Required) };
            options.client_authentication = vec![Arc::new(policy)];
        });
        assert!(result.is_err() && text.contains(expected), "{arguments:?}\n{text}");
    }
}

#[test]
fn openssls_client_shows_its_certificate_after_the_handshake() {
    // spec: 9846-4.7.2-a spec: 9846-4.3.6-a
    if !is_there() {
        return;
    }
    let own = ["-cert", "client.pem", "-key", "client-key.pem", "-alpn", "http/1.1"];
    let (text, result) = client_says(&[&own[..], &["-enable_pha"]].concat(), asking(Demand::Later));
    let heard = result.unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert_eq!(heard.clients, [Some("CN=alice".to_owned())], "{text}");
    assert!(text.contains("pong"), "{text}");
    let (text, result) = client_says(&own, asking(Demand::Later));
    assert!(result.is_ok_and(|heard| heard.clients.is_empty()) && text.contains("pong"), "{text}");
}

/// Its terminal is ours: `c` makes it ask.
#[test]
fn openssls_server_asks_our_client_after_the_handshake() {
    // spec: 9846-4.7.2-a
    if !is_there() {
        return;
    }
    let place = place();
    let peer = Command::new("openssl")
        .args(["s_server", "-cert", "leaf.pem", "-key", "key.pem", "-accept", &place.to_string(), "-msg"])
        .args(["-verify_return_error", "-CAfile", "authority.pem", "-naccept", "1"])
        .current_dir(&FILES.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut peer = Peer(peer.unwrap());
    let options =
        client::Options { credentials: vec![alice()], post_handshake_auth: true, ..client_options() };
    let mut stream = connect(place);
    let mut connection =
        Connection::client(options.build().unwrap(), "localhost", NOW, Box::new(Urandom)).unwrap();
    let (mut heard, mut ping) = (Heard::new(), b"ping\n".to_vec());
    while !ping.is_empty() {
        flush(&mut connection, &mut stream, &mut ping);
        if !ping.is_empty() {
            assert!(read(&mut connection, &mut stream, &mut heard).unwrap());
        }
    }
    // What it prints of ours has come after its handshake.
    let (mut printed, mut output) = (Vec::new(), peer.0.stdout.take().unwrap());
    let mut byte = [0];
    while !printed.ends_with(b"ping\n") && output.read(&mut byte).unwrap() == 1 {
        printed.push(byte[0]);
    }
    peer.0.stdin.as_mut().unwrap().write_all(b"c\n").unwrap();
    printed.clear();
    while !printed.ends_with(b"CertificateRequest") && output.read(&mut byte).unwrap() == 1 {
        printed.push(byte[0]);
    }
    peer.0.stdin.as_mut().unwrap().write_all(b"pong\n").unwrap();
    while !heard.data.ends_with(b"pong\n") {
        assert!(read(&mut connection, &mut stream, &mut heard).unwrap());
        flush(&mut connection, &mut stream, &mut Vec::new());
    }
    connection.close();
    flush(&mut connection, &mut stream, &mut Vec::new());
    // Its tickets are heard too: what nobody reads becomes a reset, which may overtake what we said.
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).expect("it ends");
    // It takes one connection: whoever waits for the next reads no more what it is told to do.
    output.read_to_end(&mut printed).unwrap();
    let printed = String::from_utf8_lossy(&printed);
    let received = |name: &str| {
        printed.lines().any(|line| line.starts_with("<<< TLS 1.3, Handshake") && line.ends_with(name))
    };
    assert!(received("Certificate") && received("CertificateVerify") && received("Finished"), "{printed}");
    assert!(!printed.contains("alert"), "{printed}");
}

#[path = "openssl/early.rs"]
mod early;
