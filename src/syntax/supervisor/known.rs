//! Which options Supervisor reads in which section.

use crate::text;

/// What a section is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// `[supervisord]`
    Supervisord,
    /// `[supervisorctl]`
    Supervisorctl,
    /// `[unix_http_server]`
    UnixHttpServer,
    /// `[inet_http_server]`
    InetHttpServer,
    /// `[include]`
    Include,
    /// `[program:x]`
    Program,
    /// `[fcgi-program:x]`
    FcgiProgram,
    /// `[eventlistener:x]`
    EventListener,
    /// `[group:x]`
    Group,
    /// `[rpcinterface:x]`, whose options are handed to a Python factory.
    RpcInterface,
    /// `[ctlplugin:x]`, whose options are handed to a Python factory.
    CtlPlugin,
    /// `[DEFAULT]`, whose options hold for every section.
    Default,
    /// Anything else: Supervisor ignores it.
    Other,
}

impl SectionKind {
    /// The kind of the section of that name. Supervisor compares names byte by byte, and takes every name that starts
    /// with `unix_http_server` or `inet_http_server` for a server.
    pub fn of(name: &str) -> SectionKind {
        const PREFIXES: &[(&str, SectionKind)] = &[
            ("program:", SectionKind::Program),
            ("fcgi-program:", SectionKind::FcgiProgram),
            ("eventlistener:", SectionKind::EventListener),
            ("group:", SectionKind::Group),
            ("rpcinterface:", SectionKind::RpcInterface),
            ("ctlplugin:", SectionKind::CtlPlugin),
            ("unix_http_server", SectionKind::UnixHttpServer),
            ("inet_http_server", SectionKind::InetHttpServer),
        ];
        match name {
            "supervisord" => SectionKind::Supervisord,
            "supervisorctl" => SectionKind::Supervisorctl,
            "include" => SectionKind::Include,
            super::DEFAULT_SECTION => SectionKind::Default,
            _ => PREFIXES
                .iter()
                .find(|(prefix, _)| name.starts_with(prefix))
                .map_or(SectionKind::Other, |&(_, kind)| kind),
        }
    }

    /// The options that Supervisor reads in such a section; nothing where it takes any option.
    fn options(self) -> Option<[&'static [&'static str]; 2]> {
        Some(match self {
            SectionKind::Supervisord => [SUPERVISORD, &[]],
            SectionKind::Supervisorctl => [SUPERVISORCTL, &[]],
            SectionKind::UnixHttpServer => [UNIX_HTTP_SERVER, &[]],
            SectionKind::InetHttpServer => [INET_HTTP_SERVER, &[]],
            SectionKind::Include => [&["files"], &[]],
            SectionKind::Program => [PROGRAM, &[]],
            SectionKind::FcgiProgram => [PROGRAM, FCGI_PROGRAM],
            SectionKind::EventListener => [PROGRAM, EVENT_LISTENER],
            SectionKind::Group => [&["priority", "programs"], &[]],
            SectionKind::RpcInterface | SectionKind::CtlPlugin | SectionKind::Default | SectionKind::Other => {
                return None;
            }
        })
    }
}

const SUPERVISORD: &[&str] = &[
    "childlogdir",
    "directory",
    "environment",
    "identifier",
    "logfile",
    "logfile_backups",
    "logfile_maxbytes",
    "loglevel",
    "minfds",
    "minprocs",
    "nocleanup",
    "nodaemon",
    "pidfile",
    "silent",
    "strip_ansi",
    "umask",
    "user",
];

const SUPERVISORCTL: &[&str] = &["history_file", "password", "prompt", "serverurl", "username"];

const UNIX_HTTP_SERVER: &[&str] = &["chmod", "chown", "file", "password", "username"];

const INET_HTTP_SERVER: &[&str] = &["password", "port", "username"];

/// Of every section that runs processes.
const PROGRAM: &[&str] = &[
    "autorestart",
    "autostart",
    "command",
    "directory",
    "environment",
    "exitcodes",
    "killasgroup",
    "numprocs",
    "numprocs_start",
    "priority",
    "process_name",
    "redirect_stderr",
    "serverurl",
    "startretries",
    "startsecs",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_logfile",
    "stderr_logfile_backups",
    "stderr_logfile_maxbytes",
    "stderr_syslog",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_logfile",
    "stdout_logfile_backups",
    "stdout_logfile_maxbytes",
    "stdout_syslog",
    "stopasgroup",
    "stopsignal",
    "stopwaitsecs",
    "umask",
    "user",
];

/// Of a FastCGI program, besides those of every program.
const FCGI_PROGRAM: &[&str] = &["socket", "socket_backlog", "socket_mode", "socket_owner"];

/// Of an event listener, besides those of every program.
const EVENT_LISTENER: &[&str] = &["buffer_size", "events", "result_handler"];

/// Whether Supervisor reads an option of that name (lower case) in a section of that kind. Any option counts where
/// Supervisor hands all of them on, and in sections that it does not know.
pub fn known_option(kind: SectionKind, key: &str) -> bool {
    kind.options().is_none_or(|lists| lists.iter().any(|list| list.contains(&key)))
}

/// The option that was probably meant by `key`, where Supervisor reads none of that name in such a section.
pub fn suggested_option(kind: SectionKind, key: &str) -> Option<&'static str> {
    if known_option(kind, key) {
        return None;
    }
    text::closest(key, kind.options()?.into_iter().flatten().copied())
}
