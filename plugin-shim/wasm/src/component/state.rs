//! What one instance has: its WASI, and its limits.

use std::path::PathBuf;
use std::sync::Arc;

use valor_shim_core::program::{Files, Plan, Teller};
use valor_shim_core::wire::control::LogLevel;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::Recipe;
use super::fetch::{self, Rest};
use super::gate::{Gate, Gates};
use crate::memory::Share;

/// The variable with the plugin's configuration as JSON, where there is one.
const CONFIG: &str = "VALOR_CONFIG";

/// The data of a store.
pub(super) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
    pub(super) share: Share,
}

/// For the sake of which request it asks others.
struct Hooks {
    gates: Arc<Gates>,
    parent: Arc<Gate>,
}

impl State {
    /// Standard output and error are the plugin's log, as those of the process are.
    pub(super) fn new(recipe: &Recipe, gates: Arc<Gates>, parent: Arc<Gate>) -> wasmtime::Result<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.inherit_stdout().inherit_stderr().arg(&recipe.name).envs(&recipe.environment);
        if let Some(data) = &recipe.files.data {
            wasi.preopened_dir(data, "/data", FsPerms::ReadWrite)?;
        }
        for (paths, permissions) in
            [(&recipe.files.read, FsPerms::ReadOnly), (&recipe.files.write, FsPerms::ReadWrite)]
        {
            for path in paths {
                wasi.preopened_dir(path, path.to_string_lossy(), permissions)?;
            }
        }
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: Hooks { gates, parent },
            share: Share::new(&recipe.budget),
        })
    }
}

/// What was granted, and the configuration.
pub(super) fn environment(plan: &Plan) -> Vec<(String, String)> {
    let granted = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let config = (plan.config != "null").then(|| (CONFIG.to_owned(), plan.config.clone()));
    granted.filter(|(name, _)| name != CONFIG).chain(config).collect()
}

/// WASI hands out directories only: what else was granted is named in the log.
pub(super) fn directories(files: &Files, teller: &Teller) -> Files {
    let only = |paths: &[PathBuf]| {
        let (directories, others): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| path.is_dir());
        for other in others {
            let message = format!("{} was granted, but a component gets directories only", other.display());
            teller.log().log(LogLevel::Warn, "valor", &message);
        }
        directories
    };
    let data = files.data.clone().filter(|path| path.is_dir());
    Files { data, read: only(&files.read), write: only(&files.write) }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _fut: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Rest), Error>> + Send> {
        Box::new(fetch::send(Arc::clone(&self.gates), Arc::clone(&self.parent), request, options))
    }

    /// Small enough that a slow reader is felt soon.
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 * 1024
    }
}
