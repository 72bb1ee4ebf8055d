use super::*;
use crate::handshake::tests::pair::{AUTHORITY, server_options, web_pki};
use crate::server::Options;

fn config(change: impl FnOnce(&mut Options)) -> Arc<Config> {
    let mut options = server_options();
    change(&mut options);
    options.build().unwrap()
}

#[test]
fn the_servers_order_counts_but_for_clients_without_aes() {
    let ours = config(|_| {});
    let first = ours.provider.suites[0].id;
    let strict = config(|options| options.prefer_clients_chacha = false);
    let cases: [(&[u16], Option<u16>, Option<u16>); 5] = [
        (&[0x1303, 0x1302, 0x1301], Some(0x1303), Some(first)),
        (&[0x0a0a, 0x1303, 0x1301], Some(0x1303), Some(0x1301)),
        (&[0x1302, 0x1303, 0x1301], Some(first), Some(first)),
        (&[0x1304, 0xc02f], None, None),
        (&[], None, None),
    ];
    for (offered, expected, expected_strict) in cases {
        assert_eq!(suite(&ours, offered.into()).map(|row| row.id), expected, "{offered:x?}");
        assert_eq!(suite(&strict, offered.into()).map(|row| row.id), expected_strict, "{offered:x?}");
    }
}

#[test]
fn a_share_in_hand_is_worth_more_than_a_better_group() {
    let config = config(|_| {});
    let share: &[u8] = &[1];
    let outcome = |groups: &[u16], shares: &[(u16, &'static [u8])]| {
        let entry =
            |(group, key_exchange): &(u16, &'static [u8])| KeyShareEntry { group: *group, key_exchange };
        let shares: Vec<_> = shares.iter().map(entry).collect();
        match exchange(&config, groups.into(), shares.as_slice().into()) {
            Some(Exchange::Share(row, _)) => Some((row.id, false)),
            Some(Exchange::Retry(row)) => Some((row.id, true)),
            None => None,
        }
    };
    assert_eq!(outcome(&[0x11ec, 0x001d, 0x0017], &[(0x0017, share)]), Some((0x0017, false)));
    assert_eq!(outcome(&[0x0017, 0x001d], &[(0x0017, share), (0x001d, share)]), Some((0x001d, false)));
    assert_eq!(outcome(&[0x0100, 0x0017, 0x001d], &[(0x0100, share)]), Some((0x001d, true)));
    assert_eq!(outcome(&[0x0100, 0x0a0a], &[(0x0100, share)]), None);
}

#[test]
fn a_chain_that_the_client_can_check_goes_first() {
    // spec: 9846-4.5.1.2-k
    let known = AUTHORITY.credential(&["example.com"]);
    let unknown = Arc::new(Credential {
        chain: known.chain.clone(),
        signer: known.signer.clone(),
        schemes: known.schemes.clone(),
        signed_with: vec![0x0601],
        names: known.names.clone(),
        ..Credential::default()
    });
    let config = config(|options| options.credentials = vec![unknown.clone(), known.clone()]);
    let chosen = |schemes_cert: &[u16]| {
        credential(&config, Some("example.com"), List::Items(&[0x0403]), schemes_cert.into(), None).unwrap()
    };
    assert!(Arc::ptr_eq(&chosen(&[0x0403]), &known));
    assert!(Arc::ptr_eq(&chosen(&[0x0601, 0x0403]), &unknown));
    assert!(Arc::ptr_eq(&chosen(&[0x0804]), &unknown), "none fits: the best is still worth a try");
}

#[test]
fn a_chain_from_an_authority_that_the_client_names_goes_first() {
    // spec: 9846-4.5.1.2-t
    let alone = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
    let (chain, key) = (alone.cert.pem(), alone.signing_key.serialize_pem());
    let provider = server_options().provider;
    let alone = Arc::new(Credential::from_pem(provider, chain.as_bytes(), key.as_bytes()).unwrap());
    let known = AUTHORITY.credential(&["example.com"]);
    let config = config(|options| options.credentials = vec![alone.clone(), known.clone()]);
    let authority = web_pki().authorities().remove(0);
    let chosen = |authorities: Option<&[Opaque16<'_>]>| {
        let (schemes, authorities) = (List::Items(&[0x0403]), authorities.map(List::Items));
        credential(&config, Some("example.com"), schemes, schemes, authorities).unwrap()
    };
    assert!(Arc::ptr_eq(&chosen(None), &alone));
    assert!(Arc::ptr_eq(&chosen(Some(&[Opaque16(&[0x30, 0]), Opaque16(&authority)])), &known));
    assert!(
        Arc::ptr_eq(&chosen(Some(&[Opaque16(&[0x30, 0])])), &alone),
        "none fits: the best is worth a try"
    );
}

#[test]
fn a_chain_with_sha1_is_for_clients_that_name_it() {
    // spec: 9846-4.5.1.2-m
    let known = AUTHORITY.credential(&["example.com"]);
    for sha1 in [0x0201, 0x0203] {
        let old = Arc::new(Credential {
            chain: known.chain.clone(),
            signer: known.signer.clone(),
            schemes: known.schemes.clone(),
            signed_with: vec![0x0403, sha1],
            names: known.names.clone(),
            ..Credential::default()
        });
        let config = config(|options| options.credentials = vec![old.clone()]);
        let chosen = |schemes_cert: &[u16]| {
            credential(&config, Some("example.com"), List::Items(&[0x0403]), schemes_cert.into(), None)
                .map(|_| ())
        };
        assert_eq!(chosen(&[0x0403, sha1]), Ok(()));
        assert_eq!(chosen(&[sha1]), Ok(()), "another algorithm that it does not name is worth a try");
        assert_eq!(chosen(&[0x0403, 0x0201 ^ 0x0203 ^ sha1]), Err(NoCredential::Scheme));
    }
}

#[test]
fn no_credential_signs_what_certificates_alone_may_use() {
    // spec: 9846-4.5.2-l
    let rsa = Credential {
        chain: vec![vec![0x30]],
        signer: None,
        schemes: vec![0x0401, 0x0804],
        signed_with: Vec::new(),
        names: Vec::new(),
        ..Credential::default()
    };
    assert_eq!(choice::scheme(&rsa, List::Items(&[0x0401, 0x0804])), Some(0x0804));
    assert_eq!(choice::scheme(&rsa, List::Items(&[0x0401])), None);
}

#[test]
fn a_connection_may_answer_for_the_names_of_its_certificate_alone() {
    let (both, wild) = (AUTHORITY.credential(&["a.test", "b.test"]), AUTHORITY.credential(&["*.c.test"]));
    let lax = config(|options| options.credentials = vec![both.clone(), wild.clone()]);
    let strict = config(|options| {
        options.credentials = vec![both, wild];
        options.unknown_name = UnknownName::Refuse;
    });
    for (asked, host, is_right) in [
        (Some("a.test"), "a.test", true),
        (Some("a.test"), "b.test", true),
        (Some("a.test"), "x.c.test", false),
        (Some("x.c.test"), "y.c.test", true),
        (Some("x.c.test"), "a.test", false),
        (None, "a.test", true),
        (None, "x.c.test", false),
    ] {
        assert_eq!(may_answer(&lax, asked, host), is_right, "{asked:?} {host}");
        assert_eq!(may_answer(&strict, asked, host), is_right, "{asked:?} {host}");
    }
    // Whom nobody knows gets the default certificate, or none.
    assert!(may_answer(&lax, Some("a.test"), "d.test") && may_answer(&lax, Some("d.test"), "a.test"));
    assert!(!may_answer(&strict, Some("a.test"), "d.test"));
    assert!(!may_answer(&lax, Some("d.test"), "x.c.test"));
}
