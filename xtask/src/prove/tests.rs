use super::*;

fn claims() -> Vec<Claim> {
    (0..50).map(|n| Claim { id: n.to_string(), code: Vec::new(), tests: Vec::new() }).collect()
}

#[test]
fn a_draw_takes_each_claim_once() {
    let claims = claims();
    for (count, expected) in [(0, 0), (1, 1), (30, 30), (50, 50), (99, 50)] {
        let mut ids: Vec<&str> =
            draw(claims.iter().collect(), count, 7).iter().map(|claim| claim.id.as_str()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), expected);
    }
}

#[test]
fn a_seed_decides_what_is_drawn() {
    let claims = claims();
    let ids = |seed| {
        draw(claims.iter().collect(), 10, seed).iter().map(|claim| claim.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}

#[test]
fn a_draw_keeps_to_the_ids_that_are_asked_for() {
    let claims = claims();
    let ids = |of| {
        let chosen = choose(&claims, Choice::Drawn { count: 50, seed: 7, of });
        chosen.map(|chosen| {
            chosen.iter().map(|claim| claim.id.clone()).collect::<std::collections::BTreeSet<_>>()
        })
    };
    assert_eq!(ids("").map(|ids| ids.len()), Ok(50));
    assert_eq!(
        ids("41,3").map(|ids| ids.into_iter().collect::<Vec<_>>().join(" ")),
        Ok("3 30 31 32 33 34 35 36 37 38 39 41".into())
    );
    assert!(ids("x").is_err());
}
