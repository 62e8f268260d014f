use super::*;
use crate::effort;

const FILE: FileId = FileId(0);

fn read(text: &str) -> Compose {
    let compose = parse(FILE, text, &|_, name| (name == "SET").then(|| "set".to_owned()));
    assert!(compose.syntax_errors.is_empty() && compose.schema_errors.is_empty(), "{text}: {compose:?}");
    compose
}

/// A service of which `keys` is the body in one line of flow YAML.
fn service(keys: &str) -> Service {
    read(&format!("services: {{a: {{{keys}}}}}")).services.remove(0)
}

fn schema_errors(text: &str) -> Vec<(String, &str)> {
    let compose = parse(FILE, text, &|_, _| None);
    compose.schema_errors.into_iter().map(|error| (error.message, &text[error.span.range()])).collect()
}

fn values(scalars: &[Scalar]) -> Vec<&str> {
    scalars.iter().map(|scalar| scalar.value.as_str()).collect()
}

fn pairs(pairs: &[KeyValue]) -> Vec<String> {
    let value = |pair: &KeyValue| pair.value.as_ref().map_or("(none)".to_owned(), |value| value.value.clone());
    pairs.iter().map(|pair| format!("{}={}", pair.key.value, value(pair))).collect()
}

#[test]
fn ports_are_read_in_every_spelling() {
    let show = |port: &Port| {
        let ip = port.host_ip.as_ref().map_or("*", |ip| &ip.value);
        format!("{ip} {:?} {:?} {}{}", port.published, port.target, port.protocol, if port.open { " open" } else { "" })
    };
    for (short, long, expected) in [
        ("80", "{target: 80}", "* None (80, 80) tcp"),
        ("'8080:80'", "{target: 80, published: '8080'}", "* Some((8080, 8080)) (80, 80) tcp"),
        ("8080:80/UDP", "{target: '80', published: 8080, protocol: UDP}", "* Some((8080, 8080)) (80, 80) udp"),
        (
            "127.0.0.1:8000-8001:80-81",
            "{target: 80-81, published: 8000-8001, host_ip: 127.0.0.1}",
            "127.0.0.1 Some((8000, 8001)) (80, 81) tcp",
        ),
        ("'[::1]:80:80'", "{target: 80, published: 80, host_ip: '::1'}", "::1 Some((80, 80)) (80, 80) tcp"),
        ("'::1:80:80'", "{target: 80, published: 80, host_ip: '::1'}", "::1 Some((80, 80)) (80, 80) tcp"),
        ("'127.0.0.1::80'", "{target: 80, host_ip: 127.0.0.1}", "127.0.0.1 None (80, 80) tcp"),
        ("8000-9000:80", "{target: 80, published: 8000-9000}", "* Some((8000, 9000)) (80, 80) tcp"),
        ("22:22", "{target: 22, published: 22}", "* Some((22, 22)) (22, 22) tcp"),
        ("'${P:-81}:80'", "{target: 80, published: '${P:-81}'}", "* Some((81, 81)) (80, 80) tcp"),
        ("'${P:?a:b}:80'", "{target: 80, published: '${P:?a:b}'}", "* None (80, 80) tcp open"),
        ("'$P:80'", "{target: 80, published: $P}", "* None (80, 80) tcp open"),
        ("'80:$P'", "{target: $P, published: 80}", "* Some((80, 80)) (0, 0) tcp open"),
        (
            "'${IP:-127.0.0.1}:80:80'",
            "{target: 80, published: 80, host_ip: '${IP:-127.0.0.1}'}",
            "127.0.0.1 Some((80, 80)) (80, 80) tcp",
        ),
    ] {
        let service = service(&format!("ports: [{short}, {long}]"));
        assert_eq!(service.ports.iter().map(show).collect::<Vec<_>>(), [expected, expected], "{short}");
    }
    let service = service("ports: [{target: 80, mode: host, name: web}]");
    assert_eq!(service.ports[0].mode.as_deref(), Some("host"));
    assert_eq!(service.ports[0].name.as_ref().map(|name| name.value.as_str()), Some("web"));
    for wrong in ["x:80", "'80:'", "99999", "'1-2:80-83'", "'9-8:80'"] {
        assert_eq!(schema_errors(&format!("services: {{a: {{ports: [{wrong}]}}}}")).len(), 1, "{wrong}");
    }
}

#[test]
fn mounts_are_read_in_every_spelling() {
    let show = |mount: &Mount| {
        let text = |scalar: &Option<Scalar>| scalar.as_ref().map_or("-".to_owned(), |scalar| scalar.value.clone());
        let options: Vec<_> = mount.options.iter().map(|option| option.value.as_str()).collect();
        format!(
            "{:?} {} {} {} {}",
            mount.kind,
            text(&mount.source),
            text(&mount.target),
            mount.read_only,
            options.join(",")
        )
    };
    for (entry, expected) in [
        ("/data", "Volume - /data false "),
        ("data:/data", "Volume data /data false "),
        ("data:/data:ro,nocopy", "Volume data /data true ro,nocopy"),
        ("./a:/b:ro", "Bind ./a /b true ro"),
        ("~/a:/b:z", "Bind ~/a /b false z"),
        ("/a:/b:rw,rshared", "Bind /a /b false rw,rshared"),
        ("'C:\\a:D:\\b:ro'", "Bind C:\\a D:\\b true ro"),
        ("'\\\\.\\pipe\\x:\\\\.\\pipe\\x'", "Bind \\\\.\\pipe\\x \\\\.\\pipe\\x false "),
        ("'${D:-./data}/x:/x'", "Bind ./data/x /x false "),
        ("'${D:?no: way}:/x:ro'", "Bind ${D:?no: way} /x true ro"),
        ("a", "Volume - a false "),
        (
            "{type: bind, source: /a, target: /b, read_only: yes, bind: {propagation: shared, selinux: Z}}",
            "Bind /a /b true shared,Z",
        ),
        (
            "{type: volume, source: a, target: /b, volume: {nocopy: true, subpath: c}}",
            "Volume a /b false nocopy,subpath=c",
        ),
        ("{type: tmpfs, target: /b, tmpfs: {size: 10, mode: 0700}}", "Tmpfs - /b false size=10,mode=0700"),
        ("{type: npipe, source: a, target: b}", "NamedPipe a b false "),
        ("{type: image, source: a, target: b}", "Image a b false "),
        ("{type: cluster, source: a, target: b}", "Cluster a b false "),
    ] {
        let service = service(&format!(
            "volumes: [{}]",
            if entry.starts_with(['{', '\'']) { entry.to_owned() } else { format!("'{entry}'") }
        ));
        assert_eq!(show(&service.mounts[0]), expected, "{entry}");
    }
    assert_eq!(show(&service("tmpfs: '/run:size=1m,exec'").mounts[0]), "Tmpfs - /run false size=1m,exec");
    assert_eq!(service("tmpfs: [/run, /tmp]").mounts.len(), 2);
    for wrong in ["'ab::c'", "'ab:/b:ro:x'", "''"] {
        assert_eq!(schema_errors(&format!("services: {{a: {{volumes: [{wrong}]}}}}")).len(), 1, "{wrong}");
    }
}

#[test]
fn mappings_and_lists_come_out_the_same() {
    let list = service("environment: [A=b, 'C=d=e', F, 'G=', 'H=${X:-y=z}']");
    let map = service("environment: {A: b, C: d=e, F: , G: '', H: '${X:-y=z}'}");
    let expected = ["A=b", "C=d=e", "F=(none)", "G=", "H=y=z"];
    assert_eq!(
        (pairs(&list.environment), pairs(&map.environment)),
        (expected.map(String::from).into(), expected.map(String::from).into())
    );
    assert_eq!(pairs(&service("labels: {a: true, b: 1}").labels), ["a=true", "b=1"]);
    assert_eq!(pairs(&service("ulimits: {a: 1, b: {hard: 3, soft: 2}}").uncommon.ulimits), ["a=1", "b=2"]);
    assert_eq!(pairs(&service("build: {context: ., args: [A=b, C]}").build.unwrap().args), ["A=b", "C=(none)"]);
    let depends = |keys: &str| {
        let dependencies = service(keys).depends_on.into_iter();
        dependencies.map(|dependency| (dependency.service.value, dependency.required)).collect::<Vec<_>>()
    };
    assert_eq!(
        depends("depends_on: [a, b]"),
        depends("depends_on: {a: {condition: service_started}, b: {condition: x}}")
    );
    assert_eq!(depends("depends_on: {a: {condition: x, required: false}}"), [("a".to_owned(), false)]);
    let networks = |keys: &str| {
        let networks = service(keys).networks.into_iter();
        networks.map(|network| (network.name.value, network.aliases)).collect::<Vec<_>>()
    };
    assert_eq!(networks("networks: [x, y]"), networks("networks: {x: , y: {priority: 1}}"));
    assert_eq!(networks("networks: {x: {aliases: [z]}}"), [("x".to_owned(), vec!["z".to_owned()])]);
    let secret = |keys: &str| service(keys).uncommon.secrets.remove(0);
    assert_eq!(secret("secrets: [x]").source.value, secret("secrets: [{source: x, mode: 0400}]").source.value);
    assert_eq!(secret("secrets: [{source: x, mode: 0400}]").mode.unwrap().value, "0400");
    for env_file in ["x", "[x]", "[{path: x}]", "[{path: x, required: true}]"] {
        let files = service(&format!("env_file: {env_file}")).env_file;
        assert_eq!((files[0].path.value.as_str(), files[0].required), ("x", true));
    }
    let file = service("env_file: [{path: x, required: false, format: raw}]").env_file.remove(0);
    assert_eq!((file.required, file.format.as_deref()), (false, Some("raw")));
    for build in ["x", "{context: x}"] {
        assert_eq!(service(&format!("build: {build}")).build.unwrap().context.unwrap().value, "x");
    }
    for extends in ["x", "{service: x}"] {
        assert_eq!(
            service(&format!("extends: {extends}")).uncommon.extends.as_ref().unwrap().service.as_ref().unwrap().value,
            "x"
        );
    }
    let device =
        &service("devices: ['/dev/a:/dev/b:r', {source: /dev/a, target: /dev/b, permissions: r}, vendor.com/gpu=all]")
            .uncommon
            .devices;
    for device in &device[..2] {
        let Device { source, target, permissions, .. } = device;
        assert_eq!(
            (source.value.as_str(), target.as_deref(), permissions.as_deref()),
            ("/dev/a", Some("/dev/b"), Some("r"))
        );
    }
    assert_eq!(device[2].source.value, "vendor.com/gpu=all");
    for hosts in ["{a: [1.2.3.4, '::1'], b: host-gateway}", "['a=1.2.3.4', 'a:::1', 'b:host-gateway']"] {
        let hosts = &service(&format!("extra_hosts: {hosts}")).uncommon.extra_hosts;
        let hosts: Vec<_> =
            hosts.iter().map(|own| (own.key.value.as_str(), own.value.as_ref().unwrap().value.as_str())).collect();
        assert_eq!(hosts, [("a", "1.2.3.4"), ("a", "::1"), ("b", "host-gateway")]);
    }
    assert_eq!(
        values(&service("gpus: [{driver: nvidia, device_ids: ['0']}, {driver: amd}]").uncommon.gpus),
        ["0", "amd"]
    );
    assert_eq!(values(&service("group_add: [docker, 999]").uncommon.group_add), ["docker", "999"]);
}

#[test]
fn booleans_are_what_compose_takes_for_true() {
    for yes in ["true", "True", "yes", "on", "y", "'on'", "\"YES\"", "!!str true", "${X:-true}", "'${X:-Yes}'"] {
        let privileged =
            service(&format!("privileged: {}", if yes.starts_with('$') { format!("'{yes}'") } else { yes.into() }))
                .privileged;
        assert_eq!(privileged.map(|privileged| privileged.value), Some(true), "{yes}");
    }
    for no in ["false", "no", "'off'", "n"] {
        assert_eq!(service(&format!("privileged: {no}")).privileged.map(|privileged| privileged.value), Some(false));
    }
    assert!(service("privileged: $X").privileged.is_none());
    assert_eq!(schema_errors("services: {a: {privileged: maybe}}")[0].1, "maybe");
    assert_eq!(
        schema_errors("services: {a: {privileged: 1}}")[0].0,
        "`privileged` must be a string or a boolean, not a number"
    );
}

#[test]
fn the_rest_of_a_service_is_read() {
    let text = "\
services:
  web:
    healthcheck: {test: [CMD, x], interval: 1s, retries: 3}
    deploy:
      replicas: 2
      restart_policy: {condition: any}
      resources: {limits: {memory: 1g, cpus: 0.5, pids: 10}}
    logging: {driver: none, options: {max-size: 1m}}
    develop: {watch: [{path: ., action: sync+exec, target: /x, exec: {command: x, user: root}}]}
    post_start: [{command: [a, b], privileged: true}]
    pre_stop: [{command: c}]
    provider: {type: x}
  off: {healthcheck: {disable: true}}
  none: {healthcheck: {test: [NONE]}}
  gone: !reset null
  x: {ports: !reset [80], user: !reset null, image: !override y}
networks: {n: {internal: true, external: {name: m}, driver_opts: {a: 1}}, o: }
volumes: {v: {external: true}}
secrets: {s: {file: ./s}}
configs: {c: {content: 'a $$B ${C:-d}'}}
include: [a.yaml, {path: [b.yaml, c.yaml], env_file: .env, project_directory: ..}]
name: x
x-y: {$: [}
";
    let text = text.replace("x-y: {$: [}\n", "x-y: {z: [1]}\n");
    let compose = read(&text);
    let names: Vec<_> =
        compose.services.iter().filter_map(|service| service.name.as_ref()).map(|name| &name.value).collect();
    assert_eq!(names, ["web", "off", "none", "x"]);
    let [web, off, none, x] = compose.services.as_slice() else { panic!("four services") };
    assert!(
        text[web.span.unwrap().range()].starts_with("web:\n    healthcheck")
            && text[web.span.unwrap().range()].ends_with("{type: x}")
    );
    let health = web.healthcheck.as_ref().unwrap();
    assert_eq!(
        (&text[health.span.range()], health.disabled, &text[health.test.as_ref().unwrap().span.range()]),
        ("healthcheck", None, "[CMD, x]")
    );
    assert_eq!(&text[off.healthcheck.as_ref().unwrap().disabled.unwrap().range()], "true");
    assert_eq!(&text[none.healthcheck.as_ref().unwrap().disabled.unwrap().range()], "[NONE]");
    assert!(x.ports.is_empty() && x.user.is_none());
    assert_eq!(x.image.as_ref().unwrap().value, "y");
    assert_eq!(x.keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>(), ["ports", "user", "image"]);
    let deploy = web.deploy.as_ref().unwrap();
    let value = |scalar: &Option<Scalar>| scalar.as_ref().map(|scalar| scalar.value.clone()).unwrap_or_default();
    assert_eq!(
        [&deploy.replicas, &deploy.memory_limit, &deploy.cpus_limit, &deploy.pids_limit].map(value),
        ["2", "1g", "0.5", "10"]
    );
    assert_eq!(value(deploy.restart_policy.as_ref().unwrap()), "any");
    assert_eq!(pairs(&web.logging.as_ref().unwrap().options), ["max-size=1m"]);
    let exec = web.uncommon.watch[0].exec.as_ref().unwrap();
    assert_eq!((exec.event.value.as_str(), value(&exec.user)), ("exec", "root".to_owned()));
    let events: Vec<_> =
        web.uncommon.hooks.iter().map(|hook| (hook.event.value.as_str(), hook.privileged.is_some())).collect();
    assert_eq!(events, [("post_start", true), ("pre_stop", false)]);
    assert!(compose.networks[0].external && compose.networks[0].internal.is_some() && !compose.networks[1].external);
    assert!(compose.volumes[0].external && value(&compose.secrets[0].file) == "./s");
    assert_eq!(value(&compose.configs[0].content), "a $B d");
    assert_eq!(values(&compose.include[1].paths), ["b.yaml", "c.yaml"]);
    assert_eq!(values(&compose.include[0].paths), ["a.yaml"]);
}

#[test]
fn merged_keys_show_where_they_were_written() {
    let text = "x-base: &base\n  privileged: true\nservices:\n  a:\n    <<: *base\n    image: b\n";
    let compose = read(text);
    let privileged = compose.services[0].privileged.unwrap();
    assert_eq!((privileged.value, privileged.span.start as usize), (true, text.find("true").unwrap()));
    assert_eq!(compose.services[0].keys.len(), 2);
}

#[test]
fn a_command_string_is_split_as_compose_splits_it() {
    for (command, expected) in [
        ("nginx -g 'daemon off;'", Some(vec!["nginx", "-g", "daemon off;"])),
        ("a  \"b c\" d\\ e f\"g\"'h'", Some(vec!["a", "b c", "d e", "fgh"])),
        ("a '' \"\"", Some(vec!["a", "", ""])),
        ("a && b", Some(vec!["a"])),
        ("a; b", Some(vec!["a"])),
        ("a 2> b", Some(vec!["a"])),
        ("a x> b", Some(vec!["a", "x"])),
        ("a $$(b c) `d e`", Some(vec!["a", "$(b c)", "`d e`"])),
        ("sh -c \"x | y > z\"", Some(vec!["sh", "-c", "x | y > z"])),
        ("a \\t '\\t'", Some(vec!["a", "\t", "\\t"])),
        ("a 'b", None),
        ("a (b)", None),
        ("a \\", None),
    ] {
        let text =
            format!("services: {{a: {{command: !!str \"{}\"}}}}", command.replace('\\', "\\\\").replace('"', "\\\""));
        let service = read(&text).services.remove(0);
        let command_read = service.command.unwrap();
        let words = command_read.words();
        let values: Vec<_> = words.iter().map(|word| word.value.as_str()).collect();
        assert_eq!(values, expected.clone().unwrap_or_default(), "{command}");
        assert_eq!(command_read.is_malformed(), expected.is_none(), "{command}");
    }
    let text = "services:\n  a:\n    command: uvicorn 'x y' ${OPT:---reload} $SET\n";
    let words = read(text).services[0].command.as_ref().unwrap().words();
    let places: Vec<_> = words.iter().map(|word| (word.value.as_str(), &text[word.span.range()])).collect();
    assert_eq!(places[..3], [("uvicorn", "uvicorn"), ("x y", "'x y'"), ("--reload", "--reload")]);
    assert_eq!((places[3].0, words[3].span.start as usize), ("set", text.find("$SET").unwrap()));
    assert_eq!(words[1].span_of(2..3).start as usize, text.find("y'").unwrap());
    assert!(matches!(service("entrypoint: ''").entrypoint.unwrap().form, Form::List(items) if items.is_empty()));
    assert!(service("command: ").command.is_none());
}

#[test]
fn an_unknown_value_stays_as_written() {
    let service = service("image: 'a/$B:${C:-1}', user: '${SET}', hostname: '${D:+e}', restart: '${E:?must}'");
    let show = |scalar: &Option<Scalar>| scalar.as_ref().map(|scalar| (scalar.value.clone(), scalar.known));
    assert_eq!(show(&service.image), Some(("a/$B:1".to_owned(), false)));
    assert_eq!(show(&service.user), Some(("set".to_owned(), true)));
    assert_eq!(show(&service.hostname), Some((String::new(), true)));
    assert_eq!(show(&service.restart), Some(("${E:?must}".to_owned(), false)));
}

#[test]
fn what_compose_refuses_is_said_once_and_at_its_place() {
    for (text, message, place) in [
        ("services: []", "`services` must be a mapping, not a list", "[]"),
        ("- a", "a Compose file is a mapping, not a list", "- a"),
        ("services: {a: {imagee: b}}", "`imagee` is no key of `a`", "imagee"),
        ("services: {a: {image: b}}\nservice: {}", "`service` is no key of a Compose file", "service"),
        ("services: {a: {image: b, image: c}}", "key `image` is already defined in this mapping", "image"),
        ("services: {a: {image: [b]}}", "`image` must be a string, not a list", "[b]"),
        ("services: {a: {user: 1000}}", "`user` must be a string, not a number", "1000"),
        ("services: {a: {command: [sleep, 10]}}", "`command` must be a string, not a number", "10"),
        ("services: {a: {ports: 80}}", "`ports` must be a list, not a number", "80"),
        ("services: {a: {environment: {1: b}}}", "a key must be a string, not a number", "1"),
        ("services: {a b: {image: c}}", "`a b` cannot be the name of a service", "a b"),
        ("services: {a: {image: '${b c}'}}", "this `${` starts no variable; a literal one is written `$${`", "${"),
        ("x: &x {y: 1}\nservices: {a: {build: *x}, b: {build: *x}}", "`x` is no key of a Compose file", "x"),
    ] {
        let errors = schema_errors(text);
        assert_eq!(errors[0], (message.to_owned(), place), "{text}");
        let spans: std::collections::HashSet<_> = errors.iter().collect();
        assert_eq!(spans.len(), errors.len(), "{text}: {errors:?}");
    }
    for text in [
        "services: {a: {x-b: c, ports: , environment: {x-y: z}}}\nx-c: [d]\nversion: 3",
        "services: {a: {cpus: 0.5, mem_limit: 1g, scale: '${N}', init: $B, pids_limit: -1}}",
        "services: {a: {restart: no, image: b$, labels: ['a=^x$']}}",
        "services: {a: !reset null}\nnetworks: {n: }",
    ] {
        read(text);
    }
}

#[test]
fn uses_of_what_is_not_defined_are_kept_apart() {
    let text = "services: {a: {networks: [n, default, m], volumes: ['vol:/v', './w:/w', 'undefined:/u', '$X:/x'], depends_on: [b, a], \
                network_mode: 'service:c', secrets: [s], configs: [t], extends: d}}\nnetworks: {n: }\nvolumes: {vol: }\nsecrets: {s: {file: x}}";
    let errors: Vec<_> = read(text).reference_errors.into_iter().map(|error| (error.kind, error.name.value)).collect();
    use super::ReferenceKind::{Config, Network, Service, Volume};
    let expected =
        [(Network, "m"), (Volume, "undefined"), (Service, "b"), (Service, "c"), (Config, "t"), (Service, "d")];
    assert_eq!(errors, expected.map(|(kind, name)| (kind, name.to_owned())));
    assert!(read("services: {a: {extends: {service: x, file: y}}}").reference_errors.is_empty());
}

#[test]
fn a_compose_file_is_recognised_by_its_content() {
    for (text, expected) in [
        ("# x\nservices:\n\n  # y\n  a:\n    image: b\n", true),
        ("version: '3'\n\"services\": # x\n  a: {}\n", true),
        ("services: {a: {}}", true),
        ("\u{feff}services: &s\n  a:\n", true),
        ("{\"services\": {}}", true),
        ("services:\n  - a\n", false),
        ("services:\nb: c\n", false),
        ("  services:\n    a: b\n", false),
        ("services: x\n", false),
        ("servicesx:\n  a: b\n", false),
        ("", false),
    ] {
        assert_eq!(looks_like(text), expected, "{text:?}");
    }
}

#[test]
fn several_documents_and_broken_ones_are_read() {
    let compose =
        parse(FILE, "services: {a: {image: b}}\n---\nservices: {c: [}\n---\nservices: {d: {image: e}}\n", &|_, _| None);
    assert_eq!((compose.services.len(), compose.syntax_errors.len()), (2, 1));
}

#[test]
fn hostile_files_take_linear_time_and_a_small_stack() {
    let cases = |size: usize| {
        let colons = format!(
            "services: {{a: {{ports: ['{0}'], volumes: ['{0}'], command: \"{0}\", environment: ['{0}']}}}}",
            ":".repeat(size)
        );
        let variables = format!(
            "services: {{a: {{image: '{}', user: '{}', hostname: '{}'}}}}",
            "${A:-".repeat(size / 2),
            "${A:-".repeat(size / 5) + &"}".repeat(size / 5),
            "$".repeat(size / 2 + 1)
        );
        let words = format!("services: {{a: {{command: \"{}\"}}}}", "a $B ".repeat(size / 5));
        [("colons", colons), ("variables", variables), ("words", words)]
            .map(|(name, text)| (name.to_owned(), text))
            .into()
    };
    effort::assert_linear(100_000, 512 << 10, cases, |text: &String| {
        let compose = parse(FILE, text, &|_, _| None);
        assert_eq!(compose.services.len(), 1);
        let commands = compose.services.iter().filter_map(|service| service.command.as_ref());
        commands.for_each(|command| drop(command.words()));
    });
}
