//! URLs and forms, by the `url` crate.

use ::url::{Url, form_urlencoded, quirks};
use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Function, Object, Result};

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let parse = |url: String, base: Opt<Option<String>>| {
        let base = base.0.flatten().map(|base| Url::parse(&base)).transpose().ok()?;
        Url::options().base_url(base.as_ref()).parse(&url).ok().as_ref().map(parts)
    };
    object.set("parseUrl", Function::new(ctx.clone(), parse)?)?;
    let change = |href: String, part: String, value: String| {
        let mut url = Url::parse(&href).ok()?;
        set(&mut url, &part, &value).then(|| parts(&url))
    };
    object.set("changeUrl", Function::new(ctx.clone(), change)?)?;
    let parse_form = |text: String| {
        form_urlencoded::parse(text.as_bytes())
            .flat_map(|(name, value)| [name.into_owned(), value.into_owned()])
            .collect::<Vec<_>>()
    };
    object.set("parseForm", Function::new(ctx.clone(), parse_form)?)?;
    let write_form = |flat: Vec<String>| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(flat.chunks_exact(2).map(|pair| (&pair[0], &pair[1])));
        form.finish()
    };
    object.set("writeForm", Function::new(ctx.clone(), write_form)?)?;
    Ok(())
}

/// In the order of `PARTS` in `url.js`.
fn parts(url: &Url) -> Vec<String> {
    let parts = [
        quirks::href(url),
        &quirks::origin(url),
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ];
    parts.map(ToOwned::to_owned).into()
}

/// What the setters of the standard do; `false` when the value is ignored.
fn set(url: &mut Url, part: &str, value: &str) -> bool {
    match part {
        "href" => quirks::set_href(url, value).is_ok(),
        "protocol" => quirks::set_protocol(url, value).is_ok(),
        "username" => quirks::set_username(url, value).is_ok(),
        "password" => quirks::set_password(url, value).is_ok(),
        "host" => quirks::set_host(url, value).is_ok(),
        "hostname" => quirks::set_hostname(url, value).is_ok(),
        "port" => quirks::set_port(url, value).is_ok(),
        "pathname" => {
            quirks::set_pathname(url, value);
            true
        }
        "search" => {
            quirks::set_search(url, value);
            true
        }
        "hash" => {
            quirks::set_hash(url, value);
            true
        }
        _ => false,
    }
}
