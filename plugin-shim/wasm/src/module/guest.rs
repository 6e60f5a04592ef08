//! One instance, and the calls into it.

use std::time::Instant;

use valor_abi::message::{ABI_VERSION, ALLOC, HEADER_LEN, MAX_BATCH, RECEIVE, VERSION, frames};
use valor_shim_core::turn::End;
use wasmtime::{Memory, Store, Trap, TypedFunc, UpdateDeadline};

use super::Recipe;
use super::host::Host;
use crate::ticker::ticks;

/// How often it is called back before others have a turn.
const ROUNDS: usize = 64;

/// An instance. Once something of it has failed, nothing of it is called again.
pub(super) struct Guest {
    pub(super) store: Store<Host>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    receive: TypedFunc<(u32, u32), ()>,
}

/// Why an instance is of no use any more.
#[derive(Debug)]
pub(super) struct Wreck {
    /// In a line, for those whose requests it was.
    pub(super) why: String,
    /// For the author: where it was.
    pub(super) backtrace: String,
    /// Its ABI does not fit.
    pub(super) abi: bool,
}

impl Guest {
    /// Instantiates the module, and asks for its version.
    pub(super) fn new(recipe: &Recipe, host: Host) -> Result<Self, Wreck> {
        let mut store = Store::new(recipe.pre.module().engine(), host);
        store.limiter(|host| &mut host.share);
        store.epoch_deadline_callback(|store| {
            let left = store.data().end.left();
            Ok(left.map_or(UpdateDeadline::Interrupt, |left| UpdateDeadline::Continue(ticks(left))))
        });
        begin(&mut store, None);
        let _running = recipe.ticker.run();
        let limit = recipe.budget.limit();
        let instance = match recipe.pre.instantiate(&mut store) {
            Ok(instance) => instance,
            Err(error) => return Err(wreck(&error, &store, limit)),
        };
        let abi = |why: String| Wreck { why, backtrace: String::new(), abi: true };
        let typed = |error: wasmtime::Error| abi(format!("{error:#}: build it with the SDK of this version"));
        let memory = instance.get_memory(&mut store, "memory");
        let memory = memory.ok_or_else(|| abi("it exports no memory".to_owned()))?;
        store.data_mut().memory = Some(memory);
        if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut store, "_initialize") {
            initialize.call(&mut store, ()).map_err(|error| wreck(&error, &store, limit))?;
        }
        let version = instance.get_typed_func::<(), i32>(&mut store, ABI_VERSION).map_err(typed)?;
        store.data_mut().legal = false;
        let version = version.call(&mut store, ()).map_err(|error| wreck(&error, &store, limit))?;
        store.data_mut().legal = true;
        if !(1..=VERSION).contains(&version) {
            return Err(abi(format!(
                "it is built for version {version} of the message ABI, valor-shim-wasm speaks version {VERSION}: update valor on \
                 this machine, or build the plugin with its SDK"
            )));
        }
        let alloc = instance.get_typed_func(&mut store, ALLOC).map_err(typed)?;
        let receive = instance.get_typed_func(&mut store, RECEIVE).map_err(typed)?;
        let mut guest = Self { store, memory, alloc, receive };
        let created = guest.store.data_mut().out.create(&recipe.name, recipe.config.as_bytes());
        created.map_err(|error| abi(format!("its configuration cannot be passed on: {error}")))?;
        Ok(guest)
    }

    /// Delivers what the guest is to be told, until nothing is left of that. `false`: it is not at its end yet.
    pub(super) fn deliver(&mut self, recipe: &Recipe, deadline: Option<Instant>) -> Result<bool, Wreck> {
        if self.store.data().out.0.is_empty() {
            return Ok(true);
        }
        begin(&mut self.store, deadline);
        let _running = recipe.ticker.run();
        for _ in 0..ROUNDS {
            let batch = std::mem::take(&mut self.store.data_mut().out.0);
            if batch.is_empty() {
                return Ok(true);
            }
            // As much as one batch may have.
            let cut = cut(&batch);
            self.store.data_mut().out.0.extend_from_slice(&batch[cut..]);
            self.pass(&batch[..cut]).map_err(|error| wreck(&error, &self.store, recipe.budget.limit()))?;
        }
        Ok(self.store.data().out.0.is_empty())
    }

    fn pass(&mut self, batch: &[u8]) -> wasmtime::Result<()> {
        let len = u32::try_from(batch.len())?;
        let at = self.alloc.call(&mut self.store, len)?;
        if at == 0 {
            wasmtime::bail!("it has no memory for a batch of {len} bytes");
        }
        self.memory.write(&mut self.store, at as usize, batch).map_err(|_| {
            wasmtime::format_err!("the place for a batch that it named is not within its memory")
        })?;
        self.receive.call(&mut self.store, (at, len))
    }
}

/// Begins a call, for a request that is due then.
fn begin(store: &mut Store<Host>, deadline: Option<Instant>) {
    let end = End::of(deadline);
    store.data_mut().end = end;
    store.set_epoch_deadline(end.left().map_or(1, ticks));
}

/// Where the last whole frame ends that one batch has room for.
fn cut(batch: &[u8]) -> usize {
    if batch.len() <= MAX_BATCH {
        return batch.len();
    }
    let mut end = 0;
    for frame in frames(batch).map_while(Result::ok) {
        let next = end + HEADER_LEN + frame.payload.len();
        if next > MAX_BATCH {
            break;
        }
        end = next;
    }
    end
}

/// What has gone wrong, and where.
fn wreck(error: &wasmtime::Error, store: &Store<Host>, limit: usize) -> Wreck {
    let why = match error.downcast_ref::<Trap>() {
        _ if store.data().share.refused => {
            format!("it has used up its memory limit: its memories may take {} MiB", limit >> 20)
        }
        Some(Trap::Interrupt) => "its code did not come to an end".to_owned(),
        Some(trap) => format!("it has trapped: {}", trap.to_string().trim_start_matches("wasm trap: ")),
        None => error.root_cause().to_string(),
    };
    let backtrace =
        error.downcast_ref::<wasmtime::WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    Wreck { why, backtrace, abi: false }
}
