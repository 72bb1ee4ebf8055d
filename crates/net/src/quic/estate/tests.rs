use super::{deed::VARIABLE, *};
use crate::{
    Successor, UdpOptions, UdpPort, inherited,
    quic::{
        Handed, Member, Worker,
        tests::{Caller, Desk, Echo, Ground, PATIENCE, any_turn, text},
    },
};
use sakigake_quic::{
    connection::{Closed, Options},
    endpoint::{Counters, Retry},
    paths::Addresses,
};
use std::{
    env,
    io::{Read, Seek, Write},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};

const WORKERS: u16 = 2;

/// Not a test by itself, but the process that those below start: it serves what it inherited until its standard input ends.
#[test]
fn successor() {
    if env::var_os(VARIABLE).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut inherited = inherited().unwrap();
        let Heritage { secrets, sockets } = inherited.quic.take().expect("a predecessor started this");
        let retry = if env::var_os("ASKS").is_some() { Retry::Always } else { Retry::Never };
        let ground = Ground::of(secrets, retry, Options::default());
        let mut workers = workers(&ground);
        for Lent { worker, socket } in sockets {
            workers[usize::from(worker)].add(UdpPort::adopt(socket).unwrap());
        }
        let (end, mut told) = oneshot::channel();
        thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            end.send(())
        });
        inherited.serves().unwrap();
        loop {
            tokio::select! {
                () = any_turn(&mut workers) => {}
                _ = &mut told => break,
            }
        }
        let sum = |of: fn(&Worker<Desk<Echo>>) -> u64| workers.iter().map(of).sum::<u64>();
        let accepted = sum(|worker| worker.counters().accepted);
        let given = sum(|worker| worker.handed().given);
        let resets = sum(|worker| worker.counters().stateless_resets);
        writeln!(std::io::stdout(), "accepted {accepted}\ngiven {given}\nresets {resets}").unwrap();
    });
}

fn workers(ground: &Ground) -> Vec<Worker<Desk<Echo>>> {
    let members = Member::crew(&ground.secrets, WORKERS, Limits::default()).into_iter();
    members.map(|member| Worker::member(ground.clock, member, ground.terms.clone(), Desk::server())).collect()
}

/// Two workers, a client, and a successor once there is one.
struct Change {
    ground: Ground,
    peer: SocketAddr,
    old: Vec<Worker<Desk<Echo>>>,
    client: Worker<Desk<Caller>>,
    child: Option<Child>,
    calls: usize,
}

impl Change {
    fn new(retry: Retry) -> Self {
        let ground = Ground::new(retry, Options::default());
        let address = "127.0.0.1:0".parse().unwrap();
        let sockets = UdpPort::share(address, &UdpOptions::default(), WORKERS).unwrap();
        let peer = sockets[0].local_addr().unwrap();
        let mut old = workers(&ground);
        for (worker, socket) in old.iter_mut().zip(sockets) {
            worker.add(UdpPort::adopt(socket).unwrap());
        }
        let client = ground.client();
        Self { ground, peer, old, client, child: None, calls: 0 }
    }

    /// From a port of its own, so that the system may choose either worker.
    fn call(&mut self, caller: Caller) {
        let port = UdpPort::bind("127.0.0.1:0".parse().unwrap(), &UdpOptions::default()).unwrap();
        let addresses = Addresses { local: port.local(), peer: self.peer };
        self.client.add(port);
        self.ground.call(&mut self.client, addresses, Vec::new(), caller);
        self.calls += 1;
    }

    /// A connection that says nothing until it is told to.
    async fn waiting(&mut self, text: Vec<u8>) -> oneshot::Sender<()> {
        let (start, waits) = oneshot::channel();
        let (mut caller, heard) = Caller::watched(text);
        caller.waits = Some(waits);
        self.call(caller);
        self.run(|_| heard.get() > 0).await;
        start
    }

    fn start(&self, asks: bool) -> JoinHandle<std::io::Result<Child>> {
        let lent = self.old.iter().flat_map(|worker| worker.lend().unwrap()).collect();
        let bequest = self.old[0].estate().bequeath(lent).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "quic::estate::tests::successor", "--nocapture"]);
        if asks {
            command.env("ASKS", "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        spawn_blocking(move || Successor::start_with(command, Vec::new(), bequest)?.wait(PATIENCE))
    }

    async fn run(&mut self, mut is_done: impl FnMut(&mut Self) -> bool) {
        timeout(PATIENCE, async {
            while !is_done(self) {
                tokio::select! {
                    () = any_turn(&mut self.old), if !self.old.is_empty() => {}
                    turn = self.client.turn() => turn.unwrap(),
                    // Other things happen too.
                    () = sleep(Duration::from_millis(5)) => {}
                }
            }
        })
        .await
        .expect("it is done in time");
    }

    /// Until a successor serves, with a new client each time that somebody has done something.
    async fn succeed(&mut self, asks: bool) {
        let successor = self.start(asks);
        let most = self.calls + 20;
        self.run(|change| {
            if change.calls < most && change.client.connections() < 6 {
                change.call(Caller::new(text(10_000, 0)));
            }
            successor.is_finished()
        })
        .await;
        self.child = Some(successor.await.unwrap().expect("it serves"));
        self.old[0].estate().retire();
    }

    fn counted<const N: usize>(mut self, names: [&str; N]) -> [u64; N] {
        let child = self.child.take().unwrap();
        let output = child.wait_with_output().unwrap(); // Closes its standard input first.
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        names.map(|name| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("{text}")).trim().parse().unwrap()
        })
    }

    fn sums(&self) -> (Handed, Counters) {
        let mut sums = (Handed::default(), Counters::default());
        for worker in &self.old {
            sums.0.taken += worker.handed().taken;
            sums.0.orphaned += worker.handed().orphaned;
            sums.1.accepted += worker.counters().accepted;
        }
        sums
    }
}

#[tokio::test]
async fn a_transfer_goes_on_over_a_change_of_process() {
    for retry in [Retry::Never, Retry::Always] {
        const BYTES: usize = 6_000_000;
        let asks = retry == Retry::Always;
        let mut change = Change::new(retry);
        let (caller, heard) = Caller::watched(text(BYTES, 1));
        change.call(caller);
        change.run(|_| heard.get() > 500_000).await;
        change.succeed(asks).await;
        assert!(heard.get() < BYTES, "the successor came in the middle");
        let (before, accepted) = (heard.get(), change.sums().1.accepted);
        change.run(|change| change.sums().0.taken > 20 || heard.get() == BYTES).await;
        for at in 0..10 {
            change.call(Caller::new(text(20_000, at)));
        }
        change.run(|change| change.client.connections() == 0).await;
        let ended = core::mem::take(&mut change.client.service().ended);
        assert_eq!(ended.len(), change.calls);
        let closed: Vec<_> = ended.iter().filter_map(|caller| caller.closed.as_ref()).collect();
        assert!(closed.is_empty(), "nobody was reset, or began in vain: {closed:?}");
        let long = ended.iter().find(|caller| caller.hears.len() == BYTES);
        assert!(long.is_some_and(|caller| caller.hears == text(BYTES, 1)));
        assert!(ended.iter().all(|caller| caller.hears.len() >= 10_000));

        // What went on came by the successor, and who came later is the successor's, all but those whose handshakes it had met.
        let (handed, counters) = change.sums();
        let most = (BYTES - before) as u64 / 1_500 / 4;
        assert!(handed.taken > most, "{handed:?} after {before}");
        assert!(counters.accepted <= accepted + 6);
        change.run(|change| change.old.iter().all(|worker| worker.connections() == 0)).await;
        let [new, given] = change.counted(["accepted", "given"]);
        assert!(new >= 10 && given > most, "{new} {given}");
    }
}

#[tokio::test]
async fn what_a_process_leaves_behind_is_reset_by_its_successor() {
    let mut change = Change::new(Retry::Never);
    let mut starts = Vec::new();
    for _ in 0..3 {
        starts.push(change.waiting(text(5_000, 0)).await);
    }
    let successor = change.start(false);
    change.run(|_| successor.is_finished()).await;
    change.child = Some(successor.await.unwrap().expect("it serves"));
    change.old[0].estate().retire();
    let fresh = change.waiting(text(5_000, 0)).await;
    change.old.clear();
    starts.into_iter().chain([fresh]).for_each(|start| start.send(()).unwrap());
    change.call(Caller::new(text(5_000, 0)));
    change.run(|change| change.client.connections() == 0).await;
    let ended = core::mem::take(&mut change.client.service().ended);
    let count = |is: fn(&Caller) -> bool| ended.iter().filter(|caller| is(caller)).count();
    assert_eq!(count(|caller| caller.closed == Some(Closed::Reset)), 3);
    assert_eq!(count(|caller| caller.closed.is_none() && caller.hears.len() == 5_000), 2);
    let [accepted, resets] = change.counted(["accepted", "resets"]);
    assert!(accepted == 2 && resets >= 3, "{accepted} {resets}");
}

#[tokio::test]
async fn a_successor_that_does_not_come_changes_nothing() {
    let mut change = Change::new(Retry::Never);
    let start = change.waiting(text(5_000, 0)).await;
    for _ in 0..2 {
        let lent = change.old[0].lend().unwrap();
        let bequest = change.old[0].estate().bequeath(lent).unwrap();
        let mut command = Command::new("/bin/sh");
        // It has the file and the keys in it: the form, 16 and 32 bytes.
        let script = format!("test $(head -c 49 /proc/self/fd/${VARIABLE} | wc -c) = 0; exit 3");
        command.args(["-c", &script]);
        let successor =
            spawn_blocking(move || Successor::start_with(command, Vec::new(), bequest)?.wait(PATIENCE));
        change.run(|_| successor.is_finished()).await;
        assert!(successor.await.unwrap().is_err());
    }
    start.send(()).unwrap();
    change.call(Caller::new(text(5_000, 0)));
    change.run(|change| change.client.connections() == 0).await;
    let ended = &change.client.service().ended;
    assert!(ended.iter().all(|caller| caller.closed.is_none() && caller.hears.len() == 5_000));
}

/// A file that says that.
fn deed(bytes: &[u8]) -> std::io::Result<Heritage> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = std::fs::File::from(rustix::fs::memfd_create("test", flags).unwrap());
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    Heritage::read(file)
}

#[test]
fn a_deed_of_another_form_or_cut_short_is_refused() {
    // The form, the keys, the heir's number, and no kin, inboxes or sockets.
    let mut whole = vec![1];
    whole.extend([7; 48]);
    whole.extend([0, 0, 0, 9, 0, 0, 0, 0, 0, 0]);
    assert!(deed(&whole).is_ok_and(|heritage| heritage.sockets.is_empty()));
    for len in 0..whole.len() {
        assert!(deed(&whole[..len]).is_err(), "{len} bytes");
    }
    assert!(deed(&[&[2], &whole[1..]].concat()).is_err());
    // A socket that is no descriptor of ours.
    let last = whole.len() - 1;
    whole[last] = 1;
    assert!(deed(&[&whole[..], &[0, 0, 0x7f, 0xff, 0xff, 0xff]].concat()).is_err());
}
