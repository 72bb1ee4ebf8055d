//! The loop between the two ends.

use crate::{
    capture::Capture,
    faults::{Faults, From},
    queue::Queue,
};
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

/// The server's end of all that comes in pairs.
const SERVER: usize = 0;

/// The link between two ends, the server's first.
pub(crate) struct Link {
    pub(crate) ends: [OwnedFd; 2],
    /// Those of packets that come from the end with the same index.
    pub(crate) queues: [Queue; 2],
    pub(crate) faults: Faults,
    pub(crate) capture: Capture,
}

impl Link {
    /// Carries packets between the ends until one fails. Says why.
    pub(crate) fn carry(mut self) -> io::Error {
        let start = Instant::now();
        loop {
            if let Err(why) = self.turn(start) {
                return why;
            }
        }
    }

    fn turn(&mut self, start: Instant) -> io::Result<()> {
        await_packets(&self.ends, &self.queues, start)?;
        for from in [SERVER, 1 - SERVER] {
            self.take(from, start)?;
            self.deliver(from, start.elapsed())?;
        }
        Ok(())
    }

    fn take(&mut self, from: usize, start: Instant) -> io::Result<()> {
        let mut packet = [0; 65_536];
        for _ in 0..TURN {
            let len = match read(&self.ends[from], &mut packet) {
                Ok(len) => len,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(why) => return Err(why.into()),
            };
            let (packet, now) = (&mut packet[..len], start.elapsed());
            if from == SERVER {
                self.capture.pass(packet)?;
            }
            let side = if from == SERVER { From::Server } else { From::Client };
            if !(self.faults.pass(now, side, packet) && self.queues[from].accept(now, packet)) {
                self.capture.lose(from);
            }
        }
        Ok(())
    }

    fn deliver(&mut self, from: usize, now: Duration) -> io::Result<()> {
        let to = 1 - from;
        while let Some(packet) = self.queues[from].due(now) {
            if to == SERVER {
                self.capture.pass(&packet)?;
            }
            match write(&self.ends[to], &packet) {
                // The kernel has no room, or refuses what it itself wrote on the other side: as good as lost.
                Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::INVAL) => {}
                Err(why) => return Err(why.into()),
            }
        }
        Ok(())
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
