//! The plugin's log, which `valorctl logs` shows: `log::info!("{n} notes")`.
//!
//! What a native plugin prints to stdout and stderr is in it, too; a module of WebAssembly has neither, and what it prints is lost.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For those who look for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Broken.
    Error,
}

/// Writes a line to the log; `target` says who does. The macros of this module do it in fewer words.
pub fn write(level: Level, target: &str, message: &str) {
    #[cfg(not(target_family = "wasm"))]
    let told = crate::native::log(level, target, message);
    #[cfg(target_family = "wasm")]
    let told = crate::wasm::log(level, target, message);
    if !told {
        #[expect(clippy::print_stderr, reason = "there is no shim, in a unit test for example")]
        {
            eprintln!("{level:?} {target}: {message}");
        }
    }
}

macro_rules! levels {
    ($d:tt $($hidden:ident $name:ident $level:ident;)*) => {$(
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $hidden {
            ($d($d argument:tt)+) => {
                $crate::log::write($crate::log::Level::$level, ::core::module_path!(), &::std::format!($d($d argument)+))
            };
        }
        #[doc = concat!("Writes a line at [`Level::", stringify!($level), "`]; arguments as of `format!`.")]
        #[doc(inline)]
        pub use $hidden as $name;
    )*};
}

levels! {$
    __valor_trace trace Trace;
    __valor_debug debug Debug;
    __valor_info info Info;
    __valor_warn warn Warn;
    __valor_error error Error;
}
