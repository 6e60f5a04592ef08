//! What the attribute expands to.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::{Ident, Result};

use crate::args::Args;
use crate::manifest;
use crate::role::{Role, function};

/// The item, unchanged, and the plugin beside it; or a compile error.
pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    match plugin(args, item.clone()) {
        Ok(plugin) => quote! { #item #plugin },
        Err(error) => {
            let error = error.into_compile_error();
            quote! { #item #error }
        }
    }
}

fn plugin(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let args: Args = syn::parse2(args)?;
    let function = function(item)?;
    let role = Role::of(&function)?;
    let manifest = manifest::build(&args)?;

    // With the author's own span, a message of the compiler points at the function.
    let annotated = &function.sig.ident;
    let sibling = |name: &str| Ident::new(name, proc_macro2::Span::mixed_site().located_at(annotated.span()));
    let [on_create, on_request] = ["on_create", "on_request"].map(|name| {
        // Siblings are looked up where the function is: by its own hygiene.
        if *annotated == name { annotated.clone() } else { Ident::new(name, annotated.span()) }
    });
    let construct = match role {
        Role::OnRequest | Role::OnCreate => quote!(::valor::__private::functions(#on_create, #on_request)),
        Role::Service => quote!(::valor::__private::service(#on_create, #annotated)),
        Role::Plugin => quote!(::valor::__private::vlugin(#annotated())),
    };
    let once = sibling("only_one_function_of_a_plugin_is_annotated_with_vlugin");
    let section = section(&manifest);

    Ok(quote! {
        #[doc(hidden)]
        #[allow(dead_code, non_camel_case_types)]
        struct #once;

        // The author's own functions shadow what comes by a glob.
        #[doc(hidden)]
        #[allow(unused_imports)]
        use ::valor::__private::defaults::*;

        /// This plugin, as `valor::test::start` takes it.
        #[allow(dead_code)]
        #[must_use]
        pub fn vlugin() -> ::valor::Plugin {
            #construct
        }

        #section

        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            static INSTANCE: ::valor::__private::Instance = ::valor::__private::Instance::new(vlugin);

            struct Entry;

            impl ::valor::__private::Entry for Entry {
                fn instance() -> &'static ::valor::__private::Instance {
                    &INSTANCE
                }
            }

            static TABLE: ::valor::__private::valor_plugin = ::valor::__private::table::<Entry>();

            #[unsafe(no_mangle)]
            extern "C" fn valor_plugin_entry() -> *const ::valor::__private::valor_plugin {
                &raw const TABLE
            }
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn valor_abi_version() -> i32 {
                ::valor::__private::version()
            }

            #[unsafe(no_mangle)]
            extern "C" fn valor_alloc(len: usize) -> *mut u8 {
                ::valor::__private::alloc(len)
            }

            #[unsafe(no_mangle)]
            extern "C" fn valor_receive(ptr: usize, len: usize) {
                ::valor::__private::receive(vlugin, ptr, len);
            }
        };
    })
}

/// The manifest in a section of its own, where it is read without running the code. Exported, so that no linker drops it.
fn section(manifest: &manifest::Manifest) -> TokenStream {
    let json = manifest.json.as_bytes();
    let text = Literal::byte_string(json);
    let len = json.len();
    let files = manifest.files.iter().map(|file| {
        let file = file.to_string_lossy().into_owned().into_token_stream();
        // Rebuild when it changes.
        quote!(
            const _: &[u8] = ::core::include_bytes!(#file);
        )
    });
    quote! {
        #(#files)*

        const _: () = {
            #[used]
            #[cfg_attr(not(target_family = "wasm"), unsafe(no_mangle))]
            #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = "valor-manifest"))]
            static VALOR_MANIFEST: [u8; #len] = *#text;
        };
    }
}
