#!/usr/bin/env python3
"""A server with a certificate of its own: curl, Chromium and the verbs reach it, who speaks plainly is told, a new certificate is taken up under load, and an address that other machines reach needs one."""

import base64
import gzip
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from local_platform import FEEDMILL, Checks, Platform  # noqa: E402

PATIENCE_S = 20
SILENT = 300


class Authority:
    """A certificate authority of this test, and what it gives out."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        folder.mkdir()
        self.own = folder / "authority.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-keyout", folder / "authority.key", "-out", self.own)
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")

    def openssl(self, *words: object) -> bytes:
        return subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def give(self, number: int, project: pathlib.Path) -> None:
        """Puts a certificate with this serial number and its key into the project, as a renewal would: one file after the other."""
        key, request, certificate = (self.folder / f"{number}.{end}" for end in ("key", "csr", "pem"))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=feedmill", "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.own, "-CAkey", self.folder / "authority.key", "-days", "2", "-set_serial", number, "-extfile", self.folder / "names", "-out", certificate)
        for made, name in ((certificate, "server.pem"), (key, "server.key")):
            shutil.copy(made, project / (name + ".new"))
            os.rename(project / (name + ".new"), project / name)

    def hash_of_key(self, certificate: pathlib.Path) -> str:
        """Base64 of SHA-256 of the public key: what a browser is told to believe."""
        public = self.openssl("pkey", "-pubin", "-outform", "der", "-in", self.public(certificate))
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def public(self, certificate: pathlib.Path) -> pathlib.Path:
        path = self.folder / "public.pem"
        path.write_bytes(self.openssl("x509", "-in", certificate, "-pubkey", "-noout"))
        return path


class TlsPlatform(Platform):
    def __init__(self, folder: pathlib.Path, authority: Authority, *settings: str):
        super().__init__(folder, "http.tls_certificate=server.pem", "http.tls_key=server.key", *settings)
        self.context = ssl.create_default_context(cafile=str(authority.own))

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.context)


class Tls:
    def __init__(self, checks: Checks, platform: TlsPlatform, authority: Authority):
        self.checks, self.platform, self.authority = checks, platform, authority
        self.url = f"https://127.0.0.1:{platform.port}"

    def curl(self, *words: str, url: str = "", believe: bool = True) -> tuple[int, str]:
        trust = ["--cacert", str(self.authority.own)] if believe else []
        done = subprocess.run(["curl", "-sS", "--max-time", "20", *trust, *words, url or self.url + "/healthz"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout

    def curl_speaks(self) -> None:
        check, keys = self.checks.check, self.platform.keys
        code, said = self.curl("--tlsv1.3", "-o", "/dev/null", "-w", "%{http_code} %{http_version} %{ssl_verify_result}")
        self.checks.equal("curl believes the certificate and is answered", (code, said), (0, "200 1.1 0"))
        event = json.dumps({"event": "post_create", "userId": "bob", "properties": {"post_id": "p1", "topic": "music", "title": "Scales", "text_length": 90}})
        code, said = self.curl("-u", keys["write"] + ":", "-d", event, url=self.url + "/v1/track")
        check("an event is taken", code == 0 and json.loads(said)["success"], said)
        code, said = self.curl("-H", "Authorization: Bearer " + keys["read"], "-d", json.dumps({"user_id": "ada", "scene": "home", "n": 5, "after": json.loads(said)["position"]}), url=self.url + "/v1/feed")
        check("a feed shows its item", code == 0 and [item["id"] for item in json.loads(said)["items"]] == ["p1"], said)
        batch = self.authority.folder / "batch.gz"
        batch.write_bytes(gzip.compress(json.dumps({"batch": [{"type": "track", "event": "app_open", "userId": f"u{i}", "messageId": f"m{i}", "properties": {}} for i in range(10_000)]}).encode()))
        code, said = self.curl("-u", keys["import"] + ":", "-H", "Content-Encoding: gzip", "-H", "Expect: 100-continue", "--data-binary", f"@{batch}", url=self.url + "/v1/batch")
        check("10,000 events in one body are taken", code == 0 and json.loads(said).get("accepted") == 10_000, said[:300])
        code, said = self.curl("-H", "Authorization: Bearer " + keys["admin"], url=f"{self.url}/v1/projects/{keys['write']}/settings")
        check("browsers are sent to https", '"protocol":"https"' in said, said)

    def others_are_refused(self) -> None:
        check = self.checks.check
        check("TLS 1.2 is refused", self.curl("--tls-max", "1.2")[0] == 35, self.curl("--tls-max", "1.2"))
        check("curl without the authority ends", self.curl(believe=False)[0] == 60, self.curl(believe=False))
        code, said = self.curl(url=self.url.replace("https", "http") + "/healthz")
        check("who speaks plainly is told", "this port speaks TLS" in said, (code, said))

    def verbs_find_it(self) -> None:
        check, platform = self.checks.check, self.platform
        running = json.loads((platform.project / "data/run/server.json").read_text()) if (platform.project / "data/run/server.json").exists() else {}
        status = platform.try_verb("status")
        check("status reaches the server", status.returncode == 0 and "http://127.0.0.1:" in status.stdout, (status.stdout[:500], status.stderr, running))
        doctor = platform.try_verb("doctor")
        check("doctor reaches the server", "answers 200" in doctor.stdout, doctor.stdout)
        run = platform.try_verb("run")
        check("a nightly reaches the server", run.returncode == 0, run.stderr[-1000:])
        local = re.search(r"http://127\.0\.0\.1:(\d+)", status.stdout)
        with socket.socket() as probe:
            probe.settimeout(2)
            found = local is not None and probe.connect_ex((socket.gethostbyname(socket.gethostname()), int(local[1]))) != 0
        on_loopback = socket.gethostbyname(socket.gethostname()).startswith("127.")
        check("the verbs' door is of this machine alone", found or on_loopback, local)

    def verbs_speak_it(self) -> None:
        check = self.checks.check
        events = self.authority.folder / "events.jsonl"
        events.write_text("".join(json.dumps({"type": "track", "event": "app_open", "userId": f"v{i}", "messageId": f"far-{i}", "timestamp": "2026-01-02T03:04:05Z", "properties": {}}) + "\n" for i in range(2000)))
        command = [str(word) for word in self.platform.command("import", events, "--url", self.url)]
        environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
        doubt = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check("a verb does not believe a stranger", doubt.returncode != 0 and "the certificate: unable to get local issuer certificate" in doubt.stderr, doubt.stderr)
        done = subprocess.run(command, env={**environment, "SSL_CERT_FILE": str(self.authority.own)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check("an import speaks TLS to a server elsewhere", done.returncode == 0 and json.loads(done.stdout.strip().splitlines()[-1]).get("accepted") == 2000, (done.stdout[-500:], done.stderr[-500:]))

    def a_browser_opens_the_console(self) -> None:
        profile = self.authority.folder / "profile"
        trust = self.authority.hash_of_key(self.platform.project / "server.pem")
        done = subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
             f"--ignore-certificate-errors-spki-list={trust}", "--virtual-time-budget=8000", "--dump-dom", f"{self.url}/console/#token={self.platform.keys['admin']}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.checks.check("Chromium opens the console", "Playground" in done.stdout, done.stdout[:600] + done.stderr[-600:])

    def serial(self) -> int:
        with socket.create_connection(("127.0.0.1", self.platform.port), timeout=20) as plain, self.platform.context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            return int(connection.getpeercert()["serialNumber"], 16)

    def a_new_certificate_under_load(self) -> None:
        failed, asked, ended = [], [0] * 3, threading.Event()

        def ask(place: int) -> None:
            while not ended.is_set():
                asked[place] += 1
                try:
                    connection = self.platform.connect()
                    connection.request("GET", "/healthz")
                    reply = connection.getresponse()
                    reply.read()
                    connection.close()
                    if reply.status != 200:
                        failed.append(reply.status)
                except (OSError, http.client.HTTPException) as error:
                    failed.append(repr(error))

        threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(asked))]
        for thread in threads:
            thread.start()
        kept = self.platform.connect()
        for number in range(2, 6):
            self.authority.give(number, self.platform.project)
            deadline = time.monotonic() + PATIENCE_S
            while self.serial() != number and time.monotonic() < deadline:
                time.sleep(0.1)
            self.checks.equal(f"certificate {number} is in use", self.serial(), number)
            kept.request("GET", "/healthz")
            self.checks.equal("what was open goes on", (kept.getresponse().read() is not None), True)
        (self.platform.project / "server.pem").write_text("no certificate\n")
        time.sleep(2.5)
        self.checks.equal("a file that is none changes nothing", self.serial(), 5)
        self.checks.check("and is told", "the certificate stays as it was" in self.platform.server_log(), self.platform.server_log()[-1000:])
        self.authority.give(6, self.platform.project)
        time.sleep(2.5)
        self.checks.equal("until it is one again", self.serial(), 6)
        ended.set()
        for thread in threads:
            thread.join()
        print(f"     {sum(asked)} handshakes")
        self.checks.check("no request failed", not failed and min(asked) > 10, failed[:5])

    def silent_peers_hold_nobody_up(self) -> None:
        peers = [socket.create_connection(("127.0.0.1", self.platform.port), timeout=20) for _ in range(SILENT)]
        for number, peer in enumerate(peers):
            peer.sendall(b"\x16\x03\x01\x02\x00"[: number % 6])
        begin = time.monotonic()
        answers = [self.curl("-o", "/dev/null", "-w", "%{http_code}")[1] for _ in range(10)]
        self.checks.check(f"{SILENT} handshakes that do not go on hold nobody up", answers == ["200"] * 10 and time.monotonic() - begin < PATIENCE_S, answers)
        time.sleep(12)  # http.request_timeout is 10 s
        self.checks.equal("they are cut", sum(self.is_cut(peer) for peer in peers), SILENT)
        for peer in peers:
            peer.close()

    @staticmethod
    def is_cut(peer: socket.socket) -> bool:
        peer.settimeout(5)
        try:
            return peer.recv(100) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def an_open_address_needs_it(self) -> None:
        check = self.checks.check
        plain = self.authority.folder / "plain"
        subprocess.run([FEEDMILL, "init", plain], check=True, stdout=subprocess.DEVNULL)

        def up(*settings: str) -> tuple[int, str]:
            words = [word for setting in ("http.port=0", *settings) for word in ("--set", setting)]
            process = subprocess.Popen([FEEDMILL, "up", "--project", plain, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Serving"):
                    process.terminate()
            return process.wait(60), said

        for setting in ("http.address=0.0.0.0", "http.address=::", "metrics.address=0.0.0.0"):
            code, said = up(setting)
            check(f"{setting} without TLS is refused", code != 0 and "which other machines reach" in said and "http.tls_by_proxy" in said, said)
        code, said = up("http.address=0.0.0.0", "http.tls_by_proxy=true")
        check("unless a proxy speaks it", code == 0 and "Serving  http://0.0.0.0" in said, said)
        both = [f"http.tls_{what}={self.platform.project / name}" for what, name in (("certificate", "server.pem"), ("key", "server.key"))]
        code, said = up("http.address=0.0.0.0", *both)
        check("or the server does", code == 0 and "Serving  https://0.0.0.0" in said, said)
        code, said = up(both[0])
        check("a certificate without a key is refused", code != 0 and "http.tls_key: found nothing" in said, said)
        code, said = up(both[0], "http.tls_key=nowhere.key")
        check("a key that is not there is named", code != 0 and f"{plain}/nowhere.key" in said, said)


def main() -> None:
    checks = Checks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedmill-tls-"))
    authority = Authority(folder / "authority")
    platform = TlsPlatform(folder / "project", authority)
    authority.give(1, platform.project)
    platform.start()
    try:
        tls = Tls(checks, platform, authority)
        for part in (tls.curl_speaks, tls.others_are_refused, tls.verbs_find_it, tls.verbs_speak_it, tls.a_browser_opens_the_console, tls.a_new_certificate_under_load, tls.silent_peers_hold_nobody_up, tls.an_open_address_needs_it):
            checks.part(part)
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)
    checks.finish()


if __name__ == "__main__":
    main()
