use super::*;
use http::Response;

fn request(target: &str, language: &str) -> Request<()> {
    Request::get(target).header("accept-language", language).body(()).expect("a request")
}

fn keep(cache: &mut Cache, target: &str, language: &str, bytes: usize) {
    let request = request(target, language);
    let response =
        Response::builder().header("cache-control", "max-age=60").header("vary", "accept-language");
    let response = response.body(()).expect("a response");
    let policy = CachePolicy::new(&request, &response);
    let kept = (policy, response.headers().clone(), Bytes::from(vec![0; bytes]));
    cache.keep(target, &request, kept, Rc::default());
}

fn has(cache: &mut Cache, target: &str, language: &str) -> bool {
    matches!(cache.find(target, &request(target, language), SystemTime::now()), Found::Fresh(..))
}

#[test]
fn the_least_used_gives_way_to_one_entry_too_many() {
    let mut cache = Cache::new(Limits { cache_entries: 2, ..Limits::default() });
    keep(&mut cache, "/a", "en", 1);
    keep(&mut cache, "/b", "en", 1);
    assert!(has(&mut cache, "/a", "en") && has(&mut cache, "/b", "en") && has(&mut cache, "/a", "en"));
    keep(&mut cache, "/c", "en", 1);
    assert!(has(&mut cache, "/a", "en") && !has(&mut cache, "/b", "en") && has(&mut cache, "/c", "en"));
    assert_eq!(cache.size().0, 2);
}

#[test]
fn the_least_used_gives_way_to_one_byte_too_many() {
    let mut measure = Cache::new(Limits::default());
    keep(&mut measure, "/a", "en", 1_000);
    let one = measure.size().1;
    assert!(one > 2_000);
    for (cache_bytes, entries) in [(2 * one, 2), (2 * one - 1, 1), (one - 1, 0)] {
        let mut cache = Cache::new(Limits { cache_bytes, ..Limits::default() });
        keep(&mut cache, "/a", "en", 1_000);
        keep(&mut cache, "/b", "en", 1_000);
        assert_eq!(cache.size(), (entries, entries * one));
        assert_eq!(has(&mut cache, "/b", "en"), entries > 0);
    }
}

#[test]
fn one_address_has_so_many_variants() {
    let mut cache = Cache::new(Limits { variants: 2, ..Limits::default() });
    ["en", "ja", "en", "de"].iter().for_each(|language| keep(&mut cache, "/a", language, 1));
    assert_eq!(cache.size().0, 2);
    assert!(!has(&mut cache, "/a", "ja") && has(&mut cache, "/a", "en") && has(&mut cache, "/a", "de"));
}

#[test]
fn so_many_fetches_are_under_way() {
    let mut cache = Cache::new(Limits { fetches: 2, variants: 1, ..Limits::default() });
    let first = cache.begin("/a", &request("/a", "en"), true).expect("room");
    assert!(cache.begin("/a", &request("/a", "ja"), true).is_none(), "one variant");
    let _second = cache.begin("/b", &request("/b", "en"), true).expect("room");
    assert!(cache.begin("/c", &request("/c", "en"), true).is_none());
    cache.end("/a", &first);
    cache.end("/a", &first);
    assert!(cache.begin("/c", &request("/c", "en"), true).is_none(), "somebody reads it");
    drop(first);
    assert!(cache.begin("/c", &request("/c", "en"), true).is_some());
    assert!(cache.begin("/d", &request("/d", "en"), true).is_none());
    assert_eq!(cache.under_way.len(), 2, "nothing is remembered of what did not begin");
}

#[test]
fn what_was_changed_is_forgotten_and_what_is_on_its_way_is_not_joined() {
    let mut cache = Cache::new(Limits::default());
    keep(&mut cache, "/a", "en", 1);
    let flight = cache.begin("/a", &request("/a", "en"), true).expect("room");
    cache.invalidate("/a");
    assert!(!has(&mut cache, "/a", "en") && flight.is_void.get());
    assert!(cache.under_way("/a").is_empty());
    assert_eq!(cache.size(), (0, 0));
}

#[test]
fn what_asked_for_it_is_counted_too() {
    let mut cache = Cache::new(Limits::default());
    keep(&mut cache, "/a", "en", 1);
    let short = cache.size().1;
    keep(&mut cache, "/a", &"ja".repeat(8_000), 1);
    assert!(cache.size().1 >= 2 * short + 15_998, "{} of {short}", cache.size().1);
}

#[test]
fn of_several_that_would_do_the_newest_is_found() {
    // spec: 9111-4-a
    let mut cache = Cache::new(Limits::default());
    keep(&mut cache, "/a", "en", 1);
    let all = Response::builder().header("cache-control", "max-age=60").body(()).expect("a response");
    let asked = request("/a", "ja");
    let kept = (CachePolicy::new(&asked, &all), all.headers().clone(), Bytes::from_static(b"newer"));
    cache.keep("/a", &asked, kept, Rc::default());
    assert_eq!(cache.size().0, 2);
    let later = SystemTime::now();
    let Found::Fresh(found, _) = cache.find("/a", &request("/a", "en"), later) else {
        panic!("both would do")
    };
    assert_eq!(found.body, "newer");
    let Found::Stale(found) =
        cache.find("/a", &request("/a", "en"), later + core::time::Duration::from_secs(90))
    else {
        panic!("both are stale")
    };
    assert_eq!(found.body, "newer");
}
