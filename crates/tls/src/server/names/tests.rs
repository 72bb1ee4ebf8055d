use super::*;
use crate::Credential;

#[test]
fn the_index_finds_whom_a_look_at_all_names_would_find() {
    let lists = [
        &["a.test", "*.a.test"][..],
        &["*.test", "b.test"],
        &["b.a.test", "b.a.test", "*.a.test"],
        &[],
        &["test", "*.b.a.test", "192.0.2.7", "2001:db8::1"],
        &["*.", "*.a.test"],
    ];
    let lists: Vec<Vec<String>> =
        lists.iter().map(|list| list.iter().map(|name| (*name).to_owned()).collect()).collect();
    let names = Names::of(lists.iter().map(Vec::as_slice));
    let hosts = [
        "a.test",
        "b.a.test",
        "x.a.test",
        "c.b.a.test",
        "b.test",
        "test",
        ".test",
        ".a.test",
        "x.",
        "x",
        "",
        "192.0.2.7",
        "2001:db8::1",
        "*.a.test",
    ];
    for host in hosts {
        let is_for =
            |at: &usize| Credential { names: lists[*at].clone(), ..Credential::default() }.is_for(host);
        let looked: Vec<usize> = (0..lists.len()).filter(is_for).collect();
        assert_eq!(names.all(host), looked, "{host}");
    }
}
