//! Clients that show certificates of their own, and hosts that ask for them.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use sakigake::{
    client::{Client, Identity as Own, Options, Trust, Watcher},
    client_certificates::{Asking, ClientCertificates, policies},
    hosts::{Host, Hosts, Name, Target},
    service::{Factory, Identity, Peer},
};
use sakigake_crypto::aws_lc::PROVIDER;
use sakigake_e2e::{Raw, Reading, Scratch, Server, Setup, eventually, example, frames};
use sakigake_tls::Credential;
use std::{sync::Arc, time::Duration};

/// An authority's certificate in a file, and a client of its.
struct World {
    scratch: Scratch,
    alice: Arc<Credential>,
}

impl World {
    fn new() -> Self {
        let key = KeyPair::generate().expect("the provider makes keys");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names are good names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("it signs");
        let scratch = Scratch::new();
        scratch.write("clients.pem", authority.pem());
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("the provider makes keys");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names are good names");
        params.distinguished_name.push(DnType::CommonName, "alice");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&key, &issuer).expect("it signs");
        let alice = Credential::from_pem(&PROVIDER, leaf.pem().as_bytes(), key.serialize_pem().as_bytes());
        Self { scratch, alice: Arc::new(alice.expect("a good pair")) }
    }

    fn asks(&self) -> ClientCertificates {
        ClientCertificates {
            authorities: vec![self.scratch.path().join("clients.pem")],
            revocations: Vec::new(),
            is_required: true,
            tells_authorities: true,
        }
    }

    /// A server whose hosts ask like that.
    fn start(&self, setup: Setup, hosts: &[Asking<'_>]) -> Server {
        let client_authentication = policies(hosts.iter().copied()).expect("the files are good");
        Server::start(Setup { client_authentication, ..setup })
    }
}

/// Tells who asks.
fn greeting() -> Factory {
    Factory::of_fn(|request| async move {
        let who = request.extensions().get::<Identity>().map_or("nobody".into(), Identity::subject);
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::<bytes::Bytes>::from(
            who,
        )))
    })
}

fn body(client: &mut Raw, stream: u32, authority: &str) -> String {
    client.send(&frames::get_from(stream, authority, "/", frames::END));
    client.read_until("an answer", |client| client.has_end(stream));
    let data = client.take_frames().into_iter().filter(|frame| frame.kind == frames::DATA);
    String::from_utf8_lossy(&data.flat_map(|frame| frame.payload).collect::<Vec<u8>>()).into_owned()
}

#[test]
fn hints_wait_until_a_client_has_shown_who_it_is() {
    let world = World::new();
    let asks = world.asks();
    let server = world.start(Setup::of(example()), &[(&[], true, Some(&asks))]);
    let mut client = Raw::open_as(&server, "www.saki.test", &["h2"], std::slice::from_ref(&world.alice));
    client.read_until("the server's flight", |client| client.is_established);
    // Our certificate and Finished are ready, and nothing of them has left.
    assert_eq!(client.read(Duration::from_millis(100)), Reading::Nothing);
    let kinds: Vec<u8> = client.frames().iter().map(|frame| frame.kind).collect();
    assert!(kinds.starts_with(&[frames::SETTINGS]) && !kinds.contains(&frames::PRELOAD), "{kinds:?}");
    client.flush();
    client.read_until("PRELOAD", |client| client.has(frames::PRELOAD, 0));
}

#[test]
fn services_and_the_log_know_who_the_client_is() {
    let world = World::new();
    let asks = world.asks();
    let server = world.start(Setup::of_service(greeting()), &[(&[], true, Some(&asks))]);
    let alice = [world.alice.clone()];
    let mut client = Raw::connect_as(&server, "www.saki.test", &["h2"], &alice);
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "www.saki.test"), "CN=alice");
    let mut client = Raw::connect_as(&server, "www.saki.test", &["http/1.1"], &alice);
    client.send(b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    client.read_until("an answer", |client| client.plain.ends_with(b"CN=alice"));
    eventually("the log", || server.log().matches("  CN=alice\n").count() == 2);
}

#[test]
fn a_connection_serves_another_host_only_where_clients_are_asked_the_same_way() {
    let world = World::new();
    let asks = world.asks();
    let host = |name: &str| Host::new(Name::parse(name).expect("a good name"), Target::Service(greeting()));
    let hosts = Hosts::new(vec![host("www.saki.test"), host("other.saki.test")]).expect("two hosts");
    let (www, other) = (vec!["www.saki.test".to_owned()], vec!["other.saki.test".to_owned()]);
    let setup = Setup { hosts: Some(hosts), hints: false, ..Setup::of(example()) };
    let server = world.start(setup, &[(&www, true, None), (&other, false, Some(&asks))]);
    let mut client = Raw::connect_as(&server, "www.saki.test", &["h2"], std::slice::from_ref(&world.alice));
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "www.saki.test"), "nobody");
    assert!(body(&mut client, 3, "other.saki.test").contains("421"), "nobody has shown anything here");
    let mut client = Raw::connect_as(&server, "other.saki.test", &["h2"], std::slice::from_ref(&world.alice));
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "other.saki.test"), "CN=alice");
    assert!(body(&mut client, 3, "www.saki.test").contains("421"), "the other way round too");
    eventually("the log", || server.log().matches(" 421 ").count() == 2); // spec: 9110-15.5.20-a
}

struct Nobody;

impl Watcher for Nobody {}

#[test]
fn a_host_that_begins_to_ask_does_so_of_connections_that_are_open() {
    let world = World::new();
    let server = Server::start(Setup::of_service(greeting()));
    let mut client = Raw::connect_as(&server, "www.saki.test", &["h2"], std::slice::from_ref(&world.alice));
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "www.saki.test"), "nobody");
    let asks = world.asks();
    server.ask_clients(policies([(&[][..], true, Some(&asks))]).expect("the files are good"));
    server.running.reload(server.another(Hosts::one(Target::Service(greeting()))));
    let mut stream = 3;
    eventually("421", || {
        stream += 2;
        body(&mut client, stream, "www.saki.test").contains("421")
    });
    let mut client = Raw::connect_as(&server, "www.saki.test", &["h2"], std::slice::from_ref(&world.alice));
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "www.saki.test"), "CN=alice");
}

#[test]
fn our_client_shows_itself_to_the_hosts_named_alone() {
    let world = World::new();
    let asks = world.asks();
    let server = world.start(Setup::of(example()), &[(&[], true, Some(&asks))]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let fetch = |host: &str| {
        let own = Own { credential: world.alice.clone(), hosts: vec![host.to_owned()] };
        let client = server.client_with(Options { identity: Some(own), ..Options::default() });
        let url = server.url("/");
        let work = async { client.get(&url, &mut Nobody, &mut |_| Ok(())).await };
        tokio::task::LocalSet::new().block_on(&runtime, work)
    };
    assert!(matches!(fetch("www.saki.test"), Ok(200)));
    let chain = world.alice.chain.clone();
    let keyless = Credential { chain, schemes: world.alice.schemes.clone(), ..Credential::default() };
    let own = Own { credential: Arc::new(keyless), hosts: Vec::new() };
    let refused = Client::new(Options { identity: Some(own), trust: Trust::Anybody, ..Options::default() });
    let why = refused.map(|_| ()).expect_err("it cannot sign").to_string();
    assert!(why.contains("has to be here"), "{why}");
    let why = fetch("other.saki.test").expect_err("it showed nothing").to_string();
    assert!(why.contains("certificate_required"), "{why}");
}

#[test]
fn a_service_knows_the_channel_binding_that_its_client_knows() {
    let service = Factory::of_fn(|request| async move {
        let peer = request.extensions().get::<Peer>().expect("every request has one");
        let binding = peer.exporter().expect("it came over TLS").channel_binding();
        let text = format!("{binding:02x?}");
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::<bytes::Bytes>::from(
            text,
        )))
    });
    let server = Server::start(Setup::of_service(service));
    let known = |client: &Raw| {
        let exporter = client.tls.exporter().expect("the handshake is over");
        format!("{:02x?}", exporter.channel_binding())
    };
    let mut client = Raw::connect(&server, "www.saki.test", &["h2"]);
    client.send(&frames::hello(&[]));
    assert_eq!(body(&mut client, 1, "www.saki.test"), known(&client));
    let mut other = Raw::connect(&server, "www.saki.test", &["http/1.1"]);
    other.send(b"GET / HTTP/1.1\r\nhost: www.saki.test\r\n\r\n");
    let expected = known(&other);
    other.read_until("an answer", |client| client.plain.ends_with(expected.as_bytes()));
    assert_ne!(known(&client), expected);
}
