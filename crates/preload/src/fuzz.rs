//! Fuzz bodies: they hold what must be true of any bytes.

use crate::{
    Origin, Policy,
    block::{self, Budget},
    csp::Csp,
    link::{self, Link},
    policy::{self, Judgement},
};

/// What parses prints, and what was printed parses to the same.
pub fn fuzz_link(bytes: &[u8]) {
    let mut links = Vec::new();
    // A fault ends the reading; what was told before it still has to hold.
    let fault = link::parse(bytes, link::Limits::default(), &mut |link| links.push(link)).err();
    assert!(links.len() <= link::Limits::default().links || fault.is_some());
    let text: Vec<String> = links.iter().map(Link::to_string).collect();
    let mut again = Vec::new();
    let wide = link::Limits { value_bytes: usize::MAX, ..link::Limits::default() };
    let result = link::parse(text.join(", ").as_bytes(), wide, &mut |link| again.push(link));
    assert_eq!((result, again), (Ok(()), links));
}

/// Any block is ignored or gives hints within the limits, which survive a block of our own.
pub fn fuzz_block(bytes: &[u8]) {
    let Ok(reading) = block::read(bytes, block::Limits::default()) else { return };
    assert!(reading.hints.len() <= block::Limits::default().hints);
    let (again, count) = block::write(&reading.hints, Budget { hints: usize::MAX, block_bytes: usize::MAX });
    assert_eq!(count, reading.hints.len());
    let wide = block::Limits { block_bytes: usize::MAX, list_bytes: usize::MAX, hints: usize::MAX };
    assert_eq!(block::read(&again, wide).map(|reading| reading.hints), Ok(reading.hints));
    let mut policy = Policy::new(Origin::new("a.example", 443), true, policy::Limits::default());
    if let Ok((orders, _)) = policy.receive(bytes, &mut |_| Judgement::Wanted) {
        assert!(orders.request.iter().all(|order| order.hint.url.starts_with("https://a.example/")));
    }
}

/// Any policy decides.
pub fn fuzz_csp(bytes: &[u8]) {
    let origin = Origin::new("a.example", 443);
    let csp = Csp::parse(&origin, [bytes]);
    for (destination, ..) in crate::rules::DESTINATIONS {
        csp.allows(destination, "https://a.example/a.css?b");
    }
}
