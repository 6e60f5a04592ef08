//! POST Markdown, get HTML: `curl --data-binary @README.md http://localhost:8080/markdown`.
//!
//! The text is streamed in and refused as soon as it is longer than `max_bytes` of the configuration. Raw HTML in it comes
//! out as text, and links with schemes that run code lose their target, so that what strangers write can be shown.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};
use serde::Deserialize;
use valor::*;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    max_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024 }
    }
}

/// Reads the configuration.
#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), Error> {
    let config = cx.config::<Option<Config>>()?.unwrap_or_default();
    cx.set(config);
    Ok(())
}

/// Markdown in, HTML out.
pub async fn on_request(cx: &Context, mut request: http::Request) -> http::Result<http::Response> {
    if request.method() != http::Method::POST {
        let refused = http::Response::new(http::StatusCode::MethodNotAllowed, "POST Markdown here\n");
        return refused.with_header("allow", "POST");
    }
    let text = request.take_body().bytes_up_to(cx.get::<Config>().max_bytes).await?;
    let text = str::from_utf8(&text).map_err(|e| {
        http::Error::from_str(http::StatusCode::BadRequest, format!("this is not UTF-8: {e}"))
    })?;
    Ok(http::Response::html(render(text)))
}

fn render(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: harmless(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: harmless(dest_url), title, id })
        }
        other => other,
    });
    let mut out = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

/// The target of a link, unless its scheme is another than those that only lead somewhere.
fn harmless(target: CowStr<'_>) -> CowStr<'_> {
    // Browsers skip control characters and spaces before and within a scheme.
    let clean: String = target.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    match clean.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            let known = ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            if known { target } else { CowStr::Borrowed("#") }
        }
        _ => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_what_is_posted() {
        let plugin = test::start(vlugin(), ());
        let answer = plugin.post("/", "# Markdown\n\nin, *HTML* out");
        assert_eq!(answer.text(), "<h1>Markdown</h1>\n<p>in, <em>HTML</em> out</p>\n");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }

    #[test]
    fn nothing_runs_in_the_reader() {
        let text = render(
            "<script>alert(1)</script> a <b>b</b>\n\n[x](javascript:alert\\(1\\)) [y](JAVA&#9;script:1) ![z](data:,x) [ok](/a:b)",
        );
        assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
        assert_eq!(text.matches("\"#\"").count(), 3, "{text}");
        assert!(text.contains("href=\"/a:b\""), "{text}");
    }

    #[test]
    fn the_size_is_bounded_while_it_streams() {
        let plugin = test::start(vlugin(), Some(std::collections::BTreeMap::from([("max_bytes", 10)])));
        let endless = http::Body::from_stream(endless());
        assert_eq!(plugin.post("/", endless).status(), http::StatusCode::PayloadTooLarge);
        assert_eq!(plugin.post("/", "0123456789").status(), 200);
        assert_eq!(plugin.post("/", vec![0xFF]).status(), 400);
        assert_eq!(plugin.get("/").header("allow"), Some("POST"));
    }

    /// A body that never ends.
    fn endless() -> impl futures_util::Stream<Item = Result<&'static str, std::io::Error>> + Send {
        futures_util::stream::repeat_with(|| Ok("abc"))
    }
}
