//! Synthetic repositories: the same for the same [`Plan`], on every machine.
//!
//! A repository is a number of applications, each with a Compose file, an overlay, a `.env` and the Dockerfiles that the
//! services build, which copy a supervisord.conf and an nginx.conf; and source-like files around them, in folders as
//! wide and as deep as those of real repositories. No two configs are alike, so that nothing is measured that is only
//! read once.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

/// What a repository is to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of files.
    pub files: usize,
    /// Configs among a thousand files; there is always one.
    pub configs_per_mille: usize,
    /// What makes it another repository of the same size.
    pub seed: u64,
}

impl Plan {
    /// A repository of `files` files of which one in a hundred is a config.
    pub fn of(files: usize) -> Plan {
        Plan { files, configs_per_mille: 10, seed: 1 }
    }

    /// Number of configs.
    pub fn configs(&self) -> usize {
        (self.files * self.configs_per_mille / 1000).clamp(1, self.files.max(1))
    }
}

/// Files that stand in a folder of sources.
const FILES_IN_A_FOLDER: usize = 12;
/// Folders that stand in a folder of sources.
const FOLDERS_IN_A_FOLDER: usize = 6;
/// Configs of a whole application; the last one of a repository may lack some.
const CONFIGS_OF_AN_APPLICATION: usize = 10;

/// Calls `file` with the path and the text of every file of the repository, in no particular order of paths.
///
/// # Errors
/// What `file` gives.
pub fn each(plan: Plan, mut file: impl FnMut(&str, &str) -> io::Result<()>) -> io::Result<()> {
    let configs = plan.configs();
    let applications = configs.div_ceil(CONFIGS_OF_AN_APPLICATION);
    for application in 0..applications {
        let wanted = CONFIGS_OF_AN_APPLICATION.min(configs - application * CONFIGS_OF_AN_APPLICATION);
        for (path, text) in application_files(application, Random::new(plan.seed, application)).into_iter().take(wanted)
        {
            file(&format!("apps/app{application:04}/{path}"), &text)?;
        }
    }
    let others = plan.files.saturating_sub(configs);
    let each = others.div_ceil(applications.min(others.max(1)));
    for index in 0..others {
        let (application, number) = (index / each, index % each);
        let mut random = Random::new(plan.seed ^ 0x5eed, index);
        let path = source_path(number, &mut random);
        file(&format!("apps/app{application:04}/src/{path}"), &source_text(&path, &mut random))?;
    }
    Ok(())
}

/// Writes the repository into the folder `root`.
///
/// # Errors
/// A folder or file cannot be made.
pub fn write(plan: Plan, root: &Path) -> io::Result<()> {
    let mut made = String::from("\n");
    each(plan, |path, text| {
        let path = root.join(path);
        if let Some(folder) = path.parent()
            && folder.to_string_lossy() != made
        {
            fs::create_dir_all(folder)?;
            made = folder.to_string_lossy().into_owned();
        }
        fs::write(path, text)
    })
}

/// SplitMix64: every number of its own, from a seed (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn new(seed: u64, stream: usize) -> Random {
        let mut random = Random(seed ^ (stream as u64).wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Whether it happens, `share` times in a hundred.
    fn happens(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const BASES: &[&str] = &[
    "python:3.12-slim",
    "python:3.9",
    "node:20-bookworm-slim",
    "node:latest",
    "golang:1.22",
    "debian:bookworm",
    "ubuntu:18.04",
    "alpine:3.20",
    "php:8.2-fpm",
];
const PACKAGES: &[&str] =
    &["curl", "git", "nginx", "supervisor", "libpq-dev", "build-essential", "ffmpeg", "cron", "jq"];
const STORES: &[(&str, &str, u16, &str)] = &[
    ("postgres", "postgres:15", 5432, "/var/lib/postgresql/data"),
    ("mysql", "mysql:8", 3306, "/var/lib/mysql"),
    ("redis", "redis", 6379, "/data"),
    ("mongo", "mongo:6.0", 27017, "/data/db"),
];
const WORDS: &[&str] = &[
    "billing", "catalog", "search", "orders", "mailer", "report", "gateway", "session", "profile", "ledger", "upload",
    "render", "notify", "audit", "export", "sync",
];

/// The configs of an application, those that stand alone first: a small repository has only some of them.
fn application_files(number: usize, mut random: Random) -> Vec<(String, String)> {
    let name = format!("{}-{number}", random.pick(WORDS));
    let web = dockerfile(&name, true, &mut random);
    let compose = compose(&name, &mut random);
    let overlay = overlay(&name, &mut random);
    let worker = dockerfile(&name, false, &mut random);
    let files = [
        ("web/Dockerfile", web),
        ("compose.yaml", compose),
        (".env", dotenv(&name, &mut random)),
        ("web/docker/supervisord.conf", supervisord(&name, &mut random)),
        ("web/docker/nginx.conf", nginx(&name, &mut random)),
        ("worker/Dockerfile", worker),
        ("docker-compose.prod.yml", overlay),
        (".env.production", dotenv(&name, &mut random)),
        ("proxy/nginx.conf", nginx(&name, &mut random)),
        ("tools/Dockerfile.dev", dockerfile(&name, false, &mut random)),
    ];
    files.map(|(path, text)| (path.to_owned(), text)).into()
}

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {{
        let _ = writeln!($out, $($text)*);
    }};
}

fn dockerfile(name: &str, whole: bool, random: &mut Random) -> String {
    let mut out = String::new();
    line!(out, "# syntax=docker/dockerfile:1\n# Image of {name}.");
    line!(out, "ARG RELEASE={}.{}", random.below(9), random.below(40));
    line!(out, "FROM {} AS build", random.pick(BASES));
    line!(out, "ARG RELEASE\nENV RELEASE=$RELEASE \\\n    LANG=C.UTF-8");
    line!(out, "WORKDIR /src/{name}");
    line!(out, "RUN apt-get update && apt-get install -y --no-install-recommends \\");
    for _ in 0..2 + random.below(4) {
        line!(out, "      {} \\", random.pick(PACKAGES));
    }
    line!(out, "    && rm -rf /var/lib/apt/lists/*");
    line!(out, "COPY package.json requirements.txt ./");
    if random.happens(30) {
        line!(out, "RUN curl -sSL https://example.com/{name}/install.sh | bash -s -- --version $RELEASE");
    }
    line!(out, "RUN pip install --no-cache-dir -r requirements.txt && npm ci --omit=dev");
    line!(out, "COPY . .");
    if random.happens(30) {
        line!(out, "ENV API_TOKEN={:016x}{:016x}", random.next(), random.next());
    }
    line!(out, "RUN set -eux; \\\n    if [ \"$RELEASE\" != \"\" ]; then make build-{name}; fi; \\\n    make check\n");
    line!(out, "FROM {} AS run", random.pick(BASES));
    line!(out, "COPY --from=build /src/{name} /app");
    if whole {
        line!(out, "RUN apt-get update && apt-get install -y nginx supervisor && mkdir -p /var/log/{name}");
        line!(out, "COPY docker/supervisord.conf /etc/supervisor/supervisord.conf");
        line!(out, "COPY docker/nginx.conf /etc/nginx/nginx.conf");
    }
    if random.happens(50) {
        line!(out, "RUN useradd --system --uid 1{:03} app && chown -R app /app\nUSER app", random.below(1000));
    }
    line!(out, "EXPOSE 80{:02}", random.below(100));
    if random.happens(40) {
        line!(out, "HEALTHCHECK --interval=30s CMD curl -fsS http://localhost:8080/health || exit 1");
    }
    match whole {
        true => line!(out, "CMD [\"supervisord\", \"-n\", \"-c\", \"/etc/supervisor/supervisord.conf\"]"),
        false => line!(out, "ENTRYPOINT [\"/app/entrypoint.sh\"]\nCMD [\"worker\", \"--queue\", \"{name}\"]"),
    }
    out
}

fn compose(name: &str, random: &mut Random) -> String {
    let mut out = String::new();
    line!(out, "name: {name}\nx-logging: &logging\n  driver: json-file\n  options: {{max-size: 10m}}\nservices:");
    line!(
        out,
        "  web:\n    build:\n      context: ./web\n      target: run\n    logging: *logging\n    env_file: .env"
    );
    line!(out, "    ports:\n      - \"80{:02}:8080\"\n    environment:", random.below(100));
    line!(out, "      DATABASE_URL: postgres://{name}:${{DB_PASSWORD:-secret{}}}@db/{name}", random.below(1000));
    line!(out, "      RELEASE: ${{RELEASE}}\n    depends_on: [db, cache]\n    restart: unless-stopped");
    line!(
        out,
        "  worker:\n    build: ./worker\n    environment:\n      - QUEUE={name}\n      - DEBUG={}",
        random.below(2)
    );
    if random.happens(20) {
        line!(out, "    privileged: true");
    }
    if random.happens(20) {
        line!(out, "    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock");
    }
    for (service, at) in [("db", 0), ("cache", 2)] {
        let (_, image, port, data) = STORES[at + random.below(2)];
        line!(out, "  {service}:\n    image: {image}\n    volumes:\n      - {service}-data:{data}");
        if random.happens(50) {
            line!(out, "    ports: [\"{port}:{port}\"]");
        }
        line!(out, "    environment:\n      POSTGRES_PASSWORD: ${{DB_PASSWORD}}\n    networks: [default]");
    }
    for _ in 0..random.below(4) {
        let extra = random.pick(WORDS);
        line!(out, "  {extra}-{}:\n    image: ghcr.io/example/{extra}:1.{}", random.below(1000), random.below(50));
        line!(out, "    command: [\"serve\", \"--port\", \"90{:02}\"]\n    read_only: true", random.below(100));
        line!(out, "    healthcheck:\n      test: [\"CMD-SHELL\", \"wget -qO- http://localhost:9000/ || exit 1\"]");
    }
    line!(out, "  proxy:\n    image: nginx:1.2{}\n    ports: [\"80:80\"]", random.below(8));
    line!(out, "    volumes:\n      - ./proxy/nginx.conf:/etc/nginx/nginx.conf:ro");
    line!(out, "volumes:\n  db-data:\n  cache-data:");
    out
}

fn overlay(name: &str, random: &mut Random) -> String {
    let mut out = String::from("services:\n");
    line!(out, "  web:\n    image: registry.example.com/{name}:1.{}\n    env_file: .env.production", random.below(90));
    line!(out, "    deploy:\n      resources:\n        limits: {{memory: {}M}}", 64 + random.below(900));
    line!(out, "  worker:\n    command: worker --concurrency {}\n    user: \"1000\"", 1 + random.below(32));
    line!(out, "    security_opt: [\"no-new-privileges:true\"]\n    cap_drop: [ALL]");
    out
}

fn dotenv(name: &str, random: &mut Random) -> String {
    let mut out = format!("# Settings of {name}\nCOMPOSE_PROJECT_NAME={name}\n");
    line!(out, "RELEASE=1.{}\nDB_PASSWORD={:016x}", random.below(90), random.next());
    for _ in 0..4 + random.below(12) {
        let word = random.pick(WORDS).to_uppercase();
        line!(out, "{word}_URL=https://{}.internal.example.com:84{:02}", random.pick(WORDS), random.below(100));
    }
    out
}

fn supervisord(name: &str, random: &mut Random) -> String {
    let mut out = format!("; Processes of {name}\n[supervisord]\nnodaemon=true\nuser=root\nlogfile=/dev/null\n");
    if random.happens(30) {
        line!(out, "\n[inet_http_server]\nport=0.0.0.0:9001\nusername=admin\npassword=admin{}", random.below(100));
    }
    line!(out, "\n[program:nginx]\ncommand=nginx -g \"daemon off;\"\nautorestart=true");
    for at in 0..1 + random.below(4) {
        line!(out, "\n[program:{}-{at}]\ncommand=/app/bin/serve --port 80{at:02}", random.pick(WORDS));
        line!(out, "autorestart=true\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0");
    }
    out
}

fn nginx(name: &str, random: &mut Random) -> String {
    let mut out =
        format!("# Front of {name}\nworker_processes auto;\nevents {{ worker_connections 1024; }}\nhttp {{\n");
    line!(out, "    include mime.types;\n    upstream app {{ server 127.0.0.1:80{:02}; }}", random.below(100));
    for at in 0..1 + random.below(3) {
        line!(out, "    server {{\n        listen 80{at};\n        server_name {name}-{at}.example.com;");
        for _ in 0..1 + random.below(5) {
            let path = random.pick(WORDS);
            line!(out, "        location /{path} {{\n            proxy_pass http://app;");
            line!(
                out,
                "            proxy_set_header Host $host;\n            add_header X-Frame-Options DENY;\n        }}"
            );
        }
        if random.happens(30) {
            line!(out, "        location /files {{ alias /srv/{name}/; autoindex on; }}");
        }
        line!(out, "    }}");
    }
    out.push_str("}\n");
    out
}

/// The path of the source file `number` of an application: twelve files and six folders in each folder.
fn source_path(number: usize, random: &mut Random) -> String {
    let mut folders = Vec::new();
    let mut folder = number / FILES_IN_A_FOLDER;
    while folder > 0 {
        folders.push(format!("{}{}/", WORDS[folder % WORDS.len()], folder % FOLDERS_IN_A_FOLDER));
        folder /= FOLDERS_IN_A_FOLDER;
    }
    folders.reverse();
    let mut path = folders.concat();
    let ending = match random.below(100) {
        0..30 => "ts",
        30..55 => "py",
        55..75 => "go",
        75..85 => "json",
        85..90 => "md",
        90..94 => "yaml",
        94..97 => "css",
        97..99 => "sh",
        _ => "conf",
    };
    let _ = write!(path, "{}_{number}.{ending}", random.pick(WORDS));
    path
}

/// Text that looks like a source file and like no config.
fn source_text(path: &str, random: &mut Random) -> String {
    let mut out = String::new();
    if path.ends_with(".json") {
        return format!("{{\"name\": \"{}\", \"order\": {}}}\n", random.pick(WORDS), random.below(1000));
    }
    for _ in 0..4 + random.below(24) {
        let (one, other) = (random.pick(WORDS), random.pick(WORDS));
        line!(out, "{one}_{other} = load(\"{other}\", {})", random.below(100_000));
    }
    out
}
