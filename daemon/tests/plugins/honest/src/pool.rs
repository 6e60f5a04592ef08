//! rayon: a pool of threads.

use std::path::Path;

use rayon::prelude::{IntoParallelIterator, ParallelIterator, ParallelSliceMut};

use crate::{Outcome, check};

pub(crate) fn run(_: &Path) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).thread_name(|i| format!("pool-{i}")).build()?;
    let sum = pool.install(|| (0..100_000_u64).into_par_iter().map(|n| n * 2).sum::<u64>());
    check(sum == 9_999_900_000, "the sum")?;
    let mut numbers: Vec<u32> = (0..100_000).rev().collect();
    pool.install(|| numbers.par_sort());
    check(numbers.is_sorted(), "the order")
}
