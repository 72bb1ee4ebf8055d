//! Each fuzz body on its seeds: what was once found, or reaches what nothing else does, holds in every run of the tests.

use std::{collections::BTreeSet, fs, panic, path::PathBuf};

/// A fuzz target's name, how it names its body, and that body.
type Row = (&'static str, &'static str, fn(&[u8]));

macro_rules! bodies {
    ($($target:ident: $body:path,)*) => {
        [$((stringify!($target), stringify!($body), $body as fn(&[u8])),)*]
    };
}

#[rustfmt::skip] // A table.
const BODIES: [Row; 44] = bodies! {
    client_alt_svc: sakigake::fuzz::fuzz_alt_svc,
    client_https_records: sakigake::fuzz::fuzz_https_records,
    config_file: sakigake::fuzz::fuzz_config,
    files_accept_encoding: sakigake::fuzz::fuzz_accept_encoding,
    files_conditions: sakigake::fuzz::fuzz_conditions,
    files_listed_name: sakigake::fuzz::fuzz_listed_name,
    files_range: sakigake::fuzz::fuzz_range,
    files_target: sakigake::fuzz::fuzz_target,
    h2_client: sakigake_h2::fuzz::fuzz_client,
    h2_origin: sakigake_h2::fuzz::fuzz_origin,
    h2_server: sakigake_h2::fuzz::fuzz_server,
    h2_trace: sakigake_h2::fuzz::fuzz_trace,
    h3_connection: sakigake_h3::fuzz::fuzz_connection,
    hints_file: sakigake::fuzz::fuzz_hints,
    hpack: sakigake_fields::fuzz::fuzz_hpack,
    hpack_static: sakigake_fields::fuzz::fuzz_hpack_static,
    huffman: sakigake_fields::fuzz::fuzz_huffman,
    page_css: sakigake_page::fuzz::fuzz_css,
    page_html: sakigake_page::fuzz::fuzz_html,
    page_load: sakigake_page::fuzz::fuzz_load,
    page_url: sakigake_page::fuzz::fuzz_url,
    preload_block: sakigake_preload::fuzz::fuzz_block,
    preload_csp: sakigake_preload::fuzz::fuzz_csp,
    preload_link: sakigake_preload::fuzz::fuzz_link,
    qpack_decoder: sakigake_fields::fuzz::fuzz_qpack_decoder,
    qpack_pair: sakigake_fields::fuzz::fuzz_qpack_pair,
    quic_connection: sakigake_quic::connection::fuzz::fuzz_connection,
    quic_crypto_stream: sakigake_quic::streams::fuzz::fuzz_crypto_stream,
    quic_endpoint: sakigake_quic::endpoint::fuzz::fuzz_endpoint,
    quic_frames: sakigake_quic::fuzz::fuzz_frames,
    quic_packet: sakigake_quic::packet::fuzz::fuzz_packet,
    quic_parameters: sakigake_quic::fuzz::fuzz_parameters,
    quic_stream_frames: sakigake_quic::streams::fuzz::fuzz_stream_frames,
    quic_stream_pair: sakigake_quic::streams::fuzz::fuzz_stream_pair,
    semantics_assembly: sakigake_semantics::fuzz::fuzz_assembly,
    semantics_priority: sakigake_semantics::fuzz::fuzz_priority,
    tls_client_sequence: sakigake_tls::fuzz::fuzz_client_sequence,
    tls_compressed_certificate: sakigake_tls::fuzz::fuzz_decompress,
    tls_connection: sakigake_tls::fuzz::fuzz_connection,
    tls_handshake: sakigake_tls::fuzz::fuzz_handshake,
    tls_message: sakigake_tls::fuzz::fuzz_message,
    tls_records: sakigake_tls::fuzz::fuzz_records,
    tls_server_sequence: sakigake_tls::fuzz::fuzz_server_sequence,
    tls_session: sakigake_tls::fuzz::fuzz_session,
};

#[test]
fn every_body_holds_on_its_seeds() {
    let mut broken = Vec::new();
    for (target, _, body) in BODIES {
        for seed in entries(&format!("seeds/{target}")) {
            let bytes = fs::read(&seed).unwrap_or_else(|error| panic!("{}: {error}", seed.display()));
            // All of them are named, not the first alone.
            if panic::catch_unwind(|| body(&bytes)).is_err() {
                broken.push(seed);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_folder_of_seeds_has_the_body_that_its_target_calls() {
    let names = |paths: Vec<PathBuf>| -> BTreeSet<String> {
        paths.iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    let listed: BTreeSet<String> = BODIES.iter().map(|(target, ..)| (*target).to_owned()).collect();
    assert_eq!(names(entries("seeds")), listed, "folders of seeds, and rows");
    assert_eq!(names(entries("fuzz_targets")), listed, "targets, and rows");
    for (target, name, _) in BODIES {
        let text = fs::read_to_string(folder(&format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(text.contains(&format!(" {name}(bytes)")), "{target} does not call {name}");
        assert!(!entries(&format!("seeds/{target}")).is_empty(), "{target} has no seeds");
    }
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

/// What stands in a folder below fuzz/, in the order of names.
fn entries(name: &str) -> Vec<PathBuf> {
    let folder = folder(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
