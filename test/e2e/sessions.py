"""FTP sessions from outside the cluster, by Python's own client; prints one JSON line with what happened.

sessions.py ADDRESS MODE --user NAME --password WORD [--sessions N] [--seconds S] [--started FILE] [--stop FILE]
  probe    every session lists, stores a small file and reads it back; twenty sessions at a time
  upload   all sessions at once, each uploads 2 MiB over --seconds
  stream   N workers, each uploads 256 KiB over --seconds, reads it back, and begins anew in a new
           session, until the file of --stop exists

--started FILE is made when every session (or worker) has sent data for the first time.
"""

import argparse
import ftplib
import io
import json
import os
import threading
import time

PIECES = 40

parser = argparse.ArgumentParser()
parser.add_argument("address")
parser.add_argument("mode")
parser.add_argument("--user")
parser.add_argument("--password")
parser.add_argument("--sessions", type=int, default=1)
parser.add_argument("--seconds", type=float, default=20)
parser.add_argument("--started")
parser.add_argument("--stop")
options = parser.parse_args()

lock = threading.Lock()
sending = set()
result = {"sessions": 0, "uploads": 0, "uploadedBytes": 0, "downloads": 0, "listings": 0}
errors = []
connections = []


def count(word, amount=1):
    with lock:
        result[word] += amount


class Client(ftplib.FTP):
    # What the gateway announces is what is tested; by default ftplib takes the control connection's address.
    trust_server_pasv_ipv4_address = True

    def makepasv(self):
        self.announced = super().makepasv()
        return self.announced

    def ntransfercmd(self, cmd, rest=None):
        connection, size = super().ntransfercmd(cmd, rest)
        self.data.append({"port": self.announced[1], "from": connection.getsockname()[1]})
        return connection, size


def connect():
    ftp = Client(timeout=60)
    ftp.data = []
    ftp.connect(options.address, 21)
    ftp.login(options.user, options.password)
    return ftp


def leave(ftp):
    with lock:
        connections.append({"from": ftp.sock.getsockname()[1], "data": ftp.data})
    ftp.quit()
    count("sessions")


def store(ftp, name, source, size):
    reply = ftp.storbinary("STOR " + name, source)
    if not reply.startswith("226"):
        raise AssertionError(reply)
    count("uploads")
    count("uploadedBytes", size)


def read_back(ftp, name, content):
    back = io.BytesIO()
    ftp.retrbinary("RETR " + name, back.write)
    if back.getvalue() != content:
        raise AssertionError("other bytes came back")
    count("downloads")


def probe(number):
    ftp = connect()
    content = ("session %d " % number).encode() * 500
    ftp.nlst()
    count("listings")
    store(ftp, "probe-%d" % number, io.BytesIO(content), len(content))
    read_back(ftp, "probe-%d" % number, content)
    leave(ftp)


class Slowly(io.RawIOBase):
    """So many bytes in equal pieces, spread over --seconds."""

    def __init__(self, number, size):
        self.number = number
        self.pieces = PIECES
        self.piece = b"x" * (size // PIECES)

    def read(self, _size=-1):
        if self.pieces == 0:
            return b""
        self.pieces -= 1
        if self.pieces < PIECES - 2:
            began(self.number)
        time.sleep(options.seconds / PIECES)
        return self.piece


def began(number):
    with lock:
        sending.add(number)
        if len(sending) == options.sessions and options.started:
            open(options.started, "w").close()


def slowly(number, name, size):
    ftp = connect()
    store(ftp, name, Slowly(number, size), size)
    read_back(ftp, name, b"x" * size)
    leave(ftp)


def upload(number):
    slowly(number, "upload-%d" % number, PIECES * 52_428)


def stream(number):
    while not os.path.exists(options.stop):
        slowly(number, "stream-%d" % number, PIECES * 6_553)


def run(number):
    try:
        {"probe": probe, "upload": upload, "stream": stream}[options.mode](number)
    except Exception as error:  # every failure is a result of the suite
        with lock:
            at = time.strftime("%H:%M:%S", time.gmtime())
            errors.append("%s session %d: %s: %s" % (at, number, type(error).__name__, error))


started = time.time()
batch = 20 if options.mode == "probe" else options.sessions
for first in range(0, options.sessions, batch):
    threads = [
        threading.Thread(target=run, args=(number,))
        for number in range(first, min(first + batch, options.sessions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
result.update(errors=errors[:20], connections=connections)
result["seconds"] = round(time.time() - started, 1)
print(json.dumps(result))
