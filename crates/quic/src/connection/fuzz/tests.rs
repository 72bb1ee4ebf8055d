use super::*;

#[test]
fn nothing_that_chance_plays_breaks_a_connection() {
    let mut seeded = Seeded(7);
    for run in 0..300_u32 {
        let mut bytes = vec![0; 50 + (run as usize * 7) % 700];
        seeded.fill(&mut bytes);
        fuzz_connection(&bytes);
    }
}

#[test]
fn quiet_steps_bring_everything() {
    let mut world = World::new(4);
    assert!(world.ends.iter().flatten().all(|end| end.connection.is_confirmed()));
    world.write(0, 0b1111_0100);
    (0..40).for_each(|_| world.exchange());
    let [Some(client), Some(server)] = &world.ends else { panic!("both are there") };
    assert_eq!(client.written, server.heard);
    assert!(server.heard.values().all(|bytes| *bytes > 0) && !server.heard.is_empty());
    world.check();
}

#[test]
fn a_side_that_lies_is_caught() {
    let mut world = World::new(4);
    world.lie(0, Epoch::OneRtt, &[0x1e]); // HANDSHAKE_DONE, of a client.
    (0..3).for_each(|_| world.exchange());
    assert_eq!(world.ends[1].as_ref().map(|end| end.closed), Some(1));
}

#[test]
fn the_body_holds_on_its_seeds() {
    let folder =
        std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/quic_connection");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds = 0;
    for entry in entries {
        fuzz_connection(&std::fs::read(entry.expect("a folder's entry").path()).expect("a seed is a file"));
        seeds += 1;
    }
    assert!(seeds >= 10, "there are too few seeds");
}
