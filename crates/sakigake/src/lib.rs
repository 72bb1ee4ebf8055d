//! Server, client and site: the library people use.
