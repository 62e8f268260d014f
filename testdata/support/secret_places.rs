//! Places in configs where secrets are written, each as small as it can be: `@@` stands for the secret.

/// How a secret is written in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A plain scalar of YAML in a block.
    Yaml,
    /// A plain scalar in YAML's `[…]` or `{…}`.
    Flow,
    /// Between `'` in YAML.
    YamlSingle,
    /// Between `"` in YAML or JSON.
    YamlDouble,
    /// Without quotes in a file of `name=value` lines and in instructions of Dockerfiles.
    Bare,
    /// Between `"` in a Dockerfile, a `.env` file or a shell command.
    Double,
    /// Between `'` in a `.env` file or a shell command.
    Single,
    /// A word of a shell command without quotes, also where such a command stands in a plain scalar.
    Shell,
    /// The password in a URL, as a word of the shell at that.
    Url,
    /// A header's value, where names and schemes end with blanks.
    Header,
    /// Between `"` in nginx's and supervisord's files, and without quotes there.
    Conf,
    /// Lines of their own, however many.
    Lines,
    /// Lines between `"`.
    Quoted,
    /// A word with digits in it, where only those set a secret apart from a name.
    Digits,
}

/// A place.
pub struct Place {
    /// The files; the secret stands in one of them or in several.
    pub files: &'static [(&'static str, &'static str)],
    pub form: Form,
}

const fn at(path: &'static [(&'static str, &'static str)], form: Form) -> Place {
    Place { files: path, form }
}

macro_rules! places {
    ($($path:literal: $($form:ident $text:expr;)+)+) => {
        &[$($(at(&[($path, $text)], Form::$form),)+)+]
    };
}

/// A service with more in it.
macro_rules! service {
    ($text:literal) => {
        concat!("services:\n  web:\n    image: nginx:latest\n    privileged: true\n", $text)
    };
}

/// A build stage with more in it.
macro_rules! stage {
    ($text:literal) => {
        concat!("FROM alpine:latest\n", $text, "\n")
    };
}

/// A server with more in it.
macro_rules! server {
    ($text:literal) => {
        concat!("events {}\nhttp {\n  server {\n    listen 80;\n    autoindex on;\n    ", $text, "\n  }\n}\n")
    };
}

/// Every place in one file.
pub const PLACES: &[Place] = places! {
    "Dockerfile":
        Bare stage!("ENV API_TOKEN=@@");
        Bare stage!("ENV API_TOKEN @@");
        Bare stage!("ENV A=1 DB_PASSWORD=@@ B=2");
        Bare stage!("ENV DB_PASSWORD=${OTHER:-@@}");
        Bare stage!("ENV DB_PASSWORD=\\\n  @@");
        Double stage!("ENV A_SECRET=\"@@\" B=1");
        Single stage!("ENV A_SECRET='@@'");
        Bare stage!("ARG NPM_TOKEN=@@");
        Double stage!("ARG NPM_TOKEN=\"@@\"");
        Bare stage!("LABEL api.token=@@");
        Double stage!("LABEL api.token=\"@@\" a=b");
        Single stage!("LABEL api-token='@@'");
        Shell stage!("RUN curl -u ci:@@ https://x.dev/a | sh");
        Shell stage!("RUN curl -uci:@@ https://x.dev/a | sh");
        Single stage!("RUN curl -fsSL --user 'ci:@@' https://x.dev/a | sh");
        Double stage!("RUN curl -fsSL --user \"ci:@@\" https://x.dev/a | sh");
        Header stage!("RUN curl -H \"Authorization: Bearer @@\" http://x.dev/a | sh");
        Header stage!("RUN curl -H 'Authorization: token @@' http://x.dev/a | sh");
        Header stage!("RUN curl --header 'PRIVATE-TOKEN: @@' http://x.dev/a | sh");
        Header stage!("RUN curl --header=X-Api-Key:@@ http://x.dev/a | sh");
        Header stage!("RUN wget --header=\"X-Api-Key: @@\" http://x.dev/a");
        Shell stage!("RUN wget --user=ci --password=@@ http://x.dev/a");
        Shell stage!("RUN wget --http-password @@ http://x.dev/a");
        Url stage!("RUN curl 'https://x.dev/a?access_token=@@&b=1' | sh");
        Url stage!("RUN curl https://x.dev/a?b=1&api_key=@@ | sh");
        Shell stage!("RUN mysql -uroot -p@@ -e 'select 1'");
        Single stage!("RUN mysql -uroot -p'@@' -e 'select 1'");
        Double stage!("RUN mysql -uroot -p\"@@\" app < a.sql");
        Shell stage!("RUN mysqldump --user=root --password=@@ app");
        Flow stage!("RUN mysql -e \"CREATE USER a IDENTIFIED BY '@@'\"");
        Single stage!("RUN psql -c \"ALTER USER a WITH PASSWORD '@@'\"");
        Shell stage!("RUN PGPASSWORD=@@ psql -h db");
        Single stage!("RUN PGPASSWORD='@@' psql -h db");
        Double stage!("RUN sudo env PGPASSWORD=\"@@\" psql -h db");
        Shell stage!("RUN export NPM_TOKEN=@@ && npm install");
        Shell stage!("RUN npm config set //npm.acme.dev/:_authToken @@");
        Shell stage!("RUN npm config set //npm.acme.dev/:_authToken=@@");
        Shell stage!("RUN npm set registry-token @@");
        Shell stage!("RUN echo //npm.acme.dev/:_authToken=@@ > ~/.npmrc");
        Shell stage!("RUN yarn config set npmAuthToken @@");
        Url stage!("RUN pip install --extra-index-url https://ci:@@@pypi.acme.dev/simple app");
        Url stage!("RUN pip config set global.index-url https://ci:@@@pypi.acme.dev/simple");
        Url stage!("RUN git clone https://ci:@@@git.acme.dev/a.git");
        Digits stage!("RUN git clone https://@@@git.acme.dev/a.git");
        Url stage!("RUN git config --global url.\"https://ci:@@@github.com/\".insteadOf \"https://github.com/\"");
        Url stage!("ADD https://ci:@@@files.acme.dev/a.tar.gz /");
        Shell stage!("RUN echo @@ | docker login -u ci --password-stdin r.acme.dev");
        Double stage!("RUN echo \"@@\" | docker login -u ci --password-stdin");
        Single stage!("RUN printf '%s' '@@' | sudo -S apt-get install curl");
        Shell stage!("RUN docker login -u ci -p @@ r.acme.dev");
        Single stage!("RUN docker login -u ci -p '@@' r.acme.dev");
        Shell stage!("RUN docker login -u ci --password @@ r.acme.dev");
        Shell stage!("RUN sshpass -p @@ ssh a@b");
        Single stage!("RUN sshpass -p '@@' scp a a@b:");
        Shell stage!("RUN sshpass -p@@ ssh a@b");
        Shell stage!("RUN AWS_SECRET_ACCESS_KEY=@@ aws s3 cp s3://a/b .");
        Shell stage!("RUN aws configure set aws_secret_access_key @@");
        Shell stage!("RUN redis-cli -a @@ ping && redis-cli --pass @@ ping");
        Single stage!("RUN mongosh -u root -p '@@' admin");
        Shell stage!("RUN sqlcmd -S db -U sa -P @@");
        Shell stage!("RUN ldapsearch -x -w @@ -b dc=a");
        Shell stage!("RUN smbclient //a/b -U user%@@");
        Shell stage!("RUN mosquitto_pub -u a -P @@ -t b");
        Shell stage!("RUN htpasswd -cb /f admin @@");
        Shell stage!("RUN htpasswd -bc /etc/nginx/.htpasswd admin @@");
        Shell stage!("RUN echo root:@@ | chpasswd");
        Single stage!("RUN echo 'root:@@' | chpasswd");
        Shell stage!("RUN useradd -p @@ app");
        Shell stage!("RUN echo @@ | passwd --stdin root");
        Shell stage!("RUN openssl req -passout pass:@@ -new");
        Shell stage!("RUN keytool -genkey -storepass @@ -keypass @@");
        Shell stage!("RUN ansible-playbook -e ansible_password=@@ a.yml");
        Shell stage!("RUN terraform init -backend-config=\"access_token=@@\"");
        Shell stage!("RUN vault login @@");
        Shell stage!("RUN gh auth login --with-token @@");
        Shell stage!("RUN sed -i s/password=.*/password=@@/ /etc/a.ini");
        Shell stage!("RUN chef --token=@@ --secret @@");
        Shell stage!("RUN bundle config gems.acme.dev ci:@@");
        Shell stage!("RUN composer config http-basic.repo.acme.dev ci @@");
        Shell stage!("RUN composer config --global github-oauth.github.com @@");
        Shell stage!("RUN dotnet nuget add source https://a.dev -u ci -p @@ --store-password-in-clear-text");
        Shell stage!("RUN poetry config http-basic.acme ci @@");
        Shell stage!("RUN helm registry login -u a -p @@ r.dev");
        Shell stage!("RUN svn checkout --username a --password @@ http://s.dev");
        Shell stage!("RUN az login --service-principal -u a -p @@ --tenant b");
        Shell stage!("RUN sentry-cli --auth-token @@ releases new 1");
        Shell stage!("RUN sonar-scanner -Dsonar.login=@@ -Dsonar.password=@@");
        Shell stage!("RUN mvn deploy -Drepo.password=@@");
        Shell stage!("RUN gradle publish -PrepoPassword=@@");
        Lines stage!("RUN cat > /root/.my.cnf <<EOT\n[client]\npassword=@@\nEOT");
        Double stage!("RUN cat <<EOT > /etc/a.json\n{\"password\": \"@@\"}\nEOT");
        Lines stage!("RUN cat <<'EOT' > /etc/a.yml\ndb:\n  password: @@\nEOT");
        Bare stage!("COPY <<EOT /root/.netrc\nmachine git.acme.dev login ci password @@\nEOT");
        Lines stage!("COPY <<EOT /root/.pgpass\ndb:5432:app:app:@@\nEOT");
        Url stage!("RUN echo https://ci:@@@git.acme.dev > ~/.git-credentials");
        Shell stage!("RUN echo machine git.acme.dev login ci password @@ > ~/.netrc");
        YamlDouble stage!("CMD [\"app\", \"--password\", \"@@\"]");
        YamlDouble stage!("CMD [\"app\", \"--password=@@\"]");
        YamlDouble stage!("ENTRYPOINT [\"redis-server\", \"--requirepass\", \"@@\"]");
        YamlDouble stage!("ENTRYPOINT [\"curl\", \"-u\", \"admin:@@\", \"http://x\"]");
        YamlDouble stage!("CMD [\"mysql\", \"-p@@\"]");
        Shell stage!("CMD app --api-key @@ --token=@@");
        Shell stage!("ENTRYPOINT DB_PASSWORD=@@ /app");
        Shell stage!("HEALTHCHECK CMD curl -fu admin:@@ http://localhost/ || exit 1");
        YamlDouble stage!("HEALTHCHECK CMD [\"redis-cli\", \"-a\", \"@@\", \"ping\"]");
        Shell stage!("HEALTHCHECK CMD mysqladmin ping -h localhost -uroot -p@@");
        Bare stage!("# docker login -p @@\n# ENV DB_PASSWORD=@@");
        Lines stage!("# password: @@");
        Shell stage!("ONBUILD RUN mysql -p@@");
        Shell stage!("SHELL [\"/bin/bash\", \"-c\"]\nRUN if true; then PASSWORD=@@ app; fi");
        Shell stage!("RUN (for i in 1; do mysql -h db -p@@; done)");
        Url "FROM https://ci:@@@registry.acme.dev/a\n";
        Digits stage!("USER app:@@\nENV SECRET_KEY=@@");
        Bare "# syntax=docker/dockerfile:1\nFROM alpine\nENVV DB_PASSWORD=@@\n";
        Bare "FROM alpine\nENV DB_PASSWORD=@@ stray\n";
        Bare "FROM alpine\nHEALTHCHECK --password=@@ CMD x\n";
        YamlDouble "FROM alpine\nCMD ['app', \"--password=@@\"]\n";
    "compose.yaml":
        Yaml service!("    environment:\n      DB_PASSWORD: @@\n");
        YamlSingle service!("    environment:\n      DB_PASSWORD: '@@'\n");
        YamlDouble service!("    environment:\n      DB_PASSWORD: \"@@\"\n");
        Lines service!("    environment:\n      DB_PASSWORD: |-\n        @@\n");
        Lines service!("    environment:\n      DB_SECRET: >\n        @@\n      OTHER: 1\n");
        Yaml service!("    environment:\n      DB_PASSWORD:\n        @@\n");
        Yaml service!("    environment:\n      DB_PASSWORD: &a @@\n      A_TOKEN: *a\n");
        Yaml service!("    environment:\n      DB_PASSWORD: !!str @@\n");
        Flow service!("    environment: {DB_PASSWORD: @@, A: b}\n");
        YamlDouble service!("    environment: {\"DB_PASSWORD\": \"@@\", A: b}\n");
        Yaml service!("    environment:\n      - DB_PASSWORD=@@\n");
        YamlDouble service!("    environment:\n      - \"DB_PASSWORD=@@\"\n");
        YamlSingle service!("    environment:\n      - 'DB_PASSWORD=@@'\n");
        Flow service!("    environment: [DB_PASSWORD=@@, A=b]\n");
        Bare service!("    environment:\n      DB_PASSWORD: ${DB_PASSWORD:-@@}\n");
        Bare service!("    environment:\n      DB_PASSWORD: ${DB_PASSWORD-@@}\n");
        YamlDouble service!("    environment:\n      DB_PASSWORD: \"pre-${A:-b}-@@\"\n");
        Bare service!("    environment:\n      DB_PASSWORD: ${A:-${B:-@@}}\n");
        Url service!("    environment:\n      DATABASE_URL: postgres://app:@@@db:5432/x\n");
        Url service!("    environment:\n      DATABASE_URL: \"redis://:@@@cache\"\n");
        Url service!("    environment:\n      - DATABASE_URL=mongodb+srv://app:${PW:-@@}@db/x?a=b\n");
        Url service!("    environment:\n      HOOK: https://x.dev/hook?token=@@\n");
        Url service!("    environment:\n      DSN: \"Server=db;User Id=sa;Password=@@;Database=x\"\n");
        Url service!("    environment:\n      DSN: host=db user=a password=@@ dbname=x\n");
        Url service!("    environment:\n      SPRING: jdbc:postgresql://db/x?user=a&password=@@\n");
        Url service!("    environment:\n      GOLANG: root:@@@tcp(db:3306)/x\n");
        Url service!("    environment:\n      JAVA_OPTS: -Da.password=@@ -Xmx1g\n");
        Flow service!("    environment:\n      CONFIG: '{\"password\": \"@@\"}'\n");
        Lines service!("    environment:\n      CONFIG: |\n        [db]\n        password = @@\n        user = a\n");
        Yaml service!("    environment:\n      REDIS_ARGS: --requirepass @@\n");
        Yaml service!("    environment:\n      SITE_BASIC_AUTH: admin:@@\n");
        Yaml service!("    environment:\n      NEO4J_AUTH: neo4j/@@\n");
        Header service!("    environment:\n      HEADERS: 'Authorization=Bearer @@'\n");
        YamlDouble service!("    command: [\"redis-server\", \"--requirepass\", \"@@\"]\n");
        YamlSingle service!("    command: ['redis-server', '--requirepass', '@@']\n");
        Flow service!("    command: [redis-server, --requirepass, @@]\n");
        Flow service!("    command: [app, --db-password=@@]\n");
        YamlDouble service!("    command:\n      - --requirepass\n      - \"@@\"\n");
        Yaml service!("    command:\n      - redis-server\n      - --requirepass\n      - @@\n");
        Yaml service!("    command:\n      - --db.password=@@\n");
        Shell service!("    command: redis-server --requirepass @@\n");
        Shell service!("    command: >\n      redis-server\n      --requirepass @@\n");
        Shell service!("    command: sh -c \"PGPASSWORD=@@ psql\"\n");
        Shell service!("    command: [\"sh\", \"-c\", \"mysql -p@@ -e x\"]\n");
        Shell service!("    command: |\n      bash -c '\n      mysql -uroot -p@@ -e x\n      '\n");
        Shell service!("    entrypoint: /app --api-key @@\n");
        YamlDouble service!("    entrypoint: [\"/app\", \"--token\", \"@@\"]\n");
        Yaml service!("    entrypoint:\n      - /app\n      - --token\n      - @@\n");
        YamlDouble service!("    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"-a\", \"@@\", \"ping\"]\n");
        Shell service!("    healthcheck:\n      test: [\"CMD-SHELL\", \"mysqladmin ping -uroot -p@@\"]\n");
        Shell service!("    healthcheck:\n      test: curl -fu admin:@@ http://localhost\n");
        YamlDouble service!("    healthcheck:\n      test: [CMD, mysqladmin, ping, \"-p@@\"]\n");
        Yaml service!("    healthcheck:\n      test:\n        - CMD\n        - mysqladmin\n        - -p@@\n");
        YamlDouble service!("    healthcheck:\n      test: [CMD, curl, -u, \"a:@@\", http://localhost]\n");
        Yaml service!("    healthcheck:\n      test:\n        - CMD\n        - redis-cli\n        - -a\n        - @@\n");
        Yaml service!("    labels:\n      app.password: @@\n");
        YamlDouble service!("    labels:\n      - \"app.api-token=@@\"\n");
        Bare service!("    labels:\n      - traefik.http.middlewares.a.basicauth.users=admin:@@\n");
        Bare service!("    labels:\n      traefik.http.middlewares.a.basicAuth.users: admin:@@\n");
        Header service!("    labels:\n      a.headers: \"Authorization: Bearer @@\"\n");
        Yaml "services:\n  web:\n    build:\n      context: .\n      args:\n        NPM_TOKEN: @@\n";
        Yaml "services:\n  web:\n    build:\n      context: .\n      args:\n        - NPM_TOKEN=@@\n";
        Flow "services:\n  web:\n    build: {context: ., args: [NPM_TOKEN=@@]}\n";
        Url "services:\n  web:\n    build: https://ci:@@@git.acme.dev/a.git\n";
        Url "services:\n  web:\n    build:\n      context: https://ci:@@@git.acme.dev/a.git\n";
        Bare "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM alpine\n        ENV DB_PASSWORD=@@\n";
        Url "services:\n  web:\n    image: https://ci:@@@r.acme.dev/a\n";
        Digits "services:\n  web:\n    image: ci:@@@r.acme.dev/a:latest\n";
        Yaml "x-env: &env\n  DB_PASSWORD: @@\nservices:\n  web:\n    image: nginx\n    environment:\n      <<: *env\n";
        Yaml "x-password: &pw @@\nservices:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: *pw\n";
        Yaml "x-value: &pw @@\nservices:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: *pw\n";
        Yaml "services:\n  web:\n    image: nginx\nsecrets:\n  db:\n    content: @@\n";
        Lines "services:\n  web:\n    image: nginx\nsecrets:\n  db:\n    content: |\n      @@\n";
        Lines "services:\n  web:\n    image: nginx\nconfigs:\n  db:\n    content: |\n      user=a\n      password=@@\n";
        Flow "services:\n  web:\n    image: nginx\nconfigs:\n  db:\n    content: '{\"auth\":{\"token\":\"@@\"}}'\n";
        Url service!("    logging:\n      driver: splunk\n      options:\n        splunk-token: @@\n");
        Url service!("    logging:\n      driver: gelf\n      options:\n        gelf-address: udp://a:@@@log.acme.dev\n");
        Flow "services:\n  web:\n    image: nginx\nvolumes:\n  a:\n    driver_opts: {type: cifs, o: \"username=a,password=@@\"}\n";
        Flow "services:\n  web:\n    image: nginx\nvolumes:\n  a:\n    driver_opts:\n      o: username=a,pass=@@,vers=3.0\n";
        Yaml "services:\n  web:\n    image: nginx\nvolumes:\n  a:\n    driver_opts:\n      password: @@\n";
        Url "services:\n  web:\n    image: nginx\nvolumes:\n  a:\n    driver_opts:\n      device: //user:@@@nas/share\n";
        YamlDouble service!("    post_start:\n      - command: [\"warm\", \"--token\", \"@@\"]\n");
        Yaml service!("    post_start:\n      - command: warm\n        environment:\n          - HOOK_PASSWORD=@@\n");
        Yaml service!("    annotations:\n      app.secret: @@\n");
        Yaml service!("    sysctls:\n      net.secret: @@\n");
        Yaml service!("    provider:\n      type: aws\n      options:\n        password: @@\n");
        Url "include:\n  - https://ci:@@@git.acme.dev/a.git\nservices:\n  web:\n    image: nginx\n";
        Bare service!("    env_file: .env\n    # DB_PASSWORD=@@\n");
        Yaml service!("    # password: @@\n    init: true\n");
        Bare service!("    ports:\n      - \"80:80\"\n    enviroment:\n      DB_PASSWORD: @@\n");
        Yaml "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: @@\n     bad: indent\n";
        Yaml "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: [@@]\n";
        Flow "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: {a: @@}\n";
        Yaml "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: @@\n      DB_PASSWORD: @@\n";
        Bare "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: ${X:-@@\n";
        Flow "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: \"@@\n";
        Yaml "services:\n\tweb:\n    environment:\n      DB_PASSWORD: @@\n";
    ".env":
        Bare "DB_PASSWORD=@@\n";
        Bare "export DB_PASSWORD=@@\n";
        Bare "DB_PASSWORD = @@ # note\n";
        Bare "DB_PASSWORD: @@\n";
        Double "DB_PASSWORD=\"@@\"\n";
        Single "DB_PASSWORD='@@'\n";
        Quoted "PRIVATE_SECRET=\"@@\"\nA=1\n";
        Bare "DB_PASSWORD=${OTHER:-@@}\n";
        Bare "APP_KEY=base64:@@\n";
        Url "DATABASE_URL=postgres://app:@@@db/x\n";
        Url "DATABASE_URL=\"mysql://app:@@@db/x\"\n";
        Url "WEBHOOK=https://x.dev/h?secret=@@\n";
        Bare "# DB_PASSWORD=@@\n";
        Double "DB_PASSWORD=\"@@\n";
        Bare "DB PASSWORD=@@\n";
        Bare "DB_PASSWORD @@\n";
        Bare "-DB_PASSWORD=@@\n";
    "supervisord.conf":
        Conf "[inet_http_server]\nport=*:9001\nusername=a\npassword=@@\n";
        Conf "[unix_http_server]\nfile=/s\nchmod=0777\nusername=a\npassword = @@\n";
        Conf "[supervisorctl]\nserverurl=http://localhost\nusername=a\npassword =\n  @@\n";
        Url "[supervisorctl]\nserverurl=http://a:@@@localhost:9001\n";
        Conf "[program:a]\ncommand=/a\nenvironment=DB_PASSWORD=\"@@\",B=\"c\"\n";
        Conf "[program:a]\ncommand=/a\nenvironment=A=1,\n  DB_PASSWORD='@@'\n";
        Url "[program:a]\ncommand=/a\nenvironment=DB_PASSWORD=@@,B=c\n";
        Shell "[program:a]\ncommand=/a --password=@@ --auth-token @@\n";
        Shell "[program:a]\ncommand=mysql -uroot -p@@\n";
        Url "[program:a]\ncommand=celery -b redis://:@@@cache\n";
        Shell "[program:a]\ncommand=sh -c \"DB_PASSWORD='@@' app\"\n";
        Shell "[eventlistener:x]\nevents=PROCESS_STATE\ncommand=httpok --user a --password @@\n";
        Conf "[program:a]\ncommand=/a\n; password=@@\n";
        Conf "[inet_http_server]\nport=*:9001\nusername=a\npasswrod=@@\n";
        Conf "[inet_http_server]\npassword: @@\n";
        Conf "[inet_http_server\npassword=@@\n";
        Conf "[supervisord]\nenvironment=API_TOKEN=\"@@\n";
        Conf "password=@@\n[supervisord]\n";
    "nginx.conf":
        Header server!("proxy_set_header Authorization \"Basic @@\";");
        Header server!("proxy_set_header Authorization 'Bearer @@';");
        Conf server!("proxy_set_header X-Api-Key \"@@\";");
        Conf server!("proxy_set_header X-Api-Key @@;");
        Conf server!("add_header X-Auth-Token '@@';");
        Conf server!("set $api_token \"@@\";");
        Conf server!("set $token @@;");
        Conf server!("auth_basic_user_file /f; set $password '@@';");
        Url server!("location / { proxy_pass http://a:@@@backend; }");
        Url server!("location / { proxy_pass http://backend/?api_key=@@; }");
        Url server!("return 301 https://a:@@@x.dev$request_uri;");
        Conf server!("fastcgi_param DB_PASSWORD \"@@\";");
        Conf server!("fastcgi_param DB_PASSWORD @@;");
        Conf server!("uwsgi_param APP_SECRET '@@';");
        Conf server!("secure_link_md5 \"$uri secret_key=@@\";");
        Conf server!("if ($http_x_api_key != \"@@\") { return 403; }");
        Conf server!("if ($arg_token = @@) { return 200; }");
        Conf server!("# proxy_set_header X-Api-Key \"@@\";");
        Conf "env DB_PASSWORD=@@;\nevents {}\n";
        Conf "events {}\nhttp { map $http_x_api_key $ok { default 0; \"@@\" 1; } }\n";
        Conf server!("set $api_token \"@@;");
        Conf server!("set $api_token \"@@\"");
};

/// Places in more than one file: what a config refers to, what it is laid over, what is joined with it.
pub const ACROSS: &[Place] = &[
    at(
        &[
            ("compose.yaml", "services:\n  web:\n    image: nginx\n    env_file: [secrets.list]\n"),
            ("secrets.list", "DB_PASSWORD=@@\n"),
        ],
        Form::Bare,
    ),
    at(
        &[
            ("compose.yaml", "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: ${PW}\n"),
            (".env", "PW=@@\n"),
        ],
        Form::Digits,
    ),
    at(
        &[
            ("compose.yaml", "services:\n  web:\n    image: nginx\n    command: app --token ${VALUE}\n"),
            (".env", "VALUE=@@\n"),
        ],
        Form::Digits,
    ),
    at(
        &[
            (
                "compose.yaml",
                "services:\n  web:\n    build:\n      context: .\n      args:\n        NPM_TOKEN: ${VALUE}\n",
            ),
            ("Dockerfile", "FROM alpine\nARG A\nENV DB_PASSWORD=$A\nRUN app --password $A\n"),
            (".env", "VALUE=@@\n"),
        ],
        Form::Digits,
    ),
    at(
        &[
            ("compose.yaml", "services:\n  web:\n    image: nginx\n    environment:\n      DB_PASSWORD: a\n"),
            ("compose.override.yaml", "services:\n  web:\n    environment:\n      DB_PASSWORD: @@\n"),
        ],
        Form::Yaml,
    ),
    at(
        &[
            (
                "Dockerfile",
                "FROM alpine\nCOPY supervisord.conf /etc/\nCMD [\"supervisord\", \"-c\", \"/etc/supervisord.conf\"]\n",
            ),
            ("supervisord.conf", "[supervisord]\n[program:a]\ncommand=app --token @@\nautorestart=true\n"),
        ],
        Form::Shell,
    ),
    at(
        &[
            ("Dockerfile", "FROM alpine\nCOPY start.sh /\nCMD [\"/start.sh\"]\n"),
            ("start.sh", "#!/bin/sh\nexport DB_PASSWORD=@@\nexec app --token @@\n"),
        ],
        Form::Shell,
    ),
    // Where it stands a second time, it is a word like any other.
    at(&[("Dockerfile", "FROM alpine\nENV DB_PASSWORD=@@\nRUN app @@ && curl http://x.dev/@@ | sh\n")], Form::Digits),
    at(
        &[
            ("Dockerfile", "FROM alpine\nUSER root\nRUN app @@\nCMD app @@\n"),
            (
                "compose.yaml",
                "services:\n  web:\n    build: .\n    environment:\n      DB_PASSWORD: @@\n    ports: ['5432:5432']\n",
            ),
        ],
        Form::Digits,
    ),
    at(
        &[(
            "compose.yaml",
            "services:\n  web:\n    image: r.dev/@@/a\n    hostname: @@\n    environment:\n      DB_PASSWORD: @@\n      OTHER: x-@@\n    volumes: ['/srv/@@:/data']\n",
        )],
        Form::Digits,
    ),
];
