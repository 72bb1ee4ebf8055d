//! The PRELOAD frame: what a hint means, what a server sends, what a client takes.
//!
//! A server fills a [`Table`] with [`Hint`]s by host and asks it for the block of a first flight; a client hands the block
//! that it received to a [`Policy`], which says what to request and keeps the ledger. Where the frame may stand is the
//! business of the protocol that carries it.

pub mod block;
pub mod csp;
#[doc(hidden)]
pub mod fuzz;
mod hint;
pub mod link;
mod origin;
pub mod policy;
pub mod rules;
pub mod table;
mod told;

pub use hint::{CrossOrigin, Dropped, FetchPriority, Hint};
pub use origin::Origin;
pub use policy::Policy;
pub use rules::Destination;
pub use table::Table;
pub use told::{Digest, Told};
