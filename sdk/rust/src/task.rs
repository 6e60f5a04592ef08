//! Tasks beside the handlers.

/// Runs `task` on this worker beside its handlers, until it is done or the plugin ends. It outlives the request that has spawned it,
/// and its deadline.
///
/// Natively it is `tokio::task::spawn_local`; in WebAssembly, where tokio has no runtime, the SDK's own.
///
/// # Panics
///
/// Natively, on a thread that is no worker's.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    #[cfg(not(target_family = "wasm"))]
    drop(tokio::task::spawn_local(task));
    #[cfg(target_family = "wasm")]
    crate::wasm::spawn(task);
}
