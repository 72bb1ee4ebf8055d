//! The server's hints, as the client's policy ([`sakigake_preload::Policy`]) lets them through: what each asks for, and what it is
//! to the page.

use super::{Entry, Id, Load, State, Why, key};
use crate::{
    Destination, Origin, Url,
    rules::Rank,
    scan::{self, By, Mode, Resource},
};
use sakigake_preload::{
    self as preload, CrossOrigin, FetchPriority, Hint, Policy,
    csp::Csp,
    link::{self, Link},
    policy::{HintId, Judgement, Ledger, Orders, Use, Verdict},
};
use sakigake_semantics::Response;
use sakigake_wire::Instant;

/// The policy of the page's own connection, and what it does not count itself.
#[derive(Debug, Default)]
pub(super) struct Hints {
    policy: Option<(Origin, Policy)>,
    /// What became of the hints of origins that the document was redirected away from.
    past: Ledger,
    csp: Csp,
    /// A 103 was heeded.
    has_early: bool,
    pub(super) heard: usize,
    pub(super) late: usize,
    pub(super) taken: usize,
}

impl Load {
    /// A PRELOAD frame's block came on a connection to `origin`, after its certificate was verified. Returns how many requests it
    /// causes. A block that does not decode is ignored, as the profile says.
    pub fn preload(&mut self, now: Instant, origin: &Origin, block: &[u8]) -> usize {
        if !self.options.preload {
            return 0;
        }
        self.follow(now, origin, 0, |policy, judge| {
            let Ok((orders, reading)) = policy.receive(block, judge) else { return (Orders::default(), 0) };
            (orders, reading.hints.len() + reading.dropped.len() + reading.beyond)
        })
    }

    /// Hints that came another way: remembered from an earlier connection to `origin`. Returns how many requests they cause.
    pub fn hints(&mut self, now: Instant, origin: &Origin, hints: &[Hint]) -> usize {
        if !self.options.preload {
            self.hints.heard += hints.len();
            return 0;
        }
        self.follow(now, origin, hints.len(), |policy, judge| (policy.take(hints, judge), hints.len()))
    }

    /// An interim response came. The first 103 (Early Hints) to the document's request hints as a frame does; what a frame has
    /// hinted already is requested once. Whatever it says, the final response is processed as if it had not come (RFC 8297
    /// section 2). Returns how many requests it causes.
    pub fn interim(&mut self, now: Instant, id: Id, response: &Response) -> usize {
        let follows = self.options.early_hints && response.status == 103;
        let Some(entry) = self.open(id).filter(|_| follows) else { return 0 };
        let is_awaited = entry.resource.destination == Destination::Document && entry.first_byte.is_none();
        let url = entry.resource.url.clone();
        if !is_awaited || core::mem::replace(&mut self.hints.has_early, true) {
            return 0;
        }
        // Nothing but hints is read of it, and nothing of it is kept.
        let mut hints = Vec::new(); // spec: 8297-2-b, 8297-2-c
        let mut take = |mut link: Link| {
            link.target = url.join(&link.target).map_or_else(String::new, |target| target.to_string());
            hints.extend(Hint::from_link(&link).ok()); // Another relation, or one that nobody here knows.
        };
        for value in response.fields.find_all(b"link") {
            // What stands before a fault has been told, as in a frame.
            let _ = link::parse(value, link::Limits::default(), &mut take);
        }
        self.follow(now, url.origin(), hints.len(), |policy, judge| (policy.take(&hints, judge), hints.len()))
    }

    /// `ignored`: how many hints were heard even if none is followed.
    fn follow(
        &mut self,
        now: Instant,
        origin: &Origin,
        ignored: usize,
        take: impl FnOnce(&mut Policy, &mut dyn FnMut(&Hint) -> Judgement) -> (Orders, usize),
    ) -> usize {
        let is_own = origin == self.page.origin() && origin.secure;
        let acts = !self.options.is_single && self.completed.is_none() && is_own;
        if !acts {
            self.hints.heard += ignored;
            return 0;
        }
        if self.hints.policy.as_ref().is_some_and(|(former, _)| former != origin) {
            self.retire_hints(now);
        }
        let limits = self.options.limits.hints;
        let csp = &self.hints.csp;
        let (_, policy) = self.hints.policy.get_or_insert_with(|| {
            let mut policy = Policy::new(preload::Origin::new(&origin.host, origin.port), acts, limits);
            // No hint is there yet that it could forbid.
            drop(policy.document(csp.clone()));
            (origin.clone(), policy)
        });
        let mut room = self.options.limits.resources.saturating_sub(self.entries.len());
        let (mut late, mut judged) = (0, Vec::new());
        let (index, page) = (&self.index, &self.page);
        let (orders, heard) = take(policy, &mut |hint| match resource(hint) {
            // The document is under way already, whatever else a hint takes it for.
            Some(resource) if index.contains_key(&key(&resource)) || resource.url == *page => {
                late += 1;
                Judgement::Unfit
            }
            Some(resource) if room > 0 => {
                room -= 1;
                judged.push((hint.url.clone(), resource));
                Judgement::Wanted
            }
            _ => Judgement::Unfit,
        });
        self.hints.heard += heard;
        self.hints.late += late;
        self.hints.taken += orders.request.len();
        self.cancel_hints(now, &orders.cancel);
        let wanted = orders.request.len();
        // In the same order: what is not among the orders was refused behind our back.
        let mut judged = judged.into_iter();
        // spec: preload-profile-8-j
        for order in orders.request {
            let own = judged.find(|(url, _)| *url == order.hint.url);
            let (_, resource) = own.expect("nothing is ordered that was not judged");
            let id = self.add(resource, Why::Hint, now);
            self.entries[id.0].hint = Some((order.id, order.hint.url));
        }
        wanted
    }

    /// The document moved to another origin: what the former one named is given up.
    fn retire_hints(&mut self, now: Instant) {
        self.close_hints(now);
        self.hints.past = self.ledger().unwrap_or_default();
        self.hints.policy = None;
        self.entries.iter_mut().for_each(|entry| entry.hint = None);
    }

    /// The document's head came: hints that its Content-Security-Policy forbids are of no use any more.
    pub(super) fn heed_policy(&mut self, now: Instant, response: &Response) {
        let page = self.page.origin();
        let page = preload::Origin::new(&page.host, page.port);
        self.hints.csp = Csp::parse(&page, response.fields.find_all(b"content-security-policy"));
        let csp = self.hints.csp.clone();
        let forbidden = self.hints.policy.as_mut().map(|(_, policy)| policy.document(csp));
        self.cancel_hints(now, &forbidden.unwrap_or_default());
    }

    /// The hinted request that a use of the page joins, if there is one.
    pub(super) fn join(&mut self, wanted: &Resource) -> Option<Id> {
        let (_, policy) = self.hints.policy.as_mut()?;
        let crossorigin = match wanted.mode {
            Mode::NoCors => None,
            Mode::Anonymous => Some(CrossOrigin::Anonymous),
            Mode::Credentials => Some(CrossOrigin::UseCredentials),
        };
        let destination = preload::Destination::of_as(wanted.destination.name())?;
        let open = |entry: &&Entry| entry.is_hint() && !entry.is_claimed && entry.resource.url == wanted.url;
        // The hint's own spelling: a picture chosen from a set has another address than the link.
        let url =
            self.entries.iter().filter(open).filter_map(|entry| entry.hint.as_ref()).next_back()?.1.clone();
        let hint =
            policy.claim(&Use { url: &url, destination, crossorigin, integrity: &wanted.integrity })?;
        let at = self.entries.iter().position(|entry| entry.is_hint() && entry.is_for(hint))?;
        self.index.insert(key(wanted), Id(at));
        Some(Id(at))
    }

    /// Bytes came for an entry. Whether they are one too many of those that nobody claimed.
    pub(super) fn is_beyond(&mut self, id: Id, bytes: usize) -> bool {
        let (Some((_, policy)), Some((hint, _))) = (&mut self.hints.policy, &self.entries[id.0].hint) else {
            return false;
        };
        policy.data(*hint, bytes) == Verdict::Cancel
    }

    /// An entry is over.
    pub(super) fn note_end(&mut self, id: Id) {
        let entry = &self.entries[id.0];
        let (Some((_, policy)), Some((hint, _))) = (&mut self.hints.policy, &entry.hint) else { return };
        match entry.state {
            State::Done if entry.redirected_to.is_none() => policy.finished(*hint),
            State::Failed(_) => policy.failed(*hint),
            _ => {}
        }
    }

    /// The page is complete: what is still open was hinted in vain.
    pub(super) fn close_hints(&mut self, now: Instant) {
        let vain = self.hints.policy.as_mut().map(|(_, policy)| policy.page_complete());
        self.cancel_hints(now, &vain.unwrap_or_default());
    }

    /// What hints were worth so far.
    pub(super) fn ledger(&self) -> Option<preload::policy::Ledger> {
        let ledger = self.hints.policy.as_ref().map(|(_, policy)| policy.ledger())?;
        let past = self.hints.past;
        Some(Ledger {
            used: ledger.used + past.used,
            cached: ledger.cached + past.cached,
            wasted: ledger.wasted + past.wasted,
            open: ledger.open,
        })
    }

    /// Cancels the requests of these hints, and those that redirects made of them.
    fn cancel_hints(&mut self, now: Instant, hints: &[HintId]) {
        for id in (0..self.entries.len()).map(Id) {
            let entry = &self.entries[id.0];
            if !entry.is_claimed && hints.iter().any(|hint| entry.is_for(*hint)) {
                self.cancel(now, id);
            }
        }
    }
}

impl Entry {
    /// Whether it was asked for because of that hint.
    fn is_for(&self, hint: HintId) -> bool {
        self.hint.as_ref().is_some_and(|(own, _)| *own == hint)
    }
}

/// What a hint asks for. `None` when it is for another medium than the screen, or its address cannot be requested.
fn resource(hint: &Hint) -> Option<Resource> {
    if !scan::media_applies(hint.media.as_deref().unwrap_or("")) {
        return None;
    }
    let url = Url::parse(&hint.url)?;
    let destination = Destination::of_preload(hint.destination.name())?;
    let chosen = hint
        .imagesrcset
        .as_deref()
        .filter(|_| destination == Destination::Image)
        .and_then(|set| scan::choose_image(set, hint.imagesizes.as_deref().unwrap_or("")))
        .and_then(|chosen| url.join(chosen));
    // A hint's origin was checked by its link alone, and holds for what is chosen too.
    if chosen.as_ref().is_some_and(|chosen| !chosen.is_same_origin(&url)) {
        return None; // spec: preload-profile-8-b
    }
    Some(Resource {
        mode: match hint.crossorigin {
            None => Mode::NoCors,
            Some(CrossOrigin::Anonymous) => Mode::Anonymous,
            Some(CrossOrigin::UseCredentials) => Mode::Credentials,
        },
        integrity: hint.integrity.clone().unwrap_or_default(),
        rank: match hint.fetchpriority {
            FetchPriority::Auto => Rank::Auto,
            FetchPriority::High => Rank::High,
            FetchPriority::Low => Rank::Low,
        },
        ..Resource::new(chosen.unwrap_or(url), destination, By::Preload)
    })
}
