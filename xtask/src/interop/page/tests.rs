//! The page that is committed.

use super::*;

#[test]
fn the_page_is_what_the_kept_results_make() {
    let text = text().expect("the results are read");
    let page = fs::read_to_string(root().join(FILE)).expect("the page is read");
    assert!(page == text, "docs/interop.md is not what the results make: cargo xtask interop http3 --table");
}
