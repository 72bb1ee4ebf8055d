//! BoGo's shim: the runner starts it once a case with flags that say what is under test, and speaks TLS to it over a
//! socket, well or badly. It connects, does the handshake, echoes what it receives with every bit flipped, and tells how
//! it ended by its status and by one line that names the fault.
//!
//! Flags that it does not know, and values that we have no use for, end it with status 89: the case is declined. Which
//! cases may be declined, and why, is listed in `bogo.toml` beside this crate.

mod compression;
mod exchange;
mod flags;
mod owner;
mod setup;
mod socket;
mod staples;

use flags::Flags;
use std::process::ExitCode;

/// What the runner takes as "not implemented here".
const DECLINED: u8 = 89;

/// Why the shim ends before its time.
#[derive(Debug)]
pub(crate) enum End {
    /// The case is about something that we do not have, or do not mean to have.
    Declined(String),
    /// The handshake or what followed it failed, as it may be meant to.
    Failed(String),
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "-is-handshaker-supported") {
        #[allow(clippy::print_stdout)] // The runner reads the answer there.
        {
            println!("No");
        }
        return ExitCode::SUCCESS;
    }
    match Flags::parse(&words).and_then(|flags| exchange::run(&flags)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End::Declined(what)) => {
            eprintln!("declined: {what}");
            ExitCode::from(DECLINED)
        }
        Err(End::Failed(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
