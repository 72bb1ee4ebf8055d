//! HTTP/3 on the connections of these worlds: a page's visit, and a site that serves it, on the product's `session`.

use crate::{
    datagram::Note,
    log,
    node::{Content, Memory, Visit, server},
};
use sakigake_h3 as h3;
use sakigake_page::{Url, load};
use sakigake_preload::Table;
use sakigake_quic::connection::{Connection, Event};
use sakigake_session::{self as session, Carrier, ClientConfig, Http3, OverQuic, ServerConfig};
use sakigake_tls as tls;
use sakigake_wire::Instant;
use std::sync::Arc;

/// What an end does with HTTP/3.
#[derive(Clone)]
pub enum Web {
    /// A client's visit to a page.
    Page(Box<Page>),
    /// A server's site.
    Site(Box<Site>),
}

/// A client's visit to a page.
#[derive(Clone)]
pub struct Page {
    /// Its HTTP/3.
    pub h3: h3::Config,
    /// Where it goes.
    pub url: Url,
    /// What it heeds.
    pub options: load::Options,
    /// What it goes on from.
    pub memory: Memory,
}

/// A server's site.
#[derive(Clone)]
pub struct Site {
    /// Its HTTP/3.
    pub h3: h3::Config,
    /// What it hints at.
    pub hints: Option<Arc<Table>>,
    /// What it has.
    pub content: Arc<Content>,
    /// How it behaves.
    pub habits: server::Habits,
}

/// One connection's HTTP/3.
pub(super) struct Session {
    http3: Http3,
    connection: usize,
    doing: Doing,
    is_over: bool,
}

enum Doing {
    Visit(Box<Visit>),
    Site(Box<server::Connection>, Arc<Content>),
}

impl Session {
    pub(super) fn of_client(page: &Page, tls: Arc<tls::client::Config>, connection: usize) -> Self {
        let config = ClientConfig { tls, h2: None, h3: Some(Arc::new(page.h3.clone())), trace: false };
        let doing = Doing::Visit(Box::new(Visit::new(&page.url, page.options)));
        Self { http3: Http3::client(Arc::new(config)), connection, doing, is_over: false }
    }

    pub(super) fn of_server(site: &Site, tls: Arc<tls::server::Config>, connection: usize) -> Self {
        let (h3, hints) = (Some(Arc::new(site.h3.clone())), site.hints.clone());
        let config = ServerConfig { tls, h2: None, h3, hints, trace: false };
        let doing =
            Doing::Site(Box::new(server::Connection::new(site.habits.clone())), Arc::clone(&site.content));
        Self { http3: Http3::server(Arc::new(config)), connection, doing, is_over: false }
    }

    /// The connection is there, and a client's goes on from what it remembers.
    pub(super) fn begin(
        &mut self,
        connection: &mut Connection,
        remembered: Option<h3::Settings>,
        hints: Option<Vec<u8>>,
    ) {
        self.http3.begin(connection, remembered);
        let is_early = OverQuic { connection, http3: &mut self.http3 }.http().is_some();
        if let Doing::Visit(visit) = &mut self.doing {
            visit.remember(hints, is_early);
        }
    }

    pub(super) fn hear(&mut self, now: Instant, event: Event<'_>, notes: &mut Vec<Note>) {
        if matches!(event, Event::Closed(_)) {
            self.is_over = true;
        }
        let Self { http3, doing, connection, .. } = self;
        let (mut heard, mut is_ready) = (Vec::new(), false);
        http3.heard(now, event, &mut |event| {
            is_ready |= matches!(event, session::Event::Ready { .. });
            let is_rejected =
                matches!(event, session::Event::Ready { early_data: tls::EarlyData::Rejected, .. });
            if is_rejected {
                notes.push(Note::Rejected { connection: *connection });
            }
            doing.hear(event, &mut heard);
        });
        if is_ready {
            notes.push(Note::Ready { connection: self.connection });
        }
        self.note(heard, notes);
    }

    pub(super) fn pump(&mut self, now: Instant, connection: &mut Connection, notes: &mut Vec<Note>) {
        if self.is_over {
            return;
        }
        let Self { http3, doing, .. } = self;
        if http3.deadline().is_some_and(|at| at <= now) {
            http3.expire(now);
        }
        let mut told = Vec::new();
        http3.tell(&mut |event| doing.hear(event, &mut told));
        let mut carrier = OverQuic { connection, http3 };
        match doing {
            Doing::Visit(visit) => visit.turn(now, &mut carrier, &mut told),
            Doing::Site(site, content) => site.act(now, &mut carrier, content, &mut told),
        }
        http3.depart(now, connection);
        if let Some(Err(fault)) = http3.outcome() {
            told.push(log::Note::Said(fault.to_string()));
        }
        self.is_over = http3.outcome().is_some();
        self.note(told, notes);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let site = match &self.doing {
            Doing::Site(site, _) => site.deadline(),
            Doing::Visit(_) => None,
        };
        self.http3.deadline().into_iter().chain(site).min().filter(|_| !self.is_over)
    }

    /// A client's.
    pub(super) fn visit(&self) -> Option<&Visit> {
        match &self.doing {
            Doing::Visit(visit) => Some(visit),
            Doing::Site(..) => None,
        }
    }

    fn note(&self, told: Vec<log::Note>, notes: &mut Vec<Note>) {
        let connection = self.connection;
        for note in told {
            if note == log::Note::Complete {
                notes.push(Note::Complete { connection });
            }
            notes.push(Note::Web { connection, note });
        }
    }
}

impl Doing {
    fn hear(&mut self, event: session::Event<'_>, notes: &mut Vec<log::Note>) {
        match self {
            Self::Visit(visit) => visit.hear(event, notes),
            Self::Site(site, _) => site.heard(event, notes),
        }
    }
}
