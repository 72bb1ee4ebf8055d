//! What a worker's share of the process's descriptors is for: its connections, and the files that responses are read from.

use crate::files::{OpenFiles, Reply, error_reply};

/// So many descriptors are kept for files, or a quarter where that is less: however many connections there are, that many
/// responses can be read from the disk. Small files are in memory and need none.
const KEPT_FOR_FILES: usize = 1_024;

/// What one worker has. Both take what the other does not need: connections all but what is kept for files, files up to a
/// half, so that those who ask for many large ones at a time do not keep others from connecting; from large files they do.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// For both together.
    all: usize,
    kept_for_files: usize,
    open: OpenFiles,
}

impl Descriptors {
    /// So many, for connections and files.
    pub(super) fn shared(all: usize) -> Self {
        let all = all.max(4);
        Self { all, kept_for_files: (all / 4).min(KEPT_FOR_FILES), open: OpenFiles::default() }
    }

    /// So many connections, of which none asks for files.
    pub(super) fn of_connections(all: usize) -> Self {
        Self { all, kept_for_files: 0, open: OpenFiles::default() }
    }

    /// How many connections there may be now.
    pub(super) fn for_connections(&self) -> usize {
        self.all - self.open.count().max(self.kept_for_files).min(self.all)
    }

    /// Counts the file that a reply is read from, if there is one, for as long as it is open; 503 where there may be no
    /// further one beside so many connections.
    pub(super) fn admit(&self, connections: usize, mut reply: Reply, is_head: bool) -> Reply {
        if !reply.body.holds_file() {
            return reply;
        }
        let open = self.open.count();
        let is_spare = open < self.all / 2 && open.saturating_add(connections) < self.all;
        if open < self.kept_for_files || is_spare {
            reply.body.count_in(&self.open);
            return reply;
        }
        let mut reply = error_reply(503, is_head);
        reply.response.fields.push(b"retry-after", b"1");
        reply
    }
}

#[cfg(test)]
mod tests;
