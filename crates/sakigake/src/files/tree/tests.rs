use super::{Found, HOW, find, open_root, walk};
use crate::scratch::Scratch;
use std::os::unix::fs::symlink;

#[test]
fn the_walk_that_stands_in_for_openat2_follows_no_link() {
    let site = Scratch::new("walk");
    site.write("a/b/c.txt", "c");
    symlink("a", site.path().join("link")).expect("a link");
    symlink("/etc/passwd", site.path().join("passwd")).expect("a link");
    let root = open_root(site.path()).expect("the folder");
    for (name, is_found) in [
        ("a/b/c.txt", true),
        ("a/b", true),
        ("link/b/c.txt", false),
        ("passwd", false),
        ("a/x", false),
        ("a/b/c.txt/d", false),
    ] {
        assert_eq!(walk(&root, name.as_bytes(), HOW).is_ok(), is_found, "{name}");
    }
    assert!(matches!(find(site.path(), b"link/b/c.txt"), Ok(Found::File(_) | Found::Nothing)));
}
