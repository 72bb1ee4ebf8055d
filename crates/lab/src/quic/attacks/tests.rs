use super::*;
use std::path::Path;

/// Plays a family.
fn hold(family: &[Attack]) {
    let play = |attack: &Attack| (1..=2).flat_map(|seed| attack.run(seed)).collect::<Vec<String>>();
    let complaints: Vec<String> = family.iter().flat_map(play).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn floods_are_held_out() {
    hold(floods::ATTACKS);
}

#[test]
fn nobody_has_us_hold_more_than_was_granted() {
    hold(commitment::ATTACKS);
}

#[test]
fn acknowledgements_and_credit_do_no_harm() {
    hold(acks::ATTACKS);
}

#[test]
fn who_answers_in_the_servers_name_is_not_heard_or_ends_it() {
    hold(handshake::ATTACKS);
}

#[test]
fn who_sees_what_passes_harms_nobody() {
    hold(paths::ATTACKS);
}

#[test]
fn nobody_is_sent_more_than_thrice_in_anothers_name() {
    hold(forgery::ATTACKS);
}

#[test]
fn a_server_is_no_use_to_who_has_no_connection() {
    hold(endpoint::ATTACKS);
}

#[test]
fn each_attack_has_a_name_of_its_own() {
    let mut names: Vec<&str> = all().map(|attack| attack.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_trial_complains_of_what_is_above_its_bound_or_was_not_measured() {
    let mut trial = Trial::default();
    trial.measure("a", 3);
    trial.measure("a", 2);
    trial.measure("b", 2);
    trial.measure("d", 0);
    trial.bites(0);
    let complaints = trial.judge(&[("a", 2), ("b", 2), ("c", 1)]);
    assert_eq!(
        complaints,
        ["the attack did not happen", "3 a, not 2", "nobody measured c", "d has no bound"]
    );
}

#[test]
fn what_is_said_to_be_shown_elsewhere_is() {
    for [_, _, file, test] in SHOWN {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        let text = std::fs::read_to_string(path).expect("the file is there");
        assert!(text.contains(&format!("#[test]\nfn {test}()")), "{file}: {test}");
    }
}

/// With `SAKIGAKE_UPDATE` set it writes the page's table anew.
#[test]
fn the_page_of_attacks_has_the_table_that_is_played() {
    const MARKS: [&str; 2] =
        ["<!-- attacks: made from the table that is played -->\n", "<!-- end of attacks -->"];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/attacks.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(MARKS[0]).expect("the first mark");
    let (table_there, after) = rest.split_once(MARKS[1]).expect("the second mark");
    let wanted = format!("\n{}\n", table());
    if std::env::var_os("SAKIGAKE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{}{wanted}{}{after}", MARKS[0], MARKS[1]))
            .expect("it is ours");
        return;
    }
    assert_eq!(table_there, wanted, "SAKIGAKE_UPDATE=1 writes it anew");
}
