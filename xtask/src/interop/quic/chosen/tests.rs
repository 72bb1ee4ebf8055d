//! The choice.

use super::{super::cases::CASES, *};

#[test]
fn what_is_chosen_is_there() {
    for (name, pairs) in CHOSEN {
        let case = CASES.iter().find(|case| case.name == *name).expect("it is a case");
        assert!(!case.is_by_chance(), "{name}");
        for (client, server) in *pairs {
            assert!(ENDPOINTS.contains(client) && ENDPOINTS.contains(server), "{name}: {client} to {server}");
            assert!(is_chosen(name, client, server));
        }
    }
    assert!(!is_chosen("v2", QUINN, OURS));
}
