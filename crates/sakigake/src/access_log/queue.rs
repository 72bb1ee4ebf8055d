//! Lines on their way to a slow place: a bounded buffer, and a thread that writes.

use std::{
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How long the end of a log waits for what is not written yet.
const FAREWELL: Duration = Duration::from_secs(1);

/// The near end. Whoever puts a line waits for nobody but others who do; at its drop what is left is written.
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The state changed.
    changed: Condvar,
    limit_bytes: usize,
    lost: AtomicU64,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// Lines lost since the writer last said so.
    lost: u64,
    is_closed: bool,
    /// The writer has nothing under way.
    is_written: bool,
}

impl Queue {
    /// A queue of at most `limit_bytes` before `out`. `note` makes the line that says how many were lost.
    pub(super) fn new(limit_bytes: usize, out: Box<dyn Write + Send>, note: fn(u64) -> String) -> Self {
        let state = Mutex::new(State { is_written: true, ..State::default() });
        let shared =
            Arc::new(Shared { state, changed: Condvar::new(), limit_bytes, lost: AtomicU64::new(0) });
        let far = shared.clone();
        let writer = thread::Builder::new().name("access log".into()).spawn(move || far.write(out, note));
        if let Err(error) = writer {
            eprintln!("warning: there is no access log: {error}");
            shared.state().is_closed = true;
        }
        Self(shared)
    }

    /// Takes a line, or counts it as lost.
    pub(super) fn put(&self, line: &str) {
        let mut state = self.0.state();
        if state.is_closed || state.lines.len() + line.len() > self.0.limit_bytes {
            state.lost += 1;
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line.as_bytes());
        drop(state);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    /// Whether the writer has all that was put.
    #[cfg(test)]
    pub(super) fn is_taken(&self) -> bool {
        self.0.state().lines.is_empty()
    }

    /// Lines that were lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_closed = true;
        self.0.changed.notify_all();
        let unwritten = |state: &mut State| !state.is_written || !state.lines.is_empty();
        // A place that takes nothing does not keep the process from its end.
        let waited = self.0.changed.wait_timeout_while(state, FAREWELL, unwritten);
        drop(waited);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panicked in here left whole lines behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, mut out: Box<dyn Write + Send>, note: fn(u64) -> String) {
        let mut lines = Vec::new();
        while self.take(&mut lines, note) {
            // Whole lines in one write, so that those of several processes do not mix. A log that cannot be written does
            // not stop the service, and there is nobody who could be told.
            let _: io::Result<()> = out.write_all(&lines).and_then(|()| out.flush());
            lines.clear();
        }
    }

    /// Waits for lines and takes them; false at the end.
    fn take(&self, lines: &mut Vec<u8>, note: fn(u64) -> String) -> bool {
        let mut state = self.state();
        state.is_written = true;
        self.changed.notify_all();
        while state.lines.is_empty() {
            if state.is_closed {
                return false;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        core::mem::swap(&mut state.lines, lines);
        state.is_written = false;
        let lost = core::mem::take(&mut state.lost);
        drop(state);
        if lost > 0 {
            lines.extend_from_slice(note(lost).as_bytes());
        }
        true
    }
}
