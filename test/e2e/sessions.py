"""Many FTP sessions at once from outside the cluster; prints one JSON line with what happened.

sessions.py ADDRESS USER PASSWORD COUNT MODE [MARKER]
  probe   every session lists, stores a small file, reads it back
  slow    every session uploads 2 MiB over about 20 seconds
  once    like probe, and prints the PASV reply too

MARKER: a file that is made when the first data of a slow upload was sent.
"""

import ftplib
import io
import json
import sys
import threading
import time

ADDRESS, USER, PASSWORD, COUNT, MODE = sys.argv[1:6]
MARKER = sys.argv[6] if len(sys.argv) > 6 else None
errors = []
lock = threading.Lock()


def connect():
    ftp = ftplib.FTP(timeout=60)
    ftp.connect(ADDRESS, 21)
    ftp.login(USER, PASSWORD)
    return ftp


def probe(number):
    ftp = connect()
    content = ("session %d " % number).encode() * 500
    ftp.nlst()
    ftp.storbinary("STOR probe-%d" % number, io.BytesIO(content))
    back = io.BytesIO()
    ftp.retrbinary("RETR probe-%d" % number, back.write)
    if back.getvalue() != content:
        raise AssertionError("other bytes came back")
    ftp.quit()


class Slowly(io.RawIOBase):
    """2 MiB in 40 pieces, half a second apart."""

    def __init__(self):
        self.pieces = 40

    def read(self, _size=-1):
        if self.pieces == 0:
            return b""
        self.pieces -= 1
        if self.pieces < 38 and MARKER:
            open(MARKER, "w").close()
        time.sleep(0.5)
        return b"x" * (2 * 1024 * 1024 // 40)


def slow(number):
    ftp = connect()
    reply = ftp.storbinary("STOR slow-%d" % number, Slowly())
    if not reply.startswith("226"):
        raise AssertionError(reply)


def run(number):
    try:
        {"probe": probe, "once": probe, "slow": slow}[MODE](number)
    except Exception as error:  # every failure is a result of the suite
        with lock:
            errors.append("%d: %s: %s" % (number, type(error).__name__, error))


def main():
    result = {}
    if MODE == "once":
        ftp = connect()
        result["pasv"] = ftp.sendcmd("PASV")
        ftp.close()
    started = time.time()
    batch = 20
    for first in range(0, int(COUNT), batch):
        threads = [
            threading.Thread(target=run, args=(number,))
            for number in range(first, min(first + batch, int(COUNT)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    result.update(sessions=int(COUNT), failed=len(errors), errors=errors[:10])
    result["seconds"] = round(time.time() - started, 1)
    print(json.dumps(result))


main()
