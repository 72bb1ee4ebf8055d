use super::{alert, message, record};
use crate::{
    rules::{ContentType, Side},
    vectors::Vectors,
};

#[test]
fn a_server_hello_reads_like_this() {
    let vectors = Vectors::messages();
    let hello = vectors.of("RFC 8448 section 3, ServerHello");
    let expected = "\
server -> client: server_hello (2), 86 bytes
  legacy_version: TLS 1.2 (0x0303)
  random: a6af06a4121860dc..d3e26928 (32 bytes)
  legacy_session_id_echo: empty
  cipher_suite: TLS_AES_128_GCM_SHA256 (0x1301)
  legacy_compression_method: 0
  extensions: 46 bytes
    key_share (0x0033), 36 bytes
      x25519 (0x001d): c9828876112095fe..4e751f0f (32 bytes)
    supported_versions (0x002b), 2 bytes
      TLS 1.3
";
    assert_eq!(message(Side::Server, hello), expected);
}

#[test]
fn a_trace_names_what_others_send() {
    let vectors = Vectors::messages();
    let says = |name: &str, words: &[&str]| {
        let text = message(Side::Client, vectors.of(name));
        for word in words {
            assert!(text.contains(word), "{name} lacks {word}:\n{text}");
        }
        assert!(!text.contains("not understood") && !text.contains("left over"), "{name}:\n{text}");
    };
    says(
        "Chromium 156, ClientHello",
        &[
            "GREASE (0x",
            "X25519MLKEM768",
            "host_name: \"example.org\"",
            "\"h2\"",
            "brotli",
            "outer: kdf_id ",
            "status_type: ocsp",
        ],
    );
    says(
        "RFC 8448 section 4, ClientHello",
        &["obfuscated_ticket_age: ", "binder: 3add4fb2d8fdf822..", "early_data"],
    );
    says("RFC 8448 section 5, HelloRetryRequest", &["a HelloRetryRequest", "secp256r1", "cookie: "]);
    says("RFC 8448 section 3, NewSessionTicket", &["ticket_lifetime: 30 s", "max_early_data_size: 1024"]);
    says(
        "RFC 8448 section 6, CertificateRequest",
        &["supported_signature_algorithms", "ecdsa_secp256r1_sha256"],
    );
    says(
        "OpenSSL 3.0 for TLS 1.2 alone, ClientHello",
        &["extended_main_secret", "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"],
    );
}

#[test]
fn a_broken_message_is_told_up_to_where_it_breaks() {
    let vectors = Vectors::messages();
    let hello = vectors.of("RFC 8448 section 3, ClientHello");
    for cut in 0..hello.len() {
        let text = message(Side::Client, &hello[..cut]);
        assert!(text.ends_with('\n') && text.starts_with("client -> server: "), "{cut}: {text}");
    }
    let text = message(Side::Client, &hello[..60]);
    assert!(text.contains("of which 56 are here") && text.contains("not understood from here"), "{text}");
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let mut hello = vec![8, 0, 0x10, 0x02, 0x10, 0x00];
    hello.extend([0xff; 0x1000].chunks(4).flat_map(|_| [0x12, 0x34, 0, 0]));
    let text = message(Side::Server, &hello);
    assert_eq!(text.lines().count(), 2 + 200 + 1);
    assert!(text.contains("left over: "), "{text}");
}

#[test]
fn records_and_alerts_have_a_line_each() {
    let header = [23, 3, 3, 0, 19];
    let plain = "server -> client: record application_data (23), TLS 1.2, 19 bytes\n";
    assert_eq!(record(Side::Server, header, None), plain);
    let opened = record(Side::Server, header, Some((ContentType::ALERT, &[1, 0])));
    assert_eq!(opened, format!("{plain}  protects alert (21), 2 bytes\n    warning close_notify (0)\n"));
    assert_eq!(alert(Side::Client, &[2, 40]), "client -> server: alert\n  fatal handshake_failure (40)\n");
    assert!(alert(Side::Client, &[2]).contains("not understood"));
}
