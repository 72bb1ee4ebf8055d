//! What a site chooses about its files.

use super::cache;

/// How files are served. The default serves each as it lies in the folder, and keeps small ones in memory.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What may be kept in memory.
    pub cache: cache::Limits,
}
