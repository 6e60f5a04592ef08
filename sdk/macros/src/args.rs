//! The arguments of `#[vlugin(..)]`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, ExprArray, Ident, LitStr, Result, Token};

/// What an author says in the attribute; it goes before Cargo.toml.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<String>,
    pub(crate) net: Option<Vec<String>>,
    pub(crate) read: Option<Vec<String>>,
    pub(crate) write: Option<Vec<String>>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) config_schema: Option<String>,
    pub(crate) openapi: Option<String>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        for Arg { key, value } in Punctuated::<Arg, Token![,]>::parse_terminated(input)? {
            let span = key.span();
            match key.to_string().as_str() {
                "name" => set(&mut args.name, value.text()?, span)?,
                "net" => set(&mut args.net, value.list()?, span)?,
                "read" => set(&mut args.read, value.list()?, span)?,
                "write" => set(&mut args.write, value.list()?, span)?,
                "env" => set(&mut args.env, value.list()?, span)?,
                "config_schema" => set(&mut args.config_schema, value.text()?, span)?,
                "openapi" => set(&mut args.openapi, value.text()?, span)?,
                other => {
                    let known = "name, net, read, write, env, config_schema, openapi";
                    return Err(Error::new(
                        span,
                        format!("`{other}` is no argument of #[vlugin]; there are: {known}"),
                    ));
                }
            }
        }
        Ok(args)
    }
}

fn set<T>(slot: &mut Option<T>, value: T, span: Span) -> Result<()> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::new(span, "given twice")),
    }
}

struct Arg {
    key: Ident,
    value: syn::Expr,
}

impl Parse for Arg {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { key, value: input.parse()? })
    }
}

trait Value {
    fn text(&self) -> Result<String>;
    fn list(&self) -> Result<Vec<String>>;
}

impl Value for syn::Expr {
    fn text(&self) -> Result<String> {
        let literal: Result<LitStr> = syn::parse2(quote::ToTokens::to_token_stream(self));
        literal
            .map(|text| text.value())
            .map_err(|_| Error::new_spanned(self, "expected a string, as in `\"..\"`"))
    }

    fn list(&self) -> Result<Vec<String>> {
        let Self::Array(ExprArray { elems, .. }) = self else {
            return Err(Error::new_spanned(self, "expected a list of strings, as in `[\"..\", \"..\"]`"));
        };
        elems.iter().map(Value::text).collect()
    }
}
