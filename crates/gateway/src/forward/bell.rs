//! How a future that is polled within a task says that it is to be polled again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Nobody polls at the moment: who rings wakes the task.
const RESTING: u8 = 0;
/// The task polls right now.
const POLLING: u8 = 1;
/// It was rung.
const RUNG: u8 = 2;

/// How often is polled again at once. After that the other tasks have their turn.
const MOST_ROUNDS: usize = 8;

/// The waker of two futures that wait for each other and for the network, and are polled in one task,
/// which may be another one each time.
///
/// What the two ring while they are polled only makes them polled once more. With the task's own waker
/// the whole task would be run again, in vain.
pub(super) struct Bell {
    ringer: Arc<Ringer>,
    waker: Waker,
}

struct Ringer {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Bell {
    pub(super) fn new() -> Self {
        let ringer = Arc::new(Ringer {
            state: AtomicU8::new(RESTING),
            task: AtomicWaker::new(),
        });
        let waker = Waker::from(Arc::clone(&ringer));
        Self { ringer, waker }
    }

    /// Polls until there is something, or until nobody rings any more. Each round polls what is waited
    /// for, then what it is made by, and then the former again.
    pub(super) fn poll<S, T>(
        &self,
        cx: &mut Context<'_>,
        state: &mut S,
        mut wanted: impl FnMut(&mut S, &mut Context<'_>) -> Poll<T>,
        mut worker: impl FnMut(&mut S, &mut Context<'_>),
    ) -> Poll<T> {
        let Ringer { state: rung, task } = &*self.ringer;
        task.register(cx.waker());
        let mut own = Context::from_waker(&self.waker);
        for _ in 0..MOST_ROUNDS {
            rung.store(POLLING, Ordering::Release);
            if let Poll::Ready(value) = wanted(state, &mut own) {
                return Poll::Ready(value);
            }
            worker(state, &mut own);
            if let Poll::Ready(value) = wanted(state, &mut own) {
                return Poll::Ready(value);
            }
            let rests =
                rung.compare_exchange(POLLING, RESTING, Ordering::AcqRel, Ordering::Acquire);
            if rests.is_ok() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Polls something once for which nobody waits.
    pub(super) fn look(&self, look: impl FnOnce(&mut Context<'_>)) {
        look(&mut Context::from_waker(&self.waker));
    }

    /// Forgets the task, which has gone on to something else.
    pub(super) fn forget(&self) {
        self.ringer.task.take();
    }
}

impl Wake for Ringer {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(RUNG, Ordering::AcqRel) == RESTING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn who_rings_while_it_is_polled_is_polled_again_and_wakes_no_task() {
        let (bell, (woken, task)) = (Bell::new(), task());
        let mut steps = 0;
        let polled = bell.poll(
            &mut Context::from_waker(&task),
            &mut steps,
            |steps, _| {
                if *steps == 3 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            },
            |steps, cx| {
                *steps += 1;
                cx.waker().wake_by_ref();
            },
        );
        assert_eq!((polled, steps), (Poll::Ready(()), 3));
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn who_rings_later_wakes_the_task_that_waited_last() {
        let (bell, (first, one), (second, two)) = (Bell::new(), task(), task());
        let mut rings = None;
        for task in [&one, &two] {
            let polled: Poll<()> = bell.poll(
                &mut Context::from_waker(task),
                &mut rings,
                |_, _| Poll::Pending,
                |rings, cx| *rings = Some(cx.waker().clone()),
            );
            assert!(polled.is_pending());
        }
        let rings = rings.unwrap();
        rings.wake_by_ref();
        rings.wake();
        let woken = [&first, &second].map(|count| count.0.load(Ordering::SeqCst));
        assert_eq!(woken, [0, 1]);
    }

    #[test]
    fn who_rings_without_an_end_lets_the_other_tasks_have_their_turn() {
        let (bell, (woken, task)) = (Bell::new(), task());
        let polled: Poll<()> = bell.poll(
            &mut Context::from_waker(&task),
            &mut (),
            |(), _| Poll::Pending,
            |(), cx| cx.waker().wake_by_ref(),
        );
        assert!(polled.is_pending());
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }
}
