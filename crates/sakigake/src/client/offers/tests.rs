use super::*;
use crate::client::{Client, NameServers, Options, Trust};
use std::time::Instant;

fn client(options: Options) -> Client {
    Client::new(Options { trust: Trust::Anybody, ..options }).expect("a client")
}

fn origin() -> Origin {
    Origin::parse(true, "a.test").expect("an origin")
}

/// What is found of `a.test`, whose address is known.
fn found(client: &Client) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let known = Some(vec![SocketAddr::from(([127, 0, 0, 1], 443))]);
    let origin = origin();
    let work = look_up(&client.shared, &origin, known);
    let found = tokio::task::LocalSet::new().block_on(&runtime, work).expect("the address is known");
    found.ways.into_iter().map(|Way { spot, address }| format!("{} {address}", spot.host)).collect()
}

fn hear(client: &Client, status: u16, line: &str) {
    let response = Response::new(status).with("alt-svc", line).with("age", "0");
    client.shared.hear_alternatives(&origin(), &response);
}

#[test]
fn http3_is_tried_where_it_is_offered_or_wanted_whatever_is_offered() {
    let names = || Options { name_servers: NameServers::None, ..Options::default() };
    let (own, other) = ("a.test 127.0.0.1:443".to_owned(), "a.test 127.0.0.1:8443".to_owned());
    for (http3, before, after) in [
        (Http3::Never, vec![], vec![]),
        (Http3::WhereOffered, vec![], vec![other.clone()]),
        (Http3::Tried, vec![own.clone()], vec![other.clone(), own.clone()]),
        (Http3::Only, vec![own.clone()], vec![other, own]),
    ] {
        let client = client(Options { http3, ..names() });
        assert_eq!(found(&client), before, "{http3:?}");
        hear(&client, 200, r#"h3=":8443""#);
        assert_eq!(found(&client), after, "{http3:?}");
    }
}

#[test]
fn what_does_not_work_is_left_alone_unless_it_is_wanted_all_the_same() {
    for (http3, tried) in [(Http3::WhereOffered, 0), (Http3::Only, 1)] {
        let client = client(Options { http3, name_servers: NameServers::None, ..Options::default() });
        hear(&client, 200, r#"h3=":443""#);
        client.shared.http3_failed(&origin(), &own(&origin()));
        assert_eq!(found(&client).len(), tried, "{http3:?}");
        client.shared.http3_worked(&origin(), &own(&origin()));
        assert_eq!(found(&client).len(), 1, "{http3:?}");
    }
}

#[test]
fn who_answers_for_somebody_else_says_nothing_of_where_that_is() {
    // spec: 7838-6-a
    let client = client(Options { name_servers: NameServers::None, ..Options::default() });
    hear(&client, 421, r#"h3=":443""#);
    assert!(found(&client).is_empty());
}

#[test]
fn a_name_server_that_says_nothing_keeps_nobody_waiting() {
    // spec: 9460-3-a
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let server = silent.local_addr().expect("bound");
    let client = client(Options { name_servers: NameServers::These(vec![server]), ..Options::default() });
    let began = Instant::now();
    assert!(found(&client).is_empty());
    assert!(began.elapsed() < RECORDS_PATIENCE * 4, "{:?}", began.elapsed());
    let mut question = [0; 512];
    silent.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    silent.recv(&mut question).expect("it was asked");
}
