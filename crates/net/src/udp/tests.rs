use super::*;
use core::future::poll_fn;
use sakigake_quic::paths::Addresses;
use std::{net::Ipv4Addr, time::Duration};
use tokio::time::timeout;

/// Loopback is never as slow: a test that waits longer has found a bug.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOPBACK: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

fn open(address: &str) -> UdpPort {
    UdpPort::bind(address.parse().unwrap(), &UdpOptions::default()).unwrap()
}

fn batch<'a>(bytes: &'a [u8], segment_bytes: usize, from: &UdpPort, to: SocketAddr) -> Batch<'a> {
    let addresses = Addresses { local: from.local(), peer: to };
    Batch { bytes, segment_bytes, addresses, mark: Mark::NotEct }
}

async fn readable(port: &UdpPort) -> io::Result<()> {
    poll_fn(|cx| port.poll_readable(cx)).await
}

struct Came {
    bytes: Vec<u8>,
    addresses: Addresses,
    mark: Mark,
}

/// Takes as many datagrams.
async fn take(port: &UdpPort, slab: &mut Slab, count: usize) -> Vec<Came> {
    let mut came = Vec::new();
    while came.len() < count {
        timeout(PATIENCE, readable(port)).await.expect("they come").unwrap();
        let Some(datagrams) = port.recv(slab).unwrap() else { continue };
        came.extend(datagrams.map(|Datagram { bytes, addresses, mark }| Came {
            bytes: bytes.to_vec(),
            addresses,
            mark,
        }));
    }
    assert_eq!(came.len(), count);
    came
}

#[tokio::test]
async fn a_batch_arrives_split_and_in_order_between_the_right_addresses() {
    for address in LOOPBACK {
        let (mut sender, receiver) = (open(address), open(address));
        let mut slab = Slab::default();
        for count in [1, 2, 40, 64, 100] {
            let given: Vec<u8> = (0..count * 1_200 - 200).map(|at| (at / 1_200) as u8).collect();
            let sent = sender.send(&batch(&given, 1_200, &sender, receiver.local()));
            assert_eq!(sent, Sent { left: count, ..Sent::default() });
            let came = take(&receiver, &mut slab, count).await;
            for (at, datagram) in came.iter().enumerate() {
                let len = if at == count - 1 { 1_000 } else { 1_200 };
                assert_eq!(datagram.bytes, vec![at as u8; len]);
                assert_eq!(datagram.addresses, Addresses { local: receiver.local(), peer: sender.local() });
            }
        }
        assert!(receiver.recv(&mut slab).unwrap().is_none());
    }
}

#[tokio::test]
async fn one_call_takes_what_the_system_has_joined() {
    let (mut sender, receiver) = (open(LOOPBACK[0]), open(LOOPBACK[0]));
    if sender.segments() < 64 || receiver.line.state.gro_segments() < 64 {
        assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none(), "this system has no GSO");
        return eprintln!("skipped: this system has no GSO");
    }
    let given = vec![7; 64 * 1_000];
    let mut slab = Slab::default();
    sender.send(&batch(&given, 1_000, &sender, receiver.local()));
    timeout(PATIENCE, readable(&receiver)).await.unwrap().unwrap();
    // More than there are messages in a call.
    assert_eq!(receiver.recv(&mut slab).unwrap().unwrap().count(), 64);
    // Each may be changed in place without touching another.
    sender.send(&batch(&given, 1_000, &sender, receiver.local()));
    timeout(PATIENCE, readable(&receiver)).await.unwrap().unwrap();
    let changed: Vec<_> = receiver.recv(&mut slab).unwrap().unwrap().collect();
    for (at, datagram) in changed.into_iter().enumerate() {
        assert_eq!(datagram.bytes, [7; 1_000]);
        datagram.bytes.fill(at as u8);
    }
}

#[tokio::test]
async fn one_call_takes_what_came_in_many() {
    let (mut sender, receiver) = (open(LOOPBACK[0]), open(LOOPBACK[0]));
    let mut slab = Slab::default();
    for len in 1..=20_usize {
        sender.send(&batch(&vec![len as u8; len], len, &sender, receiver.local()));
    }
    timeout(PATIENCE, readable(&receiver)).await.unwrap().unwrap();
    let lens: Vec<_> = receiver.recv(&mut slab).unwrap().unwrap().map(|came| came.bytes.len()).collect();
    assert_eq!(lens, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn marks_arrive() {
    for address in LOOPBACK {
        let (mut sender, receiver) = (open(address), open(address));
        let mut slab = Slab::default();
        for mark in [Mark::Ect0, Mark::NotEct, Mark::Ect1, Mark::Ce] {
            let marked = Batch { mark, ..batch(&[0; 300], 100, &sender, receiver.local()) };
            assert_eq!(sender.send(&marked).left, 3);
            for datagram in take(&receiver, &mut slab, 3).await {
                assert_eq!(datagram.mark, mark, "{address}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_leaves_from_the_address_that_was_asked() {
    let mut server = open("0.0.0.0:0");
    let mut client = open("127.0.0.1:0");
    let mut slab = Slab::default();
    for last in [1, 2, 9] {
        let asked = SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), server.local().port()));
        client.send(&batch(b"who", 3, &client, asked));
        let question = take(&server, &mut slab, 1).await.remove(0);
        assert_eq!(question.addresses, Addresses { local: asked, peer: client.local() });
        let answer = Batch { addresses: question.addresses, ..batch(b"me", 2, &server, client.local()) };
        assert_eq!(server.send(&answer).left, 1);
        assert_eq!(take(&client, &mut slab, 1).await[0].addresses.peer, asked);
    }
}

#[tokio::test]
async fn a_datagram_beyond_what_any_path_carries_is_told_and_does_no_harm() {
    for address in LOOPBACK {
        let (mut sender, receiver) = (open(address), open(address));
        let mut slab = Slab::default();
        assert!(!sender.line.state.may_fragment());
        let sent = sender.send(&batch(&vec![0; 65_528], 65_528, &sender, receiver.local()));
        assert_eq!(sent, Sent { too_large: 1, ..Sent::default() });
        assert_eq!(sender.send(&batch(&[1; 9], 9, &sender, receiver.local())).left, 1);
        assert_eq!(take(&receiver, &mut slab, 1).await[0].bytes, [1; 9]);
    }
}

#[tokio::test]
async fn whom_nobody_hears_is_no_error() {
    for address in LOOPBACK {
        let (mut sender, closed) = (open(address), open(address).local());
        let receiver = open(address);
        let mut slab = Slab::default();
        for _ in 0..3 {
            sender.send(&batch(&[0; 100], 100, &sender, closed));
            assert!(sender.recv(&mut slab).unwrap().is_none());
        }
        assert_eq!(sender.send(&batch(&[1; 9], 9, &sender, receiver.local())).left, 1);
        assert_eq!(take(&receiver, &mut slab, 1).await[0].bytes, [1; 9]);
    }
}

#[tokio::test]
async fn an_address_that_is_not_ours_loses_the_batch_but_neither_segments_nor_marks() {
    let mut sender = open("0.0.0.0:0");
    let receiver = open("127.0.0.1:0");
    let mut slab = Slab::default();
    let segments = sender.segments();
    let foreign = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), sender.local().port()));
    let good = Batch { mark: Mark::Ect0, ..batch(&[3; 300], 100, &sender, receiver.local()) };
    let bad = Batch { addresses: Addresses { local: foreign, peer: receiver.local() }, ..good };
    assert_eq!(sender.send(&bad), Sent { failed: 3, ..Sent::default() });
    assert_eq!(sender.segments(), segments);
    assert_eq!(sender.send(&good).left, 3);
    assert!(take(&receiver, &mut slab, 3).await.iter().all(|came| came.mark == Mark::Ect0));
}

#[tokio::test]
async fn an_empty_datagram_is_passed_over() {
    let (mut sender, receiver) = (open(LOOPBACK[0]), open(LOOPBACK[0]));
    let mut slab = Slab::default();
    let bare = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(bare.send_to(&[], receiver.local()).unwrap(), 0);
    sender.send(&batch(&[5; 5], 5, &sender, receiver.local()));
    assert_eq!(take(&receiver, &mut slab, 1).await[0].bytes, [5; 5]);
}

#[tokio::test]
async fn two_ports_share_an_address_and_a_third_may_not_take_it() {
    let shared = UdpOptions { is_shared: true, ..UdpOptions::default() };
    let first = UdpPort::bind("127.0.0.1:0".parse().unwrap(), &shared).unwrap();
    let second = UdpPort::bind(first.local(), &shared).unwrap();
    let taken = UdpPort::bind(first.local(), &UdpOptions::default());
    assert_eq!(taken.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));

    // The system chooses by the sender's address, always the same one for the same sender.
    let mut slab = Slab::default();
    let mut counts = [0; 2];
    for _ in 0..64 {
        let mut sender = open("127.0.0.1:0");
        sender.send(&batch(&[1; 2], 1, &sender, first.local()));
        tokio::select! {
            came = take(&first, &mut slab, 2) => counts[0] += came.len(),
            came = async { take(&second, &mut Slab::default(), 2).await } => counts[1] += came.len(),
        }
    }
    assert_eq!(counts.iter().sum::<usize>(), 128);
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
}

#[test]
fn workers_share_an_address_that_nobody_else_has() {
    let options = UdpOptions::default();
    let sockets = UdpPort::share("127.0.0.1:0".parse().unwrap(), &options, 3).unwrap();
    let address = sockets[0].local_addr().unwrap();
    assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
    let taken = UdpPort::share(address, &options, 3);
    assert_eq!(taken.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    drop(sockets);
    assert_eq!(UdpPort::share(address, &options, 1).unwrap().len(), 1);
}

#[tokio::test]
async fn an_ipv6_port_takes_ipv4_only_where_that_is_asked_for() {
    let alone = open("[::]:0");
    let beside = format!("0.0.0.0:{}", alone.local().port());
    drop(UdpPort::bind(beside.parse().unwrap(), &UdpOptions::default()).expect("nobody has it"));

    let both = UdpOptions { is_dual_stack: true, ..UdpOptions::default() };
    let mut server = UdpPort::bind("[::]:0".parse().unwrap(), &both).unwrap();
    let mut client = open("127.0.0.1:0");
    let mut slab = Slab::default();
    let to = SocketAddr::from((Ipv4Addr::LOCALHOST, server.local().port()));
    let marked = Batch { mark: Mark::Ect0, ..batch(b"4", 1, &client, to) };
    client.send(&marked);
    let question = take(&server, &mut slab, 1).await.remove(0);
    assert_eq!(question.addresses.local, format!("[::ffff:127.0.0.1]:{}", to.port()).parse().unwrap());
    assert_eq!(question.mark, Mark::Ect0);
    server.send(&Batch { addresses: question.addresses, ..batch(b"46", 1, &server, to) });
    assert_eq!(take(&client, &mut slab, 2).await[1].addresses.peer, to);
}

#[tokio::test]
async fn the_source_towards_an_address_is_told_without_a_datagram() {
    let receiver = open("127.0.0.1:0");
    assert_eq!(source_towards(receiver.local()).unwrap(), receiver.local().ip());
    assert!(receiver.recv(&mut Slab::default()).unwrap().is_none());
}

#[tokio::test]
async fn what_waits_wakes_the_reader() {
    let (mut sender, receiver) = (open(LOOPBACK[1]), open(LOOPBACK[1]));
    let (mut slab, to) = (Slab::default(), receiver.local());
    timeout(PATIENCE, poll_fn(|cx| sender.poll_writable(cx))).await.unwrap().unwrap();
    assert!(!sender.is_blocked());
    let (came, ()) = tokio::join!(take(&receiver, &mut slab, 1), async {
        tokio::task::yield_now().await;
        sender.send(&batch(&[1; 4], 4, &sender, to));
    });
    assert_eq!(came[0].bytes, [1; 4]);
}

#[tokio::test]
async fn a_port_is_told_where_nobody_listens_and_goes_on() {
    for address in LOOPBACK {
        let (mut port, other) = (open(address), open(address));
        let nobody = open(address).local(); // Closed again.
        let mut refusals = port.refusals().unwrap();
        port.send(&batch(b"hello", 5, &port, other.local()));
        assert_eq!(take(&other, &mut Slab::default(), 1).await[0].bytes, b"hello");
        timeout(Duration::from_millis(50), refusals.next()).await.expect_err("somebody listens there");
        for _ in 0..2 {
            port.send(&batch(b"hello", 5, &port, nobody));
            assert_eq!(timeout(PATIENCE, refusals.next()).await.expect("it comes").unwrap(), nobody);
        }
        let sent = port.send(&batch(b"again", 5, &port, other.local()));
        assert_eq!(sent, Sent { left: 1, ..Sent::default() });
        assert_eq!(take(&other, &mut Slab::default(), 1).await[0].bytes, b"again");
        drop(refusals);
        port.send(&batch(b"hello", 5, &port, nobody));
        let mut later = port.refusals().unwrap();
        timeout(Duration::from_millis(50), later.next()).await.expect_err("nobody was listening to that");
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_hears_that_nobody_is_there_unless_it_has_come() {
    let mut port = open(LOOPBACK[0]);
    let [nobody, another] = [open(LOOPBACK[0]).local(), open(LOOPBACK[0]).local()]; // Closed again.
    let mut refused = Box::pin(port.refusals().unwrap().refuse(nobody, core::future::pending::<()>()));
    timeout(Duration::from_millis(10), &mut refused).await.expect_err("nothing has been sent");
    port.send(&batch(b"hello", 5, &port, another));
    timeout(Duration::from_millis(50), &mut refused).await.expect_err("that is another's");
    port.send(&batch(b"hello", 5, &port, nobody));
    timeout(PATIENCE, &mut refused).await.expect("it comes");
    let mut refused = Box::pin(port.refusals().unwrap().refuse(nobody, core::future::ready(())));
    timeout(Duration::from_millis(10), &mut refused).await.expect_err("who is there has answered");
    port.send(&batch(b"hello", 5, &port, nobody));
    timeout(Duration::from_millis(50), &mut refused).await.expect_err("it is believed to be there");
}

/// What ICMP says (RFC 792, RFC 4443), and what the system makes of it: icmp_err_convert and icmpv6_err_convert of Linux.
const WORDS: [(&str, u8, u8, Errno); 13] = [
    (LOOPBACK[0], 3, 0, Errno::NETUNREACH),
    (LOOPBACK[0], 3, 1, Errno::HOSTUNREACH),
    (LOOPBACK[0], 3, 2, Errno::NOPROTOOPT),
    (LOOPBACK[0], 3, 3, Errno::CONNREFUSED),
    (LOOPBACK[0], 3, 4, Errno::MSGSIZE),
    (LOOPBACK[0], 3, 5, Errno::OPNOTSUPP),
    (LOOPBACK[0], 3, 7, Errno::HOSTDOWN),
    (LOOPBACK[0], 3, 8, Errno::NONET),
    (LOOPBACK[0], 12, 0, Errno::PROTO),
    (LOOPBACK[1], 1, 1, Errno::ACCESS),
    (LOOPBACK[1], 1, 4, Errno::CONNREFUSED),
    (LOOPBACK[1], 2, 0, Errno::MSGSIZE),
    (LOOPBACK[1], 4, 0, Errno::PROTO),
];

/// A message of ICMP that quotes the head of a datagram between two ports of one address.
fn icmp(kind: u8, code: u8, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0, 0, 0, 5, 0]; // 1,280 bytes, where it is about size.
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            message.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0]);
            message.extend([from.octets(), to.octets()].concat());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            message.extend([0x60, 0, 0, 0, 0, 8, 17, 64]);
            message.extend([from.octets(), to.octets()].concat());
        }
        _ => unreachable!("both are of one kind"),
    }
    message.extend([from.port().to_be_bytes(), to.port().to_be_bytes(), [0, 8], [0, 0]].concat());
    let words = message.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum = words.sum::<u32>();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16; // Of IPv6 the system sums up itself.
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// What the system says of the next call.
fn pending(port: &UdpPort) -> Option<Errno> {
    let error = socket2::SockRef::from(&port.line.socket).take_error().unwrap()?;
    Errno::from_io_error(&error)
}

#[tokio::test]
async fn a_port_outlives_whatever_icmp_says() {
    for (address, kind, code, errno) in WORDS {
        let (port, mut other) = (open(address), open(address));
        let protocol = if port.local().is_ipv6() { Protocol::ICMPV6 } else { Protocol::ICMPV4 };
        let domain = Domain::for_address(port.local());
        let Ok(network) = Socket::new(domain, Type::RAW, Some(protocol)) else {
            assert!(std::env::var_os("SAKIGAKE_REQUIRE").is_none(), "only root speaks ICMP");
            return eprintln!("skipped: only root speaks ICMP");
        };
        let _refusals = port.refusals().unwrap();
        let says = || {
            let to = SockAddr::from(SocketAddr::new(port.local().ip(), 0));
            network.send_to(&icmp(kind, code, port.local(), other.local()), &to).unwrap();
        };
        says();
        let told = timeout(PATIENCE, async {
            loop {
                match pending(&port) {
                    Some(told) => break told,
                    None => tokio::task::yield_now().await,
                }
            }
        });
        assert_eq!(told.await, Ok(errno), "type {kind}, code {code}");
        says();
        other.send(&batch(b"there is somebody", 17, &other, port.local()));
        assert_eq!(take(&port, &mut Slab::default(), 1).await[0].bytes, b"there is somebody");
    }
}
