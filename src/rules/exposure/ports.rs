//! What a published port leads to, by the image, by the name of the service and by the port.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::Cx;
use super::role;
use crate::container::known::Role;
use crate::container::{Container, Port};

/// What a port leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A data service: which.
    Database(&'static str),
    /// An administration interface: whose.
    Admin(&'static str),
    /// A debugger: whose.
    Debugger(&'static str),
    /// The web port of something that is meant to face the outside.
    Edge,
    /// Something else that is published on the ports of the web.
    Web,
    /// What such an image is run for: a name server, a mail server, a tunnel.
    Meant,
    /// Anything else.
    Ordinary,
}

/// Data services by a word of their image's name, and how to call them.
const DATABASES: &[(&str, &str)] = &[
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("postgis", "PostgreSQL"),
    ("pgvector", "PostgreSQL"),
    ("timescaledb", "PostgreSQL"),
    ("pgbouncer", "PgBouncer"),
    ("cockroach", "CockroachDB"),
    ("cockroachdb", "CockroachDB"),
    ("mysql", "MySQL"),
    ("mariadb", "MariaDB"),
    ("percona", "MySQL"),
    ("mongo", "MongoDB"),
    ("mongodb", "MongoDB"),
    ("ferretdb", "FerretDB"),
    ("redis", "Redis"),
    ("valkey", "Valkey"),
    ("keydb", "KeyDB"),
    ("dragonfly", "Dragonfly"),
    ("memcached", "Memcached"),
    ("elasticsearch", "Elasticsearch"),
    ("opensearch", "OpenSearch"),
    ("solr", "Solr"),
    ("meilisearch", "Meilisearch"),
    ("typesense", "Typesense"),
    ("cassandra", "Cassandra"),
    ("scylla", "ScyllaDB"),
    ("clickhouse", "ClickHouse"),
    ("couchdb", "CouchDB"),
    ("couchbase", "Couchbase"),
    ("arangodb", "ArangoDB"),
    ("neo4j", "Neo4j"),
    ("surrealdb", "SurrealDB"),
    ("rethinkdb", "RethinkDB"),
    ("influxdb", "InfluxDB"),
    ("questdb", "QuestDB"),
    ("mssql", "SQL Server"),
    ("qdrant", "Qdrant"),
    ("weaviate", "Weaviate"),
    ("milvus", "Milvus"),
    ("chroma", "Chroma"),
    ("minio", "MinIO"),
    ("etcd", "etcd"),
    ("rabbitmq", "RabbitMQ"),
    ("kafka", "Kafka"),
    ("redpanda", "Redpanda"),
    ("zookeeper", "ZooKeeper"),
    ("activemq", "ActiveMQ"),
    ("artemis", "ActiveMQ"),
    ("nats", "NATS"),
    ("beanstalkd", "beanstalkd"),
    ("tarantool", "Tarantool"),
    ("manticore", "Manticore Search"),
    ("aerospike", "Aerospike"),
    ("gearmand", "Gearman"),
    ("openldap", "OpenLDAP"),
    ("pulsar", "Pulsar"),
    ("immudb", "immudb"),
    ("dgraph", "Dgraph"),
];

/// Words in an image's name that make it a tool for a data service rather than the service.
const TOOLS: &[&str] = &[
    "exporter",
    "backup",
    "operator",
    "ui",
    "admin",
    "manager",
    "connect",
    "insight",
    "express",
    "commander",
    "proxy",
    "client",
    "cli",
    "init",
    "setup",
    "dashboards",
    "dashboard",
    "registry",
    "rest",
    "api",
    "gui",
    "web",
    "monitor",
    "sync",
    "dump",
    "migrate",
    "test",
    "webui",
    "console",
    "viewer",
    "browser",
    "explorer",
    "app",
    "service",
    "worker",
    "bot",
    "demo",
    "example",
    "meta",
    "mcp",
    "seed",
    "seeder",
];

/// Ports that belong to a data service whatever runs there. Those that other programs like too (9200, 8123, 7000) are only
/// told by the image.
const DATABASE_PORTS: &[(u16, &str)] = &[
    (1433, "SQL Server"),
    (1521, "Oracle Database"),
    (2181, "ZooKeeper"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3050, "Firebird"),
    (3306, "MySQL"),
    (33060, "MySQL"),
    (4369, "the Erlang port mapper"),
    (5432, "PostgreSQL"),
    (5671, "RabbitMQ"),
    (5672, "RabbitMQ"),
    (5984, "CouchDB"),
    (6333, "Qdrant"),
    (6334, "Qdrant"),
    (6379, "Redis"),
    (7199, "Cassandra"),
    (7687, "Neo4j"),
    (8529, "ArangoDB"),
    (9042, "Cassandra"),
    (9092, "Kafka"),
    (11211, "Memcached"),
    (11434, "Ollama"),
    (26257, "CockroachDB"),
    (27017, "MongoDB"),
    (27018, "MongoDB"),
    (27019, "MongoDB"),
    (28015, "RethinkDB"),
    (61613, "ActiveMQ"),
    (61616, "ActiveMQ"),
];

/// Ports of a range are looked up in the tables of ports up to this many: a wider one was not made for one service.
const NARROW: u16 = 8;

/// Administration interfaces: a name of the image's last part, the port (0: all of its ports), how to call it.
const ADMINS: &[(&str, u16, &str)] = &[
    ("rabbitmq", 15671, "the RabbitMQ management interface"),
    ("rabbitmq", 15672, "the RabbitMQ management interface"),
    ("minio", 9001, "the MinIO console"),
    ("redis-stack", 8001, "Redis Insight"),
    ("activemq-classic", 8161, "the ActiveMQ console"),
    ("activemq", 8161, "the ActiveMQ console"),
    ("traefik", 8080, "the Traefik dashboard"),
    ("caddy", 2019, "the Caddy admin API"),
    ("envoy", 9901, "the Envoy admin interface"),
    ("haproxy", 8404, "the HAProxy statistics page"),
    ("kong", 8001, "the Kong admin API"),
    ("kong", 8444, "the Kong admin API"),
    ("nginx-proxy-manager", 81, "the Nginx Proxy Manager interface"),
    ("consul", 8500, "the Consul interface"),
    ("nats", 8222, "the NATS monitoring interface"),
    ("syncthing", 8384, "the Syncthing interface"),
    ("wg-easy", 51821, "the wg-easy interface"),
    ("openvpn-as", 943, "the OpenVPN Access Server interface"),
    ("portainer", 0, "Portainer"),
    ("portainer-ce", 0, "Portainer"),
    ("portainer-ee", 0, "Portainer"),
    ("pgadmin4", 0, "pgAdmin"),
    ("adminer", 0, "Adminer"),
    ("phpmyadmin", 0, "phpMyAdmin"),
    ("phppgadmin", 0, "phpPgAdmin"),
    ("phpredisadmin", 0, "phpRedisAdmin"),
    ("phpldapadmin", 0, "phpLDAPadmin"),
    ("mongo-express", 0, "Mongo Express"),
    ("mongoku", 0, "Mongoku"),
    ("redis-commander", 0, "Redis Commander"),
    ("redisinsight", 0, "Redis Insight"),
    ("kibana", 0, "Kibana"),
    ("opensearch-dashboards", 0, "OpenSearch Dashboards"),
    ("elasticvue", 0, "Elasticvue"),
    ("cerebro", 0, "Cerebro"),
    ("elasticsearch-hq", 0, "ElasticHQ"),
    ("flower", 0, "Flower"),
    ("rq-dashboard", 0, "the RQ dashboard"),
    ("kafka-ui", 0, "Kafka UI"),
    ("akhq", 0, "AKHQ"),
    ("kafdrop", 0, "Kafdrop"),
    ("cmak", 0, "CMAK"),
    ("dozzle", 0, "Dozzle"),
    ("cadvisor", 0, "cAdvisor"),
    ("netdata", 0, "Netdata"),
    ("glances", 0, "Glances"),
    ("dockge", 0, "Dockge"),
    ("yacht", 0, "Yacht"),
    ("cloudbeaver", 0, "CloudBeaver"),
    ("dbgate", 0, "DbGate"),
    ("sqlpad", 0, "SQLPad"),
    ("mailhog", 8025, "MailHog"),
    ("mailpit", 8025, "Mailpit"),
    ("maildev", 1080, "MailDev"),
    ("grafana", 0, "Grafana"),
    ("prometheus", 0, "Prometheus"),
    ("alertmanager", 0, "Alertmanager"),
    ("pihole", 80, "the Pi-hole interface"),
    ("pihole", 443, "the Pi-hole interface"),
    ("mailcatcher", 1080, "MailCatcher"),
    ("kafka-manager", 0, "Kafka Manager"),
    ("mongoclient", 0, "Mongoclient"),
    ("lldap", 17170, "the LLDAP interface"),
    ("adguardhome", 3000, "the AdGuard Home interface"),
    ("adguardhome", 80, "the AdGuard Home interface"),
    ("dns-server", 5380, "the Technitium interface"),
    ("tarantool-admin", 0, "Tarantool Admin"),
    ("dejavu", 0, "Dejavu"),
];

/// Images that are run to be reached from outside, by a word of their name; the web ports of theirs are ordinary.
const FACING: &[&str] = &[
    "wireguard",
    "wg",
    "openvpn",
    "tailscale",
    "headscale",
    "softether",
    "ipsec",
    "strongswan",
    "shadowsocks",
    "v2ray",
    "xray",
    "pihole",
    "adguardhome",
    "unbound",
    "bind9",
    "bind",
    "coredns",
    "dnsmasq",
    "powerdns",
    "pdns",
    "mailserver",
    "postfix",
    "dovecot",
    "mailu",
    "poste",
    "stalwart",
    "exim",
    "smtp",
    "haraka",
    "coturn",
    "turn",
    "jvb",
    "jitsi",
    "minecraft",
    "teamspeak",
    "mumble",
    "murmur",
    "syncthing",
    "sftp",
    "tor",
    "rtmp",
    "mediamtx",
    "srs",
    "asterisk",
    "freeswitch",
    "kamailio",
    "chrony",
    "ntp",
    "samba",
    "transmission",
    "qbittorrent",
    "unifi",
    "cs2",
    "factorio",
    "palworld",
    "terraria",
    "valheim",
];

/// Images that host repositories, which are pushed to through SSH.
const FORGES: &[&str] = &["gitlab", "gitea", "forgejo", "gogs", "opengist", "onedev"];

/// Ports of the web, which such images keep for their own administration.
const WEB_PORTS: &[u16] = &[80, 443, 3000, 5800, 6080, 8000, 8080, 8443, 9091];

/// UDP services that are published to be reached: DNS, NTP, IKE, HTTP/3, tunnels, TURN, WireGuard, Tailscale.
const UDP_PORTS: &[u16] = &[53, 123, 443, 500, 1194, 1701, 3478, 4500, 5349, 10000, 41641, 51820];

/// Name and mail servers are published under their own ports to be reached: SMTP, DNS, POP3, IMAP, ManageSieve.
const OWN_PORTS: &[u16] = &[25, 53, 110, 143, 465, 587, 993, 995, 4190];

/// Ports of debuggers.
const DEBUG_PORTS: &[(u16, &str)] = &[
    (2345, "the port of the Delve debugger"),
    (5005, "the port of the Java debugger"),
    (5678, "the port of the Python debugger"),
    (9229, "the port of the Node.js inspector"),
];

/// What the image of a container is called. An overlay names no image, and a Dockerfile may not be here: the service's name
/// has to do.
fn name(container: &Container) -> &str {
    match container.image.as_ref().filter(|image| !image.repository.contains('$')) {
        Some(image) => image.short_name(),
        None if container.built.is_none() => container.name.as_str(),
        None => "",
    }
}

/// Indexes into [`DATABASES`] by word; every rule about ports asks, for each of them.
static BY_WORD: LazyLock<HashMap<&str, usize>> =
    LazyLock::new(|| DATABASES.iter().enumerate().rev().map(|(at, (word, _))| (*word, at)).collect());

/// The data service that an image of that name is.
fn product(container: &Container, name: &str, built: bool) -> Option<&'static str> {
    let words = || name.split(['-', '_', '.']);
    // In the middle (`my-redis-clone`) the word says what something is for or like.
    let ends = [words().next(), words().next_back()].into_iter().flatten();
    // On a bare distribution or runtime the name of the service says what was put there.
    let bare = built && matches!(role(container), Some(Role::Base | Role::Runtime));
    let service = bare.then_some(container.name.as_str());
    let first = ends.chain(service).filter_map(|word| BY_WORD.get(word)).min()?;
    (!words().any(|word| TOOLS.contains(&word))).then_some(DATABASES[*first].1)
}

/// Data services that speak a protocol of their own, which no web server passes on.
const OWN_PROTOCOL: &[&str] = &[
    "PostgreSQL",
    "PgBouncer",
    "CockroachDB",
    "MySQL",
    "MariaDB",
    "MongoDB",
    "FerretDB",
    "Redis",
    "Valkey",
    "KeyDB",
    "Dragonfly",
    "Memcached",
    "Cassandra",
    "ScyllaDB",
    "SQL Server",
];

/// The data service that a container is, where only applications have a reason to talk to it.
pub(super) fn private_store(container: &Container, cx: &Cx) -> Option<&'static str> {
    let built = container.built.is_some() || cx.project.service(container).is_some_and(|s| s.build.is_some());
    product(container, name(container), built).filter(|product| OWN_PROTOCOL.contains(product))
}

/// What a port of a container leads to.
pub(super) fn purpose(container: &Container, port: &Port, cx: &Cx) -> Purpose {
    let name = name(container);
    let role = role(container);
    let built = container.built.is_some() || cx.project.service(container).is_some_and(|s| s.build.is_some());
    if let Some((_, _, product)) =
        ADMINS.iter().find(|(admin, number, _)| *admin == name && (*number == 0 || port.targets(*number)))
    {
        return Purpose::Admin(product);
    }
    if port.targets(5555) && container.processes.iter().flat_map(|p| &p.effective.commands).any(is_flower) {
        return Purpose::Admin("Flower");
    }
    let words = || name.split(['-', '_', '.']);
    let udp = port.protocol == "udp";
    if words().any(|word| FACING.contains(&word)) && (udp || !WEB_PORTS.iter().any(|web| port.targets(*web))) {
        return Purpose::Meant;
    }
    let as_it_is = port.published == Some(port.target) && port.target.0 == port.target.1;
    if as_it_is && OWN_PORTS.contains(&port.target.0) {
        return Purpose::Meant;
    }
    if port.targets(22) && words().any(|word| FORGES.contains(&word)) {
        return Purpose::Meant;
    }
    let store = matches!(role, Some(Role::Database | Role::Cache | Role::Broker));
    let database = product(container, name, built);
    // MQTT is what devices outside connect to.
    let devices = port.targets(1883) || port.targets(8883) || name.contains("mosquitto");
    if !devices && (store || database.is_some()) {
        let of_port = || DATABASE_PORTS.iter().find(|(number, _)| port.targets(*number)).map(|(_, product)| *product);
        return Purpose::Database(database.or_else(of_port).unwrap_or("a data service"));
    }
    if udp && UDP_PORTS.iter().any(|number| port.targets(*number)) {
        return Purpose::Meant;
    }
    if port.target.1.saturating_sub(port.target.0) < NARROW && !udp {
        let named = |table: &[(u16, &'static str)]| table.iter().find(|(n, _)| port.targets(*n)).map(|(_, p)| *p);
        if let Some(product) = named(DATABASE_PORTS) {
            return Purpose::Database(product);
        }
        let runtime = role.is_none_or(|role| matches!(role, Role::Runtime | Role::Base));
        if let Some(product) = named(DEBUG_PORTS).filter(|_| runtime && (built || role.is_some())) {
            return Purpose::Debugger(product);
        }
    }
    let web = |range: Option<(u16, u16)>| matches!(range, Some((80, 80) | (443, 443)));
    let edge = match role {
        Some(Role::Edge) => true,
        Some(_) => false,
        None => words()
            .any(|word| matches!(word, "nginx" | "caddy" | "traefik" | "haproxy" | "envoy" | "proxy" | "ingress")),
    } || !container.servers.is_empty();
    let own =
        role == Some(Role::Edge) && container.known.is_some_and(|known| known.ports.iter().any(|p| port.targets(*p)));
    if edge && (own || web(port.published) || web(Some(port.target))) {
        Purpose::Edge
    } else if web(port.published) {
        Purpose::Web
    } else {
        Purpose::Ordinary
    }
}

/// Whether a command is Celery's monitor.
fn is_flower(command: &crate::command::Simple) -> bool {
    command.name == "flower" || command.name == "celery" && command.args.iter().any(|word| word.text.value == "flower")
}
