use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::effort;
use crate::report::{self, Format, Options, Report};
use crate::source::{Source, Sources, Span};
use crate::syntax::recognise;

/// Files with places for a secret, which is written `@@`.
const PLACES: &[(&str, &str)] = &[
    (
        "compose.yaml",
        r#"
x-shared: &shared
  SHARED_PASSWORD: &pw "@@"
services:
  db:
    image: postgres
    privileged: true
    environment:
      <<: *shared
      POSTGRES_PASSWORD: @@
      QUOTED_PASSWORD: '@@'
      ALIAS_PASSWORD: *pw
      PREFIX_TOKEN: pre-${X}-@@
      FALLBACK_SECRET: ${FALLBACK:-@@}
      SHORT_PW: @@
      SITE_BASIC_AUTH: admin:@@
      FILE_PASSWORD_HASH: @@
      BLOCK_SECRET: |
        @@
      DATABASE_URL: postgres://app:@@@db:5432/x
      DEFAULT_URL: redis://:${PW:-@@}@cache
      ADO: "Server=db;User Id=sa;Password=@@;Database=x"
      # OLD_PASSWORD=@@
    command: ["postgres", "--password", "@@", "--api-key=@@"]
    healthcheck:
      test: mysqladmin ping -uroot -p@@
    labels:
      basic.password: @@
      header: "Authorization: Bearer @@"
    build:
      context: .
      args:
        - NPM_TOKEN=@@
    ports: ["5432:5432"]
  web:
    image: nginx
    environment:
      - LIST_PASSWORD=@@
      - "LIST_SECRET=@@"
    entrypoint: redis-server --requirepass "$${REDIS_PASSWORD:-@@}"
    command: sh -c "PGPASSWORD=@@ psql; curl -u admin:@@ http://x; redis-cli -a @@ ping"
    post_start:
      - command: ["warm", "--token", "@@"]
        environment:
          HOOK_PASSWORD: @@
volumes:
  share:
    driver_opts:
      o: "username=a,password=@@"
secrets:
  inline:
    content: "@@"
"#,
    ),
    (
        "Dockerfile",
        r#"FROM alpine
ARG DEPLOY_TOKEN=@@
ENV A_PASSWORD=@@ B_SECRET="@@"
ENV LEGACY_PASSWORD @@
ENV FALLBACK_PASSWORD=${FALLBACK:-@@}
LABEL api.token="@@" note='{"password":"@@"}'
RUN curl -k -u ci:@@ https://x && mysql -p@@ && export X_TOKEN=@@
RUN sudo sh -c 'SECRET_KEY=@@ make'
RUN curl -H "X-Api-Key: @@" http://x
RUN git clone https://ci:@@@git.acme.dev/a
RUN htpasswd -b f admin @@
RUN npm config set //npm.acme.dev/:_authToken @@ && echo "//npm.acme.dev/:_authToken=@@" > ~/.npmrc
RUN wget --header="X-Api-Key: @@" http://x && aws configure set aws_secret_access_key @@
HEALTHCHECK CMD ["redis-cli", "-a", "@@"]
# password: @@
"#,
    ),
    (
        "supervisord.conf",
        r#"[inet_http_server]
port=*:9001
username=admin
password=@@
[supervisorctl]
password =
  @@
[program:a]
command=/a --password=@@ --auth-token @@
environment=A_PASSWORD="@@",B_TOKEN='@@'
; password=@@
"#,
    ),
    (
        "nginx.conf",
        r#"events {}
http {
    # api_key: @@
    server {
        listen 80;
        set $api_token "@@";
        location / {
            autoindex on;
            proxy_set_header Authorization "Basic @@";
            proxy_set_header X-Api-Key "@@";
            proxy_pass http://admin:@@@backend;
        }
    }
}
"#,
    ),
    (
        ".env",
        "POSTGRES_PASSWORD=@@\nexport API_TOKEN='@@'\nAPP_KEY=base64:@@\nURL=amqp://a:@@@mq\n# SECRET=@@\nM_SECRET: @@\n",
    ),
];

fn scan(secret: &str) -> Report {
    let mut sources = Sources::default();
    for (path, text) in PLACES {
        let text = text.replace("@@", secret);
        let (kind, why) = recognise(path, &text).expect("the names are those of configs");
        let mut source = Source::new(*path, text);
        (source.kind, source.why) = (kind, why);
        sources.add(source);
    }
    crate::scan(sources, &Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_secret_is_shown_in_no_output_wherever_it_is_written(secret in "[A-Za-z0-9]{4}[A-Za-z0-9_.+=!^-]{4,20}[A-Za-z0-9]{2}") {
        let report = scan(&secret);
        for (file, source) in report.sources.iter() {
            for (at, _) in source.text.match_indices(&secret) {
                let span = Span::new(file, at..at + secret.len());
                let hidden = report.secrets.iter().any(|hidden| hidden.contains(span));
                let line = source.text[..at].matches('\n').count() + 1;
                prop_assert!(hidden, "{}:{line}: {}", source.path, source.line(line as u32).0);
            }
        }
        for format in Format::ALL {
            let mut out = Vec::new();
            report::write(&report, format, &Options::default(), &mut out).expect("memory takes everything");
            prop_assert!(!String::from_utf8_lossy(&out).contains(&secret), "{format:?}");
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s)(.{0,200}|([A-Z]{2,5}_(PASSWORD|KEY)[=: ]{1,2}.{0,20}\n){1,8})") {
        for range in text::find(&text, &Formats::of(&text)) {
            prop_assert!(text.get(range).is_some());
        }
    }
}

#[test]
fn what_identifies_a_finding_does_not_depend_on_the_secret() {
    let fingerprints = |secret: &str| -> Vec<String> {
        let report = scan(secret);
        let own = ["secret-", "default-", "hardcoded-", "credential-"];
        let about = report.findings.iter().filter(|finding| own.iter().any(|own| finding.rule.id.starts_with(own)));
        about.map(|finding| format!("{} {}", finding.rule.id, finding.fingerprint)).collect()
    };
    let first = fingerprints("vLp92kQzR7w3Nd5B");
    assert!(first.len() > 30, "{}", first.len());
    assert_eq!(first, fingerprints("Xk7Tq2Wm9Rz4Ys6L"));
}

#[test]
fn hostile_text_takes_linear_time() {
    let units = [
        "PASSWORD=",
        "://a:b@",
        "-----BEGIN PRIVATE KEY-----",
        "mysql -p",
        "eyJ",
        "password: |\n ",
        "curl -u a:",
        "SG.",
        "host=a;",
        "NAME_PW=",
        "A_PW=x ",
        "A_PW=\\\"x ",
        "A_PASSWORD=\\\"x\n",
        "curl mysql -pxyz ",
        "vault login -a",
        "bundle config a ",
        "Authorization: ",
        "a:b1c2d3@x ",
        "a1b2c3d4e5f6A@",
        "| docker login --password-stdin ",
        "|a-stdin",
        "echo x|chpasswd",
        "pgpass a:1:b:c:d ",
        "aB1cD2eF3",
    ];
    let cases = |size: usize| units.map(|unit| (unit.to_owned(), unit.repeat(size / unit.len()))).into();
    effort::assert_linear(960_000, 2 << 20, cases, |text| {
        std::hint::black_box(text::find(text, &Formats::of(text)));
    });
}
