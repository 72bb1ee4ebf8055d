//! Bytes in flight stay within the congestion window, but for probes (RFC 9002 section 7).

use super::Scene;
use crate::{
    checkers::Notebook,
    datagram::{Note, What},
};

pub(super) fn check(scene: &Scene<'_>, notebook: &mut Notebook) {
    for entry in scene.log.entries() {
        let What::Noted { node, note: Note::Window { before, after, window, is_probe, .. } } = &entry.what
        else {
            continue;
        };
        notebook.see();
        notebook.expect(*is_probe || after <= window, || {
            format!("{node} went from {before} to {after} bytes in flight, the window is {window}")
        });
    }
}
