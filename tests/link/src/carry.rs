//! The loop between the two ends.

use crate::queue::Queue;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, read, write},
};
use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

/// How many packets are read from one end before the other has its turn.
const TURN: usize = 64;

/// Carries packets between the ends, those from `ends[0]` by `queues[0]`, until an end fails. Says why.
pub(crate) fn carry(ends: [OwnedFd; 2], mut queues: [Queue; 2]) -> io::Error {
    let start = Instant::now();
    loop {
        let turn = await_packets(&ends, &queues, start).and_then(|()| {
            for (from, queue) in queues.iter_mut().enumerate() {
                take(&ends[from], queue, start)?;
                deliver(&ends[1 - from], queue, start.elapsed())?;
            }
            Ok(())
        });
        if let Err(why) = turn {
            return why.into();
        }
    }
}

fn await_packets(ends: &[OwnedFd; 2], queues: &[Queue; 2], start: Instant) -> Result<(), Errno> {
    let next = queues.iter().filter_map(Queue::deadline).min();
    let wait = next.map(|at| at.saturating_sub(start.elapsed())).map(timespec);
    let mut polled = [PollFd::new(&ends[0], PollFlags::IN), PollFd::new(&ends[1], PollFlags::IN)];
    match poll(&mut polled, wait.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(why) => Err(why),
    }
}

fn timespec(wait: Duration) -> Timespec {
    Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() }
}

fn take(end: &OwnedFd, queue: &mut Queue, start: Instant) -> Result<(), Errno> {
    let mut packet = [0; 65_536];
    for _ in 0..TURN {
        match read(end, &mut packet) {
            // A lost packet is what the link is for.
            Ok(len) => drop(queue.accept(start.elapsed(), &packet[..len])),
            Err(Errno::AGAIN) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

fn deliver(end: &OwnedFd, queue: &mut Queue, now: Duration) -> Result<(), Errno> {
    while let Some(packet) = queue.due(now) {
        match write(end, &packet) {
            // The kernel has no room, or refuses what it itself wrote on the other side: as good as lost.
            Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::INVAL) => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
