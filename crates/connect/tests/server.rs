//! The client against a real HTTP server on loopback, with and without TLS: one that answers well, slowly, brokenly, hugely,
//! lyingly, with redirects, with refusals.

use hatif_connect::{Access, Action, Client, Description, Kind, Named, Network, Trouble, look_up, send, try_out};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

/// A server that answers each request with what `answer` makes of its head and body; what was asked is told.
struct Server {
    port: u16,
    asked: Receiver<String>,
    accepted: Arc<AtomicUsize>,
}

type Answer = dyn Fn(&str, &mut dyn Write) + Send + Sync;

fn serve(
    tls: Option<Arc<rustls::ServerConfig>>,
    answer: impl Fn(&str, &mut dyn Write) + Send + Sync + 'static,
) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let (tell, asked) = sync_channel(64);
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    let answer: Arc<Answer> = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let (tell, answer, tls) = (tell.clone(), answer.clone(), tls.clone());
            std::thread::spawn(move || talk(stream, tls, &*answer, &|request| drop(tell.try_send(request))));
        }
    });
    Server { port, asked, accepted }
}

fn talk(mut stream: TcpStream, tls: Option<Arc<rustls::ServerConfig>>, answer: &Answer, tell: &dyn Fn(String)) {
    match tls {
        None => exchange(&mut stream, answer, tell),
        Some(config) => {
            let Ok(connection) = rustls::ServerConnection::new(config) else { return };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            exchange(&mut stream, answer, tell);
            stream.conn.send_close_notify();
            stream.flush().ok();
        }
    }
}

/// One request a connection.
fn exchange(stream: &mut (impl Read + Write), answer: &Answer, tell: &dyn Fn(String)) {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = |line: &str| {
                line.to_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse::<usize>().ok())
            };
            if body.len() >= head.lines().find_map(length).unwrap_or(0) {
                tell(text.clone());
                answer(&text, stream);
                stream.flush().ok();
                return;
            }
        }
        match stream.read(&mut some) {
            Ok(0) | Err(_) => return,
            Ok(n) => bytes.extend_from_slice(&some[..n]),
        }
    }
}

fn respond(to: &mut dyn Write, status: &str, headers: &str, body: &str) {
    let length = body.len();
    write!(to, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}").ok();
}

fn people() -> String {
    json!({ "people": [{ "id": 7, "name": "Sara", "phone": "+98 21 8820 1140" }] }).to_string()
}

fn file(base: &str, network: &str) -> Value {
    json!({
        "hatif_connector": 1, "name": "Test", "network": network, "timeout_s": 2,
        "fields": [{ "name": "secret", "kind": "secret" }, { "name": "base", "kind": "address", "default": base }],
        "auth": { "kind": "key", "header": "X-Key", "value": "{secret}" },
        "lookup": {
            "request": { "method": "GET", "url": "{base}/people", "query": { "phone": "{number}" } },
            "forms": ["number", "national"],
            "each": "$.people[*]", "map": { "id": "$.id", "name": "$.name" }, "numbers": "$.phone",
        },
        "log_call": {
            "request": { "method": "POST", "url": "{base}/calls", "json": { "text": "{notes}", "ours": "{external}" }, "error": "$.error" },
            "find": { "request": { "method": "GET", "url": "{base}/calls", "query": { "ours": "{external}" } }, "id": "$.found" },
            "id": "$.id",
        },
    })
}

fn access(file: &Value, base: &str, ca: Option<&str>) -> Access {
    let description = Description::parse(&file.to_string()).expect("a good file");
    let client = Client::new(description.network, description.timeout, ca).expect("a client");
    let fields = Named::from([("base".to_owned(), base.to_owned()), ("secret".to_owned(), "k3y".to_owned())]);
    Access { description: Arc::new(description), fields, client, token: None }
}

fn plain(server: &Server) -> Access {
    let base = format!("http://127.0.0.1:{}", server.port);
    access(&file(&base, "loopback"), &base, None)
}

fn number() -> Named {
    [("number", "+982188201140"), ("national", "02188201140"), ("digits", "982188201140")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn call() -> Named {
    [("notes", "wants \"a\" refund\n"), ("external", "hatif-1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn trouble(answer: impl Fn(&str, &mut dyn Write) + Send + Sync + 'static) -> Trouble {
    look_up(&mut plain(&serve(None, answer)), &number()).expect_err("no answer")
}

#[test]
fn a_number_is_looked_up_in_each_of_its_forms() {
    let server = serve(None, |request, to| {
        let found = request.starts_with("GET /people?phone=02188201140 ");
        respond(
            to,
            "200 OK",
            "Content-Type: application/json\r\n",
            &if found { people() } else { json!({ "people": [] }).to_string() },
        );
    });
    let found = look_up(&mut plain(&server), &number()).expect("an answer");
    assert_eq!(found.records.len(), 1);
    assert_eq!((found.records[0].id.as_str(), found.records[0].name.as_str()), ("7", "Sara"));
    let first = server.asked.recv().expect("it was asked");
    assert!(first.starts_with("GET /people?phone=%2B982188201140 HTTP/1.1"), "{first}");
    assert!(first.to_lowercase().contains("x-key: k3y"), "{first}");
    let tried = try_out(&mut plain(&server), &number());
    let request = tried.request.expect("what was asked");
    assert!(request.headers.contains(&("X-Key".into(), "***".into())), "{request:?}");
    assert!(tried.answer.contains("8820 1140") && !format!("{request:?}{}", tried.answer).contains("k3y"));
}

#[test]
fn an_answer_that_is_none_is_told_apart() {
    let code = |answer: fn(&str, &mut dyn Write)| trouble(answer).text.code;
    assert_eq!(
        code(|_, to| respond(to, "200 OK", "Content-Type: text/html\r\n", "<html>Sign in</html>")),
        "connector.html"
    );
    assert_eq!(code(|_, to| respond(to, "200 OK", "", "{\"people\": [")), "connector.no_json");
    assert_eq!(code(|_, to| drop(to.write_all(b"SSH-2.0-OpenSSH_9\r\n\r\n"))), "connector.broken");
    assert_eq!(
        code(|_, to| drop(to.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"))),
        "connector.broken"
    );
    assert_eq!(code(|_, to| respond(to, "200 OK", "", &format!("\"{}\"", "x".repeat(2 << 20)))), "connector.too_large");
    assert_eq!(
        code(|_, to| respond(to, "200 OK", &format!("X: {}\r\n", "x".repeat(100_000)), "{}")),
        "connector.too_large"
    );
}

/// It says that it is ten bytes long and never ends.
#[test]
fn an_endless_answer_is_cut() {
    let endless = |_: &str, to: &mut dyn Write| {
        to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").ok();
        while to.write_all(format!("8000\r\n{}\r\n", "9".repeat(0x8000)).as_bytes()).is_ok() {}
    };
    assert_eq!(trouble(endless).text.code, "connector.too_large");
}

#[test]
fn a_slow_server_is_given_up() {
    let slow = |_: &str, to: &mut dyn Write| {
        std::thread::sleep(Duration::from_secs(20));
        respond(to, "200 OK", "", "{}");
    };
    assert_eq!(trouble(slow).text.code, "connector.timed_out");
}

#[test]
fn nobody_there_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://127.0.0.1:{}", listener.local_addr().expect("bound").port());
    drop(listener);
    let refused = look_up(&mut access(&file(&base, "loopback"), &base, None), &number()).expect_err("nobody");
    assert_eq!((refused.text.code, refused.kind), ("connector.unreachable", Kind::Later));
    let unknown = "https://crm.invalid";
    let refused = look_up(&mut access(&file(unknown, "public"), unknown, None), &number()).expect_err("no such name");
    assert_eq!((refused.text.code, refused.kind), ("connector.host_unknown", Kind::Later));
}

#[test]
fn a_redirect_leads_nowhere_else() {
    let elsewhere = serve(None, |_, to| respond(to, "200 OK", "", &people()));
    let port = elsewhere.port;
    for location in [
        format!("http://127.0.0.1:{port}/people"),
        format!("http://localhost:{port}/"),
        "https://evil.example/".into(),
        "//evil.example/x".into(),
        "file:///etc/passwd".into(),
        String::new(),
    ] {
        let header = format!("Location: {location}\r\n");
        let refused = trouble(move |_, to| respond(to, "302 Found", &header, ""));
        let wanted = if location.is_empty() { "connector.redirected_often" } else { "connector.redirected" };
        assert_eq!((refused.text.code, refused.kind), (wanted, Kind::Refused), "{location}");
    }
    assert_eq!(elsewhere.accepted.load(Ordering::SeqCst), 0, "nobody was asked there");
    let server = serve(None, |request, to| match request.starts_with("GET /people?") {
        true => respond(to, "302 Found", "Location: /v2/people\r\n", ""),
        false => respond(to, "200 OK", "", &people()),
    });
    assert_eq!(look_up(&mut plain(&server), &number()).expect("the same host").records.len(), 1);
    let endless = trouble(|_, to| respond(to, "302 Found", "Location: /again\r\n", ""));
    assert_eq!(endless.text.code, "connector.redirected_often");
}

/// However the address of this computer is written, nobody connects to it.
#[test]
fn an_address_that_is_not_allowed_is_not_connected_to() {
    let server = serve(None, |_, to| respond(to, "200 OK", "", &people()));
    let port = server.port;
    let hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "0",
        "[::]",
        "169.254.169.254",
        "127.0.0.1.",
        "①②⑦.0.0.1",
    ];
    for network in ["public", "private"] {
        for host in hosts {
            let base = format!("https://{host}:{port}");
            let refused = look_up(&mut access(&file(&base, network), &base, None), &number()).expect_err("refused");
            let codes = ["connector.not_allowed", "connector.bad_address", "connector.host_unknown"];
            assert!(codes.contains(&refused.text.code), "{host}: {refused:?}");
        }
        let base = format!("http://127.0.0.1:{port}");
        let refused = look_up(&mut access(&file(&base, network), &base, None), &number()).expect_err("not https");
        assert_eq!(refused.text.code, "connector.not_https");
    }
    for private in ["https://10.0.0.1", "https://192.168.1.1", "https://[fd00::1]", "https://100.64.0.1"] {
        let refused = look_up(&mut access(&file(private, "public"), private, None), &number()).expect_err("refused");
        assert_eq!(refused.text.code, "connector.not_allowed", "{private}");
    }
    assert_eq!(server.accepted.load(Ordering::SeqCst), 0, "nobody was asked");
}

#[test]
fn a_refusal_says_what_can_be_done() {
    let told = |status: &'static str, headers: &'static str, body: &'static str| {
        let trouble = trouble(move |_, to| respond(to, status, headers, body));
        (trouble.text.code, trouble.kind)
    };
    assert_eq!(told("401 Unauthorized", "", ""), ("connector.sign_in", Kind::SignIn));
    assert_eq!(
        told("429 Too Many Requests", "Retry-After: 7\r\n", ""),
        ("connector.busy", Kind::Wait(Duration::from_secs(7)))
    );
    let long_gone = "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    assert_eq!(told("503 Service Unavailable", long_gone, ""), ("connector.server_error", Kind::Wait(Duration::ZERO)));
    assert_eq!(told("429 Too Many Requests", "Retry-After: 99999999\r\n", "").1, Kind::Wait(Duration::from_secs(3600)));
    assert_eq!(told("500 Oops", "", "<html>").0, "connector.server_error");
    assert_eq!(told("404 Not Found", "", ""), ("connector.refused", Kind::Refused));
    let said = trouble(|_, to| respond(to, "422 No", "", "{\"message\":\"phone is \\u202ebad\"}"));
    assert_eq!((said.text.code, said.text.params["detail"].as_str()), ("connector.refused_because", "phone is bad"));
}

#[test]
fn what_may_have_been_done_is_looked_for_before_it_is_done_again() {
    // Takes the call, and dies before it can say so.
    let server = serve(None, |request, to| {
        if request.starts_with("GET /calls?ours=hatif-1") {
            respond(to, "200 OK", "", "{\"found\": 12}");
        }
    });
    let mut access = plain(&server);
    let lost = send(&mut access, Action::LogCall, &call(), false).expect_err("no answer");
    assert_eq!(lost.kind, Kind::Unsure);
    let sent = send(&mut access, Action::LogCall, &call(), true).expect("it was there");
    assert_eq!((sent.id.as_deref(), sent.before), (Some("12"), true));
    let asked: Vec<String> = server.asked.try_iter().collect();
    assert_eq!(asked.iter().filter(|request| request.starts_with("POST")).count(), 1, "{asked:?}");
    let body = asked[0].split_once("\r\n\r\n").expect("a body").1;
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body, json!({ "text": "wants \"a\" refund\n", "ours": "hatif-1" }));
    let server = serve(None, |_, to| respond(to, "200 OK", "", "{\"error\": {\"message\": \"no such contact\"}}"));
    let refused = send(&mut plain(&server), Action::LogCall, &call(), false).expect_err("a no with 200");
    assert_eq!((refused.kind, refused.text.params["detail"].as_str()), (Kind::Refused, "no such contact"));
}

#[test]
fn a_token_that_has_run_out_is_had_anew_once() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let server = serve(None, move |request, to| {
        if request.starts_with("POST /login") {
            let n = count.fetch_add(1, Ordering::SeqCst);
            let good = request.contains("\"key\":\"k3y\"");
            return if good {
                respond(to, "200 OK", "", &format!("{{\"token\":\"t{n}\"}}"))
            } else {
                respond(to, "403 No", "", "{}")
            };
        }
        match request.contains("Token t1") || request.contains("token t1") {
            true => respond(to, "200 OK", "", &people()),
            false => respond(to, "401 Unauthorized", "", ""),
        }
    });
    let base = format!("http://127.0.0.1:{}", server.port);
    let mut file = file(&base, "loopback");
    let request = json!({ "method": "POST", "url": "{base}/login", "json": { "key": "{secret}" } });
    file["auth"] = json!({ "kind": "login", "request": request, "token": "$.token", "header": "Authorization", "value": "Token {token}" });
    let mut access = access(&file, &base, None);
    // The first token is refused at once: that is for the user to mend.
    assert_eq!(look_up(&mut access, &number()).expect_err("refused").kind, Kind::SignIn);
    assert_eq!(look_up(&mut access, &number()).expect("the second").token.as_deref(), Some("t1"));
    access.fields.insert("secret".into(), "wrong".into());
    access.token = None;
    assert_eq!(look_up(&mut access, &number()).expect_err("refused").text.code, "connector.sign_in");
    assert_eq!(logins.load(Ordering::SeqCst), 3);
}

#[test]
fn tls_holds_only_for_the_right_name_and_authority() {
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).and_then(|params| params.self_signed(&key));
    let certificate = certificate.expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, certificate.pem()).expect("written");
    let ca = ca.to_str().expect("a path");
    let private = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a configuration");
    let server = serve(Some(Arc::new(config)), |_, to| respond(to, "200 OK", "", &people()));
    let ask = |host: &str, ca: Option<&str>| {
        let base = format!("https://{host}:{}", server.port);
        look_up(&mut access(&file(&base, "loopback"), &base, ca), &number())
    };
    assert_eq!(ask("localhost", Some(ca)).expect("trusted").records.len(), 1);
    assert_eq!(ask("127.0.0.1", Some(ca)).expect_err("another name").text.code, "connector.certificate_name");
    assert_eq!(ask("localhost", None).expect_err("nobody knows it").text.code, "connector.certificate");
    let heard: Vec<String> = server.asked.try_iter().collect();
    assert_eq!(heard.len(), 1, "nothing was sent to whom nobody trusts: {heard:?}");
    assert!(Client::new(Network::Public, Duration::from_secs(1), Some("/nowhere.pem")).is_err());
}
