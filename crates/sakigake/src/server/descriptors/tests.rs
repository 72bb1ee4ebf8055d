use super::{Descriptors, KEPT_FOR_FILES};
use crate::files::{Body, Reply};
use sakigake_semantics::{Chunk, Response};
use std::{fs::File, sync::Arc};

fn of_a_file() -> Reply {
    let file = Arc::new(File::open("/dev/null").expect("there is one"));
    Reply { response: Response::new(200), body: Body::file(file, 0, 100_000) }
}

/// Takes files until there is no further one.
fn fill(descriptors: &Descriptors, connections: usize) -> Vec<Reply> {
    let replies = std::iter::repeat_with(|| descriptors.admit(connections, of_a_file(), false));
    replies.take_while(|reply| reply.response.status == 200).collect()
}

#[test]
fn connections_get_all_but_what_is_kept_for_files() {
    for (all, expected) in [(0, 3), (4, 3), (224, 168), (4_096, 3_072), (20_000, 20_000 - KEPT_FOR_FILES)] {
        assert_eq!(Descriptors::shared(all).for_connections(), expected, "{all}");
    }
    assert_eq!(Descriptors::of_connections(16).for_connections(), 16);
}

#[test]
fn files_take_what_connections_leave_up_to_a_half() {
    for (connections, expected) in [(0, 50), (10, 50), (50, 50), (51, 49), (74, 26), (75, 25)] {
        let descriptors = Descriptors::shared(100);
        let held = fill(&descriptors, connections);
        assert_eq!(held.len(), expected, "{connections}");
        assert!(connections <= descriptors.for_connections());
        assert!(connections + held.len() <= 100);
    }
    let descriptors = Descriptors::shared(100);
    let held = fill(&descriptors, 0);
    assert_eq!(descriptors.for_connections(), 50);
    drop(held);
    assert_eq!(descriptors.for_connections(), 75);
}

#[test]
fn one_file_beyond_is_told_to_come_again() {
    let descriptors = Descriptors::shared(100);
    let held = fill(&descriptors, 75);
    assert_eq!(held.len(), 25);
    let refused = descriptors.admit(75, of_a_file(), false);
    assert_eq!((refused.response.status, refused.body.holds_file()), (503, false));
    assert_eq!(refused.response.fields.find(b"retry-after"), Some(&b"1"[..]));
    // What is in memory needs none.
    let body = Body::bytes(Chunk::Owned(vec![0; 3]));
    let reply = descriptors.admit(75, Reply { response: Response::new(200), body }, false);
    assert_eq!(reply.response.status, 200);
    // One that is over makes room for the next.
    drop(held.into_iter().next());
    assert_eq!(descriptors.admit(75, of_a_file(), false).response.status, 200);
}

#[test]
fn a_file_counts_though_others_hold_its_last_piece() {
    let descriptors = Descriptors::shared(4);
    let mut reply = descriptors.admit(3, of_a_file(), false);
    let stretch = reply.body.next_stretch().expect("a file");
    assert!(reply.body.is_empty());
    assert_eq!(descriptors.admit(3, of_a_file(), false).response.status, 503);
    drop((stretch, reply));
    assert_eq!(descriptors.admit(3, of_a_file(), false).response.status, 200);
}
