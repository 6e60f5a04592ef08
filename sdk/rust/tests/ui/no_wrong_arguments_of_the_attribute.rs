use valor::*;

#[vlugin(nett = ["example.org:443"])]
pub async fn on_request(_request: http::Request) -> &'static str {
    "OK"
}

mod other {
    use valor::*;

    #[vlugin(net = "example.org:443")]
    pub async fn on_request(_request: http::Request) -> &'static str {
        "OK"
    }
}

mod third {
    use valor::*;

    #[vlugin(openapi = "missing.json")]
    pub async fn on_request(_request: http::Request) -> &'static str {
        "OK"
    }
}

fn main() {}
