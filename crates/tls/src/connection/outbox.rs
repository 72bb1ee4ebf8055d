//! What waits to be sent, in order: messages, keys, alerts. Records are cut only when the owner comes with a buffer.

use super::tracer::Tracer;
use crate::{
    Level, TrafficSecret,
    record::{CHANGE_CIPHER_SPEC, HEADER_BYTES, Padding, Sealer},
    rules::{AlertDescription, ContentType, Side},
};
use std::collections::VecDeque;

/// The least that [`super::Connection::transmit`] can always work with: an alert in a protected record, or a small piece
/// of a handshake message.
pub const MIN_OUT_BYTES: usize = 64;

/// Where a hello has the length of its session id: after the message's header, the version and the random.
const SESSION_ID_LEN_AT: usize = 4 + 2 + 32;

/// The queue, and the keys for what leaves it.
pub(super) struct Outbox {
    side: Side,
    sealer: Sealer,
    /// Records that one key may protect, beside what its cipher says.
    records_per_key: u64,
    queue: VecDeque<Item>,
    /// Bytes of the first item that have left.
    sent: usize,
    disguise: Disguise,
    /// The first ClientHello has not left yet: its records have a version of their own.
    at_first_hello: bool,
    /// Bytes of early data that may still be sent.
    early_bytes_left: usize,
}

/// ServerHello, the disguise, keys, messages, keys.
const FIRST_FLIGHT_ITEMS: usize = 5;

enum Item {
    /// Whole messages, one after the other, under the same keys.
    Messages(Vec<u8>),
    Key(TrafficSecret),
    /// No keys: early data was refused.
    Plain,
    ChangeCipherSpec,
    Alert(AlertDescription),
}

/// The change_cipher_spec record that middleboxes expect (RFC 9846 appendix E.4).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disguise {
    /// Our first hello will tell.
    Unknown,
    /// It goes before the next message.
    Due,
    /// It is sent, or nobody needs it.
    Done,
}

impl Outbox {
    pub(super) fn new(side: Side, records_per_key: u64) -> Self {
        Self {
            side,
            sealer: Sealer::new(),
            records_per_key: records_per_key.max(16), // Below that nothing is left for the KeyUpdate itself.
            queue: VecDeque::new(),
            sent: 0,
            disguise: Disguise::Unknown,
            at_first_hello: side == Side::Client,
            early_bytes_left: 0,
        }
    }

    /// Queues a whole handshake message.
    pub(super) fn send(&mut self, message: Vec<u8>) {
        if self.disguise == Disguise::Unknown && self.side == Side::Server {
            self.queue.reserve_exact(FIRST_FLIGHT_ITEMS);
        }
        if self.disguise == Disguise::Due {
            self.disguise = Disguise::Done;
            self.queue.push_back(Item::ChangeCipherSpec);
        }
        let has_session_id = message.get(SESSION_ID_LEN_AT).is_some_and(|len| *len > 0);
        match self.queue.back_mut() {
            Some(Item::Messages(messages)) => messages.extend_from_slice(&message),
            _ => self.queue.push_back(Item::Messages(message)),
        }
        if self.disguise == Disguise::Unknown {
            self.choose_disguise(has_session_id);
        }
    }

    /// After our first hello: a server disguises at once, a client before its second flight.
    fn choose_disguise(&mut self, has_session_id: bool) {
        self.disguise = match (has_session_id, self.side) {
            (false, _) => Disguise::Done,
            (true, Side::Client) => Disguise::Due, // spec: 9846-E.4-a
            (true, Side::Server) => {
                self.queue.push_back(Item::ChangeCipherSpec); // spec: 9846-E.4-b
                Disguise::Done
            }
        };
    }

    /// So much early data may be sent.
    pub(super) fn allow_early_data(&mut self, bytes: usize) {
        self.early_bytes_left = bytes;
    }

    /// What is queued from here on goes out in the clear.
    pub(super) fn install_none(&mut self) {
        self.queue.push_back(Item::Plain);
    }

    /// What is queued from here on goes out under these keys.
    pub(super) fn install(&mut self, secret: TrafficSecret) {
        if secret.level == Level::EarlyData && self.disguise == Disguise::Due {
            self.disguise = Disguise::Done;
            self.queue.push_back(Item::ChangeCipherSpec); // spec: 9846-E.4-c
        }
        if self.queue.is_empty() {
            self.sealer.install(&secret, self.records_for(secret.level));
        } else {
            self.queue.push_back(Item::Key(secret));
        }
    }

    /// A handshake cannot go on under new keys, so the owner's limit begins after it; the cipher's own holds always.
    fn records_for(&self, level: Level) -> u64 {
        if level == Level::Application { self.records_per_key } else { u64::MAX }
    }

    /// Queues an alert.
    pub(super) fn alert(&mut self, description: AlertDescription) {
        if self.disguise == Disguise::Due && self.will_protect() {
            self.disguise = Disguise::Done;
            self.queue.push_back(Item::ChangeCipherSpec); // spec: 9846-E.4-a
        }
        self.queue.push_back(Item::Alert(description));
    }

    /// Drops what has not begun to leave: messages together with the keys after them, so that the peer can read on.
    pub(super) fn abandon(&mut self) {
        if self.sent == 0 {
            self.clear();
        }
    }

    /// Nothing of it leaves any more.
    pub(super) fn clear(&mut self) {
        if self.side == Side::Client && self.queue.iter().any(|item| matches!(item, Item::ChangeCipherSpec)) {
            self.disguise = Disguise::Due;
        }
        self.queue = VecDeque::new();
        self.sent = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether what is queued next goes out under keys.
    fn will_protect(&self) -> bool {
        self.sealer.level() != Level::Plain || self.queue.iter().any(|item| matches!(item, Item::Key(_)))
    }

    /// Bytes of messages that wait.
    pub(super) fn unsent_bytes(&self) -> usize {
        let len = |item: &Item| if let Item::Messages(bytes) = item { bytes.len() } else { 0 };
        self.queue.iter().map(len).sum()
    }

    pub(super) fn may_send(&self) -> bool {
        let may_begin = match self.sealer.level() {
            Level::Application => true,
            Level::EarlyData => self.early_bytes_left > 0,
            Level::Plain | Level::Handshake => false, // spec: 9846-2-a
        };
        may_begin && self.queue.is_empty() && !self.sealer.wants_update()
    }

    pub(super) fn wants_update(&self) -> bool {
        self.queue.is_empty() && self.sealer.wants_update()
    }

    pub(super) fn pad(&mut self, padding: Padding, seed: [u8; 32]) {
        self.sealer.pad(padding, seed);
    }

    /// The most that the peer takes in a protected record.
    pub(super) fn limit(&mut self, inner_bytes: u16) {
        self.sealer.limit(inner_bytes);
    }

    #[cfg(test)]
    pub(super) fn sealer(&mut self) -> &mut Sealer {
        &mut self.sealer
    }

    /// One record of application data, whose content `write` puts in its place.
    pub(super) fn seal(
        &mut self,
        out: &mut [u8],
        write: &mut dyn FnMut(&mut [u8]) -> usize,
        tracer: Option<&mut Tracer>,
    ) -> usize {
        let room = self.data_room(out.len());
        if room == 0 {
            return 0;
        }
        let len = write(&mut out[HEADER_BYTES..HEADER_BYTES + room]);
        if len == 0 {
            return 0;
        }
        self.spend_early_data(len);
        let content = tracer.is_some().then(|| out[HEADER_BYTES..HEADER_BYTES + len].to_vec());
        let sealed = self.sealer.seal(ContentType::APPLICATION_DATA, out, len);
        if let (Some(tracer), Some(content)) = (tracer, content) {
            tracer.sends(out, ContentType::APPLICATION_DATA, &content, true);
        }
        sealed.unwrap_or(0) // `may_send` saw to it that the key is not worn out.
    }

    /// One record of as much of `content` as it takes: how much that was, and the record's length.
    pub(super) fn seal_from(
        &mut self,
        out: &mut [u8],
        content: &[u8],
        tracer: Option<&mut Tracer>,
    ) -> (usize, usize) {
        let content = &content[..content.len().min(self.data_room(out.len()))];
        if content.is_empty() {
            return (0, 0);
        }
        self.spend_early_data(content.len());
        let Ok(len) = self.sealer.seal_from(ContentType::APPLICATION_DATA, out, content) else {
            return (0, 0); // `may_send` saw to it that the key is not worn out.
        };
        if let Some(tracer) = tracer {
            tracer.sends(out, ContentType::APPLICATION_DATA, content, true);
        }
        (content.len(), len)
    }

    /// How much application data fits one record in `out_len` bytes.
    fn data_room(&self, out_len: usize) -> usize {
        let is_early = self.sealer.level() == Level::EarlyData;
        let most = if is_early { self.early_bytes_left } else { usize::MAX }; // spec: 9846-4.7.1-m
        self.sealer.room(out_len).min(most)
    }

    fn spend_early_data(&mut self, len: usize) {
        if self.sealer.level() == Level::EarlyData {
            self.early_bytes_left = self.early_bytes_left.saturating_sub(len);
        }
    }

    /// As many whole records as fit `out`.
    pub(super) fn transmit(&mut self, out: &mut [u8], mut tracer: Option<&mut Tracer>) -> Option<usize> {
        let mut written = 0;
        while let Some(item) = self.queue.front() {
            if let Item::Key(secret) = item {
                let records = self.records_for(secret.level);
                self.sealer.install(secret, records);
                self.queue.pop_front();
                continue;
            }
            if matches!(item, Item::Plain) {
                self.sealer.uninstall();
                self.queue.pop_front();
                continue;
            }
            let Some(len) = self.record(&mut out[written..], written == 0, tracer.as_deref_mut()) else {
                break;
            };
            written += len;
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new(); // An idle connection holds no spare room.
        }
        (written > 0).then_some(written)
    }

    /// The next record of the first item, if it fits; `alone` when the caller's buffer holds none yet.
    fn record(&mut self, out: &mut [u8], alone: bool, tracer: Option<&mut Tracer>) -> Option<usize> {
        let alert: [u8; 2];
        let (kind, content): (_, &[u8]) = match self.queue.front()? {
            Item::Messages(messages) => (ContentType::HANDSHAKE, messages.get(self.sent..)?),
            Item::Alert(description) => {
                alert = [description.level().0, description.0];
                (ContentType::ALERT, &alert)
            }
            Item::ChangeCipherSpec => {
                out.get_mut(..CHANGE_CIPHER_SPEC.len())?.copy_from_slice(&CHANGE_CIPHER_SPEC);
                if let Some(tracer) = tracer {
                    tracer.sends(out, ContentType::CHANGE_CIPHER_SPEC, &[1], false);
                }
                self.queue.pop_front();
                return Some(CHANGE_CIPHER_SPEC.len());
            }
            Item::Key(_) | Item::Plain => return None,
        };
        let room = self.sealer.room(out.len());
        let (len, whole) = (content.len().min(room), content.len() <= room);
        // Alerts are never cut; a message is not cut for a few bytes at the end of a buffer.
        let may_cut = kind == ContentType::HANDSHAKE && room > 0 && (alone || room >= MIN_OUT_BYTES);
        if !whole && !may_cut {
            return None;
        }
        let Ok(record_len) = self.sealer.seal_from(kind, out, &content[..len]) else {
            self.clear(); // A worn-out key protects nothing any more, not even an alert.
            return None;
        };
        if self.at_first_hello {
            out[2] = 1; // spec: 9846-5.1-f
        }
        if let Some(tracer) = tracer {
            tracer.sends(out, kind, &content[..len], self.sealer.level() != Level::Plain);
        }
        self.sent += len;
        if whole {
            self.queue.pop_front();
            self.sent = 0;
            self.at_first_hello = false;
        }
        Some(record_len)
    }
}

impl core::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Outbox({:?}, {} queued)", self.sealer, self.queue.len())
    }
}
