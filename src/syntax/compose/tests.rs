use super::*;

const FILE: FileId = FileId(0);

fn read(text: &str) -> Compose {
    parse(FILE, text, &|_| None)
}

#[test]
fn short_and_long_ports_come_out_the_same() {
    let text = "services: {a: {ports: ['127.0.0.1:8000-8001:80-81/udp', {target: 80-81, published: 8000-8001, host_ip: 127.0.0.1, protocol: udp}]}}";
    let compose = read(text);
    assert!(compose.syntax_errors.is_empty() && compose.schema_errors.is_empty(), "{compose:?}");
    for port in &compose.services[0].ports {
        assert_eq!(port.host_ip.as_ref().map(|ip| ip.value.as_str()), Some("127.0.0.1"));
        assert_eq!((port.published, port.target, port.protocol.as_str()), (Some((8000, 8001)), (80, 81), "udp"));
    }
}
