//! The PRELOAD frame: what a hint means, what a server sends, what a client takes.
