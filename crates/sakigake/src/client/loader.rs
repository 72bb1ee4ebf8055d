//! Drives a page's load over as many connections as it has origins.

use super::{
    Error, Shared,
    connection::{self, Command, Ear, News},
};
use sakigake_page::{
    Origin, Url,
    load::{Id, Load, Options, State, Want},
};
use sakigake_semantics::Request;
use sakigake_wire::Span;
use std::{collections::BTreeMap, io, rc::Rc};
use tokio::sync::mpsc;

/// Connections that may refuse a request before anybody gives up.
const FRUITLESS: usize = 2;
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
    connections: Vec<Connection>,
    /// How many connections were opened: the number of the next.
    opened: usize,
    /// Connections that refused requests before they had answered any.
    fruitless: usize,
    /// Which connection carries it.
    carriers: BTreeMap<Id, usize>,
    protocols: Vec<(Origin, &'static str)>,
    connected: Option<Span>,
    news: mpsc::UnboundedReceiver<(usize, News)>,
    ear: mpsc::UnboundedSender<(usize, News)>,
    watches: bool,
}

/// A connection, as far as the loader knows.
struct Connection {
    number: usize,
    origin: Origin,
    commands: mpsc::UnboundedSender<Command>,
    /// It takes no new requests; what it has begun it may finish.
    is_retired: bool,
    has_answered: bool,
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
            connections: Vec::new(),
            opened: 0,
            fruitless: 0,
            carriers: BTreeMap::new(),
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
            let Some((number, news)) = self.news.recv().await else { break };
            self.hear(number, news, watcher, body)?;
            while let Ok((number, news)) = self.news.try_recv() {
                self.hear(number, news, watcher, body)?;
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
                    self.request(&wanted.origin, wanted.id, Box::new(wanted.request));
                }
                Want::Cancel(id) => self.command_for(id, Command::Cancel(id)),
            }
        }
    }

    fn command_for(&mut self, id: Id, command: Command) {
        let carrier = self.carriers.get(&id);
        let connection = self.connections.iter().find(|connection| carrier == Some(&connection.number));
        if let Some(connection) = connection {
            let _ = connection.commands.send(command); // A connection that just ended says so in its news.
        }
    }

    /// Hands a request to the origin's connection, and opens one where there is none.
    fn request(&mut self, origin: &Origin, id: Id, request: Box<Request>) {
        let is_open = |connection: &Connection| connection.origin == *origin && !connection.is_retired;
        let number = match self.connections.iter().find(|connection| is_open(connection)) {
            Some(connection) => connection.number,
            None => self.open(origin),
        };
        self.carriers.insert(id, number);
        self.command_for(id, Command::Request(id, request));
    }

    fn open(&mut self, origin: &Origin) -> usize {
        let number = self.opened;
        self.opened += 1;
        let (commands, receiver) = mpsc::unbounded_channel();
        let ear = Ear { origin: origin.clone(), number, news: self.ear.clone(), watches: self.watches };
        tokio::task::spawn_local(connection::run(self.shared.clone(), ear, receiver));
        let origin = origin.clone();
        self.connections.push(Connection {
            number,
            origin,
            commands,
            is_retired: false,
            has_answered: false,
        });
        number
    }

    fn hear(
        &mut self,
        number: usize,
        news: News,
        watcher: &mut dyn Watcher,
        body: &mut Body<'_>,
    ) -> Result<(), Error> {
        let now = self.shared.clock.now();
        let Some(at) = self.connections.iter().position(|connection| connection.number == number) else {
            return Ok(()); // Nobody asked it for more.
        };
        let connection = &mut self.connections[at];
        let origin = connection.origin.clone();
        match news {
            News::Ready(protocol) => {
                self.connected.get_or_insert(now.since(self.load.started()));
                // A second connection to the same place is no news.
                if self.protocols.iter().all(|known| *known != (origin.clone(), protocol)) {
                    self.protocols.push((origin, protocol));
                }
            }
            News::Frame(line) => watcher.frame(&origin, &line),
            News::Preload(block) => drop(self.load.preload(now, &origin, &block)),
            News::Head(id, response) => {
                connection.has_answered = true;
                self.load.head(now, id, &response);
            }
            News::Data(id, bytes) => {
                body(&self.load, (id, &bytes)).map_err(Error::Output)?;
                self.load.data(now, id, &bytes);
                self.command_for(id, Command::Used(id, bytes.len()));
            }
            News::End(id) => self.load.end(now, id),
            News::Failed(id, why) => self.load.failed(now, id, &why),
            News::Refused(id, request) => {
                if !core::mem::replace(&mut connection.is_retired, true) && !connection.has_answered {
                    self.fruitless += 1;
                }
                match self.fruitless > FRUITLESS {
                    true => self.load.failed(now, id, "the server takes no requests"),
                    false => self.request(&origin, id, request),
                }
            }
            News::Gone(why) => {
                self.connections.remove(at);
                self.lose(number, why.as_deref());
            }
        }
        Ok(())
    }

    /// The connection is gone: so is everything that was to come over it.
    fn lose(&mut self, number: usize, why: Option<&str>) {
        let why = why.unwrap_or("the server closed the connection");
        let carried = self.carriers.iter().filter(|(_, carrier)| **carrier == number);
        let lost: Vec<Id> = carried.map(|(id, _)| *id).collect();
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
