//! TLS, HTTP/2 and PRELOAD composed behind the same five verbs; owns the first flight.
