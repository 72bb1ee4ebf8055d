//! What a server's process does on signals: reload, hand over, stop.

use super::{Running, Site, running::join};
use std::{
    env, fmt, io,
    path::PathBuf,
    process::{self, Command},
    thread,
};
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// The signals of a server: SIGINT and SIGTERM stop it (the second one at once), SIGHUP reloads its site, SIGUSR2 starts the
/// program anew with its listening sockets and then stops it.
pub struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    user: Signal,
    /// Found at the beginning: a program that was replaced on the disk is started from the same place.
    program: PathBuf,
}

/// One of them.
enum Told {
    Stop,
    Reload,
    Succeed,
    Ended,
}

impl Signals {
    /// From its return on no signal is missed.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listen = |kind| {
            let _inside = runtime.enter();
            signal(kind)
        };
        let (interrupt, terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let (hangup, user) = (listen(SignalKind::hangup())?, listen(SignalKind::user_defined2())?);
        Ok(Self { interrupt, terminate, hangup, user, program: env::current_exe()?, runtime })
    }

    /// Does what signals say until the server has ended. `reload` gives the site that takes the place of the present one, or
    /// says why there is none: then the present one stays. It may open and close addresses too.
    ///
    /// # Errors
    /// A worker ended by a fault of ours.
    pub fn attend<E: fmt::Display>(
        mut self,
        mut running: Running,
        mut reload: impl FnMut(&mut Running) -> Result<Site, E>,
    ) -> io::Result<()> {
        let (ended, mut is_ended) = oneshot::channel();
        let threads = core::mem::take(&mut running.threads);
        // It ends with the process at the latest, so nobody waits for it.
        thread::Builder::new().name("workers' end".into()).spawn(move || ended.send(join(threads)))?;
        let mut is_stopping = false;
        let mut outcome = Ok(());
        loop {
            match self.next(&mut is_ended, &mut outcome) {
                Told::Ended => return outcome,
                Told::Stop if is_stopping => process::exit(130),
                Told::Stop => {
                    is_stopping = true;
                    running.stop();
                }
                Told::Reload => match reload(&mut running) {
                    Ok(site) => running.reload(site),
                    Err(why) => eprintln!("warning: the site stays as it was: {why}"),
                },
                Told::Succeed => match running.succeed(self.again()) {
                    Ok(_) => running.stop(),
                    Err(why) => eprintln!("warning: this process goes on: {why}"),
                },
            }
        }
    }

    fn next(
        &mut self,
        is_ended: &mut oneshot::Receiver<io::Result<()>>,
        outcome: &mut io::Result<()>,
    ) -> Told {
        let Self { runtime, interrupt, terminate, hangup, user, .. } = self;
        runtime.block_on(async {
            tokio::select! {
                ended = is_ended => {
                    *outcome = ended.unwrap_or_else(|_| Err(io::Error::other("the workers' end was not heard")));
                    Told::Ended
                }
                _ = interrupt.recv() => Told::Stop,
                _ = terminate.recv() => Told::Stop,
                _ = hangup.recv() => Told::Reload,
                _ = user.recv() => Told::Succeed,
            }
        })
    }

    /// This program with the same arguments.
    fn again(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(env::args_os().skip(1));
        command
    }
}
