use super::*;

#[test]
fn the_digest_is_fnv_1a() {
    // The vectors of draft-eastlake-fnv.
    for (text, expected) in [
        ("", 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d),
        ("a", 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964),
        ("foobar", 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18),
    ] {
        assert_eq!(Digest(BASIS).with(text.as_bytes()), Digest(expected), "{text}");
    }
}

#[test]
fn host_and_bytes_do_not_run_into_each_other() {
    let said = |host, bytes: &str| Digest::of(host).with(bytes.as_bytes());
    assert_ne!(said("a.test", "b"), said("a.testb", ""));
    assert_ne!(said("a.test", "b"), said("b.test", "b"));
    assert_eq!(said("a.test", "bc"), said("a.test", "b").with(b"c"));
}

#[test]
fn what_was_told_is_read_back_and_nothing_else_is() {
    let digest = Some(Digest::of("a.test"));
    for told in [
        Told { is_known: true, digest },
        Told { is_known: true, digest: None },
        Told { is_known: false, digest },
        Told { is_known: false, digest: None },
    ] {
        let bytes = told.to_bytes();
        assert_eq!(Told::from_bytes(&bytes), Some(told));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(Told::from_bytes(&changed), Some(told), "bit {bit}");
        }
    }
}
