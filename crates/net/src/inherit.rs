//! Listening sockets that outlive a process: taken over from a predecessor or a service manager, and handed to a successor.

#[cfg(test)]
mod tests;

use crate::quic::{Bequest, Heritage};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{FdFlags, fcntl_setfd},
};
use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, PipeReader, Read, Write},
    net::TcpListener,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Where a predecessor of ours says what it hands over: the descriptor on which to say that we serve, a colon, and those of
/// the sockets, with commas between.
const VARIABLE: &str = "SAKIGAKE_INHERITED";
/// The first descriptor that a service manager passes (sd_listen_fds(3)).
const FIRST: RawFd = 3;
/// Descriptors that are taken over: no server has more addresses times workers.
const MOST: usize = 4_096;

/// What this process was started with.
#[derive(Default)]
pub struct Inherited {
    /// Listening sockets, non-blocking, which no child of this process gets by chance.
    pub sockets: Vec<TcpListener>,
    /// What a predecessor hands on of its QUIC.
    pub quic: Option<Heritage>,
    /// Where a predecessor waits for a word.
    ready: Option<File>,
}

/// Takes over what a predecessor ([`Successor::start`]) or a service manager (`LISTEN_FDS`, `LISTEN_PID`) passed. Call it
/// before the process opens anything else; a second call gives nothing.
///
/// # Errors
/// A descriptor that was announced is no listening TCP socket.
pub fn inherited() -> io::Result<Inherited> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Inherited::default());
    }
    let (ready, sockets) = announced(|name| env::var_os(name), std::process::id())?;
    let ready = ready.map(own).transpose()?.map(File::from);
    let sockets = sockets.into_iter().map(socket).collect::<io::Result<_>>()?;
    // Without a predecessor that waits for a word, nobody of ours has started this process.
    let quic = if ready.is_some() { Heritage::find()? } else { None };
    Ok(Inherited { sockets, quic, ready })
}

impl Inherited {
    /// Tells the predecessor, if there is one, that its sockets are served: it may end.
    ///
    /// # Errors
    /// It is gone already.
    pub fn serves(&mut self) -> io::Result<()> {
        self.ready.take().map_or(Ok(()), |mut predecessor| predecessor.write_all(b"1"))
    }
}

/// The numbers that the environment announces.
fn announced<S: AsRef<OsStr>>(
    variable: impl Fn(&str) -> Option<S>,
    own_pid: u32,
) -> io::Result<(Option<RawFd>, Vec<RawFd>)> {
    let text = |name: &str| Some(variable(name)?.as_ref().to_str().unwrap_or("?").to_owned());
    let bad =
        |name: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{name} is not what it should be"));
    if let Some(handed) = text(VARIABLE) {
        let number = |text: &str| text.parse().ok().filter(|number| *number >= FIRST);
        let (ready, sockets) = handed.split_once(':').ok_or_else(|| bad(VARIABLE))?;
        let sockets = sockets.split_terminator(',').take(MOST).map(number).collect::<Option<Vec<RawFd>>>();
        let both = number(ready).zip(sockets).ok_or_else(|| bad(VARIABLE))?;
        return Ok((Some(both.0), both.1));
    }
    // Whoever passed them meant another process: ours inherited no more than the words.
    if text("LISTEN_PID").is_none_or(|pid| pid != own_pid.to_string()) {
        return Ok((None, Vec::new()));
    }
    let count =
        text("LISTEN_FDS").and_then(|count| count.parse::<u16>().ok()).ok_or_else(|| bad("LISTEN_FDS"))?;
    Ok((None, (FIRST..).take(usize::from(count).min(MOST)).collect()))
}

fn socket(number: RawFd) -> io::Result<TcpListener> {
    let socket = socket2::Socket::from(own(number)?);
    if !socket.is_listener()? || socket.local_addr()?.as_socket().is_none() {
        let why = format!("descriptor {number} is no listening TCP socket");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Takes possession of a descriptor that somebody passed to this process.
pub(crate) fn own(number: RawFd) -> io::Result<OwnedFd> {
    // A number that is no open descriptor must not become an owned one.
    std::fs::symlink_metadata(format!("/proc/self/fd/{number}"))?;
    // SAFETY: it is open, as was just seen, and whoever started us said that it is for us; nothing else here owns it, since
    // `inherited` reads the numbers once.
    #[expect(unsafe_code, reason = "there is no safe way to own an inherited descriptor")]
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&owned, FdFlags::CLOEXEC)?;
    Ok(owned)
}

/// A process that was started to go on with our sockets, and has not said yet that it does.
#[derive(Debug)]
pub struct Successor {
    child: Child,
    word: PipeReader,
}

impl Successor {
    /// Starts `command` with these listening sockets, which it finds by [`inherited`].
    ///
    /// # Errors
    /// What the system says.
    pub fn start(mut command: Command, sockets: Vec<OwnedFd>) -> io::Result<Self> {
        Heritage::conceal(&mut command);
        Self::spawn(command, sockets)
    }

    /// The same with what this process hands on of its QUIC. When the successor serves, [`Estate::retire`](crate::quic::Estate::retire).
    ///
    /// # Errors
    /// What the system says.
    pub fn start_with(mut command: Command, sockets: Vec<OwnedFd>, quic: Bequest) -> io::Result<Self> {
        quic.announce(&mut command)?;
        Self::spawn(command, sockets)
    }

    fn spawn(mut command: Command, sockets: Vec<OwnedFd>) -> io::Result<Self> {
        let (word, said) = io::pipe()?;
        let mut numbers = Vec::with_capacity(sockets.len());
        for socket in &sockets {
            fcntl_setfd(socket, FdFlags::empty())?;
            numbers.push(socket.as_raw_fd().to_string());
        }
        fcntl_setfd(&said, FdFlags::empty())?;
        command.env(VARIABLE, format!("{}:{}", said.as_raw_fd(), numbers.join(",")));
        command.env_remove("LISTEN_PID").env_remove("LISTEN_FDS");
        Ok(Self { child: command.spawn()?, word })
    }

    /// Waits until it says that it serves. One that does not within `patience`, or that ends, is none: it is ended, and
    /// whoever has the sockets keeps them.
    ///
    /// # Errors
    /// It does not serve.
    pub fn wait(mut self, patience: Duration) -> io::Result<Child> {
        let mut descriptors = [PollFd::new(&self.word, PollFlags::IN)];
        let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
        let heard = poll(&mut descriptors, Some(&patience))? > 0 && self.word.read(&mut [0])? == 1;
        if heard {
            return Ok(self.child);
        }
        // It may have ended already.
        let _ = self.child.kill();
        let status = self.child.wait()?;
        Err(io::Error::other(format!("the successor does not serve ({status})")))
    }
}
