use super::*;
use crate::{
    UdpOptions, UdpPort,
    quic::{
        Worker,
        tests::{Caller, Desk, Echo, Ground, PATIENCE, any_turn, text},
    },
};
use sakigake_quic::{
    connection::{Closed, Options},
    endpoint::{Counters, Retry},
    paths::Addresses,
};
use sakigake_wire::Span;
use std::{
    net::{SocketAddr, UdpSocket},
    thread::{self, JoinHandle},
};
use tokio::{
    runtime,
    sync::{oneshot, watch},
    time::timeout,
};

const LOOPBACK: &str = "127.0.0.1:0";

fn sockets(workers: u16) -> (SocketAddr, Vec<UdpSocket>) {
    let sockets = UdpPort::share(LOOPBACK.parse().unwrap(), &UdpOptions::default(), workers).unwrap();
    (sockets[0].local_addr().unwrap(), sockets)
}

fn port() -> UdpPort {
    UdpPort::bind(LOOPBACK.parse().unwrap(), &UdpOptions::default()).unwrap()
}

fn members(ground: &Ground, workers: u16) -> Vec<Worker<Desk<Echo>>> {
    let members = Member::crew(&ground.secrets, workers, Limits::default()).into_iter();
    members.map(|member| Worker::member(ground.clock, member, ground.terms.clone(), Desk::server())).collect()
}

/// Lets everybody work until it `is_done`.
async fn turns(
    workers: &mut [Worker<Desk<Echo>>],
    client: &mut Worker<Desk<Caller>>,
    is_done: impl Fn(&Worker<Desk<Caller>>) -> bool,
) {
    while !is_done(client) {
        tokio::select! {
            () = any_turn(workers) => {}
            turn = client.turn() => turn.unwrap(),
        }
    }
}

/// Servers, each on a thread of its own, until they are told to end.
struct Staff {
    end: watch::Sender<()>,
    threads: Vec<JoinHandle<(Handed, Counters)>>,
}

impl Staff {
    fn hire(ground: &Ground, sockets: Vec<UdpSocket>) -> Self {
        let (end, told) = watch::channel(());
        let workers = u16::try_from(sockets.len()).unwrap();
        let members = Member::crew(&ground.secrets, workers, Limits::default());
        let threads = members.into_iter().zip(sockets).map(|(member, socket)| {
            let (clock, terms, mut told) = (ground.clock, ground.terms.clone(), told.clone());
            thread::spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut worker = Worker::member(clock, member, terms, Desk::server());
                    worker.add(UdpPort::adopt(socket).unwrap());
                    loop {
                        tokio::select! {
                            turn = worker.turn() => turn.unwrap(),
                            _ = told.changed() => return (*worker.handed(), *worker.counters()),
                        }
                    }
                })
            })
        });
        let threads = threads.collect();
        Self { end, threads }
    }

    fn dismiss(self) -> Vec<(Handed, Counters)> {
        self.end.send(()).unwrap();
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

#[tokio::test]
async fn connections_go_on_whichever_worker_the_system_gives_their_datagrams_to() {
    const CLIENTS: usize = 24;
    const BYTES: usize = 300_000;
    // A client that only listens does not see that its port has changed.
    let options = Options { keep_alive: Some(Span::from_millis(100)), ..Options::default() };
    let ground = Ground::new(Retry::Never, options);
    let (peer, sockets) = sockets(4);
    let staff = Staff::hire(&ground, sockets);
    let mut client = ground.client();
    let mut progress = Vec::new();
    for at in 0..CLIENTS {
        let port = port();
        let addresses = Addresses { local: port.local(), peer };
        client.add(port);
        let (caller, heard) = Caller::watched(text(BYTES, at));
        ground.call(&mut client, addresses, Vec::new(), caller);
        progress.push((heard, 0));
    }
    timeout(PATIENCE, async {
        while client.connections() > 0 {
            client.turn().await.unwrap();
            for (at, (heard, times)) in progress.iter_mut().enumerate() {
                // At the beginning, in the middle and near the end.
                if heard.get() > *times * 120_000 + 1_000 {
                    client.ports.get(at).rebind().unwrap();
                    *times += 1;
                }
            }
        }
    })
    .await
    .expect("all are done in time");
    let mut hears: Vec<_> = client.service().ended.drain(..).map(|caller| caller.hears).collect();
    hears.sort();
    let mut said: Vec<_> = (0..CLIENTS).map(|at| text(BYTES, at)).collect();
    said.sort();
    assert!(hears == said);
    assert!(progress.iter().all(|(_, times)| *times == 3));

    let counted = staff.dismiss();
    let sum = |of: fn(&(Handed, Counters)) -> u64| counted.iter().map(of).sum::<u64>();
    assert_eq!(sum(|(_, counters)| counters.accepted), CLIENTS as u64);
    assert_eq!(sum(|(handed, _)| handed.orphaned), 0);
    // Of 72 changes, each leaves a connection where it was one time in four.
    assert!(sum(|(handed, _)| handed.taken) > 0, "{counted:?}");
    assert!(sum(|(handed, _)| handed.given) >= sum(|(handed, _)| handed.taken));
    assert!(sum(|(handed, _)| handed.given_bytes) > sum(|(handed, _)| handed.given));
}

#[tokio::test]
async fn a_worker_that_ends_leaves_nothing_to_wait_for() {
    let ground = Ground::new(Retry::Never, Options::default());
    let mut workers = members(&ground, 2);
    let (peer, sockets) = sockets(2);
    for (worker, socket) in workers.iter_mut().zip(sockets) {
        worker.add(UdpPort::adopt(socket).unwrap());
    }
    let mut client = ground.client();
    timeout(PATIENCE, async {
        // Until the system has given some to each.
        let mut starts = Vec::new();
        while starts.len() < 4 || workers.iter().any(|worker| worker.connections() == 0) {
            let port = port();
            let addresses = Addresses { local: port.local(), peer };
            client.add(port);
            let (start, waits) = oneshot::channel();
            let (mut caller, heard) = Caller::watched(text(20_000, 0));
            caller.waits = Some(waits);
            ground.call(&mut client, addresses, Vec::new(), caller);
            turns(&mut workers, &mut client, |_| heard.get() > 0).await;
            starts.push(start);
        }
        let called = starts.len();
        let lost = workers.pop().unwrap().connections();
        starts.into_iter().for_each(|start| start.send(()).unwrap());
        turns(&mut workers, &mut client, |client| client.connections() == 0).await;
        let ended = &client.service().ended;
        let count = |is: fn(&Caller) -> bool| ended.iter().filter(|caller| is(caller)).count();
        assert_eq!(count(|caller| caller.closed == Some(Closed::Reset)), lost);
        assert_eq!(count(|caller| caller.hears.len() == 20_000), called - lost);
        assert!(workers[0].handed().orphaned >= lost as u64);
        assert!(workers[0].counters().stateless_resets >= lost as u64);
    })
    .await
    .expect("all are done in time");
}

#[tokio::test]
async fn a_token_is_good_once_for_all_workers() {
    // spec: 9000-8.1.4-e
    let ground = Ground::new(Retry::Always, Options::default());
    let mut workers = members(&ground, 2);
    for worker in &mut workers {
        worker.add(port());
    }
    let mut client = ground.client();
    client.add(port());
    let local = client.ports().next().unwrap();
    let mut call = async |number: usize, token: Vec<u8>| {
        let peer = workers[number].ports().next().unwrap();
        ground.call(&mut client, Addresses { local, peer }, token, Caller::new(text(10, 0)));
        let retries = workers[number].counters().retries;
        let done = turns(&mut workers, &mut client, |client| client.connections() == 0);
        timeout(PATIENCE, done).await.expect("it is done in time");
        let ended = client.service().ended.pop().unwrap();
        assert_eq!(ended.hears, text(10, 0));
        (ended.token, workers[number].counters().retries > retries)
    };
    let (token, is_asked) = call(0, Vec::new()).await;
    assert!(is_asked && !token.is_empty());
    let (_, is_asked) = call(1, token.clone()).await;
    assert!(!is_asked);
    for number in 0..2 {
        let (_, is_asked) = call(number, token.clone()).await;
        assert!(is_asked);
    }
}
