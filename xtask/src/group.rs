//! A program and all that it starts, as one process group, so that nothing outlives its step.

use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    os::unix::process::CommandExt,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

/// What a group that is told to end gets for its own tidying.
const GRACE: Duration = Duration::from_secs(3);
const NAP: Duration = Duration::from_millis(20);

/// A running program; dropping it ends it and everything it started.
pub(crate) struct Group {
    pub(crate) child: Child,
    id: Pid,
}

impl Group {
    /// Starts `command` at the head of a group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().map_err(|error| format!("{program}: {error}"))?;
        Ok(Self { id: Pid::from_child(&child), child })
    }

    /// Waits for the program, for at most `limit`; past it the whole group is ended.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<(), String> {
        let outcome = match self.until(Instant::now() + limit)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(status.to_string()),
            None => Err(format!("took longer than {} s", limit.as_secs())),
        };
        self.end()?;
        outcome
    }

    /// Asks the group to end, and after a while no longer asks. Also ends what a program that is over left behind.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        if self.until(Instant::now())?.is_none() {
            self.signal(Signal::TERM);
            self.until(Instant::now() + GRACE)?;
        }
        self.signal(Signal::KILL);
        self.child.wait().map(|_| ()).map_err(|error| error.to_string())
    }

    /// Sends `signal` to all that is left of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        // The only error that can come is that nobody is left.
        let _ = kill_process_group(self.id, signal);
    }

    /// Waits for the program until `end`.
    pub(crate) fn until(&mut self, end: Instant) -> Result<Option<std::process::ExitStatus>, String> {
        loop {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                None if Instant::now() < end => thread::sleep(NAP),
                outcome => return Ok(outcome),
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is left to tell; a step that mattered called `wait` or `end` before.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests;
