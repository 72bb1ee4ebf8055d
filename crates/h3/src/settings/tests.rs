use super::*;

#[test]
fn settings_survive() {
    let settings = Settings {
        qpack_max_table_capacity: 4_096,
        qpack_blocked_streams: 16,
        max_field_section_size: Some(65_536),
        enable_connect_protocol: true,
    };
    assert_eq!(Settings::read(&settings.write()), Ok(settings));
    assert_eq!(Settings::read(&Settings::default().write()), Ok(Settings::default()));
    for len in 1..settings.write().len() {
        // A setting may end there, or not.
        let cut = Settings::read(&settings.write()[..len]);
        assert!(cut.is_ok() || cut == Err(Fault::FrameLength));
    }
}

#[test]
fn settings_that_mean_nothing_are_ignored_and_sent() {
    // spec: 9114-7.2.4-d
    // spec: 9114-7.2.4.1-b
    assert_eq!(Settings::read(&[0x21, 0x05, 0x21, 0x06, 0x40, 0xff, 0x01]), Ok(Settings::default()));
    assert_eq!(Settings::default().write(), [0x21, 0x00]);
}

#[test]
fn settings_that_cannot_be_are_refused() {
    // spec: 9114-7.2.4-c
    // spec: 9114-7.2.4.1-a
    for payload in [
        &[0x02, 1][..],
        &[0x03, 1],
        &[0x04, 1],
        &[0x05, 1],
        &[0x06, 1, 0x06, 1],
        &[0x08, 2],
        &[0x0a, 0, 0x0a, 0],
    ] {
        assert_eq!(Settings::read(payload), Err(Fault::Setting), "{payload:?}");
    }
}
