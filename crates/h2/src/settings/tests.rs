use super::*;
use crate::Limits;

fn entry(id: u16, value: u32) -> Vec<u8> {
    let mut out = Vec::new();
    out.u16(id);
    out.u32(value);
    out
}

fn apply(entries: &[Vec<u8>]) -> Result<PeerSettings, Fault> {
    let mut settings = PeerSettings::default();
    settings.apply(&entries.concat(), false, &Config::default()).map(|()| settings)
}

#[test]
fn each_row_takes_its_ends_and_nothing_beyond() {
    for rule in rules::SETTINGS {
        for value in [rule.min, rule.max] {
            assert!(apply(&[entry(rule.id, value)]).is_ok(), "{} {value}", rule.name);
        }
        for beyond in [rule.min.checked_sub(1), rule.max.checked_add(1)].into_iter().flatten() {
            assert_eq!(apply(&[entry(rule.id, beyond)]), Err(rule.outside), "{} {beyond}", rule.name); // spec: 9113-6.5.2-b
        }
    }
}

#[test]
fn the_last_of_two_values_counts() {
    let settings = apply(&[entry(4, 1), entry(4, 2), entry(0xf0f0, 1)]).unwrap();
    assert_eq!((settings.initial_window_size, settings.preload), (2, true));
    assert!(!apply(&[entry(0xf0f0, 2)]).unwrap().preload);
}

#[test]
fn our_own_settings_are_understood_and_say_what_we_mean() {
    for client in [true, false] {
        let limits = Limits { frame_bytes: 32_768, header_table_bytes: 1_024, ..Limits::default() };
        let config =
            Config { limits: limits.clone(), preload: true, extended_connect: true, ..Config::default() };
        let mut heard = PeerSettings::default();
        heard.apply(&ours(&config, client), !client, &config).unwrap();
        assert_eq!(heard.initial_window_size, limits.initial_stream_window_bytes);
        assert_eq!((heard.max_frame_size, heard.header_table_size), (32_768, 1_024));
        assert_eq!(heard.preload, client); // spec: preload-profile-11-c
        assert_eq!(heard.enable_connect_protocol, !client);
        assert_eq!(heard.max_concurrent_streams, if client { u32::MAX } else { limits.streams });
    }
}

#[test]
fn settings_cut_short_are_refused() {
    let whole = [entry(4, 1), entry(5, 20_000)].concat();
    for cut in (0..whole.len()).filter(|cut| cut % 6 != 0) {
        let mut settings = PeerSettings::default();
        assert_eq!(settings.apply(&whole[..cut], false, &Config::default()), Err(Fault::FrameLength));
    }
}

#[test]
fn a_limit_that_no_setting_can_say_is_refused() {
    let good = Limits::default();
    assert!(good.are_sayable());
    for bad in [
        Limits { frame_bytes: 16_383, ..good.clone() },
        Limits { frame_bytes: 1 << 24, ..good.clone() },
        Limits { initial_stream_window_bytes: 1 << 31, ..good.clone() },
        Limits { initial_connection_window_bytes: 1 << 31, ..good.clone() },
    ] {
        assert!(!bad.are_sayable()); // spec: 9113-6.5.2-f
    }
}

#[test]
#[should_panic(expected = "outside the range of its setting")]
fn a_connection_does_not_begin_with_a_limit_that_no_setting_can_say() {
    // spec: 9113-6.5.2-f
    let limits = Limits { frame_bytes: 16_383, ..Limits::default() };
    crate::Connection::server(Config { limits, ..Config::default() }, sakigake_wire::Instant::default());
}

#[test]
fn a_client_refuses_push_and_a_server_says_nothing_of_it() {
    let of_push = |client| {
        let said = ours(&Config::default(), client);
        said.chunks(6).filter(|entry| entry[..2] == [0, 2]).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    assert_eq!(of_push(true), [[0, 2, 0, 0, 0, 0]]); // spec: 9113-6.5.2-e
    assert_eq!(of_push(false), <[Vec<u8>; 0]>::default());
}
