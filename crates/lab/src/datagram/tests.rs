use super::{
    nat::{Nat, Rebinding},
    record::faults,
    way::{ALWAYS_PPM, Bursts, HEADERS_BYTES, Hole, Planned},
    *,
};

const CLIENT: SocketAddr = address([10, 0, 0, 1], 5_000);
const HOME: IpAddr = address([192, 0, 2, 1], 0).ip();
const SERVER: SocketAddr = address([198, 51, 100, 1], 443);

const fn address([a, b, c, d]: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::new(a, b, c, d)), port)
}

/// Sends datagrams in time, or sends each back that it gets, and keeps what came.
#[derive(Default)]
struct Toy {
    echoes: bool,
    every: Span,
    sizes: Vec<usize>,
    next: Instant,
    sent: usize,
    leaving: Vec<(Vec<u8>, SocketAddr, SocketAddr)>,
    heard: Vec<(Instant, Vec<u8>, SocketAddr, Mark)>,
}

impl Node for Toy {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        let Incoming { bytes, from, to, mark } = datagram;
        self.heard.push((now, bytes.to_vec(), from, mark));
        if self.echoes {
            self.leaving.push((bytes.to_vec(), to, from));
        }
    }
    fn expire(&mut self, now: Instant) {
        while self.sent < self.sizes.len() && self.next <= now {
            let bytes = vec![self.sent as u8; self.sizes[self.sent]];
            self.leaving.push((bytes, CLIENT, SERVER));
            self.sent += 1;
            self.next += self.every;
        }
    }
    fn deadline(&self) -> Option<Instant> {
        (self.sent < self.sizes.len()).then_some(self.next)
    }
    fn transmit(&mut self, _: Instant, out: &mut [u8]) -> Option<Outgoing> {
        if self.leaving.is_empty() {
            return None;
        }
        let (bytes, from, to) = self.leaving.remove(0);
        out[..bytes.len()].copy_from_slice(&bytes);
        Some(Outgoing { len: bytes.len(), segment_bytes: None, from, to, mark: Mark::Ect0 })
    }
    fn notes(&mut self) -> Vec<Note> {
        Vec::new()
    }
}

/// A toy, or the NAT before it.
enum Anybody {
    Toy(Toy),
    Nat(Nat),
}

impl Anybody {
    fn node(&self) -> &dyn Node {
        match self {
            Self::Toy(node) => node,
            Self::Nat(node) => node,
        }
    }
    fn node_mut(&mut self) -> &mut dyn Node {
        match self {
            Self::Toy(node) => node,
            Self::Nat(node) => node,
        }
    }
    fn heard(&self) -> &[(Instant, Vec<u8>, SocketAddr, Mark)] {
        match self {
            Self::Toy(toy) => &toy.heard,
            Self::Nat(_) => &[],
        }
    }
}

impl Node for Anybody {
    fn handle(&mut self, now: Instant, datagram: Incoming<'_>) {
        self.node_mut().handle(now, datagram);
    }
    fn expire(&mut self, now: Instant) {
        self.node_mut().expire(now);
    }
    fn deadline(&self) -> Option<Instant> {
        self.node().deadline()
    }
    fn transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Outgoing> {
        self.node_mut().transmit(now, out)
    }
    fn notes(&mut self) -> Vec<Note> {
        self.node_mut().notes()
    }
}

/// A client that sends datagrams of these sizes, one each `every`, over `up`, to a server that echoes them.
fn echo(seed: u64, up: &Way, every: Span, sizes: &[usize]) -> World<Anybody> {
    let mut world = World::new(seed);
    let client = Toy { every, sizes: sizes.to_vec(), ..Toy::default() };
    let client = world.add(up.clone(), Way::after(Span::from_millis(10)), |_| Anybody::Toy(client));
    let server = Toy { echoes: true, ..Toy::default() };
    let server = world.add(Way::default(), Way::default(), |_| Anybody::Toy(server));
    world.route(CLIENT.ip(), client);
    world.route(SERVER.ip(), server);
    assert_eq!(world.run(Span::from_secs(3_600), 100_000), Stopped::Idle);
    world
}

const SERVER_ID: NodeId = NodeId(1);
const MS: Span = Span::from_millis(1);

fn count(world: &World<Anybody>, fault: Fault) -> usize {
    faults(world.log()).get(&fault).map_or(0, |count| *count as usize)
}

fn heard(world: &World<Anybody>) -> Vec<u8> {
    world.node(SERVER_ID).heard().iter().map(|(_, bytes, ..)| bytes[0]).collect()
}

fn rough() -> Way {
    Way {
        delay: Span::from_millis(20),
        jitter: Span::from_millis(5),
        bits_per_s: Some(20_000_000),
        queue: Queue::Datagrams(20),
        mark_at: Some(Queue::Datagrams(2)),
        loss_ppm: 20_000,
        bursts: Some(Bursts { begin_ppm: 10_000, end_ppm: 300_000, loss_ppm: 800_000 }),
        reorder_ppm: 50_000,
        hold: Span::from_millis(30),
        duplicate_ppm: 50_000,
        corrupt_ppm: 20_000,
        truncate_ppm: 20_000,
        mtu_bytes: 1_350,
        holes: vec![Hole { from: Instant::from_nanos(50_000_000), until: Instant::from_nanos(60_000_000) }],
        ..Way::default()
    }
}

#[test]
fn same_seed_same_log_byte_for_byte() {
    let sizes: Vec<usize> = (0..400).map(|at| 100 + at * 7 % 1_300).collect();
    let log = |seed| echo(seed, &rough(), Span::from_micros(300), &sizes).log().clone();
    assert_eq!(log(7), log(7));
    assert_eq!(log(7).digest(), log(7).digest());
    assert_ne!(log(7).digest(), log(8).digest());
}

#[test]
fn every_fault_occurs_on_a_rough_way() {
    let sizes: Vec<usize> = (0..400).map(|at| 100 + at * 7 % 1_300).collect();
    let world = echo(7, &rough(), Span::from_micros(300), &sizes);
    let seen = faults(world.log());
    let elsewhere = [Fault::Bleached, Fault::Unroutable, Fault::Rebound];
    let expected: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| !elsewhere.contains(fault)).collect();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), expected, "{seen:?}");
}

#[test]
fn a_perfect_way_changes_nothing() {
    let world = echo(1, &Way::after(Span::from_millis(15)), MS, &[100; 50]);
    assert_eq!(faults(world.log()), BTreeMap::new());
    assert_eq!(heard(&world), (0..50).collect::<Vec<u8>>());
    let (at, bytes, from, mark) = &world.node(SERVER_ID).heard()[3];
    assert_eq!((at.as_nanos(), bytes, *from, *mark), (18_000_000, &vec![3; 100], CLIENT, Mark::Ect0));
    // And back again.
    assert_eq!(world.node(NodeId(0)).heard().len(), 50);
}

#[test]
fn chances_strike_about_as_often_as_they_say() {
    type Set = fn(&mut Way);
    let table: [(Fault, Set); 5] = [
        (Fault::Lost, |way| way.loss_ppm = 100_000),
        (Fault::Reordered, |way| way.reorder_ppm = 100_000),
        (Fault::Duplicated, |way| way.duplicate_ppm = 100_000),
        (Fault::Corrupted, |way| way.corrupt_ppm = 100_000),
        (Fault::Truncated, |way| way.truncate_ppm = 100_000),
    ];
    for (fault, set) in table {
        let mut way = Way { hold: Span::from_millis(3), ..Way::default() };
        set(&mut way);
        let world = echo(3, &way, MS, &[100; 1_000]);
        let struck = count(&world, fault);
        assert!((70..130).contains(&struck), "{fault:?} {struck}");
        assert_eq!(faults(world.log()).len(), 1);
        let heard = world.node(SERVER_ID).heard();
        let expected = match fault {
            Fault::Lost => 1_000 - struck,
            Fault::Duplicated => 1_000 + struck,
            _ => 1_000,
        };
        assert_eq!(heard.len(), expected, "{fault:?}");
        let whole = heard.iter().filter(|(_, bytes, ..)| *bytes == vec![bytes[0]; 100]).count();
        let spoiled = if matches!(fault, Fault::Corrupted | Fault::Truncated) { struck } else { 0 };
        // Whose first byte is hit looks whole by its own light.
        assert!((expected - spoiled..=expected - spoiled + 3).contains(&whole), "{fault:?} {whole}");
        let order: Vec<u8> = heard.iter().map(|(_, bytes, ..)| bytes[0]).collect();
        let late = order.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) > 128).count();
        assert_eq!(late > 0, matches!(fault, Fault::Reordered | Fault::Duplicated | Fault::Corrupted));
    }
}

#[test]
fn bursts_are_longer_than_chance_makes_them() {
    let bursts = Bursts { begin_ppm: 10_000, end_ppm: 100_000, loss_ppm: ALWAYS_PPM };
    let world = echo(3, &Way { bursts: Some(bursts), ..Way::default() }, MS, &[100; 2_000]);
    let lost = count(&world, Fault::Burst);
    let heard: Vec<u64> =
        world.node(SERVER_ID).heard().iter().map(|(at, ..)| at.as_nanos() / 1_000_000).collect();
    let gaps = heard.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
    assert!(lost > 100 && lost > 5 * gaps, "{lost} lost in {gaps} bursts");
}

#[test]
fn a_rate_takes_its_time_and_a_full_queue_drops() {
    // 972 bytes with headers are 1,000: a millisecond each at 8 Mbit/s.
    let size = 1_000 - HEADERS_BYTES;
    let slow = |queue| Way { bits_per_s: Some(8_000_000), queue, ..Way::default() };
    for queue in [Queue::Datagrams(4), Queue::Bytes(4_000)] {
        let world = echo(1, &slow(queue), Span::ZERO, &[size; 10]);
        assert_eq!(heard(&world), [0, 1, 2, 3]);
        assert_eq!(count(&world, Fault::Overflowed), 6);
        let times: Vec<u64> =
            world.node(SERVER_ID).heard().iter().map(|(at, ..)| at.as_nanos() / 1_000_000).collect();
        assert_eq!(times, [1, 2, 3, 4]);
    }
    // What comes no faster than it leaves finds room.
    assert_eq!(heard(&echo(1, &slow(Queue::Datagrams(1)), MS, &[size; 10])).len(), 10);
}

#[test]
fn marks_are_set_by_a_queue_and_taken_off_by_a_bleach() {
    let busy = Way { bits_per_s: Some(8_000_000), mark_at: Some(Queue::Datagrams(3)), ..Way::default() };
    let marks = |way: &Way| {
        let world = echo(1, way, Span::ZERO, &[500; 6]);
        let marks: Vec<Mark> = world.node(SERVER_ID).heard().iter().map(|(.., mark)| *mark).collect();
        (marks, count(&world, Fault::Marked), count(&world, Fault::Bleached))
    };
    use Mark::{Ce, Ect0, NotEct};
    assert_eq!(marks(&busy), (vec![Ect0, Ect0, Ect0, Ect0, Ce, Ce], 2, 0));
    assert_eq!(marks(&Way { bleaches: true, ..busy }), (vec![NotEct; 6], 0, 6));
}

#[test]
fn what_is_too_large_is_dropped_and_a_way_may_become_narrower() {
    let sizes = [1_200, 1_201, 1_200, 1_100, 1_101];
    let way = Way {
        mtu_bytes: 1_200,
        later_mtu: Some((Instant::default() + MS.times(2), 1_100)),
        ..Way::default()
    };
    let world = echo(1, &way, MS, &sizes);
    assert_eq!((heard(&world), count(&world, Fault::TooLarge)), (vec![0, 3], 3));
}

#[test]
fn a_hole_swallows_what_enters_it() {
    let hole = Hole { from: Instant::default() + MS.times(3), until: Instant::default() + MS.times(6) };
    let world = echo(1, &Way { holes: vec![hole], ..Way::after(MS) }, MS, &[50; 10]);
    assert_eq!((heard(&world), count(&world, Fault::Hole)), (vec![0, 1, 2, 6, 7, 8, 9], 3));
}

#[test]
fn single_datagrams_are_hit_by_plan() {
    let world = echo(1, &Way { every: Some(4), ..Way::default() }, MS, &[50; 10]);
    assert_eq!((heard(&world), count(&world, Fault::Lost)), (vec![0, 1, 2, 4, 5, 6, 8, 9], 2));
    for fault in Fault::PLANNABLE {
        let planned = vec![Planned { nth: 1, fault }];
        let way = Way { planned, hold: Span::from_millis(9), ..Way::default() };
        let world = echo(6, &way, MS, &[50; 4]);
        assert_eq!(faults(world.log()), BTreeMap::from([(fault, 1)]));
        let whole: Vec<u8> = world
            .node(SERVER_ID)
            .heard()
            .iter()
            .filter(|(_, bytes, ..)| *bytes == vec![bytes[0]; 50])
            .map(|(_, bytes, ..)| bytes[0])
            .collect();
        let expected: &[u8] = match fault {
            Fault::Lost | Fault::Corrupted | Fault::Truncated => &[0, 2, 3],
            Fault::Reordered => &[0, 2, 3, 1],
            _ => &[0, 1, 2, 3, 1],
        };
        let mut sorted = whole.clone();
        sorted.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted, wanted, "{fault:?}");
        assert_eq!(whole.is_sorted(), expected.is_sorted(), "{fault:?} {whole:?}");
    }
}

#[test]
fn nobody_answers_from_where_nobody_is() {
    let mut world = World::new(1);
    let client = Toy { sizes: vec![10], ..Toy::default() };
    world.add(Way::default(), Way::default(), |_| Anybody::Toy(client));
    assert_eq!(world.run(Span::from_secs(1), 100), Stopped::Idle);
    assert_eq!(count(&world, Fault::Unroutable), 1);
}

/// The client is behind a NAT that rebinds after 2.5 ms.
fn behind_a_nat(outside: Option<IpAddr>, keeps_old: bool) -> World<Anybody> {
    let mut world = World::new(1);
    let client = Toy { every: MS, sizes: vec![50; 5], ..Toy::default() };
    let client = world.add(Way::default(), Way::default(), |_| Anybody::Toy(client));
    let server = Toy { echoes: true, ..Toy::default() };
    let server = world.add(Way::default(), Way::after(MS), |_| Anybody::Toy(server));
    let at = Instant::from_nanos(2_500_000);
    let nat = Nat::new(HOME, vec![Rebinding { at, outside, keeps_old }]);
    let nat = world.add(Way::default(), Way::after(MS), |_| Anybody::Nat(nat));
    world.route(CLIENT.ip(), client);
    world.route(SERVER.ip(), server);
    world.route(HOME, nat);
    outside.into_iter().for_each(|address| world.route(address, nat));
    world.put_behind(client, nat);
    assert_eq!(world.run(Span::from_secs(1), 1_000), Stopped::Idle);
    world
}

#[test]
fn a_nat_gives_another_port_or_another_address() {
    for outside in [None, Some(address([203, 0, 113, 9], 0).ip())] {
        let world = behind_a_nat(outside, false);
        let froms: Vec<SocketAddr> =
            world.node(SERVER_ID).heard().iter().map(|(_, _, from, _)| *from).collect();
        let [first, .., last] = froms[..] else { panic!("{froms:?}") };
        assert_eq!(froms, [first, first, first, last, last]);
        assert_eq!((first.ip(), last.ip()), (HOME, outside.unwrap_or(HOME)));
        assert_ne!(first.port(), last.port());
        assert_eq!(count(&world, Fault::Rebound), 1);
    }
}

#[test]
fn what_is_on_its_way_to_an_old_binding_is_lost_unless_it_is_kept() {
    // Those that were sent at 1 and 2 ms come back at 3 and 4 ms.
    for (keeps_old, lost) in [(false, 2), (true, 0)] {
        let world = behind_a_nat(None, keeps_old);
        assert_eq!(world.node(NodeId(0)).heard().len(), 5 - lost);
        assert_eq!(count(&world, Fault::Unroutable), lost);
    }
}
