use valor::*;

#[vlugin]
pub fn on_request(_request: http::Request) -> http::Response {
    "OK".into()
}

fn main() {}
