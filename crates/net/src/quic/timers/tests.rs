use super::*;

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

#[test]
fn an_alarm_moves_only_when_the_deadline_moves_earlier() {
    let (mut timers, mut alarm) = (Timers::default(), Alarm::default());
    timers.arm(7, &mut alarm, None);
    assert_eq!(timers.first(), None);
    for (deadline, first) in [(50, 50), (60, 50), (40, 40), (90, 40)] {
        timers.arm(7, &mut alarm, Some(at(deadline)));
        assert_eq!(timers.first(), Some(at(first)));
        assert_eq!(timers.alarms.len(), 1);
    }
    timers.arm(7, &mut alarm, None);
    assert_eq!(timers.pop(at(39)), None);
    assert_eq!(timers.pop(at(40)), Some(7));
    alarm.fired();
    timers.arm(7, &mut alarm, Some(at(90)));
    assert_eq!(timers.first(), Some(at(90)));
}

#[test]
fn alarms_fire_in_order_and_those_of_the_gone_never() {
    let mut timers = Timers::default();
    let mut alarms = [Alarm::default(); 4];
    for (index, deadline) in [30, 10, 20, 10].into_iter().enumerate() {
        timers.arm(index, &mut alarms[index], Some(at(deadline)));
    }
    timers.disarm(2, &mut alarms[2]);
    timers.disarm(2, &mut alarms[2]);
    let fired: Vec<usize> = core::iter::from_fn(|| timers.pop(at(30))).collect();
    assert_eq!(fired, [1, 3, 0]);
}
