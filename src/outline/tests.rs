use super::*;
use crate::syntax::{parse, recognise};

/// The logical path of the first place in the file that reads `needle`.
fn path(name: &str, text: &str, needle: &str) -> String {
    let mut source = Source::new(name, text);
    source.kind = recognise(name, text).expect("a config").0;
    let document = parse(FileId(0), &source).expect("a document");
    let at = text.find(needle).unwrap_or_else(|| panic!("{needle} is not in {name}"));
    Outline::of(&document, &source).path(at as u32)
}

#[test]
fn a_place_has_the_names_of_the_nodes_around_it() {
    let dockerfile = "ARG A\nFROM a AS build\nRUN x \\\n  y\nFROM b\nRUN <<EOF\nz\nEOF\nUSER q";
    let compose =
        "x-a: &a\n  init: true\nservices:\n  web:\n    <<: *a\n    image: w\n    ports:\n    - 80:80\nvolumes:\n  v:\n";
    let supervisor = "[program:a]\ncommand=x\n  y\n[program:b]\ncommand=z\n[program:a]\nuser=q\n";
    let nginx = "http {\n server {\n  listen 80;\n  server_name a b;\n  location ~ ^/x {\n   root /r;\n  }\n }\n \
                 server { listen 81; return 1; } }\n";
    for (name, text, needle, expected) in [
        ("Dockerfile", dockerfile, "ARG", ""),
        ("Dockerfile", dockerfile, "FROM a", "stages.build"),
        ("Dockerfile", dockerfile, "y\n", "stages.build"),
        ("Dockerfile", dockerfile, "FROM b", "stages.0"),
        ("Dockerfile", dockerfile, "z", "stages.0"),
        ("Dockerfile", dockerfile, "q", "stages.0"),
        ("compose.yaml", compose, "init", ""),
        ("compose.yaml", compose, "web", "services.web"),
        ("compose.yaml", compose, "80:80", "services.web"),
        ("compose.yaml", compose, "v:\n", ""),
        ("supervisord.conf", supervisor, "x", "program.a"),
        ("supervisord.conf", supervisor, "y", "program.a"),
        ("supervisord.conf", supervisor, "z", "program.b"),
        ("supervisord.conf", supervisor, "q", "program.a"),
        ("nginx.conf", nginx, "listen 80", "server a b"),
        ("nginx.conf", nginx, "root", "server a b/location ~ ^/x"),
        ("nginx.conf", nginx, "return", "server 81"),
    ] {
        assert_eq!(path(name, text, needle), expected, "{needle} in {name}");
    }
}

#[test]
fn a_stage_that_is_put_first_renames_no_other() {
    for text in ["FROM b\nUSER q", "FROM a AS first\nFROM b\nUSER q", "FROM a\nRUN x\nFROM b\nUSER q"] {
        assert_eq!(path("Dockerfile", text, "USER"), "stages.0", "{text}");
    }
}
