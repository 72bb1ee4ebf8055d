use super::*;
use crate::{FetchPriority, block::Budget};

const HOST: &str = "https://a.example";

fn policy() -> Policy {
    Policy::new(Origin::new("A.Example", 443), true, Limits::default())
}

fn hint(path: &str, destination: Destination) -> Hint {
    Hint::new(format!("{HOST}{path}"), destination)
}

fn block(hints: &[Hint]) -> Vec<u8> {
    block::write(hints, Budget { hints: 1_000, block_bytes: 1 << 20 }).0
}

fn wanted(_: &Hint) -> Judgement {
    Judgement::Wanted
}

fn receive(policy: &mut Policy, hints: &[Hint]) -> Orders {
    policy.receive(&block(hints), &mut wanted).unwrap().0
}

fn claim(policy: &mut Policy, path: &str, destination: Destination) -> Option<HintId> {
    policy.claim(&Use { url: &format!("{HOST}{path}"), destination, crossorigin: None, integrity: "" })
}

#[test]
fn hints_of_the_own_origin_are_requested() {
    // spec: preload-profile-8-b
    let mut policy = policy();
    let orders = receive(
        &mut policy,
        &[
            hint("/a.css", Destination::Style),
            Hint::new("https://b.example/b.css", Destination::Style),
            Hint::new("https://a.example:8443/c.css", Destination::Style),
            hint("/d.png", Destination::Image),
        ],
    );
    assert_eq!(orders.request.len(), 2);
    assert_eq!(orders.request[1].priority, Priority { urgency: 5, incremental: true });
    assert!(orders.refused.iter().all(|(_, refused)| *refused == Refused::OtherOrigin));
}

#[test]
fn a_connection_without_a_page_load_ignores_the_frame() {
    // spec: preload-profile-8-a
    let mut policy = Policy::new(Origin::new("a.example", 443), false, Limits::default());
    assert_eq!(receive(&mut policy, &[hint("/a.css", Destination::Style)]), Orders::default());
}

#[test]
fn what_the_cache_has_is_not_requested() {
    // spec: preload-profile-8-c
    let mut policy = policy();
    let mut judge = |hint: &Hint| match hint.destination {
        Destination::Style => Judgement::Fresh,
        Destination::Font => Judgement::Unfit,
        _ => Judgement::Wanted,
    };
    let hints = [Destination::Style, Destination::Font, Destination::Script]
        .map(|d| hint(&format!("/{}", d.name()), d));
    let (orders, _) = policy.receive(&block(&hints), &mut judge).unwrap();
    assert_eq!(orders.request.len(), 1);
    assert_eq!(orders.refused.iter().map(|(_, r)| *r).collect::<Vec<_>>(), [Refused::Fresh, Refused::Unfit]);
    assert_eq!(policy.ledger().cached.hints, 1);
}

#[test]
fn limits_hold_to_the_one() {
    // spec: preload-profile-8-d
    let many: Vec<Hint> = (0..33).map(|at| hint(&format!("/{at}"), Destination::Image)).collect();
    let mut fresh = policy();
    let orders = receive(&mut fresh, &many[..32]);
    assert_eq!(orders.request.len(), 32);
    let late = receive(&mut fresh, &many[32..]);
    assert_eq!((late.request.len(), late.refused[0].1), (0, Refused::TooMany));

    let frame = block(&many[..32]);
    let limits = Limits { connection_bytes: 2 * frame.len(), ..Limits::default() };
    let mut narrow = Policy::new(Origin::new("a.example", 443), true, limits);
    assert!(narrow.receive(&frame, &mut wanted).is_ok() && narrow.receive(&frame, &mut wanted).is_ok());
    assert_eq!(narrow.receive(&[0x82], &mut wanted), Err(Ignored::TooLong));
    assert_eq!(policy().receive(&[0; 16_385], &mut wanted), Err(Ignored::TooLong));
}

#[test]
fn the_newest_hint_for_a_uri_wins() {
    // spec: preload-profile-2-c
    let mut policy = policy();
    let old = hint("/x", Destination::Script);
    let new = hint("/x", Destination::Style);
    let orders = receive(&mut policy, &[old.clone(), hint("/y", Destination::Image), new.clone()]);
    assert_eq!(
        orders.request.iter().map(|o| &o.hint).collect::<Vec<_>>(),
        [&hint("/y", Destination::Image), &new]
    );
    let again = receive(&mut policy, std::slice::from_ref(&new));
    assert_eq!(again.refused[0].1, Refused::UnderWay);
    let changed = receive(&mut policy, std::slice::from_ref(&old));
    assert_eq!((changed.request.len(), &changed.cancel), (1, &vec![orders.request[1].id]));
    assert_eq!(claim(&mut policy, "/x", Destination::Style), None);
    assert!(claim(&mut policy, "/x", Destination::Script).is_some());
    assert_eq!(receive(&mut policy, &[new]).refused[0].1, Refused::UnderWay);
}

#[test]
fn a_use_joins_by_url_destination_mode_and_integrity() {
    // spec: preload-profile-8-e
    let font = Hint {
        crossorigin: Some(CrossOrigin::Anonymous),
        integrity: Some("sha256-x".into()),
        fetchpriority: FetchPriority::High,
        ..hint("/f", Destination::Font)
    };
    let url = format!("{HOST}/f");
    let good = Use {
        url: &url,
        destination: Destination::Font,
        crossorigin: Some(CrossOrigin::Anonymous),
        integrity: "sha256-x",
    };
    for (wanted, joins) in [
        (good, true),
        (Use { integrity: "", ..good }, true),
        (Use { integrity: "sha256-y", ..good }, false),
        (Use { url: "https://a.example/g", ..good }, false),
        (Use { destination: Destination::Style, ..good }, false),
        (Use { crossorigin: None, ..good }, false),
        (Use { crossorigin: Some(CrossOrigin::UseCredentials), ..good }, false),
    ] {
        let mut policy = policy();
        receive(&mut policy, std::slice::from_ref(&font));
        assert_eq!(policy.claim(&wanted).is_some(), joins, "{wanted:?}");
        assert_eq!(policy.claim(&wanted), None, "one response is joined once");
    }
}

#[test]
fn bodies_that_nobody_claims_are_bounded() {
    // spec: preload-profile-8-g
    let limits = Limits { unclaimed_bytes: 100, ..Limits::default() };
    let mut policy = Policy::new(Origin::new("a.example", 443), true, limits);
    let orders = receive(&mut policy, &[hint("/a", Destination::Image), hint("/b", Destination::Image)]);
    let [a, b] = [orders.request[0].id, orders.request[1].id];
    assert_eq!((policy.data(a, 60), policy.data(b, 40)), (Verdict::Keep, Verdict::Keep));
    assert_eq!(policy.data(b, 1), Verdict::Cancel);
    assert_eq!(policy.data(a, 40), Verdict::Keep);
    assert!(claim(&mut policy, "/a", Destination::Image).is_some());
    assert_eq!(policy.data(a, 1_000), Verdict::Keep);
    assert_eq!(policy.data(b, 1), Verdict::Cancel);
}

#[test]
fn the_ledger_knows_what_was_used_and_what_was_wasted() {
    // spec: preload-profile-8-f
    let mut policy = policy();
    let names = ["/used", "/wasted", "/late", "/failed"];
    let orders = receive(&mut policy, &names.map(|name| hint(name, Destination::Image)));
    let ids: Vec<HintId> = orders.request.iter().map(|order| order.id).collect();
    for (id, bytes) in ids.iter().zip([10, 20, 30, 0]) {
        assert_eq!(policy.data(*id, bytes), Verdict::Keep);
    }
    claim(&mut policy, "/used", Destination::Image).unwrap();
    policy.finished(ids[1]);
    policy.failed(ids[3]);
    assert_eq!(claim(&mut policy, "/failed", Destination::Image), None);
    assert_eq!(policy.ledger().open, Count { hints: 2, bytes: 50 });
    assert_eq!(policy.page_complete(), [ids[2]], "what is under way for nobody");
    let ledger = policy.ledger();
    assert_eq!(ledger.used, Count { hints: 1, bytes: 10 });
    assert_eq!(ledger.wasted, Count { hints: 3, bytes: 50 }); // spec: preload-profile-11-e
    assert_eq!(ledger.open, Count::default());
}

#[test]
fn the_documents_policy_decides_on_use() {
    // spec: preload-profile-8-h
    let mut policy = policy();
    let orders =
        receive(&mut policy, &[hint("/a.js", Destination::Script), hint("/a.css", Destination::Style)]);
    let csp = Csp::parse(&Origin::new("a.example", 443), [&b"script-src 'none'"[..]]);
    assert_eq!(policy.document(csp), [orders.request[0].id]);
    assert_eq!(claim(&mut policy, "/a.js", Destination::Script), None);
    assert!(claim(&mut policy, "/a.css", Destination::Style).is_some());
    assert_eq!(receive(&mut policy, &[hint("/b.js", Destination::Script)]).refused[0].1, Refused::Forbidden);
}
