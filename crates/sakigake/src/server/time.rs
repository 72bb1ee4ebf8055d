//! The time by which sessions judge, held against the system's: what is counted from their start stands still while the machine
//! sleeps, and does not hear of a clock that is set right later.

use crate::Swap;
use sakigake_session::ServerConfig;
use std::sync::Arc;

/// By so many seconds the two may differ.
const OFF_SECS: u64 = 60;

/// How sessions behave that begin now. Where their clock is off, it is set right first: `unix_secs_at_start` is what the
/// system says of when its count began.
pub(super) fn session_now(session: &Swap<ServerConfig>, unix_secs_at_start: u64) -> Arc<ServerConfig> {
    let now = session.now();
    if now.tls.unix_secs_at_start.abs_diff(unix_secs_at_start) <= OFF_SECS {
        return now;
    }
    let Ok(tls) = now.tls.with_unix_secs_at_start(unix_secs_at_start) else { return now }; // It was built like this before.
    let right = ServerConfig {
        tls,
        h2: now.h2.clone(),
        h3: now.h3.clone(),
        hints: now.hints.clone(),
        trace: now.trace,
    };
    session.replace(&now, right); // Where somebody was faster, his holds, and is looked at with the next connection.
    session.now()
}

#[cfg(test)]
mod tests;
