use super::*;

fn load(rtt: Span, hints: Hints) -> Run {
    match run(rtt, hints, Start::Cold, 1) {
        Ok(run) => run,
        Err(failure) => panic!("{hints:?} at {rtt}: {failure:?}"),
    }
}

#[test]
fn preload_saves_one_round_trip_at_any_distance() {
    for rtt in [Span::from_millis(1), Span::from_millis(50), Span::from_secs(1)] {
        assert_eq!(load(rtt, Hints::None).rtts, 4, "{rtt}");
        assert_eq!(load(rtt, Hints::Preload).rtts, 3, "{rtt}");
    }
}

#[test]
fn a_client_that_ignores_the_frame_behaves_as_without_it() {
    let rtt = Span::from_millis(50);
    assert_eq!(load(rtt, Hints::Ignored).rtts, 4);
    let requests = |hints| -> Vec<String> {
        let run = load(rtt, hints);
        let requested = run.log.notes().filter_map(|(_, _, note)| match note {
            Note::Requested { request } => Some(request.clone()),
            _ => None,
        });
        requested.collect()
    };
    assert_eq!(requests(Hints::Ignored), requests(Hints::None));
}

#[test]
fn same_seed_same_page_byte_for_byte() {
    let log = |seed| run(Span::from_millis(50), Hints::Preload, Start::Cold, seed).expect("it loads").log;
    assert_eq!(log(3), log(3));
    assert_ne!(log(3).digest(), log(4).digest());
}

#[test]
fn who_was_there_before_asks_in_its_first_flight() {
    let warm = |rtt, hints| run(rtt, hints, Start::Warm, 1).map(|run| run.rtts);
    for rtt in [Span::from_millis(1), Span::from_millis(50), Span::from_secs(1)] {
        assert_eq!(warm(rtt, Hints::None), Ok(3), "{rtt}");
        assert_eq!(warm(rtt, Hints::Preload), Ok(2), "{rtt}");
        assert_eq!(warm(rtt, Hints::Ignored), Ok(3), "{rtt}");
    }
}

#[test]
fn who_remembers_hints_is_not_told_them_again() {
    // spec: preload-profile-10-a
    let rtt = Span::from_millis(50);
    let hinted = |start| {
        let run = run(rtt, Hints::Preload, start, 1).expect("it loads");
        let notes: Vec<usize> = run
            .log
            .notes()
            .filter_map(|(_, _, note)| if let Note::Hinted { taken } = note { Some(*taken) } else { None })
            .collect();
        notes
    };
    assert_eq!((hinted(Start::Cold), hinted(Start::Warm)), (vec![16], vec![16]));
}

#[test]
fn weeks_away_and_warm_for_forty_minutes() {
    let (week, minutes) = (Span::from_secs(7 * 86_400), Span::from_secs(40 * 60));
    for (rtt, start, hints, expected) in [
        (week, Start::Cold, Hints::None, 4),
        (week, Start::Cold, Hints::Early, 4),
        (week, Start::Cold, Hints::Preload, 3),
        (minutes, Start::Warm, Hints::None, 3),
        (minutes, Start::Warm, Hints::Early, 3),
        (minutes, Start::Warm, Hints::Preload, 2),
    ] {
        let rtts = run(rtt, hints, start, 1).map(|run| run.rtts);
        assert_eq!(rtts, Ok(expected), "{hints:?} {start:?} at {rtt}");
    }
}

#[test]
fn early_hints_save_no_round_trip() {
    for rtt in [Span::from_millis(1), Span::from_millis(50), Span::from_secs(1)] {
        for (start, expected) in [(Start::Cold, 4), (Start::Warm, 3)] {
            assert_eq!(
                run(rtt, Hints::Early, start, 1).map(|run| run.rtts),
                Ok(expected),
                "{start:?} at {rtt}"
            );
        }
    }
}
