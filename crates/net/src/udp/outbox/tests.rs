use super::*;
use std::net::{Ipv4Addr, SocketAddr};

const ADDRESSES: Addresses = Addresses {
    local: SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1),
    peer: SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 2),
};

fn batch(bytes: &[u8], segment_bytes: usize) -> Batch<'_> {
    Batch { bytes, segment_bytes, addresses: ADDRESSES, mark: Mark::Ect0 }
}

/// A system that answers calls with these, one after the other, and takes every further one; what it took.
#[derive(Default)]
struct System {
    answers: Vec<Errno>,
    calls: Vec<(usize, usize)>,
    took: Vec<u8>,
}

impl System {
    fn answering(answers: &[Errno]) -> Self {
        Self { answers: answers.iter().rev().copied().collect(), ..Self::default() }
    }

    fn call(&mut self, piece: &Batch<'_>) -> io::Result<()> {
        self.calls.push((piece.bytes.len(), piece.datagrams()));
        if let Some(errno) = self.answers.pop() {
            return Err(errno.into());
        }
        self.took.extend_from_slice(piece.bytes);
        Ok(())
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

#[test]
fn a_batch_leaves_in_as_few_calls_as_the_system_allows() {
    for (len, segment, segments, calls) in [
        (3_500, 1_000, 64, vec![(3_500, 4)]),
        (1_000, 1_000, 64, vec![(1_000, 1)]),
        (900, 1_000, 64, vec![(900, 1)]),
        (3_500, 1_000, 2, vec![(2_000, 2), (1_500, 2)]),
        (3_000, 1_000, 2, vec![(2_000, 2), (1_000, 1)]),
        (2_500, 1_000, 1, vec![(1_000, 1), (1_000, 1), (500, 1)]),
        (2_500, 1_000, 0, vec![(1_000, 1), (1_000, 1), (500, 1)]),
        (70_000, 1_400, 64, vec![(64_400, 46), (5_600, 4)]), // 65,507 bytes are no multiple of 1,400.
        (0, 1_000, 64, vec![]),
    ] {
        let (mut outbox, mut system) = (Outbox::new(segments), System::default());
        let given = bytes(len);
        let sent = outbox.send(&batch(&given, segment), &mut |piece| system.call(piece));
        assert_eq!(system.calls, calls, "{len} bytes of {segment}, {segments} a call");
        assert_eq!(sent, Sent { left: len.div_ceil(segment), ..Sent::default() });
        assert_eq!(system.took, given);
    }
}

#[test]
fn a_device_that_cannot_cut_is_never_asked_again_and_nothing_is_lost() {
    for errno in [Errno::IO, Errno::INVAL] {
        let (mut outbox, mut system) = (Outbox::new(64), System::answering(&[errno]));
        let given = bytes(2_500);
        let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
        assert_eq!(sent, Sent { left: 3, ..Sent::default() });
        assert_eq!(system.calls, [(2_500, 3), (1_000, 1), (1_000, 1), (500, 1)]);
        assert_eq!(system.took, given);
        assert_eq!(outbox.segments(), 1);
        system.calls.clear();
        outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
        assert_eq!(system.calls, [(1_000, 1), (1_000, 1), (500, 1)]);
    }
}

#[test]
fn a_call_that_would_fail_for_one_datagram_too_says_nothing_of_the_device() {
    let (mut outbox, mut system) = (Outbox::new(64), System::answering(&[Errno::INVAL, Errno::INVAL]));
    let given = bytes(2_500);
    let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
    assert_eq!(sent, Sent { failed: 3, ..Sent::default() });
    assert_eq!(system.calls.len(), 2);
    assert_eq!(outbox.segments(), 64);
    assert!(!outbox.is_blocked());
}

#[test]
fn what_is_too_large_is_told_and_the_rest_still_leaves() {
    let too_large = [Errno::MSGSIZE; 3];
    let (mut outbox, mut system) = (Outbox::new(64), System::answering(&too_large));
    let given = bytes(2_500);
    let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
    assert_eq!(sent, Sent { left: 1, too_large: 2, ..Sent::default() });
    assert_eq!(system.took, given[2_000..]);
    assert_eq!(outbox.segments(), 64);

    // Older systems say that a call with segments is invalid when the segments are too large.
    let mut system = System::answering(&[Errno::INVAL, Errno::MSGSIZE, Errno::MSGSIZE]);
    let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
    assert_eq!(sent, Sent { left: 1, too_large: 2, ..Sent::default() });
    assert_eq!(outbox.segments(), 64);
}

#[test]
fn what_the_socket_does_not_take_is_kept_and_leaves_later_in_order() {
    let (mut outbox, mut system) = (Outbox::new(2), System::default());
    let given = bytes(6_500);
    let mut calls = 0;
    let sent = outbox.send(&batch(&given, 1_000), &mut |piece| {
        calls += 1;
        if calls > 1 { Err(Errno::AGAIN.into()) } else { system.call(piece) }
    });
    assert_eq!(sent, Sent { left: 2, kept: 5, ..Sent::default() });
    assert!(outbox.is_blocked());

    // What comes meanwhile is lost, as if on the way.
    let more = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
    assert_eq!(more, Sent { failed: 7, ..Sent::default() });

    let still = outbox.flush(&mut |_| Err(Errno::AGAIN.into()));
    assert_eq!(still, Sent { kept: 5, ..Sent::default() });
    let mut calls = 0;
    let some = outbox.flush(&mut |piece| {
        calls += 1;
        if calls > 1 { Err(Errno::AGAIN.into()) } else { system.call(piece) }
    });
    assert_eq!(some, Sent { left: 2, kept: 3, ..Sent::default() });
    let rest = outbox.flush(&mut |piece| {
        assert_eq!((piece.addresses, piece.mark), (ADDRESSES, Mark::Ect0));
        system.call(piece)
    });
    assert_eq!(rest, Sent { left: 3, ..Sent::default() });
    assert!(!outbox.is_blocked());
    assert_eq!(system.took, given);
    assert_eq!(outbox.flush(&mut |_| panic!("nothing is left")), Sent::default());
}

#[test]
fn a_device_is_still_under_suspicion_when_the_socket_is_full_in_between() {
    let (mut outbox, mut system) =
        (Outbox::new(64), System::answering(&[Errno::IO, Errno::AGAIN, Errno::IO]));
    let given = bytes(2_500);
    let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
    assert_eq!(sent, Sent { kept: 3, ..Sent::default() });
    assert_eq!(outbox.segments(), 64);
    assert_eq!(outbox.flush(&mut |piece| system.call(piece)), Sent { left: 3, ..Sent::default() });
    assert_eq!(outbox.segments(), 1);
    assert_eq!(system.took, given);
}

#[test]
fn an_error_of_the_network_loses_the_batch_and_nothing_else() {
    for errno in [Errno::NETUNREACH, Errno::CONNREFUSED, Errno::PERM, Errno::NOBUFS, Errno::ADDRNOTAVAIL] {
        let (mut outbox, mut system) = (Outbox::new(64), System::answering(&[errno]));
        let given = bytes(2_500);
        let sent = outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece));
        assert_eq!(sent, Sent { failed: 3, ..Sent::default() }, "{errno}");
        assert_eq!(outbox.send(&batch(&given, 1_000), &mut |piece| system.call(piece)).left, 3);
    }
}
