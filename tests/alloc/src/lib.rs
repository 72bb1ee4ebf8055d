//! Counts what this thread allocates. On Linux with glibc it takes malloc's place in the program that links it, so that what C
//! allocates (aws-lc, above all) counts too; Rust's own allocator asks the same malloc. Elsewhere nothing is counted, and
//! [`is_counting`] says so.
//!
//! Each thread has its own numbers: other threads do not disturb them, and what one thread allocates and another one frees is
//! missing in the latter's.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "taking malloc's place has no safe interface")]
mod glibc;

use std::cell::Cell;

/// What a thread has allocated since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    /// Calls that gave memory; growing or moving a piece counts as one.
    pub calls: u64,
    /// Those of them that Rust's code made: the rest is C's.
    pub rust_calls: u64,
    /// Bytes that were given and not given back, as the allocator rounds them up.
    pub held_bytes: i64,
}

thread_local! {
    static SO_FAR: Cell<Allocated> = const { Cell::new(Allocated { calls: 0, rust_calls: 0, held_bytes: 0 }) };
}

/// Whether allocations are counted here. Says so if not, which is a failure under `SAKIGAKE_REQUIRE=all`.
pub fn is_counting() -> bool {
    let before = so_far().calls;
    drop(std::hint::black_box(Box::new(before)));
    let is_counting = so_far().calls > before;
    if !is_counting {
        assert_ne!(std::env::var("SAKIGAKE_REQUIRE").as_deref(), Ok("all"), "counting is required");
        eprintln!("skipped: allocations are counted on Linux with glibc alone");
    }
    is_counting
}

/// What this thread has allocated so far.
pub fn so_far() -> Allocated {
    SO_FAR.get()
}

/// What this thread allocates in `work`, and what `work` gives.
pub fn during<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    let before = so_far();
    let outcome = work();
    let after = so_far();
    let held_bytes = after.held_bytes - before.held_bytes;
    let (calls, rust_calls) = (after.calls - before.calls, after.rust_calls - before.rust_calls);
    (outcome, Allocated { calls, rust_calls, held_bytes })
}
