//! Names of nginx's directives, after the reference at <https://nginx.org/en/docs/dirindex.html>, as far as they are
//! needed to tell an nginx config from other files and to find a missing `;`.

/// Directives with a block. Sorted.
const BLOCKS: &[&str] = &[
    "charset_map",
    "events",
    "geo",
    "http",
    "if",
    "limit_except",
    "location",
    "mail",
    "map",
    "match",
    "server",
    "split_clients",
    "stream",
    "types",
    "upstream",
];

/// Directives with at most that many arguments (`listen` takes more, but none that is the name of another
/// directive). Sorted.
const MOST_ARGUMENTS: &[(&str, usize)] = &[
    ("add_header", 3),
    ("alias", 1),
    ("allow", 1),
    ("auth_basic", 1),
    ("auth_basic_user_file", 1),
    ("autoindex", 1),
    ("charset", 1),
    ("client_max_body_size", 1),
    ("daemon", 1),
    ("default_type", 1),
    ("deny", 1),
    ("error_log", 2),
    ("expires", 2),
    ("fastcgi_index", 1),
    ("fastcgi_param", 3),
    ("fastcgi_pass", 1),
    ("fastcgi_split_path_info", 1),
    ("gzip", 1),
    ("include", 1),
    ("keepalive_timeout", 2),
    ("listen", 1),
    ("pid", 1),
    ("proxy_buffering", 1),
    ("proxy_http_version", 1),
    ("proxy_pass", 1),
    ("proxy_read_timeout", 1),
    ("proxy_set_header", 2),
    ("return", 2),
    ("rewrite", 3),
    ("root", 1),
    ("sendfile", 1),
    ("server_tokens", 1),
    ("set", 2),
    ("ssl_certificate", 1),
    ("ssl_certificate_key", 1),
    ("ssl_ciphers", 1),
    ("ssl_prefer_server_ciphers", 1),
    ("ssl_session_timeout", 1),
    ("tcp_nodelay", 1),
    ("tcp_nopush", 1),
    ("user", 2),
    ("uwsgi_pass", 1),
    ("worker_connections", 1),
    ("worker_processes", 1),
];

/// Names that only nginx has; for the families of [`FAMILIES`] the prefix is enough. Sorted.
const DISTINCT: &[&str] = &[
    "absolute_redirect",
    "accept_mutex",
    "access_log",
    "add_header",
    "add_trailer",
    "addition_types",
    "aio_write",
    "auth_delay",
    "autoindex",
    "brotli",
    "charset_types",
    "chunked_transfer_encoding",
    "connection_pool_size",
    "default_type",
    "directio",
    "disable_symlinks",
    "empty_gif",
    "error_log",
    "error_page",
    "expires",
    "gunzip",
    "gzip",
    "http2",
    "if_modified_since",
    "ignore_invalid_headers",
    "index",
    "internal",
    "ip_hash",
    "js_content",
    "js_import",
    "js_set",
    "keepalive",
    "large_client_header_buffers",
    "least_conn",
    "lingering_close",
    "lingering_time",
    "lingering_timeout",
    "listen",
    "load_module",
    "log_format",
    "log_not_found",
    "log_subrequest",
    "map_hash_bucket_size",
    "map_hash_max_size",
    "max_ranges",
    "merge_slashes",
    "modsecurity",
    "modsecurity_rules_file",
    "msie_padding",
    "multi_accept",
    "output_buffers",
    "override_charset",
    "pcre_jit",
    "port_in_redirect",
    "post_action",
    "random_index",
    "recursive_error_pages",
    "referer_hash_max_size",
    "request_pool_size",
    "reset_timedout_connection",
    "resolver",
    "resolver_timeout",
    "satisfy",
    "secure_link",
    "secure_link_md5",
    "send_timeout",
    "sendfile",
    "sendfile_max_chunk",
    "server_name",
    "server_name_in_redirect",
    "server_names_hash_bucket_size",
    "server_names_hash_max_size",
    "server_tokens",
    "set_real_ip_from",
    "ssi",
    "ssl_preread",
    "stub_status",
    "tcp_nodelay",
    "tcp_nopush",
    "timer_resolution",
    "try_files",
    "types_hash_bucket_size",
    "types_hash_max_size",
    "underscores_in_headers",
    "upload_progress",
    "valid_referers",
    "variables_hash_bucket_size",
    "variables_hash_max_size",
    "vhost_traffic_status_display",
    "vhost_traffic_status_zone",
];

/// Starts of names that a module's directives have in common.
const FAMILIES: &[&str] = &[
    "access_by_lua",
    "ancient_browser",
    "auth_basic",
    "auth_jwt",
    "auth_request",
    "body_filter_by_lua",
    "brotli_",
    "client_body_",
    "client_header_",
    "client_max_body_size",
    "content_by_lua",
    "fastcgi_",
    "geoip2_",
    "geoip_",
    "grpc_",
    "gzip_",
    "header_filter_by_lua",
    "health_check",
    "http2_",
    "http3_",
    "image_filter",
    "init_by_lua",
    "init_worker_by_lua",
    "keepalive_",
    "limit_conn",
    "limit_rate",
    "limit_req",
    "lua_",
    "memcached_",
    "mirror_request_",
    "more_clear_",
    "more_set_",
    "open_file_cache",
    "opentelemetry",
    "otel_",
    "pagespeed_",
    "passenger_",
    "perl_",
    "proxy_",
    "quic_",
    "real_ip_",
    "rewrite_by_lua",
    "scgi_",
    "set_by_lua",
    "ssl_",
    "sub_filter",
    "upstream_conf",
    "userid_",
    "uwsgi_",
    "worker_",
    "xslt_",
    "zone_sync",
];

/// Whether a directive of that name opens a block.
pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.binary_search(&name).is_ok() || name.ends_with("_by_lua_block")
}

/// The most arguments that the directive takes, where that is known.
pub(super) fn most_arguments(name: &str) -> Option<usize> {
    MOST_ARGUMENTS.binary_search_by_key(&name, |entry| entry.0).ok().map(|index| MOST_ARGUMENTS[index].1)
}

/// Whether nginx has a directive of that name, and other programs' configs hardly do.
pub(super) fn is_known(name: &str) -> bool {
    DISTINCT.binary_search(&name).is_ok() || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether a word of that name at the start of a line starts a directive, rather than being an argument.
pub(super) fn is_split_point(name: &str) -> bool {
    most_arguments(name).is_some() && name != "gzip" && name != "charset"
        || matches!(name, "server_name" | "index" | "try_files" | "error_page" | "access_log" | "location" | "server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(BLOCKS.is_sorted() && DISTINCT.is_sorted() && FAMILIES.is_sorted());
        assert!(MOST_ARGUMENTS.is_sorted());
    }
}
