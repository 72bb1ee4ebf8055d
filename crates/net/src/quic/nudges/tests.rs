use super::*;

#[test]
fn whoever_is_woken_often_is_told_of_once_until_it_was_seen_to() {
    let all = Arc::new(Nudges::default());
    let (first, second) = (all.nudge(3), all.nudge(5));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(all.poll_woken(cx).is_pending());
    for _ in 0..3 {
        Waker::from(second.clone()).wake();
        first.wake_by_ref();
    }
    assert_eq!(all.poll_woken(cx), Poll::Ready(vec![5, 3]));
    second.wake_by_ref();
    assert!(all.poll_woken(cx).is_pending());
    second.rearm();
    second.wake_by_ref();
    assert_eq!(all.poll_woken(cx), Poll::Ready(vec![5]));
}

#[test]
fn a_sleeping_worker_is_woken_from_any_thread() {
    let (worker, told) = (Arc::new(Nudges::default()), Arc::new(Nudges::default()));
    let sleeper = Waker::from(told.nudge(0));
    let cx = &mut Context::from_waker(&sleeper);
    assert!(worker.poll_woken(cx).is_pending());
    let nudge = worker.nudge(9);
    std::thread::spawn(move || nudge.wake()).join().unwrap();
    assert_eq!(told.poll_woken(&mut Context::from_waker(Waker::noop())), Poll::Ready(vec![0]));
    assert_eq!(worker.poll_woken(cx), Poll::Ready(vec![9]));
}
