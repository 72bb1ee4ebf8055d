use super::*;

fn read(payload: &[u8]) -> Result<Settings, Fault> {
    Settings::read(payload, CodePoints::default())
}

fn written(settings: Settings) -> Vec<u8> {
    settings.write(CodePoints::default(), (0x21, 0))
}

#[test]
fn settings_survive() {
    let settings = Settings {
        qpack_max_table_capacity: 4_096,
        qpack_blocked_streams: 16,
        max_field_section_size: Some(65_536),
        enable_connect_protocol: true,
        h3_datagram: true,
        preload: true,
    };
    assert_eq!(read(&written(settings)), Ok(settings));
    assert_eq!(read(&written(Settings::default())), Ok(Settings::default()));
    for len in 1..written(settings).len() {
        // A setting may end there, or not.
        let cut = read(&written(settings)[..len]);
        assert!(cut.is_ok() || cut == Err(Fault::FrameLength));
    }
}

#[test]
fn settings_that_mean_nothing_are_ignored_and_sent() {
    // spec: 9114-7.2.4-d
    // spec: 9114-7.2.4.1-b
    assert_eq!(read(&[0x21, 0x05, 0x40, 0x40, 0x06, 0x40, 0xff, 0x01]), Ok(Settings::default()));
    assert_eq!(written(Settings::default()), [0x21, 0x00]);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    // spec: 9114-7.2.4-c
    // spec: 9114-7.2.4.1-a
    // spec: 9220-3-a
    // spec: 9297-2.1.1-a
    for payload in [
        &[0x00, 1][..],
        &[0x02, 1],
        &[0x03, 1],
        &[0x04, 1],
        &[0x05, 1],
        &[0x06, 1, 0x06, 1],
        &[0x08, 2],
        &[0x33, 2],
        &[0x0a, 0, 0x0a, 0],
        &[0x21, 0, 0x21, 0],
    ] {
        assert_eq!(read(payload), Err(Fault::Setting), "{payload:?}");
    }
}

#[test]
fn what_early_data_went_by_is_kept() {
    // spec: 9114-7.2.4.2-a
    // spec: 9297-2.1.1-c
    let before = Settings {
        qpack_max_table_capacity: 4_096,
        qpack_blocked_streams: 16,
        max_field_section_size: Some(1_000),
        enable_connect_protocol: true,
        h3_datagram: true,
        preload: false,
    };
    assert_eq!(Settings::from_bytes(&before.to_bytes()), Some(before));
    assert_eq!(Settings::from_bytes(&[0x02, 0]), None);
    let lower = [
        Settings { qpack_max_table_capacity: 4_097, ..before },
        Settings { qpack_blocked_streams: 15, ..before },
        Settings { max_field_section_size: Some(999), ..before },
        Settings { max_field_section_size: None, ..before },
        Settings { enable_connect_protocol: false, ..before },
        Settings { h3_datagram: false, ..before },
    ];
    for settings in lower {
        assert!(!settings.keep(&before), "{settings:?}");
    }
    let more = Settings { qpack_blocked_streams: 17, max_field_section_size: Some(1_001), ..before };
    assert!(before.keep(&before) && more.keep(&before));
    assert!(before.keep(&Settings { max_field_section_size: Some(0), ..Settings::default() }));
    assert!(!before.keep(&Settings::default()), "any size was allowed");
}

#[test]
fn the_word_for_preload_moves_with_its_number() {
    let code_points = CodePoints { setting: 0x1_0000, ..CodePoints::default() };
    let settings = Settings { preload: true, ..Settings::default() };
    assert_eq!(Settings::read(&settings.write(code_points, (0x21, 0)), code_points), Ok(settings));
    assert_eq!(read(&settings.write(code_points, (0x21, 0))), Ok(Settings::default()));
    assert_eq!(read(&[0x80, 0x00, 0xf0, 0xf0, 0x01]), Ok(settings));
    assert_eq!(read(&[0x80, 0x00, 0xf0, 0xf0, 0x02]), Ok(Settings::default()), "no value is a fault");
}
