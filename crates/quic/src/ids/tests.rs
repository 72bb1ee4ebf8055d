use super::{Announced, ConnectionId, Fresh, Issued, Limits, Received, ResetToken};
use crate::paths::PathId;
use sakigake_wire::Entropy;

/// Bytes that never come twice.
pub(crate) struct Count(pub(crate) u64);

impl Entropy for Count {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 += 1;
            chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[test]
fn an_id_has_up_to_20_bytes() {
    for len in 0..=20 {
        let bytes: Vec<u8> = (0..len).collect();
        let id = ConnectionId::new(&bytes).unwrap();
        assert_eq!((id.as_ref(), id.len(), id.is_empty()), (&bytes[..], usize::from(len), len == 0));
    }
    assert_eq!(ConnectionId::new(&[0; 21]), None);
    assert_ne!(ConnectionId::new(&[0]), ConnectionId::new(&[0, 0]), "zeroes count");
    assert_eq!(ConnectionId::new(&[0xab, 0x01]).unwrap().to_string(), "ab01");
}

#[test]
fn a_token_is_never_printed_and_every_bit_of_it_counts() {
    // spec: 9000-10.3.1-c
    let token = ResetToken::new([0x5a; 16]);
    assert_eq!(format!("{token:?}"), "ResetToken(..)");
    assert_eq!(token, ResetToken::new([0x5a; 16]));
    for bit in 0..128 {
        let mut other = [0x5a; 16];
        other[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(token, ResetToken::new(other), "bit {bit}");
    }
}

#[test]
fn a_datagram_shorter_than_a_token_ends_with_none() {
    let token = ResetToken::new([0; 16]);
    assert!(!token.ends(&[0; 15]));
    assert!(token.ends(&[0; 16]) && token.ends(&[0; 17]));
}

/// A number below `below`, decided by the seed.
fn draw(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize % below
}

/// An endpoint that issues ids and one that uses them, over a network that loses, doubles and reorders.
struct Pair {
    issued: Issued,
    received: Received,
    seed: u64,
    next: u64,
    to_user: Vec<Fresh>,
    /// Sequence numbers, and the id that their packet goes to.
    to_issuer: Vec<(u64, ConnectionId)>,
    active: PathId,
    retired: u64,
}

fn numbered(number: u64) -> (ConnectionId, ResetToken) {
    let id = ConnectionId::new(&number.to_be_bytes()).expect("8 bytes");
    (id, ResetToken::new(u128::from(number + 1).to_be_bytes()))
}

impl Pair {
    fn new(seed: u64) -> Self {
        let (first, limits) = (numbered(0).0, Limits::default());
        let mut issued = Issued::new(first, &limits);
        issued.allow(limits.active_ids as u64);
        let received = Received::new(first, PathId(0), &limits);
        let (to_user, to_issuer) = (Vec::new(), Vec::new());
        Self { issued, received, seed, next: 1, to_user, to_issuer, active: PathId(0), retired: 0 }
    }

    fn step(&mut self) {
        match draw(&mut self.seed, 8) {
            0 if self.issued.wanted() > 0 => {
                assert!(self.issued.issue(numbered(self.next).0));
                self.next += 1;
            }
            1 if draw(&mut self.seed, 10) == 0 => _ = self.issued.replace_all(),
            2 | 3 => self.announce(),
            4 | 5 => self.retire(),
            6 => {
                let path = PathId(draw(&mut self.seed, 3) as u32);
                if path == self.active {
                    self.received.change(path).expect("an honest peer");
                } else if self.received.on(path).is_some() && draw(&mut self.seed, 2) == 0 {
                    let left = core::mem::replace(&mut self.active, path);
                    self.received.leave(left).expect("an honest peer");
                }
            }
            _ => self.deliver(),
        }
        // A path whose id was retired takes another one, and there always is one.
        assert!(self.received.on(self.active).is_some());
    }

    fn announce(&mut self) {
        let Some(new) = self.issued.announce() else { return };
        let number = u64::from_be_bytes(new.id.as_ref().try_into().expect("8 bytes"));
        let Announced { sequence, retire_prior_to, id } = new;
        self.to_user.push(Fresh { sequence, retire_prior_to, id, token: numbered(number).1 });
    }

    fn retire(&mut self) {
        let to = self.received.on(self.active).expect("there is one");
        let Some(sequence) = self.received.retirement() else { return };
        self.to_issuer.push((sequence, to));
    }

    fn deliver(&mut self) {
        let fate = draw(&mut self.seed, 4);
        if !self.to_user.is_empty() {
            let at = draw(&mut self.seed, self.to_user.len());
            let frame = self.to_user[at];
            if fate != 1 {
                self.received.take(&frame).expect("an honest peer");
            }
            match fate {
                0 => return, // It comes once more.
                1 => self.issued.lost(frame.sequence),
                _ => {}
            }
            self.to_user.swap_remove(at);
        }
        if !self.to_issuer.is_empty() {
            let at = draw(&mut self.seed, self.to_issuer.len());
            let (sequence, to) = self.to_issuer[at];
            if fate == 1 {
                self.received.retirement_lost(sequence);
            } else {
                // The id that a late packet went to may be over by now: then nobody finds its connection.
                if self.issued.is_active(&to) {
                    let retired = self.issued.retire(sequence, &to).expect("an honest peer");
                    self.retired += u64::from(retired.is_some());
                    self.received.retirement_acked(sequence);
                } else {
                    self.received.retirement_lost(sequence);
                }
            }
            self.to_issuer.swap_remove(at);
        }
    }
}

#[test]
fn honest_endpoints_trip_over_no_rule_whatever_the_network_does() {
    let mut retired = 0;
    for seed in 0..50 {
        let mut pair = Pair::new(seed);
        (0..5_000).for_each(|_| pair.step());
        retired += pair.retired;
        // And when the network is quiet again both agree.
        for _ in 0..200 {
            pair.announce();
            pair.retire();
            pair.seed |= 1 << 40;
            pair.deliver();
        }
        assert!(pair.issued.ids().count() <= Limits::default().issued_ids * 2);
    }
    assert!(retired > 5_000, "{retired} only");
}
