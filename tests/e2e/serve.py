"""End-to-end checks of `mien serve`: serve.py PROGRAM, in a folder with tiny, a.png, c.mp4, long.mp4, cert.pem."""
import base64
import glob
import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import zlib

MIEN = sys.argv[1]
PNG = open("a.png", "rb").read()
CLIP = open("c.mp4", "rb").read()


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([MIEN, "serve", "-b", "tiny", "--listen", "127.0.0.1:0", *options],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.search(r"https?://127\.0\.0\.1:(\d+)", line)
        assert found, line
        self.port = int(found[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, within=60):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(within) == 0, self.process.returncode

    def ask(self, method, path, body=None, headers=None, tls=None):
        kind = http.client.HTTPConnection if tls is None else http.client.HTTPSConnection
        more = {} if tls is None else {"context": tls}
        connection = kind("127.0.0.1", self.port, timeout=60, **more)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data, answer

    def predict(self, body=PNG, query="face=whole"):
        return self.ask("POST", "/v1/predict?" + query, body)

    def good(self):
        status, data, _ = self.predict()
        assert status == 200, data
        assert len(json.loads(data)["faces"]) == 1

    def raw(self, data, timeout=10):
        """What comes back for these bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(data)
            out = b""
            while True:
                try:
                    more = s.recv(65536)
                except ConnectionResetError:
                    return out
                if not more:
                    return out
                out += more


class WebSocket:
    def __init__(self, port, path="/v1/live?face=whole", headers=""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n{headers}\r\n").encode())
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            self.head += byte
        self.status = int(self.head.split()[1])

    def send(self, data, opcode=None):
        if isinstance(data, (dict, list)):
            data = json.dumps(data)
        if opcode is None:
            opcode = 1 if isinstance(data, str) else 2
        data = data.encode() if isinstance(data, str) else data
        mask = os.urandom(4)
        size = len(data)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def frame(self, number, seconds, picture=PNG):
        self.send(struct.pack("<Id", number, seconds) + picture)

    def exactly(self, count):
        out = b""
        while len(out) < count:
            more = self.socket.recv(count - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    def receive(self):
        """The next message; ("close", code) at the end."""
        while True:
            head = self.exactly(2)
            size = head[1] & 127
            if size == 126:
                size = struct.unpack(">H", self.exactly(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.exactly(8))[0]
            data = self.exactly(size)
            if head[0] & 15 == 8:
                return "close", struct.unpack(">H", data[:2])[0] if len(data) >= 2 else 0
            if head[0] & 15 == 1:
                return json.loads(data)


def form(parts):
    out = b""
    for name, value in parts.items():
        out += b"--XX\r\nContent-Disposition: form-data; name=\"" + name.encode() + b"\"\r\n\r\n" + value + b"\r\n"
    return out + b"--XX--\r\n"


def pictures():
    with Server() as server:
        cli = json.loads(subprocess.run([MIEN, "predict", "a.png", "-b", "tiny", "--face", "whole", "--json",
                                         "--labels", "happy,sad"], capture_output=True, check=True).stdout)
        status, data, answer = server.predict(query="face=whole&labels=happy,sad&name=a.png")
        assert status == 200
        assert json.loads(data) == cli, (json.loads(data), cli)
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        status, other, _ = server.ask("POST", "/v1/predict", form({"image": PNG, "face": b"whole", "labels": b"happy,sad",
                                                                   "name": b"a.png"}),
                                      {"Content-Type": "multipart/form-data; boundary=XX"})
        assert (status, other) == (200, data)
        status, other, _ = server.ask("POST", "/v1/predict", json.dumps(
            {"image": base64.b64encode(PNG).decode(), "face": "whole", "labels": ["happy", "sad"], "name": "a.png"}),
            {"Content-Type": "application/json"})
        assert (status, other) == (200, data)
        status, data, _ = server.ask("POST", "/v1/embed?face=whole&views=2", PNG)
        assert status == 200 and abs(sum(v * v for v in json.loads(data)["faces"][0]["embedding"]) - 1) < 1e-3
        status, data, _ = server.ask("POST", "/v1/detect?boxes=1,2,30,30;5,5,20,20", PNG)
        assert status == 200 and [f["box"] for f in json.loads(data)["faces"]] == [[1, 2, 30, 30], [5, 5, 20, 20]], data
        status, data, answer = server.ask("GET", "/")
        assert status == 200 and "script-src 'self'" in answer.getheader("Content-Security-Policy")
        assert server.ask("GET", "/", headers={"If-None-Match": answer.getheader("ETag")})[0] == 304
        status, data, answer = server.ask("HEAD", "/v1/models")
        assert status == 200 and data == b""
        document = json.loads(server.ask("GET", "/openapi.json")[1])
        assert "/v1/predict" in document["paths"]
        for path in ("/healthz", "/readyz", "/metrics", "/v1/models", "/v1/labels"):
            assert server.ask("GET", path)[0] == 200, path
        server.stop()


def bad_requests():
    chunk = b"IHDR" + struct.pack(">II", 16000, 16000) + b"\x08\x02\x00\x00\x00"
    bomb = (b"\x89PNG\r\n\x1a\n\x00\x00\x00\r" + chunk + struct.pack(">I", zlib.crc32(chunk)) +
            b"\x00\x00\x10\x00IDAT" + b"x" * 64)
    with Server("--max-body", "100000", "--max-connections", "20", "--header-time", "1", "--body-time", "1",
                "--idle-time", "1") as server:
        cases = {
            "empty": (422, lambda: server.predict(b"")[0]),
            "text": (415, lambda: server.predict(b"hello, this is text")[0]),
            "truncated": (422, lambda: server.predict(PNG[:-30])[0]),
            "bomb": (413, lambda: server.predict(bomb)[0]),
            "large body": (413, lambda: server.predict(b"x" * 200000)[0]),
            "large chunked body": (413, lambda: server.ask("POST", "/v1/predict", iter([b"x" * 50000] * 4))[0]),
            "many labels": (413, lambda: server.predict(query="labels=" + ",".join(f"w{i}" for i in range(300)))[0]),
            "long labels": (413, lambda: server.predict(query="labels=" + "a" * 9000)[0]),
            "long label": (413, lambda: server.predict(query="labels=" + "a" * 300)[0]),
            "unknown parameter": (400, lambda: server.predict(query="lables=happy")[0]),
            "bad JSON": (400, lambda: server.ask("POST", "/v1/predict", "{", {"Content-Type": "application/json"})[0]),
            "bad form": (400, lambda: server.ask("POST", "/v1/predict", "x",
                                                 {"Content-Type": "multipart/form-data; boundary=XX"})[0]),
            "method": (405, lambda: server.ask("PUT", "/v1/predict", PNG)[0]),
            "path": (404, lambda: server.ask("GET", "/v1/../etc/passwd")[0]),
            "host": (421, lambda: server.ask("GET", "/v1/models", headers={"Host": "evil.example"})[0]),
            "origin": (403, lambda: server.ask("GET", "/v1/models", headers={"Origin": "http://evil.example"})[0]),
        }
        for name, (wanted, run) in cases.items():
            got = run()
            assert got == wanted, f"{name}: {got} (expected {wanted})"
            server.good()
        answer = server.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 30000 + b"\r\n\r\n")
        assert b" 431 " in answer, answer[:100]
        assert b" 400 " in server.raw(b"nonsense\r\n\r\n")
        server.good()
        begin = time.monotonic()
        assert b" 408 " in server.raw(b"GET / HTTP/1.1\r\nHost: loc")  # the header never ends
        assert b" 408 " in server.raw(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
        assert server.raw(b"") == b""  # idle
        assert time.monotonic() - begin < 20
        server.good()
        # On a busy machine connections may be accepted late, or be closed as idle before the last is there.
        for attempt in range(8):
            sockets = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
            time.sleep(0.2)
            answer = server.raw(b"")
            for each in sockets:
                each.close()
            if b" 503 " in answer:
                break
            time.sleep(0.5)
        assert b" 503 " in answer, "connections"
        time.sleep(0.3)
        server.good()
        server.stop()


def busy():
    with Server("--queue", "1", "--workers", "1") as server:
        waiting = []
        body = b"POST /v1/predict?face=whole HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PNG)
        for _ in range(60):
            s = socket.create_connection(("127.0.0.1", server.port), timeout=60)
            s.sendall(body + PNG)
            waiting.append(s)
        statuses = []
        for s in waiting:
            data = b""
            while more := s.recv(65536):
                data += more
            statuses.append(int(data.split()[1]))
            if statuses[-1] == 503:
                assert b"Retry-After: 1" in data
        assert set(statuses) <= {200, 503} and 200 in statuses, statuses
        server.good()
        server.stop()


def wait_for(server, path, states, headers=None):
    for _ in range(1200):
        status, data, _ = server.ask("GET", path, headers=headers)
        assert status == 200, data
        job = json.loads(data)
        if job["state"] in states:
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def clips():
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state")
        with Server("--state", state) as server:
            status, data, answer = server.ask("POST", "/v1/videos?face=whole&labels=happy,sad&name=c.mp4", CLIP)
            assert status == 202, data
            path = answer.getheader("Location")
            job = wait_for(server, path, {"done", "failed"})
            assert job["state"] == "done" and job["progress"] == 1 and job["frames"] == 20, job
            assert not glob.glob(state + "/*/clip"), "the clip is kept"
            lines = [json.loads(line) for line in server.ask("GET", path + "/result")[1].splitlines()]
            cli = subprocess.run([MIEN, "predict", "c.mp4", "-b", "tiny", "--face", "whole", "--json", "--labels",
                                  "happy,sad"], capture_output=True, check=True).stdout.splitlines()
            assert lines[:-1] == [json.loads(line) for line in cli][:-1]
            for form_name, start in {"csv": b"", "srt": b"1", "vtt": b"WEBVTT", "eaf": b"<?xml", "html": b"<!",
                                     "openface": b"frame"}.items():
                status, data, _ = server.ask("GET", f"{path}/result?format={form_name}")
                assert status == 200 and data.lower().startswith(start.lower()), (form_name, data[:60])
            assert server.ask("GET", path + "/result?format=exe")[0] == 400
            assert server.ask("DELETE", path)[0] == 204
            assert server.ask("GET", path)[0] == 404
            status, data, answer = server.ask("POST", "/v1/videos", form({"video": CLIP, "face": b"whole"}),
                                              {"Content-Type": "multipart/form-data; boundary=XX"})
            assert status == 202, data
            assert wait_for(server, answer.getheader("Location"), {"done", "failed"})["state"] == "done"
            status, data, answer = server.ask("POST", "/v1/videos", b"not a clip")
            job = wait_for(server, answer.getheader("Location"), {"done", "failed"})
            assert job["state"] == "failed" and job["error"]["code"], job
            assert server.ask("POST", "/v1/videos?labels=sad,sad", CLIP)[0] == 400
            # What was accepted is finished.
            status, data, answer = server.ask("POST", "/v1/videos?face=whole", CLIP)
            kept = answer.getheader("Location")
            server.stop()
        with Server("--state", state) as server:
            assert json.loads(server.ask("GET", kept)[1])["state"] == "done"
            status, data, answer = server.ask("POST", "/v1/videos?face=hog", open("long.mp4", "rb").read())
            killed = answer.getheader("Location")
            wait_for(server, killed, {"running", "done"})
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        assert glob.glob(state + "/*/clip")
        with Server("--state", state) as server:
            job = json.loads(server.ask("GET", killed)[1])
            assert job["state"] == "failed" and job["error"]["code"] == "cancelled", job
            assert not glob.glob(state + "/*/clip"), "a clip of the killed server is left"
            server.stop()


def live():
    with Server("--live-idle-time", "2") as server:
        client = WebSocket(server.port)
        hello = client.receive()
        assert hello["kind"] == "hello" and hello["labels"], hello
        for number in (3, 5, 8):
            client.frame(number, number / 10)
            frame = client.receive()
            assert (frame["kind"], frame["frame"], frame["time"]) == ("frame", number, number / 10), frame
            assert frame["faces"][0]["track"] == 0
        client.send({"kind": "config", "labels": "happy,sad", "id": 1})
        assert client.receive()["labels"] == ["happy", "sad"]
        client.send({"kind": "config", "labels": "sad,sad", "id": 2})
        assert client.receive()["id"] == 2
        client.frame(9, 1, b"not a picture")
        assert client.receive()["frame"] == 9
        client.frame(10, 1.5)
        assert len(client.receive()["faces"][0]["labels"]) == 2
        for number in range(11, 60):
            client.frame(number, number)
        while (frame := client.receive())["frame"] < 59:
            pass
        server.good()
        client.send({"kind": "end"})
        assert client.receive()["kind"] == "summary"
        client.frame(59, 60)
        assert client.receive() == ("close", 1002)
        other = WebSocket(server.port)
        other.receive()
        other.send("x" * 70000)
        assert other.receive() == ("close", 1009)
        other = WebSocket(server.port)
        other.receive()
        try:
            other.send(b"x" * (3 << 20))
            assert other.receive() == ("close", 1009)
        except (ConnectionError, EOFError):
            pass
        other = WebSocket(server.port)
        other.receive()
        assert other.receive() == ("close", 1008)  # idle
        assert WebSocket(server.port, "/v1/live?nonsense=1").status == 400
        assert WebSocket(server.port, headers="Origin: http://evil.example\r\n").status == 403
        last = WebSocket(server.port)
        last.receive()
        server.process.send_signal(signal.SIGTERM)
        assert last.receive()["kind"] == "bye"
        assert last.receive() == ("close", 1001)
        last.socket.close()
        assert server.process.wait(60) == 0


def token_and_tls():
    token = "0123456789abcdef0123"
    with open("token", "w", encoding="ascii") as file:
        file.write(token + "\n")
    with Server("--token-file", "token", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--access-log", "log") as server:
        tls = ssl.create_default_context(cafile="cert.pem")
        tls.check_hostname = False
        for headers, wanted in (({}, 401), ({"Authorization": "Bearer wrong"}, 401),
                                ({"Authorization": "Bearer " + token}, 200)):
            status = server.ask("POST", "/v1/predict?face=whole&name=secret", PNG, headers, tls)[0]
            assert status == wanted, (headers, status)
        assert server.ask("GET", "/healthz", tls=tls)[0] == 200
        server.stop()
    lines = [json.loads(line) for line in open("log", encoding="utf-8")]
    assert [line["status"] for line in lines] == [401, 401, 200, 200], lines
    assert "secret" not in open("log", encoding="utf-8").read()
    with Server("--token-file", "token") as server:
        assert WebSocket(server.port).status == 401
        client = WebSocket(server.port, headers=f"Sec-WebSocket-Protocol: mien.v1, mien.token.{token}\r\n")
        assert client.status == 101 and b"Sec-WebSocket-Protocol: mien.v1\r\n" in client.head
        assert client.receive()["kind"] == "hello"
        client.socket.close()
        server.stop()


def main():
    for check in (pictures, bad_requests, busy, clips, live, token_and_tls):
        try:
            check()
        except Exception:
            print("FAILED:", check.__name__)
            raise
        print("ok:", check.__name__)


main()
