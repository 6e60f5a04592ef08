//! Loading a plugin, and what its entry returns.

use std::ffi::{CStr, c_char};
use std::path::Path;

use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};
use valor_abi::{ENTRY_SYMBOL, VALOR_ABI_VERSION, valor_entry, valor_plugin};

/// A library that stays loaded until the process ends: its threads may run to the end.
#[derive(Debug)]
pub(super) struct Library(&'static Loaded);

/// The longest name of an SDK that is believed.
const MAX_SDK: usize = 128;

impl Library {
    /// Loads it, and so runs its constructors.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        // SAFETY: foreign code from here on, which is what this process was confined for.
        let loaded = unsafe { Loaded::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
        match loaded {
            Ok(library) => Ok(Self(Box::leak(Box::new(library)))),
            Err(error) => Err(format!("{}: `valorctl check FILE` says more", text(&error))),
        }
    }

    /// The function that the library exports.
    pub(super) fn entry(&self) -> Result<valor_entry, String> {
        // SAFETY: the contract gives the symbol this type.
        let symbol = unsafe { self.0.get::<valor_entry>(ENTRY_SYMBOL) };
        symbol.map(|entry| *entry).map_err(|_| {
            "no symbol valor_plugin_entry: this library is no valor plugin; in Rust, put #[vlugin] on a function of a \
             crate of type cdylib"
                .to_owned()
        })
    }
}

/// Calls the entry and checks what it returns: the vtable, and the SDK that it was built with.
pub(super) fn describe(entry: valor_entry) -> Result<(&'static valor_plugin, String), String> {
    // SAFETY: the contract: no arguments, callable once loaded.
    let table = unsafe { entry() };
    if table.is_null() || !table.is_aligned() {
        return Err(
            "valor_plugin_entry returned no vtable: return a pointer to a static valor_plugin".to_owned()
        );
    }
    // SAFETY: of every version, the vtable is static and starts with these two numbers.
    let [abi, size] = unsafe { table.cast::<[u32; 2]>().read() };
    check(abi, size)?;
    let plugin = prefix(table, size as usize);
    if plugin.on_request.is_none() {
        return Err("the plugin's on_request is empty: without it nothing can be answered".to_owned());
    }
    let sdk = sdk(plugin.sdk);
    Ok((Box::leak(Box::new(plugin)), sdk))
}

fn check(abi: u32, size: u32) -> Result<(), String> {
    let versions = format!(
        "the plugin was built for ABI version {abi}, valor-shim {} speaks version {VALOR_ABI_VERSION}",
        env!("CARGO_PKG_VERSION")
    );
    if abi > VALOR_ABI_VERSION {
        return Err(format!("{versions}: install a newer valor, or build the plugin with an older SDK"));
    }
    if abi < VALOR_ABI_VERSION {
        return Err(format!("{versions}: build the plugin again with the SDK of this release"));
    }
    // Everything up to `on_request` is in every version.
    let least = std::mem::offset_of!(valor_plugin, on_request) + size_of::<usize>();
    if (size as usize) < least {
        return Err(format!(
            "the plugin's vtable says it has {size} bytes: set size to sizeof(valor_plugin)"
        ));
    }
    Ok(())
}

/// A copy of what the plugin has of the vtable; what it has not is empty.
fn prefix(table: *const valor_plugin, size: usize) -> valor_plugin {
    let mut plugin = valor_plugin {
        abi: 0,
        size: 0,
        sdk: std::ptr::null(),
        create: None,
        run_worker: None,
        on_request: None,
        on_event: None,
        on_release: None,
    };
    let len = size.min(size_of::<valor_plugin>());
    // SAFETY: the plugin has `size` bytes, ours are at least `len`, and every bit pattern of whole fields that a plugin
    // sets is one of them; a field cut in two is the plugin's lie about its size.
    unsafe { std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut plugin).cast::<u8>(), len) };
    plugin
}

fn sdk(name: *const c_char) -> String {
    if name.is_null() {
        return String::new();
    }
    // SAFETY: the contract: NUL-terminated and static.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    name[..name.floor_char_boundary(MAX_SDK)].to_owned()
}

/// The linker's own words.
fn text(error: &libloading::Error) -> String {
    match error {
        libloading::Error::DlOpen { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_by_both_numbers() {
        let newer = check(2, 64).unwrap_err();
        assert!(
            newer.contains("version 2") && newer.contains("version 1") && newer.contains("newer valor"),
            "{newer}"
        );
        let older = check(0, 64).unwrap_err();
        assert!(older.contains("version 0") && older.contains("again"), "{older}");
        assert!(check(1, 8).unwrap_err().contains("sizeof"));
        assert_eq!(check(1, 10_000), Ok(()), "a later one that only appends");
    }

    #[test]
    fn what_the_plugin_does_not_have_is_empty() {
        unsafe extern "C" fn on_release(_: *mut std::ffi::c_void) {}
        let size = std::mem::offset_of!(valor_plugin, on_event);
        let table = valor_plugin {
            abi: 1,
            size: 0,
            sdk: c"test 1".as_ptr(),
            create: None,
            run_worker: None,
            on_request: None,
            on_event: None,
            on_release: Some(on_release),
        };
        let copy = prefix(&raw const table, size);
        assert!(copy.on_release.is_none());
        assert_eq!(sdk(copy.sdk), "test 1");
        assert!(prefix(&raw const table, 10_000).on_release.is_some());
    }
}
