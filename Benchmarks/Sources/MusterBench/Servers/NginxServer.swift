import Glibc

/// nginx with the configuration that Debian installs, on a port and with a root of ours, and one worker on one core.
final class NginxServer {
    /// What is changed of Debian's configuration.
    struct Variant: Sendable {
        var name: String
        var isLogging: Bool
        var cachesOpenFiles: Bool

        static let asInstalled = Variant(name: "nginx as installed", isLogging: true, cachesOpenFiles: false)
        static let withoutLog = Variant(name: "nginx, access_log off", isLogging: false, cachesOpenFiles: false)
        static let withCache = Variant(name: "nginx with open_file_cache", isLogging: true, cachesOpenFiles: true)
        static let leanest = Variant(
            name: "nginx with open_file_cache, access_log off", isLogging: false, cachesOpenFiles: true)
    }

    let endpoint: Endpoint
    private let master: Child

    /// - Parameter identity: what it shows over TLS; nil: it speaks plain HTTP.
    init(_ variant: Variant, root: String, identity: TLSFiles? = nil, core: Int, ports: PortChoice, scratch: Scratch)
        throws
    {
        guard let program = Files.program("nginx") else {
            throw BenchError("nginx is missing; install it with: apt-get install nginx-light")
        }
        endpoint = Endpoint(port: try ports.next())
        let folder = try scratch.folder("nginx-\(endpoint.port)")
        try Files.write(
            Self.configuration(variant, root: root, identity: identity, endpoint: endpoint, folder: folder),
            to: "\(folder)/nginx.conf")
        master = try Child(
            [program, "-p", folder, "-c", "\(folder)/nginx.conf", "-e", "\(folder)/error.log"], core: core,
            output: "\(folder)/output")
        try poll("nginx listens on \(endpoint)", within: 10) {
            if let status = master.exited() {
                let said = Files.text("\(folder)/output") ?? ""
                throw BenchError("nginx ended with \(status): \(said)")
            }
            return (try? ClientConnection(to: endpoint)).map { _ in () }
        }
    }

    /// The process that serves.
    func workerPID() throws -> pid_t {
        try poll("nginx has its worker", within: 5) { ProcessFacts.children(master.pid).first }
    }

    func stop() { master.stop() }

    /// Debian's nginx.conf and sites-enabled/default (nginx 1.22), directive by directive.
    /// Different are: the paths, the listening address, `worker_processes` (auto, which is 1 on one core), and what the
    /// variant says.
    private static func configuration(
        _ variant: Variant, root: String, identity: TLSFiles?, endpoint: Endpoint, folder: String
    ) -> String {
        let tls = identity.map { "ssl_certificate \($0.certificate); ssl_certificate_key \($0.privateKey);" }
        return """
            \(getuid() == 0 ? "user www-data;" : "")
            worker_processes 1;
            pid \(folder)/nginx.pid;
            daemon off;
            error_log \(folder)/error.log;
            events { worker_connections 768; }
            http {
                sendfile on;
                tcp_nopush on;
                types_hash_max_size 2048;
                include /etc/nginx/mime.types;
                default_type application/octet-stream;
                access_log \(variant.isLogging ? "\(folder)/access.log" : "off");
                gzip on;
                ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
                ssl_prefer_server_ciphers on;
                \(tls ?? "")
                \(variant.cachesOpenFiles ? "open_file_cache max=1000 inactive=60s;" : "")
                client_body_temp_path \(folder)/body;
                proxy_temp_path \(folder)/proxy;
                fastcgi_temp_path \(folder)/fastcgi;
                uwsgi_temp_path \(folder)/uwsgi;
                scgi_temp_path \(folder)/scgi;
                server {
                    listen \(endpoint) \(tls == nil ? "" : "ssl ")default_server;
                    root \(root);
                    index index.html index.htm index.nginx-debian.html;
                    server_name _;
                    location / { try_files $uri $uri/ =404; }
                }
            }

            """
    }
}
