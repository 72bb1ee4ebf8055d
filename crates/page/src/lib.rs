//! What a page names, and the page load as an engine.
