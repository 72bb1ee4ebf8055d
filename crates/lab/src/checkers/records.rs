//! TLS records as RFC 9846 section 5 wants them: sizes, epochs in their order, each record under the key of its epoch, and
//! nothing after the last word.

use super::{
    Notebook, Scene,
    wire::{self, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, FINISHED, HANDSHAKE, Messages, Record},
};
use crate::{log::Note, pipe::Side, plain::PROVIDER};
use sakigake_crypto::{Suite, hkdf};

const CLOSE_NOTIFY: u8 = 0;
const FATAL: u8 = 2;
const KEY_UPDATE: u8 = 24;
const MAX_CONTENT_BYTES: usize = 1 << 14;

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    for side in [Side::Client, Side::Server] {
        let (records, rest) = wire::records(scene.log, side);
        notebook.expect(rest == 0, || format!("the {side} wrote {rest} bytes that are no record"));
        let mut walk = Walk::new(scene, side);
        for record in &records {
            notebook.see();
            if let Err(what) = walk.take(record) {
                notebook.complain(format!("the {side}'s record at byte {}: {what}", record.start));
                break;
            }
        }
    }
}

/// Which keys are due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Epoch {
    Plain,
    Handshake,
    Application,
}

/// A side's records one after the other.
struct Walk {
    side: Side,
    epoch: Epoch,
    messages: Messages,
    is_over: bool,
    /// The secrets of handshake and application data, as the side's key log told them.
    secrets: [Option<Vec<u8>>; 2],
    key: Option<Key>,
}

/// An epoch's secret, and how many records it has protected.
struct Key {
    secret: Vec<u8>,
    suite: Option<&'static Suite>,
    sequence: u64,
}

impl Walk {
    fn new(scene: &Scene<'_>, side: Side) -> Self {
        let labels = match side {
            Side::Client => ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"],
            Side::Server => ["SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"],
        };
        let node = wire::node(scene.log, side);
        let secrets = labels.map(|wanted| {
            wire::notes(scene.log, node).find_map(|(_, note)| match note {
                Note::Secret { label, secret, .. } if *label == wanted => Some(secret.clone()),
                _ => None,
            })
        });
        Self { side, epoch: Epoch::Plain, messages: Messages::default(), is_over: false, secrets, key: None }
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        if self.is_over {
            return Err("it comes after the last word".into());
        }
        self.check_size(record)?;
        if record.is_protected() {
            self.open(record)?;
        } else if self.epoch != Epoch::Plain {
            return Err("it is in the clear although there were keys".into());
        }
        let (kind, content) = record.content().ok_or("it has no content type")?;
        if kind != HANDSHAKE && self.messages.is_within() {
            return Err("it interrupts a handshake message".into());
        }
        match kind {
            HANDSHAKE => self.handshake(content),
            ALERT => self.alert(content),
            APPLICATION_DATA if self.epoch == Epoch::Application => Ok(()),
            APPLICATION_DATA => Err("application data before Finished".into()),
            CHANGE_CIPHER_SPEC if !record.is_protected() && content == [1] => Ok(()),
            kind => Err(format!("a content type of {kind}")),
        }
    }

    fn check_size(&self, record: &Record) -> Result<(), String> {
        let content = record.content().map_or(0, |(_, content)| content.len());
        let most = if record.is_protected() { MAX_CONTENT_BYTES + 256 } else { MAX_CONTENT_BYTES };
        if content > MAX_CONTENT_BYTES || record.body.len() > most {
            return Err(format!("{} bytes with {content} of content", record.body.len()));
        }
        Ok(())
    }

    /// Each record opens under the key that is due and the number that is due.
    fn open(&mut self, record: &Record) -> Result<(), String> {
        if self.epoch == Epoch::Plain {
            self.epoch = Epoch::Handshake;
            self.key = self.secrets[0].clone().map(Key::new);
        }
        let key = self.key.as_mut().ok_or("it is protected, but nobody has told a secret")?;
        match key.opens(record) {
            true => Ok(()),
            false => Err(format!("it is not number {} under the key of its epoch", key.sequence)),
        }
    }

    fn handshake(&mut self, content: &[u8]) -> Result<(), String> {
        if content.is_empty() {
            return Err("an empty piece of a handshake message".into());
        }
        let messages = self.messages.take(content);
        let last = messages.len();
        for (at, (kind, _)) in messages.iter().enumerate() {
            if !self.may(*kind) {
                return Err(format!("a handshake message of type {kind} in the wrong epoch"));
            }
            if !matches!(*kind, FINISHED | KEY_UPDATE) {
                continue;
            }
            if at + 1 < last || self.messages.is_within() {
                return Err("a handshake message goes on where the keys change".into());
            }
            self.change_keys(*kind)?;
        }
        Ok(())
    }

    fn may(&self, kind: u8) -> bool {
        match (self.epoch, self.side) {
            (Epoch::Plain, Side::Client) => kind == 1,
            (Epoch::Plain, Side::Server) => kind == 2,
            (Epoch::Handshake, Side::Client) => matches!(kind, 11 | 15 | FINISHED),
            (Epoch::Handshake, Side::Server) => matches!(kind, 8 | 13 | 11 | 15 | FINISHED),
            (Epoch::Application, Side::Client) => kind == KEY_UPDATE,
            (Epoch::Application, Side::Server) => matches!(kind, KEY_UPDATE | 4),
        }
    }

    fn change_keys(&mut self, kind: u8) -> Result<(), String> {
        if kind == FINISHED {
            self.epoch = Epoch::Application;
            self.key = self.secrets[1].clone().map(Key::new);
            return Ok(());
        }
        let key = self.key.as_mut().ok_or("a KeyUpdate without a key")?;
        let suite = key.suite.ok_or("a KeyUpdate before any record")?;
        let mut next = vec![0; suite.hash.len];
        hkdf::expand_label(suite.hash, &key.secret, b"traffic upd", b"", &mut next);
        *key = Key::new(next);
        Ok(())
    }

    fn alert(&mut self, content: &[u8]) -> Result<(), String> {
        let [level, description] = content else { return Err("an alert that is not two bytes long".into()) };
        self.is_over = *level == FATAL || *description == CLOSE_NOTIFY;
        Ok(())
    }
}

impl Key {
    fn new(secret: Vec<u8>) -> Self {
        Self { secret, suite: None, sequence: 0 }
    }

    fn opens(&mut self, record: &Record) -> bool {
        let fits = |suite: &&Suite| {
            self.suite.is_none_or(|known| known.id == suite.id) && suite.hash.len == self.secret.len()
        };
        let suite = PROVIDER.suites.iter().filter(fits).find(|suite| self.opens_with(suite, record));
        self.suite = suite.or(self.suite);
        self.sequence += u64::from(suite.is_some());
        suite.is_some()
    }

    fn opens_with(&self, suite: &Suite, record: &Record) -> bool {
        let mut bytes = vec![0; suite.aead.key_len];
        hkdf::expand_label(suite.hash, &self.secret, b"key", b"", &mut bytes);
        let mut nonce = [0; 12];
        hkdf::expand_label(suite.hash, &self.secret, b"iv", b"", &mut nonce);
        for (byte, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        (suite.aead.key)(&bytes).open(nonce, &record.head, &mut record.body.clone()).is_ok()
    }
}
