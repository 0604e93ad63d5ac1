"""Where alerts arrive: a receiver of webhooks and a mail server, both real, on loopback, with faults."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`statuses` are answered in turn, the last for ever; `headers` go with them. `cut`: takes it and hangs up.
    `hangs`: seconds until it answers. `received`: (path, headers in lower case, body)."""

    def __init__(self) -> None:
        self.statuses = [204]
        self.headers: dict[str, str] = {}
        self.cut = False
        self.hangs = 0.0
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    def status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@contextmanager
def webhooks() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(told.hangs)
            if told.cut:
                self.close_connection = True
                return
            self.send_response(told.status())
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}"
    with running(server):
        yield told


class MailServer:
    """`answers`: what it says to a command (MAIL, RCPT, DATA, END of the data) instead of "yes"; "" hangs up."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.mails: list[Message] = []
        self.addressees: list[str] = []
        self.port = 0


class SmtpTalk(socketserver.StreamRequestHandler):
    told: MailServer

    def handle(self) -> None:
        self.say("220 mail.example.org")
        for line in self.rfile:
            verb = line[:4].upper().decode("latin-1").strip()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "RCPT":
                self.told.addressees.append(line.decode("latin-1").partition("<")[2].partition(">")[0])
            if not self.answered(verb, "354 go on" if verb == "DATA" else "250 yes"):
                return
            if verb == "DATA" and not self.take_mail():
                return

    def take_mail(self) -> bool:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.told.mails.append(message_from_bytes(b"".join(lines).replace(b"\r\n", b"\n"), policy=default))
        return self.answered("END", "250 taken")

    def answered(self, verb: str, otherwise: str) -> bool:
        words = self.told.answers.get(verb, otherwise)
        if words:
            self.say(words)
        return bool(words) and not (verb == "DATA" and words[0] != "3")

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    told = MailServer()
    talk = type("Talk", (SmtpTalk,), {"told": told})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), talk)
    server.daemon_threads = True
    told.port = server.server_address[1]
    with running(server):
        yield told


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
