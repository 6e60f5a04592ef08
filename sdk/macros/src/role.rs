//! Which of the plugin's functions the attribute stands on, and whether it looks like it.

use syn::{Error, FnArg, Ident, ItemFn, Type};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Role {
    OnRequest,
    OnCreate,
    Service,
    Plugin,
}

impl Role {
    /// Tells it by the name, and refuses early what would be hard to understand later.
    pub(crate) fn of(function: &ItemFn) -> syn::Result<Self> {
        let name = &function.sig.ident;
        let role = match name.to_string().as_str() {
            "on_request" => Self::OnRequest,
            "on_create" => Self::OnCreate,
            "service" => Self::Service,
            "plugin" => Self::Plugin,
            _ => return Err(Error::new_spanned(name, format!("`{name}`: {NAMES}"))),
        };
        role.check(function).map_err(|what| {
            let expected = role.expected();
            Error::new_spanned(what.0, format!("{}: expected `{expected}`", what.1))
        })?;
        Ok(role)
    }

    fn check(self, function: &ItemFn) -> Result<(), (proc_macro2::TokenStream, &'static str)> {
        use quote::ToTokens;
        let sig = &function.sig;
        if !sig.generics.params.is_empty() {
            return Err((sig.generics.to_token_stream(), "this function cannot be generic"));
        }
        if matches!(self, Self::OnRequest | Self::OnCreate) && sig.asyncness.is_none() {
            return Err((sig.fn_token.to_token_stream(), "this function must be `async`"));
        }
        let wrong = |what| Err((sig.ident.to_token_stream(), what));
        let inputs: Vec<&FnArg> = sig.inputs.iter().collect();
        match (self, inputs.as_slice()) {
            (Self::OnRequest, [request]) if !is_reference(request) => Ok(()),
            (Self::OnRequest, [cx, request]) if is_shared(cx) && !is_reference(request) => Ok(()),
            (Self::OnCreate, [cx]) if is_mutable(cx) => Ok(()),
            (Self::Service, [cx]) if is_shared(cx) => Ok(()),
            (Self::Plugin, []) if sig.asyncness.is_none() => Ok(()),
            (_, [FnArg::Receiver(_), ..]) => wrong("methods cannot be annotated"),
            _ => wrong("this function has a wrong signature"),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::OnRequest => {
                "async fn on_request(request: http::Request) -> http::Response` or \
                 `async fn on_request(cx: &Context, request: http::Request) -> http::Result<http::Response>"
            }
            Self::OnCreate => "async fn on_create(cx: &mut Context)",
            Self::Service => "fn service(cx: &Context) -> axum::Router",
            Self::Plugin => "fn plugin() -> impl Vlugin",
        }
    }
}

const NAMES: &str = "#[vlugin] stands on a function named `on_request`, `on_create`, `service` or `plugin`";

/// What was annotated, if it is a function.
pub(crate) fn function(item: proc_macro2::TokenStream) -> syn::Result<ItemFn> {
    syn::parse2::<ItemFn>(item.clone()).map_err(|error| {
        // A function with a syntax error keeps its own message.
        match syn::parse2::<syn::Item>(item) {
            Ok(other) => Error::new_spanned(name(&other), NAMES),
            Err(_) => error,
        }
    })
}

fn name(item: &syn::Item) -> Ident {
    match item {
        syn::Item::Struct(item) => item.ident.clone(),
        syn::Item::Enum(item) => item.ident.clone(),
        syn::Item::Mod(item) => item.ident.clone(),
        syn::Item::Trait(item) => item.ident.clone(),
        _ => Ident::new("item", proc_macro2::Span::call_site()),
    }
}

fn ty(arg: &FnArg) -> Option<&Type> {
    match arg {
        FnArg::Typed(arg) => Some(&arg.ty),
        FnArg::Receiver(_) => None,
    }
}

fn is_reference(arg: &FnArg) -> bool {
    matches!(ty(arg), Some(Type::Reference(_)) | None)
}

fn is_mutable(arg: &FnArg) -> bool {
    matches!(ty(arg), Some(Type::Reference(reference)) if reference.mutability.is_some())
}

fn is_shared(arg: &FnArg) -> bool {
    matches!(ty(arg), Some(Type::Reference(reference)) if reference.mutability.is_none())
}
