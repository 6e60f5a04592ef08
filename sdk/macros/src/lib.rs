//! `#[vlugin]`: makes a plugin of a function and its siblings. The crate `valor` exports and documents it.

#![forbid(unsafe_code)]

mod args;
mod expand;
mod manifest;
mod role;

use proc_macro::TokenStream;

/// Makes a plugin of the module that it stands in.
///
/// It stands on one function, and finds the siblings of it in the same module:
///
/// - `async fn on_request(request: http::Request) -> O`, or with a `cx: &Context` before it;
/// - `async fn on_create(cx: &mut Context)`, which goes before it;
/// - `fn service(cx: &Context) -> S` instead of `on_request`, for any `tower::Service` such as an axum `Router`;
/// - `fn plugin() -> impl Vlugin` instead of both.
///
/// Beside it comes `vlugin()`, which a unit test gives to `valor::test::start`.
///
/// # The manifest
///
/// What valord shows and asks before it runs any code stands in the library itself. It is written in Cargo.toml:
///
/// ```toml
/// [package.metadata.valor]
/// name = "notes"                      # default: the package's
/// permissions = { net = ["api.example.org:443"], read = ["/srv/notes"], write = [], env = ["TZ"] }
/// config_schema = "config.schema.json"    # a file, or a table
/// openapi = "openapi.json"
/// ```
///
/// or as arguments, which go before it: `#[vlugin(name = "notes", net = ["api.example.org:443"])]`.
#[proc_macro_attribute]
pub fn vlugin(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(args.into(), &item.into()).into()
}
