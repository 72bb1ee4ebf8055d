//! Stories between a client and a server in memory.

use crate::{Config, Connection, Limits};
use sakigake_semantics::{Chunk, Event, Fields, Priority, Request, Response, StreamId};
use sakigake_wire::{Instant, Span};

mod pair;
mod stories;

use pair::{Heard, Pair};
