//! What the DNS says of a domain's mail servers: SRV records (RFC 6186, RFC 8314), and MX.

use std::net::SocketAddr;

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};

use super::{Came, Offer, Origin};
use crate::{
    domain::{MailProtocol, MailServer, Security},
    text::clean::clean_line,
};

/// More records of one name than these are not looked at.
const MOST_RECORDS: usize = 16;

/// A kind of server that SRV records name.
pub(super) struct Service {
    pub(super) name: &'static str,
    protocol: MailProtocol,
    security: Security,
}

/// What is asked for: private from the first byte, then after STARTTLS.
pub(super) const SERVICES: [Service; 4] = [
    Service {
        name: "_imaps._tcp",
        protocol: MailProtocol::Imap,
        security: Security::Tls,
    },
    Service {
        name: "_imap._tcp",
        protocol: MailProtocol::Imap,
        security: Security::StartTls,
    },
    Service {
        name: "_submissions._tcp",
        protocol: MailProtocol::Smtp,
        security: Security::Tls,
    },
    Service {
        name: "_submission._tcp",
        protocol: MailProtocol::Smtp,
        security: Security::StartTls,
    },
];

/// The way to the DNS, or why there is none.
pub(super) struct Dns(Result<TokioResolver, String>);

impl Dns {
    /// Asks one server, or those of the system.
    pub(super) fn of(server: Option<SocketAddr>) -> Self {
        let builder = match server {
            None => TokioResolver::builder_tokio(),
            Some(server) => {
                let at_port = |mut connection: ConnectionConfig| {
                    connection.port = server.port();
                    connection
                };
                let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(at_port);
                let server = NameServerConfig::new(server.ip(), true, ways.to_vec());
                let config = ResolverConfig::from_name_servers(vec![server]);
                let provider = TokioRuntimeProvider::default();
                Ok(Resolver::builder_with_config(config, provider))
            }
        };
        let resolver = builder.and_then(hickory_resolver::ResolverBuilder::build);
        Self(resolver.map_err(|error| words(&error)))
    }

    /// Returns the servers of a kind, the preferred ones first. A dot for a name says that there
    /// is none (RFC 6186, 3.4).
    pub(super) async fn servers(&self, service: &Service, name: &str) -> Result<Vec<Offer>, Came> {
        let resolver = self.resolver()?;
        let records = match resolver.srv_lookup(format!("{name}.")).await {
            Ok(records) => records,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(Came::Failed(words(&error))),
        };
        let mut servers: Vec<_> = records
            .answers()
            .iter()
            .take(MOST_RECORDS)
            .filter_map(|record| {
                let RData::SRV(srv) = &record.data else {
                    return None;
                };
                let host = srv.target.to_ascii();
                let place = (srv.priority, u16::MAX - srv.weight, host, srv.port);
                (!srv.target.is_root()).then_some(place)
            })
            .collect();
        servers.sort();
        let offer = |(.., host, port): (u16, u16, String, u16)| {
            let place = (host.trim_end_matches('.'), port);
            MailServer::of(service.protocol, service.security, place)
                .ok()
                .map(|server| Offer {
                    server,
                    user: None,
                    origin: Origin::Srv,
                })
        };
        Ok(servers.into_iter().filter_map(offer).collect())
    }

    /// Returns whose servers take a domain's mail: the registered domain of the preferred one.
    pub(super) async fn exchanger(&self, domain: &str) -> Result<Option<String>, Came> {
        let resolver = self.resolver()?;
        let records = match resolver.mx_lookup(format!("{domain}.")).await {
            Ok(records) => records,
            Err(error) if error.is_no_records_found() => return Ok(None),
            Err(error) => return Err(Came::Failed(words(&error))),
        };
        let preferred = records
            .answers()
            .iter()
            .filter_map(|record| {
                let RData::MX(mx) = &record.data else {
                    return None;
                };
                let place = (mx.preference, mx.exchange.to_ascii());
                (!mx.exchange.is_root()).then_some(place)
            })
            .min();
        Ok(preferred.and_then(|(_, host)| super::choose::registered(host.trim_end_matches('.'))))
    }

    fn resolver(&self) -> Result<&TokioResolver, Came> {
        self.0.as_ref().map_err(|why| Came::Failed(why.clone()))
    }
}

fn words(error: &NetError) -> String {
    clean_line(&error.to_string()).chars().take(200).collect()
}
