use super::*;
use sakigake_quic::{paths::Addresses, recovery::acks::Mark};
use std::time::Duration;
use tokio::time::timeout;

const LIMITS: Limits = Limits { handed_datagrams: 1_024, handed_bytes: 64 << 10 };

fn addresses(local: &str, peer: &str) -> Addresses {
    Addresses { local: local.parse().unwrap(), peer: peer.parse().unwrap() }
}

fn put(way: &Way, addresses: Addresses, mark: Mark, bytes: &[u8]) -> Put {
    way.put(Standing::Open, &Datagram { bytes: &mut bytes.to_vec(), addresses, mark })
}

#[tokio::test]
async fn all_that_is_known_of_a_datagram_comes_with_it() {
    let (way, end) = inbox(&LIMITS).unwrap();
    let mut inboxes = Inboxes::default();
    inboxes.add(end).unwrap();
    let four = addresses("192.0.2.1:443", "198.51.100.7:9");
    let six = addresses("[2001:db8::1]:65535", "[fe80::2%3]:1");
    let largest = vec![7; 65_507];
    let mut expected = Vec::new();
    for (standing, addresses, mark, bytes) in [
        (Standing::Open, four, Mark::NotEct, &b"a"[..]),
        (Standing::Settled, six, Mark::Ect0, b"bb"),
        (Standing::Open, six, Mark::Ect1, b"ccc"),
        (Standing::Settled, four, Mark::Ce, &largest),
    ] {
        let mut bytes = bytes.to_vec();
        assert_eq!(way.put(standing, &Datagram { bytes: &mut bytes, addresses, mark }), Put::Kept);
        expected.push((standing, addresses, mark, bytes));
    }
    let mut came = Vec::new();
    timeout(Duration::from_secs(20), async {
        while came.len() < expected.len() {
            core::future::poll_fn(|cx| inboxes.poll(cx)).await.unwrap();
            let read = |standing, datagram: Datagram<'_>| {
                came.push((standing, datagram.addresses, datagram.mark, datagram.bytes.to_vec()));
            };
            inboxes.read(read).unwrap();
        }
    })
    .await
    .expect("it is done in time");
    assert!(came == expected);
}

#[tokio::test]
async fn what_goes_beyond_an_inbox_is_lost_and_room_comes_back() {
    let (way, end) = inbox(&LIMITS).unwrap();
    let mut inboxes = Inboxes::default();
    inboxes.add(end).unwrap();
    let between = addresses("192.0.2.1:443", "192.0.2.2:9");
    let bytes = [1; 1_200];
    let kept = (0..1_000).take_while(|_| put(&way, between, Mark::Ce, &bytes) == Put::Kept).count();
    // handed_bytes: the system takes twice as much for what it needs beside.
    assert!((20..=2 * LIMITS.handed_bytes / bytes.len() + 1).contains(&kept), "{kept}");
    assert_eq!(put(&way, between, Mark::Ce, &bytes), Put::Full);
    let mut taken = 0;
    timeout(Duration::from_secs(20), async {
        while taken < kept {
            core::future::poll_fn(|cx| inboxes.poll(cx)).await.unwrap();
            inboxes.read(|_, _| taken += 1).unwrap();
        }
    })
    .await
    .expect("it is done in time");
    assert_eq!(put(&way, between, Mark::Ce, &bytes), Put::Kept);
}

#[tokio::test]
async fn both_ends_notice_that_the_other_is_gone() {
    let (way, end) = inbox(&LIMITS).unwrap();
    let between = addresses("192.0.2.1:443", "192.0.2.2:9");
    let kin = Kin { process: 7, ways: vec![way.clone()] };
    assert!(!kin.is_gone());
    drop(end);
    assert!(kin.is_gone());
    assert_eq!(put(&way, between, Mark::Ce, b"a"), Put::Closed);

    let (way, end) = inbox(&LIMITS).unwrap();
    let mut inboxes = Inboxes::default();
    inboxes.add(end).unwrap();
    drop(way);
    let poll = core::future::poll_fn(|cx| inboxes.poll(cx));
    timeout(Duration::from_secs(20), poll).await.expect("it is ready in time").unwrap();
    inboxes.read(|_, _| panic!("nobody gave anything")).unwrap();
    assert!(inboxes.ends.is_empty(), "it is not looked at again");
}

#[test]
fn what_is_no_parcel_is_not_opened() {
    let between = addresses("192.0.2.1:443", "[2001:db8::1]:9");
    let datagram = Datagram { bytes: &mut [9; 3], addresses: between, mark: Mark::Ce };
    let mut whole = parcel::head(Standing::Open, &datagram).to_vec();
    whole.extend_from_slice(&[9; 3]);
    assert!(parcel::open(&mut whole).is_some());
    for len in 0..=whole.len() - 3 {
        assert!(parcel::open(&mut whole[..len]).is_none(), "{len} bytes");
    }
    let families = [2, 2 + 27];
    for (at, value) in [(0, 2), (1, 4), (families[0], 5), (families[1], 0)] {
        let mut spoiled = whole.clone();
        spoiled[at] = value;
        assert!(parcel::open(&mut spoiled).is_none(), "byte {at}");
    }
}
