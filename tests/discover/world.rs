//! A DNS server and a web server on loopback that say what a test puts into them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use deskhand::desk::servers::Places;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

const SRV: u16 = 33;
const MX: u16 = 15;

/// What the servers say.
#[derive(Default)]
struct Said {
    records: BTreeMap<(String, u16), Vec<Vec<u8>>>,
    pages: BTreeMap<String, Page>,
}

#[derive(Clone)]
enum Page {
    Text(String),
    Elsewhere(String),
    Never,
}

/// The servers; they end with it.
pub(crate) struct World {
    said: Arc<Mutex<Said>>,
    dns: SocketAddr,
    web: u16,
    folder: tempfile::TempDir,
    _tasks: JoinSet<()>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let said = Arc::new(Mutex::new(Said::default()));
        let folder = tempfile::tempdir().unwrap();
        let mut tasks = JoinSet::new();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dns = udp.local_addr().unwrap();
        tasks.spawn(answer_dns(udp, Arc::clone(&said)));
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let web = tcp.local_addr().unwrap().port();
        let acceptor = acceptor(&folder.path().join("ca.pem"));
        tasks.spawn(answer_web(tcp, acceptor, Arc::clone(&said)));
        Self {
            said,
            dns,
            web,
            folder,
            _tasks: tasks,
        }
    }

    pub(crate) fn places(&self) -> Places {
        let web = format!("https://localhost:{}", self.web);
        Places {
            dns: Some(self.dns),
            autoconfig: format!("{web}/autoconfig/{{domain}}?emailaddress={{address}}"),
            well_known: format!("{web}/well-known/{{domain}}"),
            list: format!("{web}/list/{{domain}}"),
            ca: Some(self.folder.path().join("ca.pem")),
            limit: Duration::from_secs(5),
        }
    }

    pub(crate) fn srv(&self, name: &str, (priority, weight, port, target): (u16, u16, u16, &str)) {
        let mut record = [priority, weight, port]
            .into_iter()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<u8>>();
        record.extend(labels(target));
        self.record(name, SRV, record);
    }

    pub(crate) fn mx(&self, name: &str, (preference, host): (u16, &str)) {
        let mut record = preference.to_be_bytes().to_vec();
        record.extend(labels(host));
        self.record(name, MX, record);
    }

    fn record(&self, name: &str, kind: u16, record: Vec<u8>) {
        let mut said = self.said.lock().unwrap();
        let records = said.records.entry((name.to_owned(), kind)).or_default();
        records.push(record);
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        self.page(path, Page::Text(text.to_owned()));
    }

    pub(crate) fn redirect(&self, path: &str, to: &str) {
        self.page(path, Page::Elsewhere(to.to_owned()));
    }

    /// Every page below this is asked for in vain.
    pub(crate) fn hang(&self, path: &str) {
        self.page(path, Page::Never);
    }

    fn page(&self, path: &str, page: Page) {
        self.said
            .lock()
            .unwrap()
            .pages
            .insert(path.to_owned(), page);
    }
}

/// An autoconfig file with one server of each kind.
pub(crate) fn file(imap: &str, smtp: &str) -> String {
    let server = |tag: &str, kind: &str, (host, port): (&str, u16)| {
        format!(
            "<{tag} type=\"{kind}\"><hostname>{host}</hostname><port>{port}</port>\
             <socketType>SSL</socketType><username>%EMAILADDRESS%</username></{tag}>"
        )
    };
    format!(
        "<clientConfig version=\"1.1\"><emailProvider id=\"x\">{}{}</emailProvider></clientConfig>",
        server("incomingServer", "imap", (imap, 993)),
        server("outgoingServer", "smtp", (smtp, 465)),
    )
}

fn labels(name: &str) -> Vec<u8> {
    let parts = name.split('.').filter(|part| !part.is_empty());
    let mut bytes: Vec<u8> = parts
        .flat_map(|part| {
            let mut label = vec![u8::try_from(part.len()).unwrap()];
            label.extend(part.bytes());
            label
        })
        .collect();
    bytes.push(0);
    bytes
}

async fn answer_dns(udp: UdpSocket, said: Arc<Mutex<Said>>) {
    let mut buffer = [0; 1500];
    while let Ok((_, from)) = udp.recv_from(&mut buffer).await {
        let mut name = Vec::new();
        let mut at = 12;
        while buffer[at] != 0 {
            let end = at + 1 + usize::from(buffer[at]);
            name.push(String::from_utf8_lossy(&buffer[at + 1..end]).to_lowercase());
            at = end;
        }
        let kind = u16::from_be_bytes([buffer[at + 1], buffer[at + 2]]);
        let question = &buffer[12..at + 5];
        let records = {
            let said = said.lock().unwrap();
            let key = (name.join("."), kind);
            said.records.get(&key).cloned().unwrap_or_default()
        };
        let code: u8 = if records.is_empty() { 3 } else { 0 };
        let count = u8::try_from(records.len()).unwrap();
        let mut answer = vec![buffer[0], buffer[1], 0x81, 0x80 | code];
        answer.extend([0, 1, 0, count, 0, 0, 0, 0]);
        answer.extend(question);
        for record in records {
            answer.extend([0xC0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 60]);
            answer.extend(u16::try_from(record.len()).unwrap().to_be_bytes());
            answer.extend(record);
        }
        udp.send_to(&answer, from).await.unwrap();
    }
}

/// Makes a CA, writes it down, and serves with a certificate of it.
fn acceptor(ca_file: &std::path::Path) -> TlsAcceptor {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(ca_file, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn answer_web(tcp: TcpListener, acceptor: TlsAcceptor, said: Arc<Mutex<Said>>) {
    let mut calls = JoinSet::new();
    while let Ok((stream, _)) = tcp.accept().await {
        let (acceptor, said) = (acceptor.clone(), Arc::clone(&said));
        calls.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut stream = BufReader::new(stream);
            let mut first = String::new();
            drop(stream.read_line(&mut first).await);
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let page = {
                let said = said.lock().unwrap();
                let is_below = |(at, page): &(&String, &Page)| {
                    matches!(page, Page::Never) && path.starts_with(at.as_str())
                };
                let never = said.pages.iter().find(is_below).map(|(_, page)| page);
                never.or_else(|| said.pages.get(&path)).cloned()
            };
            let answer = match page {
                Some(Page::Text(text)) => format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
                    text.len()
                ),
                Some(Page::Elsewhere(to)) => format!(
                    "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\n\
                     content-length: 0\r\n\r\n"
                ),
                Some(Page::Never) => {
                    // Until the asker hangs up.
                    drop(stream.read_to_end(&mut Vec::new()).await);
                    return;
                }
                None => "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
                    .to_owned(),
            };
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        });
    }
}
