//! What clients that come by TCP hear of HTTP/3.

use sakigake::{server::Kind, service::Factory};
use sakigake_e2e::{Raw, Server, Setup, eventually, example};
use std::net::UdpSocket;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: www.saki.test\r\nconnection: close\r\n\r\n";

/// The `alt-svc` lines of an answer over HTTP/1.1.
fn told(server: &Server) -> Vec<String> {
    let mut client = Raw::connect(server, "www.saki.test", &["http/1.1"]);
    client.send(ASK);
    client.read_to_end();
    let text = String::from_utf8_lossy(&client.plain).into_owned();
    text.lines().filter(|line| line.starts_with("alt-svc: ")).map(String::from).collect()
}

fn service(alternative: Option<&'static str>) -> Factory {
    Factory::of_fn(move |_: http::Request<_>| async move {
        let response = http::Response::builder();
        let response =
            alternative.into_iter().fold(response, |response, told| response.header("alt-svc", told));
        let body = http_body_util::Full::<bytes::Bytes>::from("hello");
        Ok::<_, std::convert::Infallible>(response.body(body).expect("a response"))
    })
}

#[test]
fn clients_that_came_by_tcp_are_told_where_http_3_is() {
    // spec: 7838-3-s
    let mut server = Server::start(Setup { http3: true, ..Setup::of(example()) });
    let here = format!("alt-svc: h3=\":{}\"; ma=86400", server.address.port());
    assert_eq!(told(&server), std::slice::from_ref(&here));
    let server_of_service = Server::start(Setup { http3: true, ..Setup::of_service(service(None)) });
    assert_eq!(told(&server_of_service).len(), 1);

    // Where it is not served, or no longer, nobody is told.
    assert!(told(&Server::start(Setup::of(example()))).is_empty());
    assert!(UdpSocket::bind(server.address).is_err());
    server.running.close_as(server.address, Kind::Http3);
    eventually("the port's end", || UdpSocket::bind(server.address).is_ok());
    assert!(told(&server).is_empty());
    server.running.open(server.address, Kind::Http3).expect("it was ours");
    eventually("the port", || told(&server) == std::slice::from_ref(&here));
}

#[test]
fn what_a_service_says_of_other_places_is_left_as_it_is() {
    let server = Server::start(Setup { http3: true, ..Setup::of_service(service(Some("clear"))) });
    assert_eq!(told(&server), ["alt-svc: clear"]);
}

#[test]
fn a_port_that_another_program_has_for_udp_is_refused() {
    let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("it is bound");
    let mut listeners = sakigake::server::Listeners::new(2);
    let refused = listeners.open_as(address, Kind::Http3).expect_err("it is taken");
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
}
