"""What check.py needs around an adapter: certificates made by openssl, and Redis servers on loopback that show them."""

import pathlib
import socket
import ssl
import subprocess
import time

PASSWORD = "check-password"
SERVICE = "mymaster"

# name -> (subject alternative name, key usage, signed by, dates)
LEAVES = {
    "good": ("DNS:localhost", "serverAuth", "ca", None),
    "goodip": ("DNS:localhost,IP:127.0.0.1", "serverAuth,clientAuth", "ca", None),
    "evil": ("DNS:evil.test", "serverAuth", "ca", None),
    "cnonly": (None, "serverAuth", "ca", None),
    "self": ("DNS:localhost", "serverAuth", None, None),
    "otherca": ("DNS:localhost", "serverAuth", "other", None),
    "expired": ("DNS:localhost", "serverAuth", "ca", ("20200101000000Z", "20210101000000Z")),
    "clienteku": ("DNS:localhost", "clientAuth", "ca", None),
    "client": ("DNS:client", "clientAuth", "ca", None),
}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def make_certificates(folder):
    """Two authorities and the leaves, as NAME.crt and NAME.key; client.pfx without a password."""
    for authority in ("ca", "other"):
        openssl(
            folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", f"{authority}.key", "-out", f"{authority}.crt", "-subj", f"/CN=check {authority}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )
    for name, (names, usage, authority, dates) in LEAVES.items():
        common = "evil.test" if name == "evil" else "localhost"
        openssl(
            folder, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={common}",
        )
        extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                      f"extendedKeyUsage={usage}"]
        if names:
            extensions.append(f"subjectAltName={names}")
        sections = [f"[{name}]", *extensions, "[ca]", "default_ca=a", "[a]", "database=index.txt", "serial=serial",
                    "new_certs_dir=.", "default_md=sha256", "policy=p", "unique_subject=no", "[p]",
                    "commonName=supplied", ""]
        pathlib.Path(folder, "ca.cnf").write_text("\n".join(sections))
        pathlib.Path(folder, "index.txt").touch()
        signing = ["-selfsign", "-keyfile", f"{name}.key"] if authority is None else [
            "-cert", f"{authority}.crt", "-keyfile", f"{authority}.key"]
        period = ["-startdate", dates[0], "-enddate", dates[1]] if dates else ["-days", "2"]
        openssl(
            folder, "ca", "-batch", "-notext", "-rand_serial", "-config", "ca.cnf", "-extensions", name,
            "-in", f"{name}.csr", "-out", f"{name}.crt", *signing, *period,
        )
    openssl(folder, "pkcs12", "-export", "-in", "client.crt", "-inkey", "client.key", "-out", "client.pfx",
            "-passout", "pass:")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Servers:
    """redis-server processes in one folder. `ports` has a port for each name; all end with `close`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ports = {}
        self.processes = []
        for leaf in LEAVES:
            if leaf != "client":
                self.start(leaf, leaf)
        self.start("plaintext", None)
        self.start("mutual", "goodip", "tls-auth-clients yes")
        self.start("cluster", "goodip", "cluster-enabled yes", "tls-cluster yes", f"cluster-port {free_port()}",
                   "cluster-config-file cluster-nodes.conf", "cluster-announce-hostname localhost",
                   "cluster-preferred-endpoint-type hostname")
        self.command("cluster", "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        self.start("sentinel", "goodip", "tls-replication yes", "sentinel resolve-hostnames yes",
                   "sentinel announce-hostnames yes",
                   f"sentinel monitor {SERVICE} localhost {self.ports['goodip']} 1",
                   f"sentinel auth-pass {SERVICE} {PASSWORD}", arguments=["--sentinel"])
        # It is asked without TLS and without a password; its master has both. That is one of its own, for Sentinels of the
        # same master find each other, and name each other to clients.
        self.start("clearmaster", "goodip")
        self.start("clear", None, "tls-replication yes", f"tls-ca-cert-file {self.folder}/ca.crt",
                   f"tls-cert-file {self.folder}/goodip.crt", f"tls-key-file {self.folder}/goodip.key", 'requirepass ""',
                   "sentinel resolve-hostnames yes", "sentinel announce-hostnames yes",
                   f"sentinel monitor {SERVICE} localhost {self.ports['clearmaster']} 1",
                   f"sentinel auth-pass {SERVICE} {PASSWORD}", arguments=["--sentinel"])
        # A peer that takes connections and says nothing.
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.ports["silent"] = self.silent.getsockname()[1]
        self.until("the cluster to serve its slots", lambda: b"cluster_state:ok" in self.command(
            "cluster", "CLUSTER", "INFO"))
        for name in ("sentinel", "clear"):
            self.until(f"the sentinel {name} to see its master", lambda: b"status=ok" in self.command(name, "INFO"))

    def start(self, name, leaf, *settings, arguments=()):
        port = free_port()
        lines = ["bind 127.0.0.1", f"requirepass {PASSWORD}", f"dir {self.folder}"]
        if not arguments:
            lines += ['save ""']
        if leaf is None:
            lines += [f"port {port}"]
        else:
            lines += ["port 0", f"tls-port {port}", f"tls-cert-file {self.folder}/{leaf}.crt",
                      f"tls-key-file {self.folder}/{leaf}.key", f"tls-ca-cert-file {self.folder}/ca.crt"]
            if "tls-auth-clients yes" not in settings:
                lines += ["tls-auth-clients no"]
        configuration = self.folder / f"{name}.conf"
        configuration.write_text("\n".join([*lines, *settings, ""]))
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                ["redis-server", str(configuration), *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        self.ports[name] = port
        self.until(f"redis-server for {name}", lambda: b"PONG" in self.command(name, "PING"))

    def command(self, name, *words):
        """What the server answers; nothing where it cannot be reached."""
        words = (b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(PASSWORD), PASSWORD.encode())
                 + b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words))
        answer = b""
        try:
            with socket.create_connection(("127.0.0.1", self.ports[name]), 2) as connection:
                if name not in ("plaintext", "clear"):
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    context.check_hostname = False
                    context.verify_mode = ssl.CERT_NONE
                    context.load_cert_chain(self.folder / "goodip.crt", self.folder / "goodip.key")
                    connection = context.wrap_socket(connection)
                connection.settimeout(0.3)
                connection.sendall(words)
                while block := connection.recv(65536):
                    answer += block
        except OSError:
            pass
        return answer

    def until(self, what, condition):
        deadline = time.monotonic() + 20
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"waited 20 s in vain for {what}; its log is in {self.folder}")
            time.sleep(0.05)

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        self.silent.close()
