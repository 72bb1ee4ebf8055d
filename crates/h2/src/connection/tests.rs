//! Stories between a client and a server in memory, and either end against bytes written by hand.

use crate::{Config, Connection, Fault, Limits};
use sakigake_semantics::{Chunk, Event, Fields, Part, Priority, Request, Response, StreamId};
use sakigake_wire::{Instant, Span};

mod connect;
mod floods;
mod hostile;
mod pair;
mod peers;
mod priorities;
mod raw;
mod sources;
mod stories;
mod wire;

use pair::{Heard, Pair, listen, ms};
