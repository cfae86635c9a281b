//! Chunks counted on several threads, put together in their order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many chunks may wait for one that comes before them, which bounds the memory they fill.
const WAITING_MAX: usize = 8;

/// Takes parts in any order and adds them to a whole in the order of their numbers.
#[derive(Debug)]
pub(super) struct InOrder<Part, Whole> {
    queue: Mutex<Queue<Part>>,
    shorter: Condvar,
    whole: Mutex<Whole>,
}

#[derive(Debug)]
struct Queue<Part> {
    next: u64,
    waiting: BTreeMap<u64, Part>,
    /// Some thread is adding parts to the whole.
    is_adding: bool,
    /// A part will never come, so nothing is waited for.
    is_given_up: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Part, Whole> InOrder<Part, Whole> {
    pub(super) fn new(whole: Whole) -> Self {
        let queue = Queue { next: 0, waiting: BTreeMap::new(), is_adding: false, is_given_up: false };
        Self { queue: Mutex::new(queue), shorter: Condvar::new(), whole: Mutex::new(whole) }
    }

    /// Takes the part of this number, from 0 and without holes, and adds what can be added. Gives back a part that is
    /// done with, so that its memory can be used again.
    pub(super) fn put(&self, number: u64, part: Part, add: impl Fn(&mut Whole, &Part)) -> Option<Part> {
        let mut queue = lock(&self.queue);
        queue.waiting.insert(number, part);
        // The thread that counts the next part is not among those that wait, as it has not put it yet.
        while !queue.is_given_up
            && queue.waiting.len() > WAITING_MAX
            && (queue.is_adding || !queue.waiting.contains_key(&queue.next))
        {
            queue = self.shorter.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.is_given_up {
            return queue.waiting.remove(&number);
        }
        if queue.is_adding {
            return None;
        }
        queue.is_adding = true;
        let mut spare = None;
        loop {
            let next = queue.next;
            let Some(part) = queue.waiting.remove(&next) else { break };
            drop(queue);
            add(&mut lock(&self.whole), &part);
            spare = Some(part);
            queue = lock(&self.queue);
            queue.next += 1;
            self.shorter.notify_all();
        }
        queue.is_adding = false;
        drop(queue);
        self.shorter.notify_all();
        spare
    }

    /// Lets all threads go on without the whole, as one of them failed and will not put its part.
    pub(super) fn give_up(&self) {
        lock(&self.queue).is_given_up = true;
        self.shorter.notify_all();
    }

    /// The whole, once all parts were put.
    pub(super) fn into_whole(self) -> Whole {
        self.whole.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn parts_are_added_in_their_order_on_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let (in_order, next) = (InOrder::new(Vec::new()), AtomicU64::new(0));
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            if number >= 2_000 {
                                return;
                            }
                            in_order.put(number, number * 3, |whole: &mut Vec<u64>, part| whole.push(*part));
                        }
                    });
                }
            });
            assert_eq!(in_order.into_whole(), (0..2_000).map(|number| number * 3).collect::<Vec<u64>>());
        }
    }
}
