use super::pair::{Pair, client_options, server_options};
use crate::{Fact, Level, Step};

#[test]
fn a_client_and_a_server_agree() {
    let mut pair = Pair::new(client_options(), server_options());
    pair.run().unwrap();
    assert!(pair.is_established());
    let negotiated = Fact::Negotiated { server_name: Some("example.com".into()), alpn: Some(b"h2".to_vec()) };
    assert_eq!(pair.negotiated(), (&negotiated, &negotiated));
    assert_eq!(pair.from_client.facts[1..], [Fact::Established]);
    assert_eq!(pair.from_server.facts[1..], [Fact::Established]);
    let lines = |flight: &crate::Flight| flight.key_log.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(lines(&pair.from_client), lines(&pair.from_server));
    assert_eq!(pair.from_client.key_log.len(), 5);
}

#[test]
fn a_server_may_send_data_straight_after_its_flight() {
    let mut pair = Pair::new(client_options(), server_options());
    let hello = match &pair.from_client.steps[0] {
        Step::Send { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    };
    pair.server.handle(super::pair::NOW, Level::Plain, &hello, &mut pair.from_server).unwrap();
    assert!(
        matches!(pair.from_server.steps.last(), Some(Step::WriteKey(secret)) if secret.level == Level::Application)
    );
    assert!(matches!(pair.from_server.facts[..], [Fact::Negotiated { .. }]));
    assert!(!pair.server.is_established());
}
