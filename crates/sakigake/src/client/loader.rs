//! Drives a page's load over the connections of a pool.

#[cfg(test)]
mod tests;

use super::{
    Ask, Error, Shared,
    coding::{self, Decoder},
    connection::{self, Call, News, Protocol},
    cookies::{self, Jar},
    failure::{Cause, Failed},
    pool::{self, Pool},
};
use sakigake_page::{
    Destination, Origin, har,
    load::{Entry, Id, Load, Options, State, Want, Wanted},
    scan::Mode,
};
use sakigake_semantics::{Request, Response};
use sakigake_wire::Span;
use std::{collections::BTreeMap, io, rc::Rc, time::Duration};
use tokio::sync::mpsc;

/// A page that was loaded.
pub struct Loaded {
    /// Everything that was requested and what came of it.
    pub load: Load,
    /// What each origin's connection spoke.
    pub protocols: Vec<(Origin, &'static str)>,
    /// When the first connection could carry a request, from the start of the load.
    pub connected: Option<Span>,
    /// What went over the wire, as far as it was to be kept.
    pub exchanges: BTreeMap<Id, har::Exchange>,
    /// When the load began, in nanoseconds since 1970.
    pub began_unix_nanos: u64,
}

/// What is kept of a page's exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// Everything but bodies.
    Heads,
    /// Everything; of bodies, as much as 64 MiB together.
    Bodies,
}

/// Bytes of bodies that are kept at most.
const BODIES_BYTES: usize = 64 << 20;

/// How long connections may take to end, and how long where the ticket of the next visit may still be on its way.
const GOODBYE: Duration = Duration::from_millis(250);
const EARLY_GOODBYE: Duration = Duration::from_secs(3);

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

/// Takes a single resource as it comes.
pub trait Receiver {
    /// A response began; `is_final` unless its redirect is followed.
    ///
    /// # Errors
    /// It cannot be taken: the load ends.
    fn head(&mut self, protocol: Protocol, response: &Response, is_final: bool) -> io::Result<()> {
        let _ = (protocol, response, is_final); // Whoever wants the body alone does not look.
        Ok(())
    }

    /// A piece of the final response's body.
    ///
    /// # Errors
    /// It cannot be taken: the load ends.
    fn body(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Takes a body by a function.
pub(super) struct Body<'a>(pub(super) &'a mut dyn FnMut(&[u8]) -> io::Result<()>);

impl Receiver for Body<'_> {
    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        (self.0)(bytes)
    }
}

struct Loader<'a> {
    shared: &'a Rc<Shared>,
    ask: &'a Ask,
    load: Load,
    pool: Pool,
    /// Why what did not come did not.
    causes: BTreeMap<Id, Cause>,
    jar: Jar,
    /// Of bodies that are under way.
    decoders: BTreeMap<Id, Decoder>,
    protocols: Vec<(Origin, &'static str)>,
    connected: Option<Span>,
    exchanges: BTreeMap<Id, har::Exchange>,
    kept_bytes: usize,
    began_unix_nanos: u64,
    news: mpsc::UnboundedReceiver<(usize, News)>,
    watcher: &'a mut dyn Watcher,
    receiver: Option<&'a mut dyn Receiver>,
}

pub(super) async fn page(
    shared: &Rc<Shared>,
    ask: &Ask,
    options: Options,
    watcher: &mut dyn Watcher,
) -> Result<Loaded, Error> {
    let mut loader = Loader::new(shared, ask, options, watcher, None);
    loader.run().await?;
    loader.document()?;
    let Loader { load, protocols, connected, exchanges, began_unix_nanos, .. } = loader;
    Ok(Loaded { load, protocols, connected, exchanges, began_unix_nanos })
}

/// A load of which only the document counts.
pub(super) async fn resource(
    shared: &Rc<Shared>,
    ask: &Ask,
    watcher: &mut dyn Watcher,
    receiver: &mut dyn Receiver,
) -> Result<u16, Error> {
    let options = Options { is_single: true, ..Options::default() };
    let mut loader = Loader::new(shared, ask, options, watcher, Some(receiver));
    loader.run().await?;
    loader.document()
}

impl<'a> Loader<'a> {
    fn new(
        shared: &'a Rc<Shared>,
        ask: &'a Ask,
        mut options: Options,
        watcher: &'a mut dyn Watcher,
        receiver: Option<&'a mut dyn Receiver>,
    ) -> Self {
        options.keeps_redirects = ask.redirects.is_none();
        options.limits.redirects = ask.redirects.unwrap_or(options.limits.redirects);
        let (ear, news) = mpsc::unbounded_channel();
        Self {
            shared,
            ask,
            load: Load::calling(ask.url.clone(), ask.call(), options, shared.clock.now()),
            pool: Pool::new(shared.clone(), pool::Asker::Page, watcher.wants_frames(), ear),
            causes: BTreeMap::new(),
            jar: Jar::default(),
            decoders: BTreeMap::new(),
            protocols: Vec::new(),
            connected: None,
            exchanges: BTreeMap::new(),
            kept_bytes: 0,
            began_unix_nanos: unix_nanos(),
            news,
            watcher,
            receiver,
        }
    }

    async fn run(&mut self) -> Result<(), Error> {
        loop {
            self.send_wants();
            self.watcher.progress(&self.load);
            if self.load.is_complete() {
                break;
            }
            let Some((number, news)) = self.news.recv().await else { break };
            self.hear(number, news)?;
            while let Ok((number, news)) = self.news.try_recv() {
                self.hear(number, news)?;
            }
        }
        self.say_goodbye().await;
        Ok(())
    }

    /// The document's status, or why there is none.
    fn document(&self) -> Result<u16, Error> {
        let id = self.load.document();
        let entry = &self.load.entries()[id.0];
        let cause = || entry.refusal.as_ref().map(Cause::from).or(self.causes.get(&id).copied());
        match (&entry.state, entry.status) {
            (State::Failed(why), _) => {
                Err(Error::Failed(Failed::new(cause().unwrap_or(Cause::RecvError), why)))
            }
            (_, Some(status)) => Ok(status),
            (_, None) => Err(Error::Failed(Failed::new(Cause::GotNothing, "no answer came"))),
        }
    }

    fn send_wants(&mut self) {
        while let Some(want) = self.load.wants(self.shared.clock.now()) {
            match want {
                Want::Request(wanted) if !wanted.origin.secure => {
                    let why = Failed::new(Cause::UnsupportedProtocol, "only https is spoken here");
                    self.fail(wanted.id, why);
                }
                Want::Request(wanted) => self.request(*wanted),
                Want::Cancel(id) => self.pool.cancel(id),
            }
        }
    }

    fn request(&mut self, wanted: Wanted) {
        let Wanted { id, origin, mut request, has_body, .. } = wanted;
        let resource = &self.load.entries()[id.0].resource;
        let is_document = resource.destination == Destination::Document;
        let cookies = self.cookies(id).and_then(|context| self.jar.field(&resource.url, context));
        self.ask.complete(&mut request, &origin, (is_document, has_body), cookies);
        let body = self.ask.body.clone().filter(|_| has_body);
        if self.ask.keep > Keep::Nothing {
            self.exchanges.insert(id, exchange(&request, body.as_deref(), self.ask.keep));
        }
        self.pool.request(&origin, id, Box::new(Call { request, body: body.into() }));
    }

    /// On whose behalf a request is made; `None` where no cookie goes with it, or comes (Fetch, credentials mode).
    fn cookies(&self, id: Id) -> Option<cookies::Context> {
        let resource = &self.load.entries().get(id.0)?.resource;
        let page = self.load.page().origin();
        let origin = resource.url.origin();
        let has_credentials = resource.mode != Mode::Anonymous || origin == page;
        // Nobody but the user asks for the document, wherever its redirects lead.
        let is_same_site =
            resource.destination == Destination::Document || cookies::is_same_site(origin, page);
        has_credentials.then(|| cookies::Context { is_same_site, unix_secs: sakigake_net::unix_secs() })
    }

    fn fail(&mut self, id: Id, why: Failed) {
        let has_begun = self.load.entries().get(id.0).is_some_and(|entry| entry.first_byte.is_some());
        let why = why.for_request(has_begun);
        self.causes.insert(id, why.cause);
        self.load.failed(self.shared.clock.now(), id, &why.why);
    }

    fn hear(&mut self, number: usize, news: News) -> Result<(), Error> {
        let now = self.shared.clock.now();
        if let News::Found(origin, found) = news {
            self.pool.found(origin, found).into_iter().for_each(|(id, why)| self.fail(id, why));
            return Ok(());
        }
        let Some(connection) = self.pool.find(number) else {
            return Ok(()); // Nobody asked it for more.
        };
        if news.request().is_some_and(|id| !self.pool.is_carried(id, number)) {
            return Ok(()); // Another one carries it now.
        }
        let (origin, protocol) = (connection.origin.clone(), connection.protocol());
        match news {
            News::Found(..) => {}
            News::Origins(set) => self.pool.origins(number, *set),
            News::Ready(ready) => {
                self.connected.get_or_insert(now.since(self.load.started()));
                // A second connection to the same place is no news.
                let known = (origin, ready.protocol.name());
                self.pool.ready(number, ready);
                if !self.protocols.contains(&known) {
                    self.protocols.push(known);
                }
            }
            News::Frame(line) => self.watcher.frame(&origin, &line),
            News::Preload(block) => drop(self.load.preload(now, &origin, &block)),
            News::Interim(id, response) => drop(self.load.interim(now, id, &response)),
            News::Head(id, response) => {
                self.pool.answered(number);
                if response.status == 421 && self.pool.misdirected(number, id) {
                    return Ok(());
                }
                self.note_line(id, number);
                self.head(id, protocol.unwrap_or(Protocol::Http1), &response)?;
            }
            News::Data(id, bytes) => self.data(id, &bytes)?,
            News::Trailers(..) => {} // A page has no use for them.
            News::End(id) => {
                self.pool.finish(number, id, true);
                self.end(id)?;
            }
            News::Failed(id, why) => {
                self.note_line(id, number);
                self.pool.finish(number, id, false);
                self.fail(id, why);
            }
            News::Refused(id, call) => {
                if !self.pool.refused(number, id, call) {
                    self.fail(id, Failed::new(Cause::RecvError, "the server takes no requests"));
                }
            }
            News::Returned(id, call) => self.pool.returned(number, id, call),
            News::Gone(why) => {
                let why = why.unwrap_or_else(pool::closed);
                for id in self.pool.gone(number) {
                    self.fail(id, why.clone());
                }
            }
        }
        Ok(())
    }

    fn head(&mut self, id: Id, protocol: Protocol, response: &Response) -> Result<(), Error> {
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.response = Some(response.clone());
        }
        if let Some(context) = self.cookies(id) {
            let url = &self.load.entries()[id.0].resource.url;
            response.fields.find_all(b"set-cookie").for_each(|field| self.jar.set(url, field, context));
        }
        // What has no body needs no decoder, whatever its fields say of the body that it would have (RFC 9110 section 8.4).
        let has_body = self.ask.method != b"HEAD" && !matches!(response.status, ..200 | 204 | 304);
        if self.ask.is_decoded && has_body {
            match Decoder::of(response, coding::Limits::default()) {
                Ok(decoder) => drop(decoder.and_then(|decoder| self.decoders.insert(id, decoder))),
                Err(why) => {
                    self.pool.cancel(id);
                    self.fail(id, why);
                    return Ok(());
                }
            }
        }
        if response.status >= 200
            && let Some(entry) = self.load.entries().get(id.0)
        {
            self.shared.hear_alternatives(entry.resource.url.origin(), response);
        }
        self.load.head(self.shared.clock.now(), id, response);
        match &mut self.receiver {
            Some(receiver) if response.status >= 200 => {
                let is_final = self.load.is_final(id);
                receiver.head(protocol, response, is_final).map_err(Error::Output)
            }
            _ => Ok(()),
        }
    }

    /// Which connection carries it, for the archive.
    fn note_line(&mut self, id: Id, number: usize) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Some(connection) = self.pool.find(number) else { return };
        let Some(ready) = &connection.ready else { return };
        let connection::Line { resolved, connected, ready: since, address, .. } = ready.line;
        exchange.protocol = ready.protocol.name();
        let is_new = connection.first == Some(id);
        let address = address.ip();
        exchange.line = Some(har::Line { number, address, resolved, connected, ready: since, is_new });
    }

    /// A piece of a body, as it came.
    fn data(&mut self, id: Id, bytes: &[u8]) -> Result<(), Error> {
        if self.load.entries().get(id.0).is_none_or(Entry::is_over) {
            self.pool.used(id, bytes.len()); // The connection's window is owed it all the same.
            return Ok(());
        }
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.coded_bytes += bytes.len() as u64;
        }
        let Some(mut decoder) = self.decoders.remove(&id) else {
            self.pool.used(id, bytes.len());
            return self.decoded(id, bytes);
        };
        self.pool.used(id, bytes.len());
        match decoder.feed(bytes, &mut |bytes| self.decoded(id, bytes)) {
            Ok(()) => {
                self.decoders.insert(id, decoder);
                Ok(())
            }
            Err(Error::Failed(why)) => {
                self.pool.cancel(id);
                self.fail(id, why);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn decoded(&mut self, id: Id, bytes: &[u8]) -> Result<(), Error> {
        if self.ask.keep == Keep::Bodies
            && let Some(exchange) = self.exchanges.get_mut(&id)
        {
            // Whoever left out one piece and took the next would make a body that nobody sent.
            let fits = self.kept_bytes + bytes.len() <= BODIES_BYTES;
            self.kept_bytes = if fits { self.kept_bytes + bytes.len() } else { BODIES_BYTES };
            if fits {
                exchange.body.get_or_insert_default().extend_from_slice(bytes);
            }
        }
        if let Some(receiver) = &mut self.receiver
            && self.load.is_final(id)
        {
            receiver.body(bytes).map_err(Error::Output)?;
        }
        self.load.data(self.shared.clock.now(), id, bytes);
        Ok(())
    }

    fn end(&mut self, id: Id) -> Result<(), Error> {
        if let Some(mut decoder) = self.decoders.remove(&id) {
            match decoder.finish(&mut |bytes| self.decoded(id, bytes)) {
                Ok(()) => {}
                Err(Error::Failed(why)) => {
                    self.fail(id, why);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        self.load.end(self.shared.clock.now(), id);
        Ok(())
    }

    /// Lets the connections end politely.
    async fn say_goodbye(&mut self) {
        let open = self.pool.close();
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
        let _ = tokio::time::timeout(if self.shared.early_data { EARLY_GOODBYE } else { GOODBYE }, all).await;
    }
}

fn unix_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)) // Until the year 2554.
}

/// What is known of an exchange when it begins.
fn exchange(request: &Request, body: Option<&[u8]>, keep: Keep) -> har::Exchange {
    har::Exchange {
        protocol: "",
        request: request.clone(),
        request_bytes: body.map_or(0, |body| body.len() as u64),
        request_body: body.filter(|_| keep == Keep::Bodies).map(<[u8]>::to_vec),
        response: None,
        coded_bytes: 0,
        body: None,
        line: None,
    }
}
