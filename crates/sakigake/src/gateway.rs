//! A gateway: browsers before it, one origin behind it that says by PRELOAD frames what its pages will want. Browsers do not know
//! that frame. They hear of its hints at once, in a 103 (Early Hints), and find what those name in the gateway's cache.
//!
//! ```text
//! browser -> service -> forward::request -> client::Upstream -> origin
//! origin -> PRELOAD -> Hints -> 103 to the browser, and a Flight a resource -> Cache
//! ```
//!
//! The cache is filled by requests of the gateway's own alone (`fetch`): they carry no credentials and nothing that one browser could say
//! for another, so that no browser can spoil what others get. Everything else is passed through and not stored.

mod body;
mod cache;
mod crowd;
mod fetch;
mod flight;
mod forward;
mod hints;
mod memory;
mod rules;
mod upload;

use crate::{
    client::{self, Client, Exchange, Failed, Heard, Told, Upstream},
    service::{Body, EarlyHints, Factory, Peer},
};
use body::Outgoing;
use cache::Cache;
use core::fmt;
use crowd::{Crowds, Place};
use hints::{Hints, Link};
use http::{Method, StatusCode, header, request::Parts};
use http_body::Body as _;
use memory::Memory;
use sakigake_page::Origin;
use sakigake_preload as preload;
use std::{
    cell::RefCell,
    convert::Infallible,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use upload::{Course, Fate, Upload};

/// What a gateway may do.
pub struct Options {
    /// Whom it stands before: https alone.
    pub origin: Origin,
    /// Whether the origin's frames are acted on, and browsers told of what they name.
    pub hints: bool,
    /// What bounds it.
    pub limits: Limits,
    /// What is counted.
    pub counts: Arc<Counts>,
}

/// What bounds a gateway: each worker has a cache, and connections to the origin, of its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the origin may take until its response begins.
    pub head_ms: u64,
    /// How long it may be silent within a response.
    pub stall_ms: u64,
    /// Bytes of a request's body, which is passed on as it comes; without a word, whatever the origin takes.
    pub request_bytes: u64,
    /// Bytes of a response that is kept.
    pub entry_bytes: usize,
    /// Bytes of all that is kept.
    pub cache_bytes: usize,
    /// Responses that are kept.
    pub cache_entries: usize,
    /// Responses that are kept for one address: for several languages, say.
    pub variants: usize,
    /// Requests of the gateway's own that are under way.
    pub fetches: usize,
    /// Requests of browsers' that others who ask for the same wait for. What they share is held as far as what is kept:
    /// `entry_bytes` each.
    pub crowds: usize,
    /// How long they wait for the response to begin, before they ask for themselves; and of a fetch of the gateway's own that has
    /// begun and does not say how long it is, for its end.
    pub crowd_wait_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_ms: 60_000,
            stall_ms: 60_000,
            request_bytes: u64::MAX,
            entry_bytes: 2 << 20,
            cache_bytes: 64 << 20,
            cache_entries: 4_096,
            variants: 4,
            fetches: 64,
            crowds: 32,
            crowd_wait_ms: 1_000,
        }
    }
}

/// What a gateway counts.
#[derive(Debug, Default)]
pub struct Counts {
    /// Navigations that were answered with a 103.
    pub told: AtomicU64,
    /// Resources that were fetched because of a hint.
    pub fetched: AtomicU64,
    /// Of those, fetched and asked for.
    pub used: AtomicU64,
    /// Requests that were answered from what the gateway had, or was fetching.
    pub answered: AtomicU64,
    /// Requests that were passed on to the origin.
    pub passed: AtomicU64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (fetched, used) = (of(&self.fetched), of(&self.used));
        write!(
            f,
            "{} told early; {} fetched for hints, {} of them never asked for; {} answered from the cache, {} passed on",
            Number(of(&self.told), "navigation"),
            Number(fetched, "resource"),
            fetched.saturating_sub(used),
            Number(of(&self.answered), "request"),
            of(&self.passed)
        )
    }
}

/// So many of something.
struct Number(u64, &'static str);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, what) = self;
        write!(f, "{number} {what}{}", if *number == 1 { "" } else { "s" })
    }
}

/// Adds one.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A service that answers for the origin, over the connections of a client that `connect` makes, once a worker.
///
/// # Errors
/// There is no such client.
pub fn factory(
    options: Options,
    connect: impl Fn() -> Result<Client, client::Error> + Send + Sync + 'static,
) -> Result<Factory, client::Error> {
    connect()?; // What is wrong is said before anybody asks.
    let options = Arc::new(options);
    Ok(Factory::new(move || {
        let client = connect().expect("it could be made before");
        let gateway = Gateway::new(options.clone(), &client);
        Service { gateway: Rc::new(gateway), _client: client }
    }))
}

struct Service {
    gateway: Rc<Gateway>,
    _client: Client,
}

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Outgoing>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut core::task::Context<'_>) -> core::task::Poll<Result<(), Infallible>> {
        core::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let gateway = self.gateway.clone();
        Box::pin(async move { Ok(gateway.answer(request).await) })
    }
}

/// One worker's.
pub(crate) struct Gateway {
    options: Arc<Options>,
    /// The origin, as hints have it.
    origin: preload::Origin,
    upstream: Upstream,
    hints: Rc<RefCell<Hints>>,
    changed: watch::Receiver<u64>,
    cache: RefCell<Cache>,
    crowds: RefCell<Crowds>,
    /// What is hinted at, and not to be shared: it is not fetched for anybody, who would fetch it once more.
    unshared: RefCell<Memory>,
}

impl Gateway {
    fn new(options: Arc<Options>, client: &Client) -> Self {
        let origin = preload::Origin::new(&options.origin.host, options.origin.port);
        let hints = Rc::new(RefCell::new(Hints::new(origin.clone())));
        let (bell, changed) = watch::channel(0_u64);
        let known = hints.clone();
        let wants = options.hints;
        let told = move |told: Told<'_>| {
            if wants && known.borrow_mut().hear(told) {
                bell.send_modify(|turn| *turn = turn.wrapping_add(1));
            }
        };
        let upstream = client.upstream(options.origin.clone(), told);
        let cache = RefCell::new(Cache::new(options.limits));
        Self {
            options,
            origin,
            upstream,
            hints,
            changed,
            cache,
            crowds: RefCell::default(),
            unshared: RefCell::default(),
        }
    }

    async fn answer(self: Rc<Self>, request: http::Request<Body>) -> http::Response<Outgoing> {
        match self.try_answer(request).await {
            Ok(response) => response,
            Err(trouble) => trouble.page(),
        }
    }

    async fn try_answer(
        self: &Rc<Self>,
        request: http::Request<Body>,
    ) -> Result<http::Response<Outgoing>, Trouble> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::CONNECT || forward::is_upgrade(&parts) {
            return Err(Trouble::Upgrade);
        }
        if !forward::is_readable(&parts.headers) {
            return Err(Trouble::Coding);
        }
        if forward::is_loop(&parts) {
            return Err(Trouble::Loop);
        }
        if forward::most_forwards(&parts) == Some(0) {
            return Ok(last(&parts));
        }
        let visited = forward::authority(&parts).ok_or(Trouble::NoAuthority)?;
        if let Some(response) = self.from_cache(&parts, &visited).await {
            count(&self.options.counts.answered);
            return Ok(response);
        }
        let mut place = body.is_end_stream().then(|| self.place(&parts, &visited)).flatten();
        if let Some(Place::Behind(flight)) = &place {
            if let Some(response) = self.behind(flight, &parts, &visited).await {
                count(&self.options.counts.answered);
                return Ok(response);
            }
            place = None;
        }
        let course = Course::new();
        let mut exchange = self.ask(&parts, body, &visited, &course)?;
        let may_tell = self.options.hints && forward::is_navigation(&parts);
        let early = may_tell.then(|| parts.extensions.get::<EarlyHints>().cloned()).flatten();
        let navigation = Navigation { early, visited: &visited, parts: &parts };
        let head = self.head_in_time(&mut exchange, navigation, &course).await?;
        if !parts.method.is_safe() && head.status < 400 {
            self.cache.borrow_mut().invalidate(&forward::target(&parts)); // spec: 9111-4.4-a
            self.crowds.borrow_mut().part(&forward::target(&parts));
        }
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::from_u16(head.status).map_err(|_| Trouble::Unspeakable)?;
        let received = forward::received(&head, exchange.protocol());
        *response.headers_mut() =
            forward::response(received.ok_or(Trouble::Unspeakable)?, &self.origin, &visited);
        let has_body = parts.method != Method::HEAD && !matches!(head.status, 204 | 304);
        let stall = Duration::from_millis(self.options.limits.stall_ms);
        let body = match place {
            _ if !has_body => Outgoing::empty(),
            Some(Place::First(lead)) => self
                .share(lead, &parts, &head, exchange)
                .unwrap_or_else(|exchange| Outgoing::upstream(exchange, stall, course)),
            _ => Outgoing::upstream(exchange, stall, course),
        };
        Ok(response.map(|()| body))
    }

    /// Asks the origin.
    fn ask(
        &self,
        parts: &Parts,
        body: Body,
        visited: &preload::Origin,
        course: &Rc<Course>,
    ) -> Result<Exchange, Trouble> {
        let limit = self.options.limits.request_bytes;
        if body.size_hint().lower() > limit {
            return Err(Trouble::TooLarge);
        }
        let client = parts.extensions.get::<Peer>().map(|peer| peer.address().ip());
        let request = forward::request(parts, &self.options.origin, visited, client, &body);
        let request = request.ok_or(Trouble::Unspeakable)?;
        count(&self.options.counts.passed);
        Ok(match body.is_end_stream() {
            true => self.upstream.request(request, None),
            false => self.upstream.request_streamed(request, Upload::new(body, limit, course.clone())),
        })
    }

    /// The response's head, unless the origin takes longer than it may. What the browser takes to send its request is its own.
    async fn head_in_time(
        self: &Rc<Self>,
        exchange: &mut Exchange,
        navigation: Navigation<'_>,
        course: &Course,
    ) -> Result<sakigake_semantics::Response, Trouble> {
        let patience = Duration::from_millis(self.options.limits.head_ms);
        let mut head = core::pin::pin!(self.head(exchange, navigation));
        loop {
            let due = course.since().unwrap_or_else(Instant::now) + patience;
            if let Ok(head) = tokio::time::timeout_at(due, &mut head).await {
                return head.map_err(|why| match course.fate() {
                    Fate::Good => Trouble::Failed(why),
                    Fate::TooLong => Trouble::TooLarge,
                    Fate::Broken => Trouble::Broken,
                });
            }
            if course.since().is_some_and(|since| since + patience <= Instant::now()) {
                return Err(Trouble::Late);
            }
        }
    }

    /// Waits for the response's head, and meanwhile for what a browser is to be told.
    async fn head(
        self: &Rc<Self>,
        exchange: &mut Exchange,
        mut navigation: Navigation<'_>,
    ) -> Result<sakigake_semantics::Response, Failed> {
        let mut changed = self.changed.clone();
        loop {
            if navigation.early.is_some() {
                let known = self.hints.borrow().links();
                self.tell(&mut navigation, &known);
            }
            let is_waiting = navigation.early.is_some();
            tokio::select! {
                biased;
                Ok(()) = changed.changed(), if is_waiting => {}
                heard = exchange.next() => match heard? {
                    Some(Heard::Interim(interim)) if is_waiting && interim.status == 103 => {
                        let named = hints::of_interim(&interim, &self.origin);
                        self.tell(&mut navigation, &named);
                    }
                    Some(Heard::Head(head)) => return Ok(head),
                    Some(_) => {}
                    None => return Err(client::Failed::new(client::Cause::GotNothing, "no answer came")),
                },
            }
        }
    }

    /// Names resources to the browser, once, and fetches them.
    fn tell(self: &Rc<Self>, navigation: &mut Navigation<'_>, named: &[Link]) {
        if named.is_empty() {
            return; // Others may come.
        }
        let Some(early) = navigation.early.take() else { return };
        if early.send(hints::fields(named, navigation.visited)) {
            count(&self.options.counts.told);
            named.iter().for_each(|link| self.fetch_ahead(link, navigation.parts));
        }
    }
}

/// A navigation whose browser may still be told something.
struct Navigation<'a> {
    early: Option<EarlyHints>,
    visited: &'a preload::Origin,
    parts: &'a http::request::Parts,
}

/// The answer to a look at the way that is to go no further than here.
fn last(parts: &Parts) -> http::Response<Outgoing> {
    let is_trace = parts.method == Method::TRACE; // What came may have secrets, which nobody gets to see here.
    let status = if is_trace { StatusCode::NOT_IMPLEMENTED } else { StatusCode::OK };
    page(status, "the request goes no further than this gateway".into())
}

/// A few words of the gateway's own.
fn page(status: StatusCode, words: String) -> http::Response<Outgoing> {
    let mut response = http::Response::new(Outgoing::whole((words + "\n").into()));
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    let none = header::HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, none);
    response
}

/// Why a request has no answer of the origin's.
#[derive(Debug)]
enum Trouble {
    Failed(Failed),
    Late,
    TooLarge,
    /// The request's body did not come to its end.
    Broken,
    Upgrade,
    /// Its content is in a coding that is not undone here.
    Coding,
    NoAuthority,
    Loop,
    /// It cannot be passed on, whichever way it went.
    Unspeakable,
}

impl Trouble {
    fn page(&self) -> http::Response<Outgoing> {
        let (status, words) = match self {
            Self::Failed(why) if why.cause == client::Cause::OperationTimedout => {
                (StatusCode::GATEWAY_TIMEOUT, format!("the origin cannot be reached: {why}"))
            }
            Self::Failed(why) => (StatusCode::BAD_GATEWAY, format!("the origin did not answer: {why}")),
            Self::Late => (StatusCode::GATEWAY_TIMEOUT, "the origin did not answer in time".into()),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request's body is longer than this gateway passes on".into(),
            ),
            Self::Broken => (StatusCode::BAD_REQUEST, "the request's body did not come to its end".into()),
            Self::Upgrade => (
                StatusCode::NOT_IMPLEMENTED,
                "this gateway passes on neither WebSockets nor other upgrades".into(),
            ),
            Self::Coding => {
                (StatusCode::NOT_IMPLEMENTED, "this gateway reads no transfer coding but chunked".into())
            }
            Self::NoAuthority => (StatusCode::BAD_REQUEST, "the request names no host".into()),
            Self::Loop => (StatusCode::LOOP_DETECTED, "the request goes in circles".into()),
            Self::Unspeakable => (StatusCode::BAD_GATEWAY, "the message cannot be passed on".into()),
        };
        page(status, words)
    }
}
