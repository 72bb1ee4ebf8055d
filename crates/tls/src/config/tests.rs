use crate::{
    Credential, Limits, Misuse, client,
    handshake::tests::pair::{client_options, provider, server_options},
    server,
};
use sakigake_crypto::Provider;
use std::sync::Arc;

fn client_misuse(change: impl FnOnce(&mut client::Options)) -> Option<Misuse> {
    let mut options = client_options();
    change(&mut options);
    options.build().err()
}

fn server_misuse(change: impl FnOnce(&mut server::Options)) -> Option<Misuse> {
    let mut options = server_options();
    change(&mut options);
    options.build().err()
}

#[test]
fn what_does_not_fit_the_wire_is_refused_before_any_connection() {
    assert_eq!(client_misuse(|_| {}), None);
    assert_eq!(client_misuse(|options| options.alpn = vec![vec![7; 255]]), None);
    assert_eq!(client_misuse(|options| options.alpn = vec![vec![7; 256]]), Some(Misuse::Alpn));
    assert_eq!(client_misuse(|options| options.alpn = vec![Vec::new()]), Some(Misuse::Alpn));
    assert_eq!(client_misuse(|options| options.alpn = vec![vec![7; 255]; 16]), None);
    assert_eq!(client_misuse(|options| options.alpn = vec![vec![7; 255]; 17]), Some(Misuse::Alpn));
    assert_eq!(client_misuse(|options| options.groups = vec![0x0100]), Some(Misuse::Group(0x0100)));
    let short = Limits { handshake_message_bytes: 2_047, ..Limits::default() };
    assert!(matches!(client_misuse(|options| options.limits = short), Some(Misuse::Limits(_))));
}

#[test]
fn a_record_size_limit_is_within_what_rfc_8449_permits() {
    for (limit, is_legal) in [(63, false), (64, true), (16_385, true), (16_386, false)] {
        let client = client_misuse(|options| options.record_size_limit = Some(limit));
        let server = server_misuse(|options| options.record_size_limit = Some(limit));
        assert_eq!((client.is_none(), server.is_none()), (is_legal, is_legal), "{limit}");
    }
}

#[test]
fn a_provider_needs_rows() {
    let bare: &'static Provider = Box::leak(Box::new(Provider {
        name: "bare",
        suites: &[],
        groups: provider().groups,
        verifications: provider().verifications,
        signing_key: provider().signing_key,
    }));
    assert!(matches!(client_misuse(|options| options.provider = bare), Some(Misuse::Provider(_))));
}

#[test]
fn a_server_needs_a_usable_credential() {
    let credential = |chain: Vec<Vec<u8>>, schemes: Vec<u16>| {
        Arc::new(Credential {
            chain,
            signer: None,
            schemes,
            signed_with: Vec::new(),
            names: Vec::new(),
            ..Credential::default()
        })
    };
    let with = |credential| server_misuse(|options| options.credentials = vec![credential]);
    assert_eq!(server_misuse(|options| options.credentials.clear()), Some(Misuse::NoCredential));
    assert_eq!(with(credential(vec![vec![7]], vec![0x0403])), None);
    for bad in [
        credential(Vec::new(), vec![0x0403]),
        credential(vec![Vec::new()], vec![0x0403]),
        credential(vec![vec![7]], Vec::new()),
        credential(vec![vec![7; 1 << 20]], vec![0x0403]),
    ] {
        assert!(matches!(with(bad), Some(Misuse::Credential(_))));
    }
}

#[test]
fn a_group_named_twice_is_offered_once() {
    // spec: 9846-4.3.7-k
    let config =
        client::Options { groups: vec![0x001d, 0x0017, 0x001d], ..client_options() }.build().unwrap();
    let ids: Vec<u16> = config.offered_groups().iter().map(|row| row.id).collect();
    assert_eq!(ids, [0x001d, 0x0017]);
}

#[test]
fn a_server_name_is_a_host_or_an_address() {
    for (name, fits) in [("example.com", true), ("::1", true), ("exa mple", false), ("", false), (".", false)]
    {
        let mut flight = crate::Flight::default();
        let entropy = Box::new(crate::handshake::tests::pair::Counter(1));
        let config = client_options().build().unwrap();
        let now = sakigake_wire::Instant::default();
        let handshake = crate::Handshake::client(config, name, now, entropy, &mut flight);
        assert_eq!(handshake.is_ok(), fits, "{name:?}");
    }
}
