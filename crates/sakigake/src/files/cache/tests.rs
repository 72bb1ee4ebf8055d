use super::super::{Ask, Files, Options, Reply};
use super::{Cache, Limits};
use crate::scratch::Scratch;
use sakigake_semantics::{Chunk, Request};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const TRUST: Duration = Duration::from_millis(1);

/// When everything that the test writes is long still.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

fn open(root: &Path, cache: Limits) -> Files {
    Files::with(root, Options { cache, ..Options::default() }).expect("the folder")
}

fn get(files: &Files, path: &str, now: SystemTime) -> Reply {
    let request = Request::get("", path);
    files.answer(&Ask::from(&request), now)
}

/// The body, and where its bytes lie: what is kept lies at the same place again.
fn bytes(reply: &mut Reply) -> (Vec<u8>, *const u8) {
    match reply.body.next_piece(usize::MAX).expect("readable").expect("a body") {
        Chunk::Shared(bytes) => (bytes.to_vec(), bytes.as_ptr()),
        Chunk::Owned(bytes) => (bytes.clone(), bytes.as_ptr()),
    }
}

fn text(files: &Files, path: &str, now: SystemTime) -> String {
    let mut reply = get(files, path, now);
    match reply.response.status {
        200 => String::from_utf8(bytes(&mut reply).0).expect("text"),
        status => status.to_string(),
    }
}

/// How many files the calling thread's cache holds, and how many bytes as counted.
fn held(files: &Files) -> (usize, usize) {
    let cache = files.shared.caches.mine();
    assert_eq!(cache.places.iter().flatten().count(), cache.index.len());
    assert_eq!(cache.places.iter().flatten().map(|entry| entry.cost).sum::<usize>(), cache.bytes);
    (cache.index.len(), cache.bytes)
}

#[test]
fn a_kept_file_is_sent_as_a_read_one_and_from_one_place() {
    let site = Scratch::new("cache");
    site.write("index.html", "front");
    site.write("a b.txt", "blank");
    let files = open(site.path(), Limits::default());
    let now = later();
    for (path, again) in [("/", "/?x"), ("/a%20b.txt", "/a%20%62.txt?y")] {
        let (mut first, mut second) = (get(&files, path, now), get(&files, again, now));
        assert_eq!(first.response, second.response);
        assert_eq!(bytes(&mut first), bytes(&mut second));
    }
    assert_eq!(held(&files).0, 2);
    // What is refused for its bytes stays refused.
    for (path, status) in [("/a b.txt", 400), ("/?a b", 400), ("//", 404)] {
        assert_eq!(get(&files, path, now).response.status, status, "{path}");
    }
}

#[test]
fn a_change_shows_after_the_moment_of_trust() {
    let site = Scratch::new("cache");
    let path = site.write("a.txt", "first");
    let files = open(site.path(), Limits::default());
    let mut now = later();
    assert_eq!(text(&files, "/a.txt", now), "first");
    let modified = fs::metadata(&path).expect("a file").modified().expect("a time");
    let rewrite = |text: &str| {
        fs::write(&path, text).expect("written");
        // Even one that sets the time of its last write back.
        fs::File::options().write(true).open(&path).expect("a file").set_modified(modified).expect("a time");
    };
    let replace = |text: &str| {
        site.write("b.txt", text);
        fs::rename(site.path().join("b.txt"), &path).expect("a rename");
    };
    let remove = |_: &str| fs::remove_file(&path).expect("removed");
    type Change<'a> = &'a dyn Fn(&str);
    let changes: [(Change<'_>, &str); 5] = [
        (&rewrite, "other"),
        (&replace, "third"),
        (&remove, "404"),
        (&replace, "again"),
        (&rewrite, "longer text"),
    ];
    for (change, expected) in changes {
        let before = text(&files, "/a.txt", now);
        // The file system's clock has a grain of its own.
        std::thread::sleep(Duration::from_millis(20));
        change(expected);
        if before != "404" {
            assert_eq!(text(&files, "/a.txt", now + TRUST - Duration::from_nanos(1)), before);
        }
        now += TRUST;
        assert_eq!(text(&files, "/a.txt", now), expected);
    }
}

#[test]
fn without_trust_every_answer_is_looked_after() {
    let site = Scratch::new("cache");
    let path = site.write("a.txt", "first");
    let files = open(site.path(), Limits { trust_us: 0, ..Limits::default() });
    let now = later();
    assert_eq!(text(&files, "/a.txt", now), "first");
    std::thread::sleep(Duration::from_millis(20));
    fs::write(path, "other").expect("written");
    assert_eq!(text(&files, "/a.txt", now), "other");
}

#[test]
fn a_file_that_has_just_changed_is_not_kept() {
    let site = Scratch::new("cache");
    site.write("a.txt", "first");
    let files = open(site.path(), Limits::default());
    assert_eq!(text(&files, "/a.txt", SystemTime::now()), "first");
    assert_eq!(held(&files).0, 0);
    assert_eq!(text(&files, "/a.txt", later()), "first");
    assert_eq!(held(&files).0, 1);
}

#[test]
fn a_clock_that_goes_back_trusts_nothing() {
    let site = Scratch::new("cache");
    site.write("a.txt", "first");
    let files = open(site.path(), Limits::default());
    assert_eq!(get(&files, "/a.txt", later()).response.status, 200);
    let reply = get(&files, "/a.txt", SystemTime::UNIX_EPOCH);
    let modified = reply.response.fields.find(b"last-modified");
    assert_eq!(modified, Some(&b"Thu, 01 Jan 1970 00:00:00 GMT"[..]));
    assert_eq!(held(&files).0, 0);
}

#[test]
fn a_folder_that_became_a_link_to_outside_is_seen_when_the_file_is_opened_anew() {
    let outside = Scratch::new("cache");
    let site = Scratch::new("cache");
    site.write("sub/a.txt", "inside");
    let files = open(site.path(), Limits { reopen_ms: 1000, ..Limits::default() });
    let now = later();
    assert_eq!(text(&files, "/sub/a.txt", now), "inside");
    // The file itself does not change by this.
    fs::rename(site.path().join("sub"), outside.path().join("sub")).expect("a rename");
    symlink(outside.path().join("sub"), site.path().join("sub")).expect("a link");
    assert_eq!(text(&files, "/sub/a.txt", now + Duration::from_millis(999)), "inside");
    assert_eq!(text(&files, "/sub/a.txt", now + Duration::from_millis(1000)), "404");
    assert_eq!(held(&files).0, 0);
}

#[test]
fn what_is_kept_is_bounded_in_files_and_bytes_and_length() {
    let site = Scratch::new("cache");
    for number in 0..20 {
        site.write(&format!("{number}.txt"), "x".repeat(1000));
    }
    let now = later();
    let ask_all = |limits: Limits| {
        let files = open(site.path(), limits);
        (0..20)
            .for_each(|number| assert_eq!(get(&files, &format!("/{number}.txt"), now).response.status, 200));
        (0..20).for_each(|number| assert_eq!(text(&files, &format!("/{number}.txt"), now).len(), 1000));
        held(&files)
    };
    let (_, all) = ask_all(Limits::default());
    for (limits, expected) in [
        (Limits::default(), 20),
        (Limits { entries: 20, bytes: all, file_bytes: 1000, ..Limits::default() }, 20),
        (Limits { entries: 19, ..Limits::default() }, 19),
        (Limits { bytes: all - 1, ..Limits::default() }, 19),
        (Limits { file_bytes: 999, ..Limits::default() }, 0),
        (Limits { entries: 0, ..Limits::default() }, 0),
        (Limits { bytes: 0, ..Limits::default() }, 0),
        (Limits { bytes: 1000, ..Limits::default() }, 0),
    ] {
        let (files, bytes) = ask_all(limits);
        assert_eq!(files, expected, "{limits:?}");
        assert!(bytes <= limits.bytes);
    }
}

#[test]
fn who_is_asked_for_stays_when_others_pass_by() {
    let site = Scratch::new("cache");
    for number in 0..100 {
        site.write(&format!("{number}.txt"), "x");
    }
    let files = open(site.path(), Limits { entries: 8, ..Limits::default() });
    let now = later();
    let (_, place) = bytes(&mut get(&files, "/0.txt", now));
    for number in 1..100 {
        assert_eq!(get(&files, &format!("/{number}.txt"), now).response.status, 200);
        assert_eq!(bytes(&mut get(&files, "/0.txt", now)).1, place, "{number}");
    }
    assert_eq!(held(&files).0, 8);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_kept() {
    let site = Scratch::new("cache");
    let path = site.write("a.txt", "first half, other half");
    let super::super::tree::Found::File(opened) =
        super::super::tree::find(site.path(), b"a.txt").expect("found")
    else {
        panic!("a file");
    };
    assert_eq!(opened.whole().expect("readable"), Some(b"first half, other half".to_vec()));
    std::thread::sleep(Duration::from_millis(20));
    for change in ["FIRST half, other half", "shorter", "longer than it was at the beginning"] {
        fs::write(&path, change).expect("written");
        assert_eq!(opened.whole().expect("readable"), None, "{change}");
    }
}

#[test]
fn a_miss_takes_bounded_steps_whatever_the_cache_holds() {
    let site = Scratch::new("cache");
    site.write("a.txt", "x");
    let files = open(site.path(), Limits::default());
    let now = later();
    assert_eq!(get(&files, "/a.txt", now).response.status, 200);
    let super::Look::Hit(asset) = files.shared.caches.look(b"/a.txt", now) else { panic!("kept") };
    let limits = Limits { bytes: 1000, entries: 1000, ..Limits::default() };
    let mut cache = Cache::default();
    for number in 0..1000_u32 {
        cache.keep(&number.to_be_bytes(), Arc::clone(&asset), 1, now, &limits);
    }
    assert_eq!((cache.index.len(), cache.bytes), (1000, 1000));
    // All of them were asked for, and the one that comes needs the room of all: it is not kept, and few went.
    for number in 0..1000_u32 {
        cache.look(&number.to_be_bytes(), now, &limits);
    }
    cache.keep(b"large", asset, 1000, now, &limits);
    assert_eq!((cache.index.len(), cache.bytes), (1000 - super::EVICTIONS, 1000 - super::EVICTIONS));
}

#[test]
fn threads_do_not_share_what_they_keep() {
    let site = Scratch::new("cache");
    site.write("a.txt", "x");
    let files = open(site.path(), Limits::default());
    let now = later();
    let place = bytes(&mut get(&files, "/a.txt", now)).1 as usize;
    let other = std::thread::scope(|scope| {
        scope.spawn(|| bytes(&mut get(&files, "/a.txt", now)).1 as usize).join().expect("no panic")
    });
    assert_ne!(place, other);
}
