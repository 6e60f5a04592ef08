use valor::*;

#[vlugin]
pub async fn on_request(_request: &http::Request) -> http::Response {
    "OK".into()
}

fn main() {}
