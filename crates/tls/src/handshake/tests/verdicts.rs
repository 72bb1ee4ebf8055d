//! What a client remembers of a chain, from one connection to the next.

use super::{
    pair::{AUTHORITY, Pair, UNIX_SECS, web_pki},
    resumption::{client, offers, resumed, second, server, sessions},
};
use crate::{Grounds, RejectedCertificate, Session, Verified, Verifier, WebPki, client, server};
use rcgen::PKCS_ECDSA_P256_SHA256;
use sakigake_crypto::aws_lc::PROVIDER;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Judges as another does, and counts the walks along chains.
struct Walks {
    judge: Arc<WebPki>,
    state: Arc<()>,
    count: AtomicUsize,
}

impl Verifier for Walks {
    fn verify_chain(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        unix_secs: u64,
    ) -> Result<Verified, RejectedCertificate> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.judge.verify_chain(server_name, chain, unix_secs)
    }

    fn verify_signature(&self, leaf: &[u8], scheme: u16, message: &[u8], signature: &[u8]) -> bool {
        Verifier::verify_signature(&*self.judge, leaf, scheme, message, signature)
    }

    fn judge(
        &self,
        server_name: &str,
        chain: &[&[u8]],
        earlier: Option<&Grounds>,
        unix_secs: u64,
    ) -> Result<Option<Grounds>, RejectedCertificate> {
        match earlier.filter(|earlier| earlier.hold(&self.state, unix_secs)) {
            Some(earlier) => Ok(Some(earlier.clone())),
            None => {
                self.verify_chain(server_name, chain, unix_secs)?;
                Ok(Some(Grounds::new(&self.state, 0..=UNIX_SECS + 1_000)))
            }
        }
    }
}

impl Walks {
    fn new() -> Arc<Self> {
        Arc::new(Self { judge: web_pki(), state: Arc::default(), count: AtomicUsize::new(0) })
    }

    /// Since this was asked last.
    fn count(&self) -> usize {
        self.count.swap(0, Ordering::Relaxed)
    }
}

fn by(verifier: &Arc<Walks>, unix_secs: u64) -> client::Options {
    client::Options { verifier: Some(verifier.clone()), unix_secs_at_start: unix_secs, ..client() }
}

fn first(client: client::Options, server: server::Options) -> Session {
    let mut pair = Pair::new(client, server);
    pair.run().unwrap();
    sessions(&pair).remove(0)
}

#[test]
fn a_chain_is_walked_once_however_often_it_is_resumed() {
    let verifier = Walks::new();
    let mut session = first(by(&verifier, UNIX_SECS), server());
    assert_eq!(verifier.count(), 1);
    for _ in 0..3 {
        let pair = second(session, by(&verifier, UNIX_SECS), server()).unwrap();
        assert_eq!((resumed(&pair), verifier.count()), ((true, true), 0));
        session = sessions(&pair).remove(0);
    }
}

#[test]
fn what_could_have_changed_is_judged_from_the_beginning() {
    let verifier = Walks::new();
    let session = first(by(&verifier, UNIX_SECS), server());
    verifier.count();
    let offered = |session: &Session, verifier: &Arc<Walks>, unix_secs: u64, name: &str| {
        let pair = Pair::resuming(by(verifier, unix_secs), server(), name, Some(session.clone()));
        (offers(&pair.from_client.steps[0]).unwrap(), verifier.count())
    };
    let name = "example.com";
    assert_eq!(offered(&session, &verifier, UNIX_SECS + 1_000, name), (true, 0));
    assert_eq!(offered(&session, &verifier, UNIX_SECS + 1_001, name), (true, 1), "its time is over");
    assert_eq!(offered(&session, &Walks::new(), UNIX_SECS, name), (true, 1), "another verifier");
    let stored = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    assert_eq!(offered(&stored, &verifier, UNIX_SECS, name), (true, 1), "another process");
    let other = AUTHORITY.credential(&["example.org"]).chain.clone();
    let forged = Session { chain: other.into(), ..session.clone() };
    assert_eq!(offered(&forged, &verifier, UNIX_SECS, name), (false, 1), "another chain");
    let forged = Session { server_name: "example.org".into(), ..session };
    assert_eq!(offered(&forged, &verifier, UNIX_SECS, "example.org"), (false, 1), "another name");
}

#[test]
fn a_session_from_a_file_is_judged_once_for_all_that_follow() {
    let verifier = Walks::new();
    let session = first(by(&verifier, UNIX_SECS), server());
    let stored = Session::from_bytes(&session.to_bytes().unwrap()).unwrap();
    verifier.count();
    let pair = second(stored, by(&verifier, UNIX_SECS), server()).unwrap();
    assert_eq!((resumed(&pair), verifier.count()), ((true, true), 1));
    let pair = second(sessions(&pair).remove(0), by(&verifier, UNIX_SECS), server()).unwrap();
    assert_eq!((resumed(&pair), verifier.count()), ((true, true), 0));
}

#[test]
fn no_ticket_outlives_the_certificate_that_it_rests_on() {
    let leaf = AUTHORITY.credential_with(&["example.com"], &PKCS_ECDSA_P256_SHA256, |params| {
        params.not_after = rcgen::date_time_ymd(2026, 6, 2);
    });
    let server = server::Options { credentials: vec![leaf], ..server() };
    let verifier = web_pki();
    let at = |unix_secs_at_start| client::Options {
        verifier: Some(verifier.clone()),
        unix_secs_at_start,
        ..client()
    };
    let session = Session { lifetime_secs: 604_800, ..first(at(UNIX_SECS), server.clone()) };
    let offered = |unix_secs: u64| {
        let pair = Pair::resuming(at(unix_secs), server.clone(), "example.com", Some(session.clone()));
        offers(&pair.from_client.steps[0]).unwrap()
    };
    assert_eq!([86_400, 86_401].map(|later| offered(UNIX_SECS + later)), [true, false]);
}

#[test]
fn trust_that_is_gone_is_gone_for_what_was_judged_before() {
    let session = first(client(), server());
    let nobody = || Some(Arc::new(WebPki::new(&PROVIDER)) as Arc<dyn Verifier>);
    let mut revoking = WebPki::new(&PROVIDER);
    revoking.trust(&AUTHORITY.der).unwrap();
    revoking.revoke(&AUTHORITY.revokes(&session.chain[0])).unwrap();
    for verifier in [nobody(), Some(Arc::new(revoking) as Arc<dyn Verifier>)] {
        let client = client::Options { verifier, ..client() };
        let pair = Pair::resuming(client, server(), "example.com", Some(session.clone()));
        assert_eq!(offers(&pair.from_client.steps[0]), Some(false));
    }
}
