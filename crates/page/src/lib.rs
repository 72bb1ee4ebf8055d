//! What a page names, the page load as an engine, and its picture.
//!
//! [`scan`] reads HTML and CSS and tells what they name. [`load::Load`] loads a page: it wants requests, takes responses
//! and knows when everything is there; it holds no connection and reads no clock. [`waterfall`] draws what happened.

#[doc(hidden)]
pub mod fuzz;
pub mod har;
pub mod load;
pub mod rules;
pub mod scan;
pub mod url;
pub mod waterfall;

pub use rules::Destination;
pub use url::{Origin, Url};
