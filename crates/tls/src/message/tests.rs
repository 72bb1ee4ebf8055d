use super::{
    Certificate, CertificateEntry, CertificateRequest, CertificateVerify, ClientHello, CompressedCertificate,
    EncryptedExtensions, EndOfEarlyData, Finished, HelloRetryRequest, KeyUpdate, Message, NewSessionTicket,
    ServerHello,
};
use crate::{
    Fault,
    extension::{
        Binder, CertificateEntryExtensions, CertificateRequestExtensions, CertificateStatusRequest,
        ClientHelloExtensions, EncryptedExtensionsBlock, HelloRetryRequestExtensions, KeyShareEntry, List,
        NewSessionTicketExtensions, OfferedPsks, OidFilter, Opaque8, Opaque16, PskIdentity, RawExtension,
        ServerHelloExtensions, ServerName, TicketRequest,
    },
    fuzz::fuzz_message,
    rules::{ExtensionType, HandshakeType},
    vectors::Vectors,
};

/// One message of each type, with every extension that we write.
fn samples() -> Vec<Vec<u8>> {
    let psks = OfferedPsks {
        identities: List::Items(&[PskIdentity { identity: b"ticket", obfuscated_ticket_age: 7 }]),
        binders: List::Items(&[Binder(&[9; 32])]),
    };
    let client = ClientHelloExtensions {
        server_name: Some(ServerName("host.example")),
        status_request: Some(CertificateStatusRequest::default()),
        supported_groups: Some(List::Items(&[0x11ec, 0x001d])),
        signature_algorithms: Some(List::Items(&[0x0403])),
        signature_algorithms_cert: Some(List::Items(&[0x0804])),
        application_layer_protocol_negotiation: Some(List::Items(&[Opaque8(b"h2"), Opaque8(b"http/1.1")])),
        signed_certificate_timestamp: Some(()),
        compress_certificate: Some(List::Items(&[2, 3])),
        record_size_limit: Some(0x4001),
        supported_versions: Some(List::Items(&[0x0304])),
        cookie: Some(b"cookie"),
        psk_key_exchange_modes: Some(List::Items(&[1])),
        certificate_authorities: Some(List::Items(&[Opaque16(b"name")])),
        post_handshake_auth: Some(()),
        key_share: Some(List::Items(&[KeyShareEntry { group: 0x001d, key_exchange: &[4; 32] }])),
        quic_transport_parameters: Some(b"parameters"),
        ticket_request: Some(TicketRequest { new_session_count: 2, resumption_count: 1 }),
        encrypted_client_hello: Some(b"outer"),
        early_data: Some(()),
        pre_shared_key: Some(psks),
        order: List::Items(&[RawExtension { kind: ExtensionType(0x1a1a), data: b"" }]),
    };
    let server = ServerHelloExtensions {
        supported_versions: Some(0x0304),
        key_share: Some(KeyShareEntry { group: 0x001d, key_exchange: &[5; 32] }),
        pre_shared_key: Some(0),
        ..Default::default()
    };
    let retry = HelloRetryRequestExtensions {
        supported_versions: Some(0x0304),
        key_share: Some(0x0017),
        cookie: Some(b"cookie"),
        encrypted_client_hello: Some(&[1; 8]),
        ..Default::default()
    };
    let encrypted = EncryptedExtensionsBlock {
        server_name: Some(()),
        supported_groups: Some(List::Items(&[0x001d])),
        application_layer_protocol_negotiation: Some(b"h2"),
        record_size_limit: Some(0x4001),
        early_data: Some(()),
        quic_transport_parameters: Some(b"parameters"),
        ticket_request: Some(2),
        ..Default::default()
    };
    let request = CertificateRequestExtensions {
        status_request: Some(()),
        signature_algorithms: Some(List::Items(&[0x0403])),
        signature_algorithms_cert: Some(List::Items(&[0x0403])),
        compress_certificate: Some(List::Items(&[1])),
        certificate_authorities: Some(List::Items(&[Opaque16(b"name")])),
        oid_filters: Some(List::Items(&[OidFilter { oid: b"oid", values: b"" }])),
        ..Default::default()
    };
    let entry = CertificateEntryExtensions {
        status_request: Some(b"response"),
        signed_certificate_timestamp: Some(List::Items(&[Opaque16(b"timestamp")])),
        ..Default::default()
    };
    let chain = [
        CertificateEntry { cert_data: b"leaf", extensions: entry },
        CertificateEntry { cert_data: b"issuer", ..Default::default() },
    ];
    let session_id: &[u8] = &[3; 32];
    let messages = [
        Message::ClientHello(ClientHello {
            random: [1; 32],
            legacy_session_id: session_id,
            cipher_suites: List::Items(&[0x1301, 0x1302]),
            extensions: client,
        }),
        Message::ServerHello(ServerHello {
            random: [2; 32],
            legacy_session_id_echo: session_id,
            cipher_suite: 0x1301,
            extensions: server,
        }),
        Message::HelloRetryRequest(HelloRetryRequest {
            legacy_session_id_echo: session_id,
            cipher_suite: 0x1301,
            extensions: retry,
        }),
        Message::EncryptedExtensions(EncryptedExtensions { extensions: encrypted }),
        Message::CertificateRequest(CertificateRequest {
            certificate_request_context: b"",
            extensions: request,
        }),
        Message::Certificate(Certificate {
            certificate_request_context: b"context",
            certificate_list: List::Items(&chain),
        }),
        Message::CompressedCertificate(CompressedCertificate {
            algorithm: 2,
            uncompressed_length: 1_000,
            compressed_certificate_message: b"pressed",
        }),
        Message::CertificateVerify(CertificateVerify { algorithm: 0x0403, signature: b"signature" }),
        Message::Finished(Finished { verify_data: &[6; 32] }),
        Message::NewSessionTicket(NewSessionTicket {
            ticket_lifetime: 7_200,
            ticket_age_add: 42,
            ticket_nonce: &[0],
            ticket: b"ticket",
            extensions: NewSessionTicketExtensions { early_data: Some(16_384), ..Default::default() },
        }),
        Message::EndOfEarlyData(EndOfEarlyData),
        Message::KeyUpdate(KeyUpdate { update_requested: true }),
    ];
    messages.iter().map(written).collect()
}

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    out
}

/// A message of `kind` around `body`.
fn framed(kind: HandshakeType, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    super::frame(kind, &mut out, |out| out.extend(body));
    out
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

/// A ClientHello whose extensions are `extensions` in hex, after a supported_versions for TLS 1.3.
fn hello(extensions: &str) -> Vec<u8> {
    hello_of("0303", "0100", &format!("002b 0003 020304 {extensions}"))
}

fn hello_of(version: &str, compression: &str, extensions: &str) -> Vec<u8> {
    let extensions = hex(extensions);
    let mut body = hex(version);
    body.extend([7; 32]);
    body.extend(hex("00 0002 1301"));
    body.extend(hex(compression));
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    framed(HandshakeType::CLIENT_HELLO, &body)
}

fn server_hello_of(random: [u8; 32], compression: u8, extensions: &str) -> Vec<u8> {
    let extensions = hex(extensions);
    let mut body = hex("0303");
    body.extend(random);
    body.extend(hex("00 1301"));
    body.push(compression);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    framed(HandshakeType::SERVER_HELLO, &body)
}

fn refuses(bytes: &[u8], fault: Fault) {
    assert_eq!(
        Message::read(bytes),
        Err(fault),
        "{}",
        crate::trace::message(crate::rules::Side::Client, bytes)
    );
}

#[test]
fn every_type_comes_back_as_it_was_written() {
    for sample in samples() {
        fuzz_message(&sample);
        let message = Message::read(&sample).expect("our own message is valid");
        assert_eq!(message.kind().0, sample[0]);
    }
}

#[test]
fn messages_of_others_are_written_back_byte_for_byte() {
    for (name, bytes) in Vectors::messages().iter().filter(|(name, _)| !name.contains("TLS 1.2 alone")) {
        let message = Message::read(bytes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(written(&message), bytes, "{name}");
    }
}

#[test]
fn every_truncation_is_refused() {
    for sample in samples() {
        for cut in 0..sample.len() {
            assert!(Message::read(&sample[..cut]).is_err(), "{cut} bytes of {sample:02x?}");
            // The same, with a header that says so.
            if let Some(body) = sample.get(4..cut).filter(|_| sample[0] != HandshakeType::FINISHED.0) {
                let short = framed(HandshakeType(sample[0]), body);
                assert!(Message::read(&short).is_err(), "{cut} bytes of {sample:02x?}");
            }
        }
        let mut longer = sample.clone();
        longer.push(0);
        refuses(&longer, Fault::TrailingBytes);
    }
}

#[test]
fn no_bit_flip_panics_or_reads_as_something_that_writes_otherwise() {
    for mut sample in samples() {
        for bit in 0..sample.len() * 8 {
            sample[bit / 8] ^= 1 << (bit % 8);
            fuzz_message(&sample);
            sample[bit / 8] ^= 1 << (bit % 8);
        }
    }
    // Of the longer messages of others, one bit a byte.
    for (_, bytes) in Vectors::messages().iter() {
        let mut sample = bytes.to_vec();
        for at in 0..sample.len() {
            sample[at] ^= 1 << (at % 8);
            fuzz_message(&sample);
            sample[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn a_browser_offers_what_we_think_it_offers() {
    let vectors = Vectors::messages();
    let Ok(Message::ClientHello(hello)) = Message::read(vectors.of("Chromium 156, ClientHello")) else {
        panic!("no ClientHello")
    };
    let extensions = hello.extensions;
    assert_eq!(extensions.server_name, Some(ServerName("example.org")));
    assert!(extensions.supported_groups.is_some_and(|groups| groups.contains(&0x11ec)));
    let shares: Vec<_> =
        extensions.key_share.into_iter().flatten().map(|share| share.key_exchange.len()).collect();
    assert_eq!(shares, [1, 1216, 32]);
    assert!(
        extensions.application_layer_protocol_negotiation.is_some_and(|alpn| alpn.contains(&Opaque8(b"h2")))
    );
    assert!(extensions.has(ExtensionType::ENCRYPTED_CLIENT_HELLO));
    assert!(!extensions.has(ExtensionType::COOKIE));
}

#[test]
fn binders_are_cut_off_where_rfc_8448_cuts_them() {
    let vectors = Vectors::messages();
    let bytes = vectors.of("RFC 8448 section 4, ClientHello");
    let Ok(Message::ClientHello(hello)) = Message::read(bytes) else { panic!("no ClientHello") };
    let psks = hello.extensions.pre_shared_key.expect("it resumes");
    assert_eq!(bytes.len() - psks.binders_len(), 477);
}

#[test]
fn an_old_client_is_told_the_version_and_not_that_it_stammers() {
    let vectors = Vectors::messages();
    refuses(vectors.of("OpenSSL 3.0 for TLS 1.2 alone, ClientHello"), Fault::NoCommonVersion);
    let mut old = hello_of("0303", "0100", "");
    old.truncate(old.len() - 2);
    old[3] -= 2;
    refuses(&old, Fault::NoCommonVersion); // No extensions at all.
    refuses(&hello_of("0301", "0100", ""), Fault::WrongLegacyVersion); // spec: 9846-4.2.2-a
    refuses(&hello_of("0303", "020100", "002b 0005 04 0303 0302"), Fault::NoCommonVersion);
    refuses(&hello_of("0303", "020100", "002b 0003 02 0304"), Fault::CompressionOffered); // spec: 9846-4.2.2-b
}

#[test]
fn each_sin_in_a_client_hello_has_its_fault() {
    let psk = "0029 002f 000a 0004 74656e67 00000000 0021 20 0000000000000000000000000000000000000000000000000000000000000000";
    let sins: &[(&str, Fault)] = &[
        ("002b 0003 020304", Fault::DuplicateExtension(ExtensionType::SUPPORTED_VERSIONS)), // spec: 9846-4.3-d
        ("1a1a 0000 1a1a 0000", Fault::DuplicateExtension(ExtensionType(0x1a1a))),
        ("0030 0000", Fault::MisplacedExtension(ExtensionType::OID_FILTERS)), // spec: 9846-4.3-c
        ("002a 0001 00", Fault::TrailingBytes),                               // spec: 9846-4.3-a
        ("000a 0002 0000", Fault::VectorTooShort),
        ("000a 0003 0001 00", Fault::MessageEndsEarly),
        ("000d 0002 0000", Fault::VectorTooShort),
        ("002c 0002 0000", Fault::VectorTooShort),
        ("002d 0001 00", Fault::VectorTooShort),
        ("0010 0002 0000", Fault::VectorTooShort),
        ("0010 0003 0001 00", Fault::VectorTooShort),
        ("001c 0002 003f", Fault::BadRecordSizeLimit),
        ("0000 0006 0004 01 0001 61", Fault::BadServerName),
        ("0000 000a 0008 00 0001 61 00 0001 62", Fault::BadServerName),
        ("0000 0007 0005 00 0002 612e", Fault::BadServerName),
        ("0000 0007 0005 00 0002 c3a4", Fault::BadServerName),
        ("0000 0008 0006 00 0003 3a3a67", Fault::BadServerName),
        ("0000 0005 0003 00 0000", Fault::VectorTooShort),
        ("0033 0006 0004 001d 0000", Fault::VectorTooShort),
    ];
    for (extensions, fault) in sins {
        refuses(&hello(extensions), fault.clone());
    }
    let mut longer = hello("");
    longer.extend([0, 0]);
    longer[3] += 2;
    refuses(&longer, Fault::TrailingBytes); // spec: 9846-4.2.2-c
    refuses(&hello(&format!("{psk} 002a 0000")), Fault::PreSharedKeyNotLast); // spec: 9846-4.3.11-a
    assert!(Message::read(&hello(&format!("002a 0000 {psk}"))).is_ok());
    let two_identities =
        psk.replace("002f 000a 0004 74656e67 00000000", "0036 0011 0004 74656e67 00000000 0001 65 00000000");
    refuses(&hello(&two_identities), Fault::BindersDoNotMatchIdentities); // spec: 9846-4.3.11-f
    refuses(&hello(&psk.replace("002f", "002e").replace("0021 20 00", "0020 1f")), Fault::VectorTooShort);
    assert!(
        Message::read(&hello("0033 0002 0000")).is_ok(),
        "no share at all is a wish for a HelloRetryRequest"
    );
    assert!(
        Message::read(&hello("0005 0003 07 1234")).is_ok(),
        "a status of a kind that we do not know is ignored"
    );
    assert!(Message::read(&hello("0001 0001 09")).is_ok(), "max_fragment_length is ignored");
    assert!(Message::read(&hello("1234 0002 0000")).is_ok(), "what nobody knows is tolerated"); // spec: 9846-4.2.2-d
}

#[test]
fn an_older_server_is_told_apart_from_a_downgrade() {
    let retry = crate::rules::HELLO_RETRY_REQUEST_RANDOM;
    let mut downgraded = [0; 32];
    downgraded[24..].copy_from_slice(b"DOWNGRD\x01");
    refuses(&server_hello_of([0; 32], 0, "0000 0000"), Fault::NoCommonVersion); // spec: 9846-E.1-a spec: 9846-E.3-a
    refuses(&server_hello_of(downgraded, 0, "0000 0000"), Fault::Downgraded); // spec: 9846-4.2.3-a
    refuses(&server_hello_of([0; 32], 0, "002b 0002 0303"), Fault::UnofferedVersion); // spec: 9846-4.3.1-a
    refuses(&server_hello_of([0; 32], 1, "002b 0002 0304"), Fault::CompressionChosen); // spec: 9846-4.2.3-e
    let mut legacy = server_hello_of([0; 32], 0, "002b 0002 0304");
    legacy[5] = 4;
    refuses(&legacy, Fault::WrongLegacyVersion); // spec: 9846-4.2.3-d
    refuses(
        &server_hello_of([0; 32], 0, "002b 0002 0304 002c 0003 0001 00"),
        Fault::MisplacedExtension(ExtensionType::COOKIE),
    );
    assert!(matches!(
        Message::read(&server_hello_of(retry, 0, "002b 0002 0304 002c 0003 0001 00")),
        Ok(Message::HelloRetryRequest(_))
    ));
}

#[test]
fn what_a_message_must_hold_is_missed() {
    let request = framed(HandshakeType::CERTIFICATE_REQUEST, &[0, 0, 0]);
    refuses(&request, Fault::MissingExtension(ExtensionType::SIGNATURE_ALGORITHMS)); // spec: 9846-4.4.2-a
    let two_protocols = framed(HandshakeType::ENCRYPTED_EXTENSIONS, &hex("000a 0010 0006 0004 01 61 01 62"));
    refuses(&two_protocols, Fault::NotOneProtocol);
    let status = framed(HandshakeType::CERTIFICATE, &hex("00 00000f 000001 30 0009 0005 0005 02 000001 05"));
    refuses(&status, Fault::BadCertificateStatus);
    let long_records = framed(HandshakeType::ENCRYPTED_EXTENSIONS, &hex("0006 001c 0002 4002"));
    refuses(&long_records, Fault::BadRecordSizeLimit);
    let filters =
        framed(HandshakeType::CERTIFICATE_REQUEST, &hex("00 000e 0030 000a 0008 01 61 0000 01 61 0000"));
    refuses(&filters, Fault::DuplicateOidFilter); // spec: 9846-4.3.5-a
    let key_update = framed(HandshakeType::KEY_UPDATE, &[2]);
    refuses(&key_update, Fault::BadKeyUpdateRequest); // spec: 9846-4.7.3-a
    refuses(&framed(HandshakeType(99), &[]), Fault::UnexpectedMessage(HandshakeType(99)));
    refuses(&framed(HandshakeType::MESSAGE_HASH, &[]), Fault::UnexpectedMessage(HandshakeType::MESSAGE_HASH));
    let long_id = [&[3u8, 3][..], &[0; 32], &[33], &[0; 33]].concat();
    refuses(&framed(HandshakeType::CLIENT_HELLO, &long_id), Fault::SessionIdTooLong);
}

#[test]
fn a_response_that_nobody_asked_for_is_refused() {
    let block = EncryptedExtensionsBlock::read(&[0, 42, 0, 0, 0x12, 0x34, 0, 0]).expect("a valid block");
    let offered = |kind| kind == ExtensionType::EARLY_DATA;
    assert_eq!(
        crate::extension::refuse_unsolicited(block.order, offered),
        Err(Fault::UnsolicitedExtension(ExtensionType(0x1234))) // spec: 9846-4.3-b
    );
    assert_eq!(crate::extension::refuse_unsolicited(block.order, |_| true), Ok(()));
}

#[test]
fn a_client_hello_keeps_its_order_and_lets_its_fields_decide() {
    let grease = RawExtension { kind: ExtensionType(0x2a2a), data: b"" };
    let place = |kind| RawExtension { kind, data: b"ignored" };
    let order = [
        place(ExtensionType::KEY_SHARE),
        grease,
        place(ExtensionType::COOKIE), // Has no value below: left out.
        place(ExtensionType::SUPPORTED_VERSIONS),
    ];
    let extensions = ClientHelloExtensions {
        supported_versions: Some(List::Items(&[0x0304])),
        key_share: Some(List::default()),
        early_data: Some(()),
        order: List::Items(&order),
        ..Default::default()
    };
    let mut out = Vec::new();
    extensions.write(&mut out);
    assert_eq!(out, hex("0015 0033 0002 0000 2a2a 0000 002b 0003 02 0304 002a 0000"));
}

#[test]
fn hello_retry_requests_random_is_a_digest_of_its_name() {
    let suite = &sakigake_crypto::aws_lc::PROVIDER.suites.iter().find(|suite| suite.id == 0x1301);
    let mut hash = (suite.expect("the mandatory suite").hash.start)();
    hash.update(b"HelloRetryRequest");
    assert_eq!(hash.digest().as_ref(), crate::rules::HELLO_RETRY_REQUEST_RANDOM);
}
