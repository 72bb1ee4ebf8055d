//! Drives a page's load over as many connections as it has origins.

use super::{
    Error, Shared,
    connection::{self, Command, Ear, News},
};
use sakigake_page::{
    Origin, Url,
    load::{Id, Load, Options, State, Want},
};
use sakigake_wire::Span;
use std::{collections::BTreeMap, io, rc::Rc};
use tokio::sync::mpsc;

/// Redirects that [`resource`] follows.
const REDIRECTS: usize = 20;

/// A page that was loaded.
pub struct Loaded {
    /// Everything that was requested and what came of it.
    pub load: Load,
    /// What each origin's connection spoke.
    pub protocols: Vec<(Origin, &'static str)>,
    /// When the first connection could carry a request, from the start of the load.
    pub connected: Option<Span>,
}

/// Watches a load; by default it looks away.
pub trait Watcher {
    /// Whether [`Watcher::frame`] wants to be called at all.
    fn wants_frames(&self) -> bool {
        false
    }

    /// Something went over the wire.
    fn frame(&mut self, origin: &Origin, line: &str) {
        let _ = (origin, line); // Whoever does not watch frames does not look.
    }

    /// The load came further.
    fn progress(&mut self, load: &Load) {
        let _ = load; // Whoever shows no progress does not look.
    }
}

struct Loader<'a> {
    shared: &'a Rc<Shared>,
    load: Load,
    connections: BTreeMap<Origin, mpsc::UnboundedSender<Command>>,
    origins: BTreeMap<Id, Origin>,
    protocols: Vec<(Origin, &'static str)>,
    connected: Option<Span>,
    news: mpsc::UnboundedReceiver<(Origin, News)>,
    ear: mpsc::UnboundedSender<(Origin, News)>,
    watches: bool,
}

pub(super) async fn page(
    shared: &Rc<Shared>,
    url: &Url,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Loaded, Error> {
    let mut loader = Loader::new(shared, url, options, watcher.wants_frames());
    loader.run(watcher, &mut |_, _| Ok(())).await?;
    let document = loader.load.entries().first().map(|entry| entry.state.clone());
    match document {
        Some(State::Failed(why)) => Err(Error::Document(why)),
        _ => Ok(Loaded { load: loader.load, protocols: loader.protocols, connected: loader.connected }),
    }
}

/// A load of which only the document counts.
pub(super) async fn resource(
    shared: &Rc<Shared>,
    url: &Url,
    watcher: &mut dyn Watcher,
    body: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<u16, Error> {
    let mut options = Options::default();
    options.limits.redirects = REDIRECTS;
    options.is_single = true;
    let mut loader = Loader::new(shared, url, options, watcher.wants_frames());
    loader
        .run(watcher, &mut |load, (id, bytes)| if load.is_final(id) { body(bytes) } else { Ok(()) })
        .await?;
    let last = loader.load.entries().last().ok_or_else(|| Error::Document("nothing was asked for".into()))?;
    match (&last.state, last.status) {
        (State::Failed(why), _) => Err(Error::Document(why.clone())),
        (_, Some(status)) => Ok(status),
        (_, None) => Err(Error::Document("no answer came".into())),
    }
}

type Body<'b> = dyn FnMut(&Load, (Id, &[u8])) -> io::Result<()> + 'b;

impl<'a> Loader<'a> {
    fn new(shared: &'a Rc<Shared>, url: &Url, options: Options, watches: bool) -> Self {
        let (ear, news) = mpsc::unbounded_channel();
        Self {
            shared,
            load: Load::new(url.clone(), options, shared.clock.now()),
            connections: BTreeMap::new(),
            origins: BTreeMap::new(),
            protocols: Vec::new(),
            connected: None,
            news,
            ear,
            watches,
        }
    }

    async fn run(&mut self, watcher: &mut dyn Watcher, body: &mut Body<'_>) -> Result<(), Error> {
        loop {
            self.send_wants();
            watcher.progress(&self.load);
            if self.load.is_complete() {
                break;
            }
            let Some((origin, news)) = self.news.recv().await else { break };
            self.hear(origin, news, watcher, body)?;
            while let Ok((origin, news)) = self.news.try_recv() {
                self.hear(origin, news, watcher, body)?;
            }
        }
        self.say_goodbye().await;
        Ok(())
    }

    fn send_wants(&mut self) {
        while let Some(want) = self.load.wants(self.shared.clock.now()) {
            match want {
                Want::Request(wanted) if !wanted.origin.secure => {
                    let now = self.shared.clock.now();
                    self.load.failed(now, wanted.id, "only https is spoken here");
                }
                Want::Request(wanted) => {
                    self.origins.insert(wanted.id, wanted.origin.clone());
                    self.command(&wanted.origin, Command::Request(wanted.id, Box::new(wanted.request)));
                }
                Want::Cancel(id) => self.command_for(id, Command::Cancel(id)),
            }
        }
    }

    fn command_for(&mut self, id: Id, command: Command) {
        if let Some(origin) = self.origins.get(&id).cloned() {
            self.command(&origin, command);
        }
    }

    /// Hands a command to the origin's connection, and opens one where there is none.
    fn command(&mut self, origin: &Origin, command: Command) {
        let connection = self.connections.entry(origin.clone()).or_insert_with(|| {
            let (commands, receiver) = mpsc::unbounded_channel();
            let ear = Ear { origin: origin.clone(), news: self.ear.clone(), watches: self.watches };
            tokio::task::spawn_local(connection::run(self.shared.clone(), ear, receiver));
            commands
        });
        let _ = connection.send(command); // A connection that just ended says so in its news.
    }

    fn hear(
        &mut self,
        origin: Origin,
        news: News,
        watcher: &mut dyn Watcher,
        body: &mut Body<'_>,
    ) -> Result<(), Error> {
        let now = self.shared.clock.now();
        match news {
            News::Ready(protocol) => {
                self.connected.get_or_insert(now.since(self.load.started()));
                self.protocols.push((origin, protocol));
            }
            News::Frame(line) => watcher.frame(&origin, &line),
            News::Preload(block) => drop(self.load.preload(now, &origin, &block)),
            News::Head(id, response) => self.load.head(now, id, &response),
            News::Data(id, bytes) => {
                body(&self.load, (id, &bytes)).map_err(Error::Output)?;
                self.load.data(now, id, &bytes);
                self.command_for(id, Command::Used(id, bytes.len()));
            }
            News::End(id) => self.load.end(now, id),
            News::Failed(id, why) => self.load.failed(now, id, &why),
            News::Gone(why) => self.lose(&origin, why.as_deref()),
        }
        Ok(())
    }

    /// The connection is gone: so is everything that was to come over it.
    fn lose(&mut self, origin: &Origin, why: Option<&str>) {
        self.connections.remove(origin);
        let why = why.unwrap_or("the server closed the connection");
        let lost: Vec<Id> =
            self.origins.iter().filter(|(_, other)| *other == origin).map(|(id, _)| *id).collect();
        for id in lost {
            self.load.failed(self.shared.clock.now(), id, why);
        }
    }

    /// Lets the connections end politely.
    async fn say_goodbye(&mut self) {
        let open = self.connections.len();
        self.connections.clear();
        let mut gone = 0;
        let all = async {
            while gone < open {
                match self.news.recv().await {
                    Some((_, News::Gone(_))) => gone += 1,
                    Some(_) => {}
                    None => break,
                }
            }
        };
        // A server that does not answer our goodbye does not keep us.
        let _ = tokio::time::timeout(core::time::Duration::from_millis(250), all).await;
    }
}
