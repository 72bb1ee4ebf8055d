//! A file of what passes at the server's end, as tshark reads it (pcap, raw IP packets), and a line of what did not.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// What the link wrote and counted; clones write to the same.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    file: Option<File>,
    dropped: [u64; 2],
}

const MAGIC: u32 = 0xa1b2_c3d4;
const RAW_IP: u32 = 101;
const PACKET_BYTES: u32 = 65_536;

impl Capture {
    pub(crate) fn into(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        let version = 2 | 4 << 16;
        for word in [MAGIC, version, 0, 0, PACKET_BYTES, RAW_IP] {
            file.write_all(&word.to_ne_bytes())?;
        }
        let inner = Inner { file: Some(file), ..Inner::default() };
        Ok(Self(Arc::new(Mutex::new(inner))))
    }

    /// A packet passes.
    pub(crate) fn pass(&self, packet: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        let Some(file) = inner.file.as_mut() else { return Ok(()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let len = packet.len() as u32;
        let head = [now.as_secs() as u32, now.subsec_micros(), len, len];
        let mut record: Vec<u8> = head.iter().flat_map(|word| word.to_ne_bytes()).collect();
        record.extend_from_slice(packet);
        file.write_all(&record)
    }

    /// A packet of the server's (0) or the client's (1) is lost.
    pub(crate) fn lose(&self, from: usize) {
        self.inner().dropped[from] += 1;
    }

    /// Nothing is written from now on. Gives back how many packets of the server's and of the client's were lost.
    pub(crate) fn close(&self) -> [u64; 2] {
        let mut inner = self.inner();
        inner.file = None;
        inner.dropped
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
