//! Calls another plugin, and a host that it was granted: `GET /?url=/hello`, `GET /?url=http://127.0.0.1:8080/hello`.
//!
//! There is no network in a plugin. valord makes the call, and only to what `--allow-net` names; another plugin of the same
//! valord needs no grant. Bodies are streamed through.

use valor::*;

/// The default of `?url=`: the configuration, if there is one.
struct Home(Option<String>);

/// Reads the configuration.
#[vlugin]
pub async fn on_create(cx: &mut Context) -> Result<(), Error> {
    let home = Home(cx.config()?);
    cx.set(home);
    Ok(())
}

/// Passes on what the URL answers.
pub async fn on_request(cx: &Context, mut request: http::Request) -> http::Result<http::Response> {
    let asked = request.url().query_pairs().find(|(name, _)| name == "url").map(|(_, url)| url.into_owned());
    let missing = || http::Error::from_str(http::StatusCode::BadRequest, "say ?url=, or configure one");
    let url = asked.or_else(|| cx.get::<Home>().0.clone()).ok_or_else(missing)?;

    let body = request.take_body();
    let outgoing = http::Request::new(request.method().clone(), url.as_str())?.with_body(body);
    log::debug!("fetching {url}");
    let answer = fetch(outgoing).await?;

    let mut response = http::Response::new(answer.status(), "");
    if let Some(kind) = answer.headers().get("content-type") {
        response.headers_mut().insert("content-type", kind.clone());
    }
    let host = url.split('/').nth(2).unwrap_or_default().to_owned();
    response.headers_mut().insert("x-fetched-from", host.try_into()?);
    *response.body_mut() = answer.into_body();
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_answer_and_the_body_on() {
        let plugin = test::start(vlugin(), "/home").stub_fetch(async |mut request| {
            let sent = request.text().await.unwrap();
            let text = format!("{} {} {sent}", request.method(), request.uri());
            Ok(http::Response::new(http::StatusCode::Accepted, text))
        });
        let answer = plugin.post("/?url=http://granted.example/x", "sent");
        assert_eq!(
            (answer.status(), answer.text()),
            (http::StatusCode::Accepted, "POST http://granted.example/x sent".into())
        );
        assert_eq!(answer.header("x-fetched-from"), Some("granted.example"));
        assert_eq!(plugin.get("/").text(), "GET /home ");
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(test::start(vlugin(), ()).get("/").status(), 400);
        assert_eq!(test::start(vlugin(), ()).get("/?url=http://not.granted/").status(), 502);
        assert!(test::try_start(vlugin(), 7).unwrap_err().contains("configuration"));
    }
}
