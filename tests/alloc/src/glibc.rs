//! glibc's allocator under its own names, with a count before each. A program's symbols come before those of the libraries
//! that it loads, and glibc tells in its manual ("Replacing malloc") which ones belong together.

use crate::{Allocated, SO_FAR};
use core::ffi::{c_int, c_void};
use std::alloc::{GlobalAlloc, Layout, System};

/// Rust's own allocator, which asks the functions below, with a count of what Rust's code asks for.
struct Rust;

#[global_allocator]
static RUST: Rust = Rust;

// SAFETY: each function hands its arguments to the system's allocator, and gives what that gives.
unsafe impl GlobalAlloc for Rust {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_rust();
        // SAFETY: whoever calls promises what it needs.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_rust();
        // SAFETY: whoever calls promises what it needs.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_rust();
        // SAFETY: whoever calls promises what it needs.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: whoever calls promises what it needs.
        unsafe { System.dealloc(old, layout) }
    }
}

/// `ENOMEM` and `EINVAL` of Linux.
const NO_MEMORY: c_int = 12;
const INVALID: c_int = 22;

// SAFETY: these are glibc's functions, with the types that it gives them.
unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
    fn __libc_free(old: *mut c_void);
    fn malloc_usable_size(piece: *mut c_void) -> usize;
}

/// Bytes of a piece, none for null.
fn usable(piece: *mut c_void) -> i64 {
    // SAFETY: whoever calls has the piece from this allocator and has not freed it; null is allowed.
    unsafe { malloc_usable_size(piece) as i64 }
}

/// Counts; a thread that is past its thread-locals' end is not counted any more.
fn count(calls: u64, bytes: i64) {
    // The error is that end: nobody is left to ask for the number.
    let _ = SO_FAR.try_with(|so_far| {
        let before = so_far.get();
        let (calls, held_bytes) = (before.calls + calls, before.held_bytes + bytes);
        so_far.set(Allocated { calls, held_bytes, ..before });
    });
}

/// Counts a call of Rust's, whose memory is counted where it comes from.
fn count_rust() {
    // As above.
    let _ = SO_FAR.try_with(|so_far| {
        let before = so_far.get();
        so_far.set(Allocated { rust_calls: before.rust_calls + 1, ..before });
    });
}

fn counted(piece: *mut c_void) -> *mut c_void {
    if !piece.is_null() {
        count(1, usable(piece));
    }
    piece
}

/// As C has it.
///
/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: any size is allowed.
    counted(unsafe { __libc_malloc(size) })
}

/// As C has it.
///
/// # Safety
/// As C has it.
#[unsafe(no_mangle)]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    // SAFETY: any sizes are allowed.
    counted(unsafe { __libc_calloc(count, size) })
}

/// As C has it.
///
/// # Safety
/// As C has it: `old` is null or of this allocator, and not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
    let before = usable(old);
    // SAFETY: whoever calls promises what realloc needs.
    let new = unsafe { __libc_realloc(old, size) };
    if !new.is_null() {
        count(1, usable(new) - before);
    } else if size == 0 {
        count(0, -before); // It was freed.
    }
    new
}

/// As C has it.
///
/// # Safety
/// As C has it: `old` is null or of this allocator, and not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(old: *mut c_void) {
    if !old.is_null() {
        count(0, -usable(old));
    }
    // SAFETY: whoever calls promises what free needs.
    unsafe { __libc_free(old) }
}

/// As C has it.
///
/// # Safety
/// As C has it: `alignment` is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    // SAFETY: whoever calls promises what memalign needs.
    counted(unsafe { __libc_memalign(alignment, size) })
}

/// As C has it.
///
/// # Safety
/// As C has it: `alignment` is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    // SAFETY: whoever calls promises what aligned_alloc needs, which is what memalign needs.
    counted(unsafe { __libc_memalign(alignment, size) })
}

/// As POSIX has it.
///
/// # Safety
/// As POSIX has it: `place` may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(place: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || !alignment.is_multiple_of(size_of::<*mut c_void>()) {
        return INVALID;
    }
    // SAFETY: the alignment was checked.
    let piece = counted(unsafe { __libc_memalign(alignment, size) });
    if piece.is_null() {
        return NO_MEMORY;
    }
    // SAFETY: whoever calls promises that the place may be written.
    unsafe { place.write(piece) };
    0
}
