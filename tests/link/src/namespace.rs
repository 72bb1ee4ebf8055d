//! A network namespace: a thread that lives in it, and the TUN device through which it is reached.
#![allow(
    unsafe_code,
    reason = "the kernel's interface to namespaces, devices and children has no other form"
)]

use crate::arguments::Port;
use rustix::{
    fs::{Mode, OFlags},
    ioctl::{Setter, ioctl, opcode},
    process::{Signal, set_parent_process_death_signal},
    thread::{UnshareFlags, unshare_unsafe},
};
use std::{
    fs, io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

/// A thread in a network namespace of its own, which does what it is told there.
pub(crate) struct Namespace {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Namespace {
    /// A new namespace with one device, and the device's other end: packets, read and written without blocking.
    pub(crate) fn open(device: &'static str, address: &'static str) -> io::Result<(Self, OwnedFd)> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        thread::spawn(move || inbox.into_iter().for_each(|job| job()));
        let side = Self { jobs };
        let end = side.run(move || set_up(device, address))?;
        Ok((side, end))
    }

    /// Starts a command there; it does not outlive this program.
    pub(crate) fn spawn(&self, mut command: Command) -> io::Result<Child> {
        // SAFETY: between fork and exec the closure makes one system call and touches no memory.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let name = command.get_program().to_string_lossy().into_owned();
        let why = move |error| io::Error::other(format!("cannot run {name}: {error}"));
        self.run(move || command.spawn()).map_err(why)
    }

    /// Whether somebody there listens on a port. Asked of the kernel: a trial connection would reach the server.
    pub(crate) fn is_listening(&self, port: Port) -> io::Result<bool> {
        self.run(move || {
            let (protocol, port, state) = match port {
                Port::Tcp(port) => ("tcp", port, "0A"),
                Port::Udp(port) => ("udp", port, "07"),
            };
            let tables = ["", "6"].map(|version| format!("/proc/thread-self/net/{protocol}{version}"));
            // A kernel without IPv6 has one table less.
            let sockets = tables.map(|table| fs::read_to_string(table).unwrap_or_default());
            Ok(sockets.iter().flat_map(|text| text.lines()).any(|line| is_listener(line, port, state)))
        })
    }

    fn run<T: Send + 'static>(&self, job: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
        let (done, result) = mpsc::channel();
        // A thread that is gone takes no job; then there is no result either, which is what is reported.
        let _ = self.jobs.send(Box::new(move || {
            let _ = done.send(job());
        }));
        result.recv().unwrap_or_else(|_| Err(io::Error::other("the namespace's thread ended")))
    }
}

fn is_listener(line: &str, port: u16, wanted: &str) -> bool {
    let mut columns = line.split_whitespace().skip(1);
    let (local, state) = (columns.next(), columns.nth(1));
    local.and_then(|local| local.rsplit_once(':')).is_some_and(|(_, hex)| hex == format!("{port:04X}"))
        && state == Some(wanted)
}

fn set_up(device: &str, address: &str) -> io::Result<OwnedFd> {
    // SAFETY: only the file table must not be unshared carelessly; this takes a new network namespace for this thread.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }?;
    let end = open_tun(device)?;
    for arguments in [
        &["link", "set", "lo", "up"][..],
        &["addr", "add", address, "dev", device],
        &["link", "set", device, "txqueuelen", "1000", "up"],
    ] {
        ip(arguments)?;
    }
    name_congestion_control()?;
    Ok(end)
}

fn ip(arguments: &[&str]) -> io::Result<()> {
    let status = Command::new("ip").args(arguments).stdin(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("ip {}: {status}", arguments.join(" "))))
    }
}

/// The system's default may be BBR, whose pacing is not what round trips are counted with. Cubic is taken where the
/// system allows it to every namespace; Reno always is, and starts as slowly.
fn name_congestion_control() -> io::Result<()> {
    let file = "/proc/sys/net/ipv4/tcp_congestion_control";
    fs::write(file, "cubic").or_else(|_| fs::write(file, "reno"))
}

/// The kernel's `struct ifreq`, as TUNSETIFF reads it.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

const IFF_TUN: u16 = 0x0001;
/// Packets without a header before them.
const IFF_NO_PI: u16 = 0x1000;

fn open_tun(device: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let end = rustix::fs::open("/dev/net/tun", flags, Mode::empty())?;
    let mut request = Request { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
    request.name[..device.len()].copy_from_slice(device.as_bytes());
    const TUNSETIFF: rustix::ioctl::Opcode = opcode::write::<i32>(b'T', 202);
    // SAFETY: TUNSETIFF reads and writes one `struct ifreq` (40 bytes), which `Request` is, and keeps no pointer to it.
    unsafe { ioctl(&end, Setter::<TUNSETIFF, Request>::new(request)) }?;
    Ok(end)
}
