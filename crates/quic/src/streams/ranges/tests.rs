use super::*;

/// All offsets below 8, as bits, after each of two changes: what a set of single offsets would say.
#[test]
fn ranges_are_what_a_set_of_offsets_would_be() {
    let ranges: Vec<Range<u64>> = (0..8).flat_map(|from| (from..=8).map(move |to| from..to)).collect();
    let bits = |range: &Range<u64>| range.clone().fold(0_u32, |bits, at| bits | 1 << at);
    for start in 0..256_u32 {
        let mut set = RangeSet::default();
        (0..8).filter(|at| start >> at & 1 == 1).for_each(|at| set.insert(at..at + 1));
        for range in &ranges {
            let (mut more, mut less) = (set.clone(), set.clone());
            more.insert(range.clone());
            less.remove(range.clone());
            for (set, expected) in [(more, start | bits(range)), (less, start & !bits(range))] {
                assert_eq!(
                    set.iter().fold(0, |all, range| all | bits(&range)),
                    expected,
                    "{start:b} {range:?}"
                );
                let apart = set.0.windows(2).all(|pair| pair[0].end < pair[1].start);
                assert!(apart && set.iter().all(|range| !range.is_empty()), "{set:?}");
            }
        }
    }
}
