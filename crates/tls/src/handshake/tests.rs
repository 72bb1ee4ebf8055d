//! Stories of a client and a server in memory, over the real provider.

mod pair;
mod stories;
