use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize};

use futures_util::task::noop_waker_ref;

use super::*;

fn enter(gate: &Arc<Gate>) -> Entry<Arc<Gate>> {
    Gate::enter(Arc::clone(gate))
}

fn permit(gate: &Arc<Gate>) -> Permit<Arc<Gate>> {
    match enter(gate) {
        Entry::Entered(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn waiting(gate: &Arc<Gate>) -> Waiting<Arc<Gate>> {
    match enter(gate) {
        Entry::Queued(waiting) => waiting,
        other => panic!("{other:?}"),
    }
}

fn poll(waiting: &mut Waiting<Arc<Gate>>) -> Poll<Permit<Arc<Gate>>> {
    Pin::new(waiting).poll(&mut Context::from_waker(noop_waker_ref()))
}

#[test]
fn the_queue_is_bounded_and_served_in_order() {
    let gate = Arc::new(Gate::new(2, 2));
    let (a, b) = (permit(&gate), permit(&gate));
    let (mut c, mut d) = (waiting(&gate), waiting(&gate));
    assert!(matches!(enter(&gate), Entry::Full));
    assert_eq!((gate.in_flight(), gate.waiting()), (2, 2));
    assert!(poll(&mut c).is_pending());
    drop(a);
    assert!(poll(&mut d).is_pending());
    let Poll::Ready(c) = poll(&mut c) else { panic!() };
    assert_eq!((gate.in_flight(), gate.waiting()), (2, 1));
    drop((b, c));
    let Poll::Ready(d) = poll(&mut d) else { panic!() };
    assert_eq!((gate.in_flight(), gate.waiting()), (1, 0));
    drop(d);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn who_gives_up_leaves_nothing_behind() {
    let gate = Arc::new(Gate::new(1, 2));
    let a = permit(&gate);
    let (b, mut c) = (waiting(&gate), waiting(&gate));
    drop(b);
    assert_eq!(gate.waiting(), 1);
    drop(a);
    assert!(poll(&mut c).is_ready());
    let a = permit(&gate);
    // Given a slot and gone before it was taken: the slot goes on.
    let (b, mut c) = (waiting(&gate), waiting(&gate));
    drop(a);
    drop(b);
    assert!(poll(&mut c).is_ready());
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}

#[test]
fn without_a_queue_nobody_waits_and_without_a_limit_one_may_enter() {
    let gate = Arc::new(Gate::new(0, 0));
    let a = permit(&gate);
    assert!(matches!(enter(&gate), Entry::Full));
    drop(a);
    drop(permit(&gate));
}

/// Threads that enter, give up and leave at random: never more than the limit inside, and nobody is forgotten.
#[test]
fn threads_never_exceed_the_limit_and_none_is_forgotten() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 20_000;
    const LIMIT: u32 = 2;
    let gate = Arc::new(Gate::new(LIMIT, 64));
    let inside = AtomicU32::new(0);
    let served = AtomicUsize::new(0);
    let given_up = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (gate, inside, served, given_up) = (&gate, &inside, &served, &given_up);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    let mut random = thread as u64 + 1;
                    for _ in 0..ROUNDS {
                        random = random
                            .wrapping_mul(6_364_136_223_846_793_005)
                            .wrapping_add(1_442_695_040_888_963_407);
                        let permit = match enter(gate) {
                            Entry::Entered(permit) => permit,
                            Entry::Queued(waiting) if random >> 60 == 0 => {
                                drop(waiting);
                                given_up.fetch_add(1, Ordering::Relaxed);
                                continue;
                            }
                            Entry::Queued(waiting) => waiting.await,
                            Entry::Full => panic!("the queue is longer than there are threads"),
                        };
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < LIMIT);
                        if random >> 62 == 0 {
                            std::thread::yield_now();
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                        served.fetch_add(1, Ordering::Relaxed);
                        drop(permit);
                    }
                });
            });
        }
    });
    assert_eq!(served.into_inner() + given_up.into_inner(), THREADS * ROUNDS);
    assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
}
