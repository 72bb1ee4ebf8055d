//! A link of chosen delay, rate and loss, and two commands that talk over it.
//!
//! The server runs in one network namespace, the client in another; between them lie two TUN devices and this program's
//! queues. The namespaces have no names: the kernel removes them with the last process in them, however that ends.

#[cfg(target_os = "linux")]
mod arguments;
#[cfg(target_os = "linux")]
mod capture;
#[cfg(target_os = "linux")]
mod carry;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod queue;
#[cfg(target_os = "linux")]
mod run;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("skipped: needs Linux");
    ExitCode::from(77)
}
