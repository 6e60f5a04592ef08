//! How large the pool of instances is.

use rustix::process::{Resource, getrlimit};
use wasmtime::component::Component;
use wasmtime::{Config, PoolingAllocationConfig};

use crate::settings;

/// The stack of one instance: what wasm may use of it is half of that.
const STACK: usize = 1 << 20;
/// More are not worked on at once: as many as valord lets through unless it is told otherwise.
const MOST: usize = 256;
/// Tables may grow to this.
const TABLE: usize = 4096;
/// What stays of a memory when its instance is gone; the rest is given back to the kernel.
const KEEP: usize = 64 << 10;

/// The settings for `code`, how many instances there may be at once, and how much of the plugin's memory that takes from the beginning.
pub(super) fn config(code: &Component) -> (Config, usize, u64) {
    let mut config = settings::config();
    config.async_stack_size(STACK);
    let Some(needs) = code.resources_required() else {
        // It instantiates modules that it is given: nobody knows how many.
        return (config, MOST, 0);
    };
    let table = needs.max_initial_table_size.unwrap_or(0).max(1);
    let table = usize::try_from(table).unwrap_or(usize::MAX).max(TABLE);
    let (places, reserved) = places(STACK + needs.num_tables as usize * table * size_of::<usize>());
    let all = u32::try_from(places).unwrap_or(1);
    let each = |needed: u32| all.saturating_mul(needed.max(1));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(all)
        .total_core_instances(all.saturating_mul(64))
        .max_core_instances_per_component(64)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .max_memories_per_component(needs.num_memories.max(1))
        .max_tables_per_component(needs.num_tables.max(1))
        .max_memories_per_module(needs.num_memories.max(1))
        .max_tables_per_module(needs.num_tables.max(1))
        .total_memories(each(needs.num_memories))
        .total_tables(each(needs.num_tables))
        .table_elements(table)
        .total_stacks(all)
        .total_gc_heaps(all)
        .linear_memory_keep_resident(KEEP)
        .table_keep_resident(KEEP);
    config.allocation_strategy(pool);
    (config, places, reserved)
}

/// Stacks and tables are counted by `RLIMIT_DATA` from the beginning: they get a quarter of it. Without one, only what is used counts.
fn places(cost: usize) -> (usize, u64) {
    let limit = getrlimit(Resource::Data).current.and_then(|limit| usize::try_from(limit).ok());
    let Some(limit) = limit else { return (MOST, 0) };
    let places = (limit / 4 / cost).clamp(2, MOST);
    (places, (places * cost) as u64)
}
