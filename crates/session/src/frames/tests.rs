use super::*;

const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

fn told(frames: &mut Frames) -> Vec<String> {
    let mut lines = Vec::new();
    frames.tell(&mut |event| {
        if let Event::Frame { is_sent: true, seen } = event {
            lines.push(seen.to_string());
        }
    });
    lines
}

#[test]
fn frames_of_either_direction_are_told_whatever_the_split() {
    let mut frames = Frames::default();
    let mut lines = Vec::new();
    for piece in PING.chunks(5) {
        frames.received(piece, &mut |event| lines.push(format!("{event:?}")));
        frames.sent(piece);
    }
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("is_sent: false"), "{lines:?}");
    assert_eq!(told(&mut frames), ["PING length=8"]);
    assert!(told(&mut frames).is_empty());
}

#[test]
fn frames_that_nobody_asks_about_are_bounded() {
    let mut frames = Frames::default();
    frames.sent(&PING.repeat(WAITING_FRAMES + 1));
    assert_eq!(told(&mut frames).len(), WAITING_FRAMES);
}
