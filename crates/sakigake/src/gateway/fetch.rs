//! Requests of the gateway's own, and those of browsers that are answered by them.

use super::{
    Gateway,
    body::Outgoing,
    cache::{Found, Stored, UnderWay},
    count,
    flight::{Flight, Head, Reader},
    forward,
    hints::Link,
    rules,
};
use crate::client::{Exchange, Heard};
use core::{cell::Cell, time::Duration};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use sakigake_preload::{Destination, Origin};
use std::{future::poll_fn, rc::Rc, time::SystemTime};

/// Nothing is fresh but what its origin says is.
const RULES: CacheOptions = CacheOptions {
    shared: true,
    cache_heuristic: 0.0,
    immutable_min_time_to_live: Duration::ZERO,
    ignore_cargo_cult: false,
};

/// What of a browser's fields an answer may be chosen by, that is for others too.
const CHOOSING: [header::HeaderName; 2] = [header::ACCEPT_ENCODING, header::ACCEPT_LANGUAGE];

/// Requests with one of these are not answered from the cache.
const PASSED: [header::HeaderName; 5] =
    [header::AUTHORIZATION, header::RANGE, header::IF_RANGE, header::IF_MATCH, header::IF_UNMODIFIED_SINCE];

impl Gateway {
    /// Fetches what a hint names, for the browser that navigates by `parts`, unless it is there or on its way.
    pub(super) fn fetch_ahead(self: &Rc<Self>, link: &Link, parts: &request::Parts) {
        if self.unshared.borrow_mut().has(&link.target) {
            return;
        }
        let mut request = request_for(&link.target);
        let accept = match link.hint.destination {
            Destination::Style => "text/css,*/*;q=0.1",
            _ => "*/*",
        };
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static(accept));
        for name in CHOOSING {
            for value in parts.headers.get_all(&name) {
                request.headers_mut().append(&name, value.clone());
            }
        }
        *request.headers_mut() = rules::of_request(request.headers());
        let found = self.cache.borrow_mut().find(&link.target, &request, SystemTime::now());
        let is_alike = |(other, _): &UnderWay| other.headers() == request.headers();
        let stored = match found {
            Found::Fresh(..) => return,
            _ if self.cache.borrow().under_way(&link.target).iter().any(is_alike) => return,
            Found::Stale(stored) => Some(stored),
            Found::Nothing => None,
        };
        if self.fetch(&link.target, request, stored, true).is_some() {
            count(&self.options.counts.fetched);
        }
    }

    fn fetch(
        self: &Rc<Self>,
        target: &str,
        request: Request<()>,
        stored: Option<Rc<Stored>>,
        is_hinted: bool,
    ) -> Option<Rc<Flight>> {
        let flight = self.cache.borrow_mut().begin(target, &request, is_hinted)?;
        let (gateway, under_way, target) = (self.clone(), flight.clone(), target.to_owned());
        tokio::task::spawn_local(async move {
            let whole = gateway.run(&target, &request, stored.as_deref(), &under_way).await;
            gateway.cache.borrow_mut().end(&target, &under_way);
            if let Some((policy, headers)) = whole.filter(|_| !under_way.is_void.get()) {
                let kept = (policy, headers, under_way.whole());
                gateway.cache.borrow_mut().keep(&target, &request, kept, under_way.is_unasked.clone());
            }
            under_way.end(false); // Unless it has ended well.
        });
        Some(flight)
    }

    /// What is to be kept, if the response came whole and anybody may have it.
    async fn run(
        &self,
        target: &str,
        request: &Request<()>,
        stored: Option<&Stored>,
        flight: &Flight,
    ) -> Option<(CachePolicy, HeaderMap)> {
        let asked = SystemTime::now();
        let (mut exchange, came) = self.own_head(target, request, stored).await?;
        // Where no condition was sent there is nothing to confirm.
        let confirmed =
            stored.filter(|stored| came.status == 304 && !rules::conditions(&stored.headers).is_empty());
        let headers = forward::received(&came, exchange.protocol())?;
        if confirmed.is_some_and(|stored| !rules::confirms(&headers, &stored.headers)) {
            // spec: 9111-4.3.4-a
            self.cache.borrow_mut().invalidate(target); // It is said to be good by whoever speaks of another one.
            return None;
        }
        let headers = confirmed.map_or_else(|| headers.clone(), |stored| updated(&stored.headers, &headers));
        let status = if confirmed.is_some() { 200 } else { came.status };
        let Some((policy, length)) = self.judge(request, status, &headers, asked) else {
            // What another status means for others nobody knows: this request may have been odd.
            if status == 200 && flight.is_unasked.get() {
                self.unshared.borrow_mut().note(target);
            }
            return None;
        };
        let is_sized = length.is_some() || confirmed.is_some();
        flight.begin(Head { policy: policy.clone(), headers: headers.clone(), is_sized });
        match confirmed {
            Some(stored) => flight.add(stored.body.clone()),
            None => self.collect(&mut exchange, length, flight).await?,
        }
        flight.end(true);
        Some((policy, headers))
    }

    /// Asks for it, or whether what is `stored` is still good, and waits for the response's head.
    async fn own_head(
        &self,
        target: &str,
        request: &Request<()>,
        stored: Option<&Stored>,
    ) -> Option<(Exchange, sakigake_semantics::Response)> {
        let mut asked = request.headers().clone();
        if let Some(stored) = stored {
            asked.extend(rules::conditions(&stored.headers)); // spec: 9111-4.3.1-a
        }
        let mut exchange = self.upstream.request(forward::own(&self.options.origin, target, &asked), None);
        let patience = Duration::from_millis(self.options.limits.head_ms);
        let came = tokio::time::timeout(patience, async {
            loop {
                if let Heard::Head(head) = exchange.next().await.ok()?? {
                    return Some(head);
                }
            }
        });
        let came = came.await.ok()??;
        Some((exchange, came))
    }

    /// By which rules anybody may have that response, and how long it says it is; none where not everybody may. It ages from when it was
    /// `asked` for (RFC 9111 section 4.2.3).
    pub(super) fn judge(
        &self,
        request: &Request<()>,
        status: u16,
        headers: &HeaderMap,
        asked: SystemTime,
    ) -> Option<(CachePolicy, Option<usize>)> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).ok()?;
        *response.headers_mut() = rules::of_response(headers)?;
        let policy = CachePolicy::new_options(request, &response, asked, RULES);
        let length = length(headers);
        let may_be_shared = response.status() == StatusCode::OK
            && policy.is_storable() // spec: 9111-3-a
            && !headers.contains_key(header::SET_COOKIE)
            && length.is_none_or(|length| length <= self.options.limits.entry_bytes);
        may_be_shared.then_some((policy, length))
    }

    /// The response's body, to its end and of the length that it said; none where it is not, or longer than what may be kept.
    pub(super) async fn collect(
        &self,
        exchange: &mut Exchange,
        length: Option<usize>,
        flight: &Flight,
    ) -> Option<()> {
        let limits = &self.options.limits;
        let most_bytes = length.unwrap_or(limits.entry_bytes);
        let stall = Duration::from_millis(limits.stall_ms);
        let mut bytes = 0;
        while let Some(heard) = tokio::time::timeout(stall, exchange.next()).await.ok()?.ok()? {
            if let Heard::Data(piece) = heard {
                bytes += piece.len();
                if bytes > most_bytes {
                    return None;
                }
                flight.add(piece);
            }
        }
        length.is_none_or(|length| bytes == length).then_some(()) // spec: 9111-3.3-a
    }

    /// An answer from what is there, or from what is on its way; none where the origin is to be asked.
    pub(super) async fn from_cache(
        self: &Rc<Self>,
        parts: &request::Parts,
        visited: &Origin,
    ) -> Option<Response<Outgoing>> {
        if parts.method != Method::GET || is_passed(&parts.headers) {
            return None;
        }
        let target = forward::target(parts);
        let (target, request) = (&*target, request_of(parts));
        let found = self.cache.borrow_mut().find(target, &request, SystemTime::now());
        let stale = match found {
            Found::Fresh(stored, headers) => {
                let headers = rules::as_written(&headers, &stored.headers);
                return Some(self.kept(&stored, headers, &parts.headers, visited));
            }
            Found::Stale(stored) => Some(stored),
            Found::Nothing => None,
        };
        let under_way = self.cache.borrow().under_way(target);
        for (_, flight) in under_way {
            if let Some(response) = self.join(&flight, &request, visited).await {
                return Some(response);
            }
        }
        let stale = stale.filter(|_| !rules::says(request.headers(), "no-store"))?; // spec: 9111-5.2.1.5-a
        let mut own = request_for(target);
        for name in [header::ACCEPT].iter().chain(&CHOOSING) {
            for value in parts.headers.get_all(name) {
                own.headers_mut().append(name, value.clone());
            }
        }
        *own.headers_mut() = rules::of_request(own.headers());
        let flight = self.fetch(target, own, Some(stale), false)?;
        self.join(&flight, &request, visited).await
    }

    /// The response of a fetch, once it is known whether this request may have it.
    pub(super) async fn join(
        &self,
        flight: &Rc<Flight>,
        request: &Request<()>,
        visited: &Origin,
    ) -> Option<Response<Outgoing>> {
        let reader = Reader::of(flight);
        // One that does not say how long it is may have no end: it is given when it has come, or not waited for.
        let tired = async {
            poll_fn(|cx| reader.poll_begun(cx)).await;
            tokio::time::sleep(Duration::from_millis(self.options.limits.crowd_wait_ms)).await;
        };
        let head = tokio::select! {
            biased;
            head = poll_fn(|cx| reader.poll_head(cx)) => head?,
            () = tired => return None,
        };
        // What is not to be used again without asking was asked for just now: for whoever is first.
        let headers = match head.policy.before_request(request, SystemTime::now()) {
            BeforeRequest::Fresh(parts) => rules::as_written(&parts.headers, &head.headers),
            BeforeRequest::Stale { matches: true, .. } if flight.claim() => head.headers.clone(),
            BeforeRequest::Stale { .. } => return None,
        };
        self.note_use(&flight.is_unasked);
        Some(self.shown(headers, (request.headers(), visited), || Outgoing::flight(reader)))
    }

    fn kept(
        &self,
        stored: &Stored,
        headers: HeaderMap,
        asked: &HeaderMap,
        visited: &Origin,
    ) -> Response<Outgoing> {
        self.note_use(&stored.is_unasked);
        self.shown(headers, (asked, visited), || Outgoing::whole(stored.body.clone()))
    }

    fn note_use(&self, is_unasked: &Cell<bool>) {
        if is_unasked.replace(false) {
            count(&self.options.counts.used);
        }
    }

    /// A response as the browser gets it, or 304 where it has the same.
    fn shown(
        &self,
        headers: HeaderMap,
        (asked, visited): (&HeaderMap, &Origin),
        body: impl FnOnce() -> Outgoing,
    ) -> Response<Outgoing> {
        let is_known = is_known(&headers, asked);
        let mut response = Response::new(if is_known { Outgoing::empty() } else { body() });
        *response.headers_mut() = forward::response(headers, &self.origin, visited);
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        response
    }
}

/// Whether the origin has to be asked, whatever is here.
pub(super) fn is_passed(headers: &HeaderMap) -> bool {
    PASSED.iter().any(|name| headers.contains_key(name))
}

/// A browser's request, as rules of caching read it.
pub(super) fn request_of(parts: &request::Parts) -> Request<()> {
    let mut request = request_for(&forward::target(parts));
    *request.headers_mut() = rules::of_request(&parts.headers);
    request.headers_mut().remove(header::HOST);
    request
}

fn request_for(target: &str) -> Request<()> {
    let mut request = Request::new(());
    // What is no target here was none for whoever asked.
    *request.uri_mut() = target.parse().unwrap_or_default();
    request
}

/// A stored response's fields after a 304 (RFC 9111 section 3.2).
fn updated(stored: &HeaderMap, news: &HeaderMap) -> HeaderMap {
    const OF_THE_BODY: [header::HeaderName; 4] =
        [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::CONTENT_TYPE, header::CONTENT_RANGE];
    let mut updated = stored.clone();
    for name in news.keys().filter(|name| !OF_THE_BODY.contains(name)) {
        updated.remove(name);
        for value in news.get_all(name) {
            updated.append(name, value.clone());
        }
    }
    updated
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the browser says that it has the same response (RFC 9110 section 13.1).
fn is_known(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let weak = |tag: &[u8]| tag.trim_ascii().strip_prefix(b"W/").unwrap_or(tag.trim_ascii()).to_vec();
    if asked.contains_key(header::IF_NONE_MATCH) {
        let Some(etag) = headers.get(header::ETAG).map(|tag| weak(tag.as_bytes())) else { return false };
        let lines = asked.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        return tags.any(|tag| tag.trim_ascii() == b"*" || weak(tag) == etag);
    }
    let since = asked.get(header::IF_MODIFIED_SINCE);
    since.is_some() && since == headers.get(header::LAST_MODIFIED)
}
