#![allow(clippy::single_range_in_vec_init, reason = "a list of ranges may have one")]

use super::RangeSet;
use core::ops::Range;
use std::collections::BTreeSet;

/// What the set holds, what comes or goes, how many numbers that changes, and what the set holds then.
type Change<'a> = (&'a [Range<u64>], Range<u64>, u64, &'a [Range<u64>]);

fn set(ranges: &[Range<u64>]) -> RangeSet {
    let mut set = RangeSet::new();
    for range in ranges {
        set.insert(range.clone());
    }
    set
}

fn list(set: &RangeSet) -> Vec<Range<u64>> {
    set.iter().collect()
}

#[test]
fn neighbours_grow_together() {
    let table: &[Change<'_>] = &[
        (&[], 3..5, 2, &[3..5]),
        (&[3..5], 5..6, 1, &[3..6]),
        (&[3..5], 1..3, 2, &[1..5]),
        (&[3..5], 6..7, 1, &[3..5, 6..7]),
        (&[3..5], 0..2, 2, &[0..2, 3..5]),
        (&[3..5, 6..7], 5..6, 1, &[3..7]),
        (&[3..5, 8..9, 11..12], 4..9, 3, &[3..9, 11..12]),
        (&[3..5, 8..9, 11..12], 0..20, 16, &[0..20]),
        (&[3..5, 8..9, 11..12], 5..11, 5, &[3..12]),
        (&[3..9], 4..5, 0, &[3..9]),
        (&[3..9], 4..4, 0, &[3..9]),
    ];
    for (before, range, added, after) in table {
        let mut set = set(before);
        assert_eq!(set.insert(range.clone()), *added, "{before:?} + {range:?}");
        assert_eq!(list(&set), *after, "{before:?} + {range:?}");
    }
}

#[test]
fn what_is_taken_from_the_middle_leaves_two() {
    let table: &[Change<'_>] = &[
        (&[], 3..5, 0, &[]),
        (&[0..10], 3..5, 2, &[0..3, 5..10]),
        (&[0..10], 0..5, 5, &[5..10]),
        (&[0..10], 5..10, 5, &[0..5]),
        (&[0..10], 0..10, 10, &[]),
        (&[0..4, 6..10], 3..7, 2, &[0..3, 7..10]),
        (&[0..4, 6..10, 12..14], 3..13, 6, &[0..3, 13..14]),
        (&[0..4, 6..10, 12..14], 0..20, 10, &[]),
        (&[0..4, 6..10], 4..6, 0, &[0..4, 6..10]),
        (&[0..4, 6..10], 7..7, 0, &[0..4, 6..10]),
    ];
    for (before, range, taken, after) in table {
        let mut set = set(before);
        assert_eq!(set.remove(range.clone()), *taken, "{before:?} - {range:?}");
        assert_eq!(list(&set), *after, "{before:?} - {range:?}");
    }
}

#[test]
fn a_set_of_ranges_is_a_set_of_numbers() {
    let (mut ours, mut model) = (RangeSet::new(), BTreeSet::new());
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..4_000 {
        let start = draw(200);
        let range = start..start + draw(9);
        let before = model.len();
        match draw(8) {
            0..4 => {
                model.extend(range.clone());
                assert_eq!(ours.insert(range), (model.len() - before) as u64);
            }
            4..7 => {
                model.retain(|number| !range.contains(number));
                assert_eq!(ours.remove(range), (before - model.len()) as u64);
            }
            _ => {
                let floor = start / 8;
                model.retain(|number| *number >= floor);
                ours.remove_below(floor);
            }
        }
        assert!(ours.iter().flatten().eq(model.iter().copied()));
        assert!((0..210).all(|number| ours.contains(number) == model.contains(&number)));
        assert!(
            ours.iter().zip(ours.iter().skip(1)).all(|(a, b)| a.end < b.start),
            "touching ranges are one"
        );
    }
}

#[test]
fn the_ends_are_at_hand() {
    let mut set = set(&[2..4, 8..16]);
    assert_eq!((set.lowest(), set.highest(), set.len()), (Some(2..4), Some(8..16), 2));
    assert!(set.covers(9..16) && set.covers(5..5) && !set.covers(3..5) && !set.covers(15..17));
    set.remove_below(9);
    assert_eq!(set.pop_up_to(3), Some(9..12));
    assert_eq!(set.pop_up_to(0), None);
    assert_eq!(set.pop_up_to(9), Some(12..16));
    assert!(set.is_empty() && set.pop_lowest().is_none() && set.highest().is_none());
}
