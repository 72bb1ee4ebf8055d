//! What the side that is tested tells its owner, held against what may be told, and in which order.

use super::toy::Named;
use crate::{
    EarlyData, Event, Identity, Negotiated, Traced, Wanted,
    rules::{AlertDescription, ContentType, Side},
};

pub(super) struct Told {
    side: Side,
    pub(super) negotiated: Option<Negotiated>,
    pub(super) established: bool,
    pub(super) closed: bool,
    pub(super) identities: Vec<Option<Identity>>,
    pub(super) wanted: Option<Wanted>,
    /// Application data, early data first.
    pub(super) data: Vec<u8>,
    /// Messages that it sent.
    pub(super) messages: Vec<Vec<u8>>,
    /// Alerts that it sent.
    pub(super) alerts: Vec<AlertDescription>,
    /// A digest of all that it told and sent.
    pub(super) mark: u64,
}

/// Of its own messages as many are kept.
const MOST_MESSAGES: usize = 64;

impl Told {
    pub(super) fn new(side: Side) -> Self {
        Self {
            side,
            negotiated: None,
            established: false,
            closed: false,
            identities: Vec::new(),
            wanted: None,
            data: Vec::new(),
            messages: Vec::new(),
            alerts: Vec::new(),
            mark: 0xcbf2_9ce4_8422_2325,
        }
    }

    pub(super) fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mark = (self.mark ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(super) fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Wanted(wanted) => self.wanted = Some(wanted),
            Event::Negotiated(negotiated) => {
                assert!(self.negotiated.is_none() && !self.established, "negotiated twice, or too late");
                self.note(&negotiated.suite.to_be_bytes());
                self.negotiated = Some(negotiated);
            }
            Event::Authenticated(identity) => self.authenticated(identity),
            Event::Established => {
                assert!(self.negotiated.is_some() && !self.established, "established twice, or too early");
                self.established = true;
            }
            Event::BarredRequest => assert!(self.side == Side::Client && self.established),
            Event::Ticket(session) => {
                assert!(self.side == Side::Client && self.established, "a ticket before the handshake's end");
                self.note(&session.ticket);
            }
            Event::Data(data) => self.data(data),
            Event::KeyLog(line) => self.note(line.secret.as_ref()),
            Event::Closed => {
                assert!(self.established && !self.closed, "an end that is none");
                self.closed = true;
            }
            Event::Traced(traced) => self.traced(traced),
        }
    }

    fn authenticated(&mut self, identity: Option<Identity>) {
        assert!(self.side == Side::Server, "a server's is no identity");
        let proven = identity.as_ref().map(Identity::leaf);
        let is_alice = proven.is_none_or(|leaf| leaf == Named::Alice.chain()[0]);
        assert!(is_alice, "somebody was authenticated who proved nothing");
        self.note(proven.unwrap_or_default());
        self.identities.push(identity);
    }

    fn data(&mut self, data: &[u8]) {
        assert!(!data.is_empty() && !self.closed, "data that is none, or after the end");
        self.data.extend_from_slice(data);
        if !self.established {
            let negotiated = self.negotiated.as_ref().filter(|_| self.side == Side::Server);
            let Some(Negotiated { early_data: EarlyData::Accepted { max_bytes }, is_client_asked, .. }) =
                negotiated
            else {
                panic!("data before the handshake's end");
            };
            assert!(self.data.len() <= *max_bytes as usize, "more early data than was allowed");
            assert!(!is_client_asked, "early data of somebody who has yet to show who it is");
        }
        self.note(data);
    }

    fn traced(&mut self, traced: Traced<'_>) {
        match traced {
            Traced::Record { sender, header, opened } if sender == self.side => {
                assert!(self.alerts.iter().all(|alert| !is_final(*alert)), "a record behind the last one");
                self.note(&header);
                if let Some((ContentType::ALERT, alert)) = opened {
                    self.alert(alert);
                }
            }
            Traced::Message { sender, bytes } if sender == self.side => {
                self.note(bytes);
                if self.messages.len() < MOST_MESSAGES {
                    self.messages.push(bytes.to_vec());
                }
            }
            Traced::Alert { sender, bytes } if sender == self.side => self.alert(bytes),
            _ => {}
        }
    }

    fn alert(&mut self, alert: &[u8]) {
        let [level, description] = *alert else { panic!("an alert of {} bytes", alert.len()) };
        let description = AlertDescription(description);
        assert_eq!(level, description.level().0, "{description}");
        self.note(alert);
        self.alerts.push(description);
    }
}

/// Whether nothing may follow. What cancels is followed by close_notify.
fn is_final(alert: AlertDescription) -> bool {
    alert != AlertDescription::USER_CANCELED
}
