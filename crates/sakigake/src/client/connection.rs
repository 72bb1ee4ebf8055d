//! One connection as the loader sees it: commands in, news out, whatever protocol ALPN chose.

use super::{Shared, dial, http1, http2, place};
use sakigake_net::{Ended, SystemEntropy, drive};
use sakigake_page::{Origin, load::Id};
use sakigake_semantics::{Request, Response};
use sakigake_session::Session;
use std::rc::Rc;
use tokio::sync::mpsc;

/// What the loader asks of a connection.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send it; it has no body.
    Request(Id, Box<Request>),
    /// Nobody needs it any more.
    Cancel(Id),
    /// So many bytes of its body were used: the server may send as many more.
    Used(Id, usize),
}

/// What a connection tells the loader.
#[derive(Debug)]
pub(crate) enum News {
    /// The handshake is over; the protocol's name.
    Ready(&'static str),
    /// A line for whoever watches frames.
    Frame(String),
    /// A PRELOAD frame's block.
    Preload(Vec<u8>),
    /// A response began.
    Head(Id, Box<Response>),
    /// A piece of its body.
    Data(Id, Vec<u8>),
    /// It is complete.
    End(Id),
    /// It will not come.
    Failed(Id, String),
    /// It was not acted on: another connection may try.
    Refused(Id, Box<Request>),
    /// The connection is gone, and why if that was not its time.
    Gone(Option<String>),
}

/// Where a connection's news go: marked with its number.
#[derive(Clone)]
pub(crate) struct Ear {
    pub(crate) origin: Origin,
    pub(crate) number: usize,
    pub(crate) news: mpsc::UnboundedSender<(usize, News)>,
    pub(crate) watches: bool,
}

impl Ear {
    pub(crate) fn tell(&self, news: News) {
        let _ = self.news.send((self.number, news)); // A loader that is gone needs no news.
    }

    pub(crate) fn frame(&self, line: impl FnOnce() -> String) {
        if self.watches {
            self.tell(News::Frame(line()));
        }
    }
}

/// Opens a connection and serves the loader's commands until it ends.
pub(crate) async fn run(shared: Rc<Shared>, ear: Ear, commands: mpsc::UnboundedReceiver<Command>) {
    let why = connect(&shared, &ear, commands).await.err();
    ear.tell(News::Gone(why));
}

async fn connect(
    shared: &Rc<Shared>,
    ear: &Ear,
    commands: mpsc::UnboundedReceiver<Command>,
) -> Result<(), String> {
    let place = place(&ear.origin);
    let stream = dial::dial(&ear.origin, &shared.resolve).await;
    let stream = stream.map_err(|error| format!("cannot connect to {place}: {error}"))?;
    let host = ear.origin.host.trim_start_matches('[').trim_end_matches(']');
    let config = if ear.watches { &shared.traced } else { &shared.session };
    let session = Session::client(config.clone(), host, shared.clock.now(), Box::new(SystemEntropy));
    let session = session.map_err(|misuse| misuse.to_string())?;
    let mut application = http2::Http2::new(shared.clone(), ear.clone(), commands);
    match drive(stream, session, &mut application, shared.clock).await {
        Ok(Ended::Closed) => Ok(()),
        Ok(Ended::Plain(stream)) => http1::serve(*stream, ear, application.into_commands()).await,
        Err(failure) => Err(format!("{place}: {failure}")),
    }
}
