use super::*;
use crate::{
    handshake::tests::pair::{Pair, client_options, server_options},
    schedule::Early,
    vectors::Vectors,
};
use sakigake_crypto::{Digest, aws_lc::PROVIDER};

fn sha256() -> &'static Hash {
    PROVIDER.suites.iter().map(|suite| suite.hash).find(|hash| hash.len == 32).expect("a suite with SHA-256")
}

fn exported(exporter: &Exporter, label: &[u8], context: &[u8], len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    exporter.export(label, context, &mut out).expect("legal arguments");
    out
}

#[test]
fn what_rfc_8448s_connection_exports_is_two_labels_below_its_exporter_secret() {
    // spec: 9846-7.5-a
    // The trace prints the secret alone; what follows is section 7.5's formula, written out over HMAC.
    let secret = Vectors::one_round_trip().of("exporter_secret").to_vec();
    let hmac = |key: &[u8], message: &[&[u8]]| (sha256().hmac)(key, message).as_ref().to_vec();
    let nothing: [u8; 32] = [
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]; // SHA-256 of nothing
    let derived = hmac(&secret, &[&[0, 32, 12], b"tls13 a test", &[32], &nothing, &[1]]);
    let once = hmac(&derived, &[&[0, 40, 14], b"tls13 exporter", &[32], &nothing, &[1]]);
    let twice = hmac(&derived, &[&once, &[0, 40, 14], b"tls13 exporter", &[32], &nothing, &[2]]);
    let exporter = Exporter::new(sha256(), Secret::new(&secret));
    assert_eq!(exported(&exporter, b"a test", b"", 40), [&once[..], &twice[..8]].concat());
}

#[test]
fn both_peers_export_the_same_and_label_context_and_length_each_make_it_another() {
    // spec: 9846-7.5-a spec: 9266-2-a
    let mut pair = Pair::new(client_options(), server_options());
    assert!(pair.client.exporter().is_none() && pair.server.exporter().is_none());
    pair.run().unwrap();
    let (client, server) = (pair.client.exporter().unwrap(), pair.server.exporter().unwrap());
    let mut seen = Vec::new();
    for (label, context, len) in
        [(&b"a"[..], &b""[..], 32), (b"b", b"", 32), (b"a", b"c", 32), (b"a", b"", 33)]
    {
        let ours = exported(client, label, context, len);
        assert_eq!(ours, exported(server, label, context, len));
        assert!(!seen.contains(&ours[..32].to_vec()), "{label:?} {context:?} {len}");
        seen.push(ours[..32].to_vec());
    }
    assert_eq!(client.channel_binding(), server.channel_binding());
    assert_eq!(client.channel_binding()[..], exported(server, b"EXPORTER-Channel-Binding", b"", 32));
}

#[test]
fn nothing_is_exported_before_finished_was_verified() {
    // spec: 9846-7.5-b
    let mut pair = Pair::new(client_options(), server_options());
    pair.run_with(|_, _, message| {
        if message[0] == 20 {
            message[4] ^= 1;
        }
    })
    .unwrap_err();
    assert!(pair.client.exporter().is_none() && pair.server.exporter().is_none());
}

#[test]
fn labels_and_lengths_beyond_what_hkdf_takes_are_misuse() {
    let exporter = Exporter::new(sha256(), Secret::new(&[7; 32]));
    let refused = |label: &[u8], len: usize| exporter.export(label, b"", &mut vec![0; len]).is_err();
    assert!(refused(b"", 1) && refused(&[b'x'; 250], 1) && refused(b"x", 255 * 32 + 1));
    assert!(!refused(&[b'x'; 249], 1) && !refused(b"x", 255 * 32) && !refused(b"x", 0));
}

#[test]
fn early_exports_need_a_pre_shared_key_and_are_others_than_later_ones() {
    let suite = &PROVIDER.suites[0];
    let hello = Digest::new(&vec![3; suite.hash.len]);
    assert!(Early::new(suite, None).early_exporter(&hello).is_none());
    let early = Early::new(suite, Some(&Secret::new(&[1; 32])));
    let before = early.early_exporter(&hello).expect("a pre-shared key");
    let after = early.handshake(&Secret::new(&[2; 32])).main().exporter(&hello);
    assert_ne!(exported(&before, b"label", b"", 32), exported(&after, b"label", b"", 32));
}
