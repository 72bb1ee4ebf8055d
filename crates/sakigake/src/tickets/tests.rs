use super::*;
use crate::scratch::Scratch;
use std::{fs, os::unix::fs::PermissionsExt};

const DAY: u64 = 86_400;
const NOW: u64 = 1_780_272_000;

fn empty() -> KeyRing {
    KeyRing::new(PROVIDER.suites.first().unwrap(), Vec::new())
}

fn keys(file: Option<PathBuf>) -> Keys {
    Keys { ring: Swap::new(empty()), file }
}

fn names(keys: &Keys) -> Vec<[u8; 16]> {
    keys.ring.now().keys().map(|key| key.name).collect()
}

#[test]
fn keys_in_memory_turn_by_the_day_and_are_destroyed() {
    let keys = keys(None);
    keys.turn(NOW).unwrap();
    let ticket = keys.ring.now().seal(NOW, b"text", &mut SystemEntropy).unwrap();
    keys.turn(NOW + DAY / 2).unwrap();
    assert_eq!(names(&keys).len(), 1);
    keys.turn(NOW + DAY).unwrap();
    assert_eq!(names(&keys).len(), 2);
    let opened = keys.ring.now().open(NOW + DAY, &ticket);
    assert_eq!(opened.as_deref().map(Vec::as_slice), Some(&b"text"[..]));
    keys.turn(NOW + 2 * DAY).unwrap();
    assert!(names(&keys).iter().all(|name| ticket[..16] != name[..]));
    assert!(keys.ring.now().open(NOW + DAY, &ticket).is_none(), "even if the clock were set back");
}

#[test]
fn the_wall_clock_says_which_key_is_right_whatever_sessions_count() {
    let keys = Keys::in_memory().unwrap();
    let ticket = keys.seal(0, b"text", &mut SystemEntropy).unwrap();
    assert!(keys.open(u64::MAX, &ticket).is_some());
}

#[test]
fn servers_that_share_a_file_take_each_others_tickets() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("keys");
    let (one, other) = (keys(Some(path.clone())), keys(Some(path.clone())));
    one.turn(NOW).unwrap();
    other.turn(NOW).unwrap();
    assert_eq!(names(&one), names(&other));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let ticket = one.ring.now().seal(NOW, b"text", &mut SystemEntropy).unwrap();
    assert!(other.ring.now().open(NOW, &ticket).is_some());
    other.turn(NOW + DAY).unwrap();
    one.turn(NOW + DAY).unwrap();
    assert_eq!(names(&one), names(&other));
    assert_eq!(names(&one).len(), 2);
    assert!(one.ring.now().open(NOW + DAY, &ticket).is_some());
    one.turn(NOW + 2 * DAY).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let hex: String = ticket[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!text.contains(&hex) && text.lines().count() == 3, "the first day's key is gone: {text}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2, "the keys and the lock; nothing else");
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_is_turned() {
    let scratch = Scratch::new("tickets");
    let [path, link] = ["keys", "link"].map(|name| scratch.path().join(name));
    let (one, other) = (keys(Some(path.clone())), keys(Some(link.clone())));
    one.turn(NOW).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    other.turn(NOW + DAY).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    one.turn(NOW + DAY).unwrap();
    assert_eq!(names(&one), names(&other));
}

#[test]
fn what_a_killed_process_was_about_to_write_goes_when_keys_are_turned() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("keys");
    let beside = |name: &str| {
        fs::write(scratch.path().join(name), "something").unwrap();
        scratch.path().join(name)
    };
    let [left, others, more] = ["keys.1-0.tmp", "keys.old.tmp", "keyring.1-0.tmp"].map(beside);
    keys(Some(path)).turn(NOW).unwrap();
    assert!(!left.exists() && others.exists() && more.exists());
}

#[test]
fn what_is_given_up_is_written_over_unless_somebody_has_it_by_another_name() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("keys");
    let keys = keys(Some(path.clone()));
    keys.turn(NOW).unwrap();
    let held = File::open(&path).unwrap();
    keys.turn(NOW + DAY).unwrap();
    let text = io::read_to_string(held).unwrap();
    assert!(!text.is_empty() && text.bytes().all(|byte| byte == 0));
    let other_name = scratch.path().join("other");
    fs::hard_link(&path, &other_name).unwrap();
    keys.turn(NOW + 2 * DAY).unwrap();
    assert!(fs::read_to_string(&other_name).unwrap().starts_with('#'));
}

#[test]
fn a_file_that_cannot_be_written_over_is_not_replaced() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("keys");
    let keys = keys(Some(path.clone()));
    keys.turn(NOW).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let before = fs::read_to_string(&path).unwrap();
    keys.turn(NOW + 1).expect("nothing is due");
    if OpenOptions::new().write(true).open(&path).is_err() {
        assert_eq!(keys.turn(NOW + DAY).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    } // Who is root may do so.
    assert_eq!(names(&keys).len(), 1);
}

#[test]
fn nobody_who_may_read_the_folder_holds_us_up() {
    let scratch = Scratch::new("tickets");
    let folder = File::open(scratch.path()).unwrap();
    folder.lock().unwrap();
    keys(Some(scratch.path().join("keys"))).turn(NOW).unwrap(); // It would wait for ever.
    let lock = fs::metadata(scratch.path().join("keys.lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_others_may_read_or_that_holds_something_else_is_refused() {
    let scratch = Scratch::new("tickets");
    let path = scratch.path().join("keys");
    let refused = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        keys(Some(path.clone())).turn(NOW).unwrap_err().to_string()
    };
    let good = || {
        let _ = fs::remove_file(&path); // There may be none.
        keys(Some(path.clone())).turn(NOW).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let line = good().lines().last().unwrap().to_owned();
    assert!(refused(&line, 0o640).contains("others may use it"));
    assert!(refused(&line[1..], 0o600).contains("line 1 is no key"));
    assert!(refused(&format!("# a comment\n\n{line} 7"), 0o600).contains("line 3 is no key"));
    assert!(refused(&line.replace(' ', "  "), 0o600).contains("line 1 is no key"));
    let head = line.rsplitn(4, ' ').last().unwrap();
    for (times, why) in [
        ("7 7 7", "seals for no time"),
        ("7 6 8", "ends before it begins"),
        ("7 8 7", "opens for less than it seals"),
        ("0 18446744073709551615 18446744073709551615", "is never turned"),
        ("0 86400 18446744073709551615", "is never destroyed"),
    ] {
        assert!(refused(&format!("{head} {times}"), 0o600).contains("line 1 is no key"), "{why}");
    }
    assert!(refused(&format!("{line}\n").repeat(17), 0o600).contains("over 16 keys"));
    assert!(refused(&"#\n".repeat(40_000), 0o600).contains("over 65536 bytes"));
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "#\n".repeat(40_000),
        "what is no file of keys stays as it was"
    );
    let missing = keys(Some(scratch.path().join("nowhere/keys")));
    assert_eq!(missing.turn(NOW).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_thread_that_attends_to_nobody_ends_with_the_keys() {
    let keys = Keys::in_memory().unwrap();
    let (ticket, now) = (keys.seal(unix_secs(), b"text", &mut SystemEntropy), Arc::downgrade(&keys));
    assert!(ticket.is_some());
    drop(keys);
    assert!(now.upgrade().is_none(), "the thread holds no key while it sleeps");
}
