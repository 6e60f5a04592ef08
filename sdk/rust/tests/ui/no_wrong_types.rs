use valor::*;

#[vlugin]
pub async fn on_request(_request: String) -> http::Response {
    "OK".into()
}

fn main() {}
